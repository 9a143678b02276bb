"""The Redis replication group with its settings, its log and its alarms."""

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.elasticache_parameter_group import (
    ElasticacheParameterGroup,
    ElasticacheParameterGroupParameter,
)
from cdktf_cdktf_provider_aws.elasticache_replication_group import (
    ElasticacheReplicationGroup,
    ElasticacheReplicationGroupLogDeliveryConfiguration,
)
from cdktf_cdktf_provider_aws.elasticache_subnet_group import ElasticacheSubnetGroup
from constructs import Construct

from lib.credentials import Credentials
from lib.network import REDIS_PORT, CacheNetwork

LIMITS = {
    "EngineCPUUtilization": 80,
    "DatabaseMemoryUsagePercentage": 75,
    "Evictions": 0,
}


class SessionCache(Construct):
    """Two nodes in two zones; the replica takes over when the primary fails."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        network: CacheNetwork,
        credentials: Credentials,
    ):
        super().__init__(scope, id_)
        name = f"sessions-{environment_suffix}"

        subnet_group = ElasticacheSubnetGroup(self, "subnets", name=name, subnet_ids=network.private_subnet_ids)
        parameter_group = ElasticacheParameterGroup(
            self,
            "parameters",
            name=name,
            family="redis7",
            parameter=[ElasticacheParameterGroupParameter(name="maxmemory-policy", value="volatile-lru")],
        )
        slow_log = CloudwatchLogGroup(self, "slow_log", name=f"/elasticache/{name}/slow", retention_in_days=14)

        self.group = ElasticacheReplicationGroup(
            self,
            "group",
            replication_group_id=name,
            description="Sessions of the web application",
            engine="redis",
            engine_version="7.1",
            node_type="cache.t4g.small",
            port=REDIS_PORT,
            num_cache_clusters=2,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            subnet_group_name=subnet_group.name,
            security_group_ids=[network.cache_group.id],
            parameter_group_name=parameter_group.name,
            at_rest_encryption_enabled="true",
            kms_key_id=credentials.key.arn,
            transit_encryption_enabled=True,
            auth_token=credentials.token.random_password,
            snapshot_retention_limit=1,
            log_delivery_configuration=[
                ElasticacheReplicationGroupLogDeliveryConfiguration(
                    destination=slow_log.name,
                    destination_type="cloudwatch-logs",
                    log_format="json",
                    log_type="slow-log",
                )
            ],
        )

        credentials.publish(self.group.primary_endpoint_address, REDIS_PORT)
        self._create_alarms(name)

    def _create_alarms(self, name: str):
        for metric, limit in LIMITS.items():
            CloudwatchMetricAlarm(
                self,
                f"alarm_{metric}",
                alarm_name=f"{name}-{metric}",
                namespace="AWS/ElastiCache",
                metric_name=metric,
                dimensions={"ReplicationGroupId": self.group.replication_group_id},
                statistic="Maximum",
                period=300,
                evaluation_periods=2,
                threshold=limit,
                comparison_operator="GreaterThanThreshold",
                treat_missing_data="notBreaching",
            )
