"""The cache for queries that are asked again and again."""

from cdktf_cdktf_provider_aws.elasticache_replication_group import ElasticacheReplicationGroup
from cdktf_cdktf_provider_aws.elasticache_subnet_group import ElasticacheSubnetGroup
from constructs import Construct

from lib.network import Network


class Cache(Construct):
    """Redis with one replica."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, network: Network):
        super().__init__(scope, id)

        subnet_group = ElasticacheSubnetGroup(
            self,
            "subnet_group",
            name=f"search-cache-{environment_suffix}",
            subnet_ids=network.subnet_ids,
        )
        self.group = ElasticacheReplicationGroup(
            self,
            "group",
            replication_group_id=f"search-cache-{environment_suffix}",
            description="Results of frequent queries",
            engine="redis",
            engine_version="7",
            node_type="cache.t4g.small",
            num_cache_clusters=2,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            at_rest_encryption_enabled="true",
            transit_encryption_enabled=True,
            subnet_group_name=subnet_group.name,
            security_group_ids=[network.group.id],
        )
