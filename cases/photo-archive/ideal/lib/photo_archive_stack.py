"""The stack of the photo archive."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.catalogue import Catalogue
from lib.indexer import Indexer
from lib.network import Network
from lib.photographs import Photographs


class PhotoArchiveStack(TerraformStack):
    """Photographs in S3, an index of them in PostgreSQL, and the function that fills it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-west-1"):
        super().__init__(scope, id_)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"System": "photo-archive", "Environment": environment_suffix})],
        )
        network = Network(self, "network", environment_suffix=environment_suffix)
        photographs = Photographs(self, "photographs", environment_suffix=environment_suffix)
        indexer = Indexer(
            self,
            "indexer",
            environment_suffix=environment_suffix,
            network=network,
            photographs=photographs,
        )
        catalogue = Catalogue(
            self,
            "catalogue",
            environment_suffix=environment_suffix,
            network=network,
            client=indexer.security_group,
        )

        TerraformOutput(self, "bucket", value=photographs.bucket.bucket)
        TerraformOutput(self, "database", value=catalogue.database.address)
