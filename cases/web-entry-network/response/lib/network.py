"""A network whose subnets all reach the internet."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct


class Network(Construct):
    """A VPC with a public subnet in each of three availability zones."""

    def __init__(self, scope: Construct, id_: str, *, name: str, zones: list):
        super().__init__(scope, id_)
        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block="10.60.0.0/16",
            enable_dns_hostnames=True,
            tags={"Name": name},
        )
        gateway = InternetGateway(self, "gateway", vpc_id=self.vpc.id, tags={"Name": name})
        self.route_table = RouteTable(
            self,
            "routes",
            vpc_id=self.vpc.id,
            route=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}],
            tags={"Name": name},
        )

        self.subnets = []
        for index in range(len(zones)):
            subnet = Subnet(
                self,
                f"subnet_{index}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.60.{index}.0/24",
                availability_zone=Fn.element(zones, index),
                tags={"Name": f"{name}-{index}"},
            )
            RouteTableAssociation(
                self,
                f"association_{index}",
                subnet_id=subnet.id,
                route_table_id=self.route_table.id,
            )
            self.subnets.append(subnet)
