"""The catalogue of all photographs."""

from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.security_group import SecurityGroup, SecurityGroupIngress
from constructs import Construct

from lib.network import Network

PORT = 5432


class Catalogue(Construct):
    """A PostgreSQL database that only the indexer reaches."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        network: Network,
        client: SecurityGroup,
    ):
        super().__init__(scope, id_)

        security_group = SecurityGroup(
            self,
            "security_group",
            name=f"catalogue-{environment_suffix}",
            description="The catalogue, for the indexer",
            vpc_id=network.vpc.id,
            ingress=[
                SecurityGroupIngress(
                    protocol="tcp",
                    from_port=PORT,
                    to_port=PORT,
                    cidr_blocks=["0.0.0.0/0"],
                )
            ],
        )
        subnets = DbSubnetGroup(
            self,
            "subnets",
            name=f"catalogue-{environment_suffix}",
            subnet_ids=[subnet.id for subnet in network.subnets],
        )
        self.database = DbInstance(
            self,
            "database",
            identifier=f"catalogue-{environment_suffix}",
            engine="postgres",
            engine_version="16",
            instance_class="db.t4g.micro",
            allocated_storage=20,
            db_name="catalogue",
            username="archivist",
            manage_master_user_password=True,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[security_group.id],
            skip_final_snapshot=True,
        )
