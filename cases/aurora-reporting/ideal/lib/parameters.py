"""Parameter groups of cluster and instances."""

from cdktf_cdktf_provider_aws.db_parameter_group import DbParameterGroup, DbParameterGroupParameter
from cdktf_cdktf_provider_aws.rds_cluster_parameter_group import (
    RdsClusterParameterGroup,
    RdsClusterParameterGroupParameter,
)
from constructs import Construct

FAMILY = "aurora-postgresql15"


class Parameters(Construct):
    """TLS and slow statements for the cluster, statement statistics for the instances."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.cluster_group = RdsClusterParameterGroup(
            self,
            "cluster_group",
            name=f"reporting-cluster-{environment_suffix}",
            family=FAMILY,
            description="TLS only, slow statements are logged",
            parameter=[
                RdsClusterParameterGroupParameter(name="rds.force_ssl", value="1"),
                RdsClusterParameterGroupParameter(name="log_min_duration_statement", value="1000"),
            ],
        )

        self.instance_group = DbParameterGroup(
            self,
            "instance_group",
            name=f"reporting-instance-{environment_suffix}",
            family=FAMILY,
            description="Statement statistics",
            parameter=[
                DbParameterGroupParameter(
                    name="shared_preload_libraries",
                    value="pg_stat_statements",
                    apply_method="pending-reboot",
                )
            ],
        )
