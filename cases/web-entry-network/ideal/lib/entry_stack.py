"""The stack of the network through which web traffic enters."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.entry import WebEntry
from lib.network import Network


class EntryStack(TerraformStack):
    """A public network, and the security group and address of what answers in it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-west-1"):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Project": "web-entry", "Environment": environment_suffix}}],
        )
        zones = DataAwsAvailabilityZones(self, "zones", state="available")
        network = Network(self, "network", name=f"web-entry-{environment_suffix}", zones=zones.names)
        entry = WebEntry(self, "entry", network=network, environment_suffix=environment_suffix)

        TerraformOutput(self, "vpc_id", value=network.vpc.id)
        TerraformOutput(self, "entry_security_group_id", value=entry.security_group.id)
