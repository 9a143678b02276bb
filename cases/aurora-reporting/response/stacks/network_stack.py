"""A network for databases: three subnets, nothing in or out."""

from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

VPC_CIDR = "10.40.0.0/16"
POSTGRES_PORT = 5432


class Network(Construct):
    """VPC with three isolated database subnets and the database security group."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block=VPC_CIDR,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": f"reporting-{environment_suffix}"},
        )

        zones = DataAwsAvailabilityZones(self, "zones", state="available")

        self.subnets = [
            Subnet(
                self,
                f"database_subnet_{index}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.40.{index}.0/24",
                availability_zone=f"${{element({zones.names}, {index})}}",
                tags={"Name": f"reporting-database-{index}-{environment_suffix}"},
            )
            for index in range(3)
        ]

        self.security_group = SecurityGroup(
            self,
            "database_security_group",
            name=f"reporting-database-{environment_suffix}",
            description="PostgreSQL from inside the VPC",
            vpc_id=self.vpc.id,
        )

        VpcSecurityGroupIngressRule(
            self,
            "postgres_from_vpc",
            security_group_id=self.security_group.id,
            description="Allow PostgreSQL from the VPC",
            cidr_ipv4=VPC_CIDR,
            ip_protocol="tcp",
            from_port=POSTGRES_PORT,
            to_port=POSTGRES_PORT,
        )
