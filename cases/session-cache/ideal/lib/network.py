"""The private network of the cache, and who may talk to whom in it."""

from cdktf import Fn
from cdktf_cdktf_provider_aws.data_aws_availability_zones import DataAwsAvailabilityZones
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

REDIS_PORT = 6379


class CacheNetwork(Construct):
    """Two private subnets; only members of the application's group reach the cache."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix

        self.vpc = Vpc(
            self,
            "vpc",
            cidr_block="10.60.0.0/16",
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": f"session-cache-{environment_suffix}"},
        )

        zones = DataAwsAvailabilityZones(self, "zones", state="available")
        self.subnets = [
            Subnet(
                self,
                f"private_{index}",
                vpc_id=self.vpc.id,
                cidr_block=f"10.60.{index}.0/24",
                availability_zone=Fn.element(zones.names, index),
                tags={"Name": f"session-cache-{index}-{environment_suffix}"},
            )
            for index in range(2)
        ]
        self.private_subnet_ids = [subnet.id for subnet in self.subnets]

        self.application_group = self._security_group("application", "Sessions are read and written from here")
        self.cache_group = self._security_group("cache", "Redis")
        self._connect_groups()

    def _security_group(self, name: str, description: str):
        return SecurityGroup(
            self,
            f"{name}_group",
            name=f"session-{name}-{self.environment_suffix}",
            description=description,
            vpc_id=self.vpc.id,
        )

    def _connect_groups(self):
        VpcSecurityGroupEgressRule(
            self,
            "application_to_cache",
            security_group_id=self.application_group.id,
            referenced_security_group_id=self.cache_group.id,
            ip_protocol="tcp",
            from_port=REDIS_PORT,
            to_port=REDIS_PORT,
        )
        VpcSecurityGroupIngressRule(
            self,
            "cache_from_application",
            security_group_id=self.cache_group.id,
            referenced_security_group_id=self.application_group.id,
            ip_protocol="tcp",
            from_port=REDIS_PORT,
            to_port=REDIS_PORT,
        )
