"""The network: a VPC without a way to the internet."""

import os

from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from constructs import Construct


class NetworkingStack(Construct):
    """A VPC with three private subnets; there is no internet gateway and no NAT."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.vpc_cidr = "10.0.0.0/16"

        self.vpc = Vpc(self, 'vpc', cidr_block=self.vpc_cidr, enable_dns_hostnames=True, enable_dns_support=True, tags={"Name": f"payment-vpc-{environment_suffix}"})

        # The default group stays empty: nothing may use it
        DefaultSecurityGroup(self, "default_security_group", vpc_id=self.vpc.id)

        self.azs = DataAwsAvailabilityZones(self, "azs", state="available")

        self.private_route_table = RouteTable(
            self,
            "private_route_table",
            vpc_id=self.vpc.id,
            tags={"Name": f"payment-private-{environment_suffix}"},
        )

        self.private_subnets = []
        for i in range(3):
            subnet = Subnet(
                self,
                f"private_subnet_{i}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.0.{i}.0/24",
                availability_zone=f"${{element({self.azs.names}, {i})}}",
                map_public_ip_on_launch=False,
                tags={"Name": f"payment-private-{i}-{environment_suffix}", "Tier": "private"},
            )
            self.private_subnets.append(subnet)

            RouteTableAssociation(
                self,
                f"private_route_table_association_{i}",
                subnet_id=subnet.id,
                route_table_id=self.private_route_table.id,
            )
