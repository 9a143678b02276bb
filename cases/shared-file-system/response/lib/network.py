"""Where the file system can be reached."""

from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

VPC_CIDR = "10.40.0.0/22"
ZONES = ["eu-west-1a", "eu-west-1b"]
SUBNET_CIDRS = ["10.40.0.0/24", "10.40.1.0/24"]
NFS_PORT = 2049


class Network(Construct):
    """A VPC with a private subnet per zone; NFS comes from inside only."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        vpc = Vpc(
            self,
            "vpc",
            cidr_block=VPC_CIDR,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": f"file-share-{environment_suffix}"},
        )

        self.subnet_ids = []
        for index, zone in enumerate(ZONES, start=1):
            cidr_block = SUBNET_CIDRS[index]
            subnet = Subnet(
                self,
                f"subnet_{zone}",
                vpc_id=vpc.id,
                availability_zone=zone,
                cidr_block=cidr_block,
                tags={"Name": f"file-share-{zone}-{environment_suffix}"},
            )
            self.subnet_ids.append(subnet.id)

        self.nfs = SecurityGroup(
            self,
            "nfs",
            name=f"file-share-nfs-{environment_suffix}",
            description="Allows NFS traffic from the VPC",
            vpc_id=vpc.id,
        )

        VpcSecurityGroupIngressRule(
            self,
            "nfs_from_vpc",
            security_group_id=self.nfs.id,
            description="NFS from the VPC",
            ip_protocol="tcp",
            from_port=NFS_PORT,
            to_port=NFS_PORT,
            cidr_ipv4=VPC_CIDR,
        )
