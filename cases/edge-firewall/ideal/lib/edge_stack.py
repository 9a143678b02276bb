"""The stack at the edge of the storefront."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.balancer import Balancer
from lib.firewall import Firewall
from lib.network import EdgeNetwork


class EdgeStack(TerraformStack):
    """Network, load balancer and firewall of one environment."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        domain_name: str,
        zone_id: str,
        region: str = "eu-central-1",
    ):
        super().__init__(scope, id_)
        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[{"tags": {"Service": "storefront", "Environment": environment_suffix}}],
        )

        network = EdgeNetwork(self, "network", environment_suffix=environment_suffix)
        balancer = Balancer(
            self,
            "balancer",
            environment_suffix=environment_suffix,
            domain_name=domain_name,
            zone_id=zone_id,
            network=network,
        )
        firewall = Firewall(
            self,
            "firewall",
            environment_suffix=environment_suffix,
            domain_name=domain_name,
            protected_arn=balancer.load_balancer.arn,
        )

        TerraformOutput(self, "dns_name", value=balancer.load_balancer.dns_name)
        TerraformOutput(self, "web_acl_arn", value=firewall.web_acl.arn)
