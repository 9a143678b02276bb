"""One private network: a VPC, its subnets and route tables, and its security group."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

SUBNETS = 2


class Network(Construct):
    """A VPC `10.<octet>.0.0/16` with two private subnets, each with a route table of its own."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        octet: int,
        internet_access: bool = False,
    ):
        super().__init__(scope, id_)
        self.name = name
        self.cidr = f"10.{octet}.0.0/16"

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block=self.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": name},
        )

        zones = DataAwsAvailabilityZones(self, "zones", state="available")

        self.subnets = []
        self.route_tables = []
        for index in range(SUBNETS):
            self._add_subnet(index, f"10.{octet}.{index}.0/24", Fn.element(zones.names, index))

        self.security_group = self._create_security_group()

        if internet_access:
            self._open_to_internet()

    def _add_subnet(self, index: int, cidr: str, zone: str):
        subnet = Subnet(
            self,
            f"subnet_{index}",
            vpc_id=self.vpc.id,
            cidr_block=cidr,
            availability_zone=zone,
            tags={"Name": f"{self.name}-{index}"},
        )
        route_table = RouteTable(self, f"routes_{index}", vpc_id=self.vpc.id, tags={"Name": f"{self.name}-{index}"})
        RouteTableAssociation(
            self,
            f"association_{index}",
            subnet_id=subnet.id,
            route_table_id=route_table.id,
        )
        self.subnets.append(subnet)
        self.route_tables.append(route_table)

    def _create_security_group(self):
        group = SecurityGroup(
            self,
            "members",
            name=f"{self.name}-members",
            description=f"Default members of {self.name}",
            vpc_id=self.vpc.id,
        )
        VpcSecurityGroupIngressRule(
            self,
            "from_inside",
            security_group_id=group.id,
            description="TCP from the network itself",
            cidr_block=self.cidr,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
        )
        VpcSecurityGroupEgressRule(
            self,
            "to_inside",
            security_group_id=group.id,
            description="TCP to the network itself",
            cidr_block=self.cidr,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
        )
        return group

    def _open_to_internet(self):
        gateway = InternetGateway(self, "internet_gateway", vpc=self.vpc.id, tags={"Name": self.name})
        for index, route_table in enumerate(self.route_tables):
            Route(
                self,
                f"internet_route_{index}",
                route_table_id=route_table.id,
                destination_cidr_block="0.0.0.0/0",
                gateway_id=gateway.id,
            )
