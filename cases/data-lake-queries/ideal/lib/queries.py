"""Where questions about the readings are asked."""

from cdktf_cdktf_provider_aws.athena_named_query import AthenaNamedQuery
from cdktf_cdktf_provider_aws.athena_workgroup import (
    AthenaWorkgroup,
    AthenaWorkgroupConfiguration,
    AthenaWorkgroupConfigurationResultConfiguration,
    AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration,
)
from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from constructs import Construct

from lib.storage import Storage

GIBIBYTE = 1024**3
DAILY_READINGS = """
SELECT sensor, date(measured_at) AS day, count(*) AS readings
FROM readings
GROUP BY sensor, date(measured_at)
ORDER BY day, sensor
"""


class Queries(Construct):
    """A work group with a limit, and the query that everybody asks for."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        storage: Storage,
        database: GlueCatalogDatabase,
    ):
        super().__init__(scope, id_)

        self.workgroup = AthenaWorkgroup(
            self,
            "workgroup",
            name=f"sensor-analysis-{environment_suffix}",
            configuration=AthenaWorkgroupConfiguration(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=10 * GIBIBYTE,
                result_configuration=AthenaWorkgroupConfigurationResultConfiguration(
                    output_location=f"s3://{storage.results.bucket}/queries/",
                    encryption_configuration=AthenaWorkgroupConfigurationResultConfigurationEncryptionConfiguration(
                        encryption_option="SSE_KMS",
                        kms_key_arn=storage.key.arn,
                    ),
                ),
            ),
        )

        AthenaNamedQuery(
            self,
            "daily_readings",
            name=f"daily-readings-{environment_suffix}",
            description=f"Readings a day and sensor, for {self.workgroup.name}",
            workgroup=self.workgroup.id,
            database=database.name,
            query=DAILY_READINGS.strip(),
        )
