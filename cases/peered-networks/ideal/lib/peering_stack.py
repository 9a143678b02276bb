"""The stack of the two peered networks."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.flow_logs import FlowLogs
from lib.networking import Network
from lib.peering import Peering


class PeeringStack(TerraformStack):
    """The networks of the services and of the data stores, connected and observed."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "us-west-2"):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Project": "network", "Environment": environment_suffix}}],
        )
        zones = DataAwsAvailabilityZones(self, "zones", state="available")

        services = Network(
            self,
            "services",
            name=f"services-{environment_suffix}",
            octet=10,
            zones=zones.names,
        )
        data = Network(
            self,
            "data",
            name=f"data-{environment_suffix}",
            octet=20,
            zones=zones.names,
        )
        peering = Peering(self, "peering", services=services, data=data, environment_suffix=environment_suffix)
        FlowLogs(self, "flow_logs", networks=[services, data], environment_suffix=environment_suffix)

        TerraformOutput(self, "services_vpc_id", value=services.vpc.id)
        TerraformOutput(self, "data_vpc_id", value=data.vpc.id)
        TerraformOutput(self, "peering_connection_id", value=peering.connection.id)
