"""The public network that the load balancer stands in."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct


class EdgeNetwork(Construct):
    """A VPC with two public subnets."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block="10.40.0.0/16",
            enable_dns_hostnames=True,
            tags={"Name": f"edge-vpc-{environment_suffix}"},
        )
        gateway = InternetGateway(self, "gateway", vpc_id=self.vpc.id)
        route_table = RouteTable(self, "public", vpc_id=self.vpc.id)
        Route(
            self,
            "to_internet",
            route_table_id=route_table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
        )

        zones = DataAwsAvailabilityZones(self, "zones", state="available")
        self.subnets = []
        for index in range(2):
            subnet = Subnet(
                self,
                f"public_{index}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.40.{index}.0/24",
                availability_zone=Fn.element(zones.names, index),
                tags={"Name": f"edge-public-{index}-{environment_suffix}"},
            )
            RouteTableAssociation(
                self,
                f"public_{index}_association",
                subnet_id=subnet.id,
                route_table_id=route_table.id,
            )
            self.subnets.append(subnet)
```
