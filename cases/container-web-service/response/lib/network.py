"""Public subnets for the load balancer, private ones for tasks."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.nat_gateway import NatGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct

ANYWHERE = "0.0.0.0/0"


class Network(Construct):
    """Two zones; tasks reach the internet through one NAT gateway."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block="10.20.0.0/16",
            enable_dns_hostnames=True,
            tags={"Name": f"web-{environment_suffix}"},
        )
        zones = DataAwsAvailabilityZones(self, "zones", state="available")

        def subnet(tier: str, index: int, number: int, public: bool) -> Subnet:
            return Subnet(
                self,
                f"{tier}_subnet_{index}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.20.{number}.0/24",
                availability_zone=Fn.element(zones.names, index),
                map_public_ip_on_launch=public,
                tags={"Name": f"web-{tier}-{index}-{environment_suffix}"},
            )

        self.public_subnets = [subnet("public", index, index, True) for index in range(2)]
        self.private_subnets = [subnet("private", index, 10 + index, False) for index in range(2)]

        gateway = InternetGateway(self, "internet_gateway", vpc_id=self.vpc.id)
        nat_address = Eip(self, "nat_address", domain="vpc")
        nat = NatGateway(
            self,
            "nat",
            allocation_id=nat_address.id,
            subnet_id=self.public_subnets[0].id,
            depends_on=[gateway],
        )

        public_routes = RouteTable(self, "public_routes", vpc_id=self.vpc.id)
        Route(
            self,
            "public_default_route",
            route_table_id=public_routes.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway.id,
        )
        private_routes = RouteTable(self, "private_routes", vpc_id=self.vpc.id)
        Route(
            self,
            "private_default_route",
            route_table_id=private_routes.id,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=nat.id,
        )

        for tier, subnets, table in (
            ("public", self.public_subnets, public_routes),
            ("private", self.private_subnets, private_routes),
        ):
            for index, member in enumerate(subnets):
                RouteTableAssociation(
                    self,
                    f"{tier}_association_{index}",
                    subnet_id=member.id,
                    route_table_id=table.id,
                )
