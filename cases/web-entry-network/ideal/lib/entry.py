"""What may enter the network, and under which address."""

from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupEgress, SecurityGroupIngress
from constructs import Construct

from lib.network import Network


class WebEntry(Construct):
    """A security group for HTTPS, and a fixed address."""

    def __init__(self, scope: Construct, id_: str, *, network: Network, environment_suffix: str):
        super().__init__(scope, id_)
        self.security_group = SecurityGroup(
            self,
            "https",
            name=f"web-entry-{environment_suffix}",
            description="HTTPS from everywhere",
            vpc_id=network.vpc.id,
            ingress=[
                SecurityGroupIngress(
                    description="HTTPS",
                    from_port=443,
                    to_port=443,
                    protocol="tcp",
                    cidr_blocks=["0.0.0.0/0"],
                )
            ],
            egress=[
                SecurityGroupEgress(
                    description="Answers and updates",
                    from_port=0,
                    to_port=0,
                    protocol="-1",
                    cidr_blocks=["0.0.0.0/0"],
                )
            ],
        )
        self.address = Eip(
            self,
            "address",
            domain="vpc",
            tags={"Name": f"web-entry-{environment_suffix}", "Dedicated": tenancy_tag(environment_suffix)},
        )


def tenancy_tag(environment_suffix: str) -> str:
    """Only production has hardware of its own."""
    return "yes" if environment_suffix == "prod" else "no"
