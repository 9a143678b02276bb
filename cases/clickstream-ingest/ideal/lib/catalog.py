"""What makes the clicks queryable."""

from cdktf_cdktf_provider_aws.glue_catalog_database import GlueCatalogDatabase
from cdktf_cdktf_provider_aws.glue_catalog_table import (
    GlueCatalogTable,
    GlueCatalogTablePartitionKeys,
    GlueCatalogTableStorageDescriptor,
    GlueCatalogTableStorageDescriptorColumns,
    GlueCatalogTableStorageDescriptorSerDeInfo,
)
from constructs import Construct

COLUMNS = {
    "session_id": "string",
    "user_agent": "string",
    "url": "string",
    "timestamp": "bigint",
    "day": "string",
    "device": "string",
}


class Catalog(Construct):
    """A database with one table over the delivered objects."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, bucket_name: str):
        super().__init__(scope, id_)

        self.database = GlueCatalogDatabase(self, "database", name=f"clickstream_{environment_suffix}")

        self.table = GlueCatalogTable(
            self,
            "table",
            name="clicks",
            database_name=self.database.name,
            table_type="EXTERNAL_TABLE",
            parameters={"classification": "json", "compressionType": "gzip"},
            partition_keys=[
                GlueCatalogTablePartitionKeys(name=name, type="string") for name in ("year", "month", "day_of_month")
            ],
            storage_descriptor=GlueCatalogTableStorageDescriptor(
                location=f"s3://{bucket_name}/clicks/",
                input_format="org.apache.hadoop.mapred.TextInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                ser_de_info=GlueCatalogTableStorageDescriptorSerDeInfo(
                    serialization_library="org.openx.data.jsonserde.JsonSerDe",
                ),
                columns=[
                    GlueCatalogTableStorageDescriptorColumns(name=name, type=kind) for name, kind in COLUMNS.items()
                ],
            ),
        )
