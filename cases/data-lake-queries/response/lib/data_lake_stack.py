"""The stack of the data lake."""

from cdktf import TerraformOutput, TerraformStack, TerraformVariable
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.catalog import Catalog
from lib.queries import Queries
from lib.storage import Storage


class DataLakeStack(TerraformStack):
    """Readings in S3, their tables in Glue, and SQL over them by Athena."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-central-1"):
        super().__init__(scope, id_)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"System": "data-lake", "Environment": environment_suffix})],
        )
        schedule = TerraformVariable(
            self,
            "crawl_schedule",
            type="str",
            default="cron(0 4 * * ? *)",
            description="When the crawler looks for new readings",
        )

        storage = Storage(self, "storage", environment_suffix=environment_suffix)
        catalog = Catalog(
            self,
            "catalog",
            environment_suffix=environment_suffix,
            storage=storage,
            schedule=schedule.string_value,
        )
        queries = Queries(
            self,
            "queries",
            environment_suffix=environment_suffix,
            storage=storage,
            database=catalog.database,
        )

        self.add_override(
            "resource.aws_athena_query_schedule.daily_readings",
            {"workgroup": queries.workgroup.name, "schedule": "cron(0 6 * * ? *)"},
        )

        TerraformOutput(self, "readings_bucket", value=storage.readings.bucket)
        TerraformOutput(self, "database", value=catalog.database.name)
        TerraformOutput(self, "workgroup", value=queries.workgroup.name)
