"""The stack of the product search."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.cache import Cache
from lib.network import Network
from lib.search import Search
from lib.snapshots import Snapshots


class SearchStack(TerraformStack):
    """OpenSearch and Redis in a private network, snapshots in two regions."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        region: str = "eu-west-1",
        twin_region: str = "eu-central-1",
    ):
        super().__init__(scope, id)

        tags = AwsProviderDefaultTags(tags={"Product": "search", "Environment": environment_suffix})
        AwsProvider(self, "aws", region=region, default_tags=[tags])
        twin = AwsProvider(
            self,
            "aws_twin",
            alias="twin",
            region=twin_region,
            default_tags=[tags],
        )

        network = Network(self, "network", environment_suffix=environment_suffix, region=region)
        search = Search(self, "search", environment_suffix=environment_suffix, network=network)
        cache = Cache(self, "cache", environment_suffix=environment_suffix, network=network)
        snapshots = Snapshots(self, "snapshots", environment_suffix=environment_suffix, twin_provider=twin)

        TerraformOutput(self, "search_endpoint", value=search.domain.endpoint)
        TerraformOutput(self, "cache_endpoint", value=cache.group.primary_endpoint_address)
        TerraformOutput(self, "snapshot_bucket", value=snapshots.bucket.bucket)
        TerraformOutput(self, "twin_bucket", value=snapshots.twin.bucket)
