"""A private network with endpoints for what nodes have to reach."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupIngress
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from constructs import Construct

VPC_CIDR = "10.60.0.0/16"
INTERFACE_SERVICES = ("ecr.api", "ecr.dkr", "sts")


class Network(Construct):
    """Three private subnets; AWS is reached by VPC endpoints."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, region: str):
        super().__init__(scope, id)

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block=VPC_CIDR,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": f"platform-{environment_suffix}"},
        )
        zones = DataAwsAvailabilityZones(self, "zones", state="available")
        routes = RouteTable(self, "routes", vpc_id=self.vpc.id)

        self.subnets = []
        for index in range(3):
            subnet = Subnet(
                self,
                f"subnet_{index}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.60.{16 * index}.0/20",
                availability_zone=Fn.element(zones.names, index),
                tags={
                    "Name": f"platform-{index}-{environment_suffix}",
                    "kubernetes.io/role/internal-elb": "1",
                },
            )
            RouteTableAssociation(self, f"routes_{index}", subnet_id=subnet.id, route_table_id=routes.id)
            self.subnets.append(subnet)

        endpoint_group = SecurityGroup(
            self,
            "endpoint_group",
            name=f"platform-endpoints-{environment_suffix}",
            description="HTTPS from inside the VPC",
            vpc_id=self.vpc.id,
            ingress=[
                SecurityGroupIngress(
                    description="HTTPS",
                    from_port=443,
                    to_port=443,
                    protocol="tcp",
                    cidr_blocks=[VPC_CIDR],
                )
            ],
        )

        for service in INTERFACE_SERVICES:
            VpcEndpoint(
                self,
                f"{service.replace('.', '_')}_endpoint",
                vpc_id=self.vpc.id,
                service_name=f"com.amazonaws.{region}.{service}",
                vpc_endpoint_type="Interface",
                subnet_ids=[subnet.id for subnet in self.subnets],
                security_group_ids=[endpoint_group.id],
                private_dns_enabled=True,
            )

        VpcEndpoint(
            self,
            "s3_endpoint",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id],
        )
