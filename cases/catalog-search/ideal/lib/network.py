"""The private network of search and cache."""

from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

APPLICATION_NETWORK = "10.60.0.0/16"
OPEN_PORTS = {"https": 443, "redis": 6379}


class Network(Construct):
    """Two private subnets, and a security group that lets the applications in."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, region: str):
        super().__init__(scope, id)

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block="10.40.0.0/16",
            enable_dns_hostnames=True,
            tags={"Name": f"search-{environment_suffix}"},
        )
        self.subnets = [
            Subnet(
                self,
                f"subnet_{zone}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.40.{index}.0/24",
                availability_zone=f"{region}{zone}",
                tags={"Name": f"search-{index}-{environment_suffix}"},
            )
            for index, zone in enumerate("ab")
        ]

        self.group = SecurityGroup(
            self,
            "group",
            name=f"search-{environment_suffix}",
            description="Search and cache, for the applications only",
            vpc_id=self.vpc.id,
        )
        for name, port in OPEN_PORTS.items():
            VpcSecurityGroupIngressRule(
                self,
                f"from_applications_{name}",
                security_group_id=self.group.id,
                cidr_ipv4=APPLICATION_NETWORK,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
            )

    @property
    def subnet_ids(self) -> list[str]:
        """The ids of both subnets."""
        return [subnet.id for subnet in self.subnets]
