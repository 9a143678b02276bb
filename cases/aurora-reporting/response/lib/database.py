"""The Aurora cluster."""

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.rds_cluster import RdsCluster
from cdktf_cdktf_provider_aws.rds_cluster_instance import RdsClusterInstance
from constructs import Construct

ENGINE = "aurora-postgresql"
ENGINE_VERSION = "15.4"
INSTANCES = ("writer", "reader")


class Database(Construct):
    """Aurora PostgreSQL with a writer and a reader; RDS keeps the master password."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        subnet_ids: list[str],
        security_group_id: str,
        data_key_arn: str,
        logs_key_arn: str,
        cluster_parameter_group_name: str,
        instance_parameter_group_name: str,
    ):
        super().__init__(scope, id)

        identifier = f"Reporting_{environment_suffix}"

        subnet_group = DbSubnetGroup(
            self,
            "subnet_group",
            name=identifier,
            description="Subnet group of the reporting cluster",
            subnet_ids=subnet_ids,
        )

        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            name=f"/aws/rds/cluster/{identifier}/postgresql",
            retention_in_days=180,
            kms_key_id=logs_key_arn,
        )

        self.cluster = RdsCluster(
            self,
            "cluster",
            cluster_identifier=identifier,
            engine=ENGINE,
            engine_version=ENGINE_VERSION,
            database_name="reporting",
            master_username="reporting_admin",
            manage_master_user_password=True,
            master_user_secret_kms_key_id=data_key_arn,
            iam_database_authentication_enabled=True,
            db_subnet_group_name=subnet_group.name,
            vpc_security_group_ids=[security_group_id],
            db_cluster_parameter_group_name=cluster_parameter_group_name,
            storage_encrypted=True,
            kms_key_id=data_key_arn,
            backup_retention_period=14,
            preferred_backup_window="02:00-03:00",
            preferred_maintenance_window="sun:04:00-sun:05:00",
            enabled_cloudwatch_logs_exports=["postgresql"],
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            final_snapshot_identifier=f"{identifier}-final",
            depends_on=[log_group],
        )

        for name in INSTANCES:
            RdsClusterInstance(
                self,
                name,
                identifier=f"{identifier}-{name}",
                cluster_identifier=self.cluster.id,
                engine=ENGINE,
                engine_version=ENGINE_VERSION,
                instance_class="db.r6g.large",
                db_parameter_group_name=instance_parameter_group_name,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=data_key_arn,
                auto_minor_version_upgrade=True,
                tags={"Role": name, "PromotionTier": INSTANCES.index(name)},
            )
