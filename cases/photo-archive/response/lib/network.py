"""The private network of the photo archive."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.data_aws_region import DataAwsRegion
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct


class Network(Construct):
    """A VPC with two private subnets, and the endpoint through which they reach S3."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        self.region = DataAwsRegion(self, "region")
        zones = DataAwsAvailabilityZones(self, "zones", state="available")
        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block="10.40.0.0/16",
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": f"photo-archive-{environment_suffix}"},
        )
        routes = RouteTable(self, "routes", vpc_id=self.vpc.id)
        self.subnets = []
        for number in range(2):
            subnet = Subnet(
                self,
                f"private_{number}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.4{number}.0.0/24",
                availability_zone=Fn.element(zones.names, number),
            )
            RouteTableAssociation(
                self,
                f"private_{number}_routes",
                subnet_id=subnet.id,
                route_table_id=routes.id,
            )
            self.subnets.append(subnet)
        VpcEndpoint(
            self,
            "s3",
            vpc_id=self.vpc.id,
            service_name="com.amazonaws.eu-west-1.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id],
        )
