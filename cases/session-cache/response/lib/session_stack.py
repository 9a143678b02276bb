"""The stack of the session cache."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.cache import SessionCache
from lib.credentials import Credentials
from lib.network import CacheNetwork


class SessionCacheStack(TerraformStack):
    """Network, credentials and cache of one environment."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "ca-central-1"):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Service": "sessions", "Environment": environment_suffix}}],
        )

        network = CacheNetwork(self, "network", environment_suffix=environment_suffix)
        credentials = Credentials(self, "credentials", environment_suffix=environment_suffix)
        cache = SessionCache(
            self,
            "cache",
            environment_suffix=environment_suffix,
            network=network,
            credentials=credentials,
        )

        TerraformOutput(self, "endpoint", value=cache.group.primary_endpoint_address)
        TerraformOutput(self, "secret_arn", value=credentials.secret.arn)
        TerraformOutput(self, "application_security_group_id", value=network.application_group.id)
