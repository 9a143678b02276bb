"""The stack of the audit trail."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.archive import Archive
from lib.failures import FailedChanges
from lib.processing import Archiver
from lib.table import AccountsTable


class AuditStack(TerraformStack):
    """Table, archive, dead letters, and the function between them."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, region: str = "us-east-1"):
        super().__init__(scope, id)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"System": "audit-trail", "Environment": environment_suffix})],
        )

        accounts = AccountsTable(self, "accounts", environment_suffix=environment_suffix)
        archive = Archive(self, "archive", environment_suffix=environment_suffix)
        failed = FailedChanges(self, "failed", environment_suffix=environment_suffix)
        Archiver(
            self,
            "archiver",
            environment_suffix=environment_suffix,
            table=accounts.table,
            bucket=archive.bucket,
            dead_letters=failed.queue,
        )

        TerraformOutput(self, "table_name", value=accounts.table.name)
        TerraformOutput(self, "archive_bucket_name", value=archive.bucket.bucket)
        TerraformOutput(self, "dead_letter_queue_url", value="${aws_sqs_queue.queue.url}")
