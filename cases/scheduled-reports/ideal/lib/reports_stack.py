"""The stack of the scheduled reports."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.queues import Queues
from lib.timetable import Timetable
from lib.worker import Worker


class ReportsStack(TerraformStack):
    """A timetable that fills a queue, and the function that works on it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-west-2"):
        super().__init__(scope, id_)
        version = "1.4.0"

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"Service": "reports", "Version": version})],
        )
        account_id = DataAwsCallerIdentity(self, "account").account_id

        queues = Queues(self, "queues", environment_suffix=environment_suffix)
        Timetable(
            self,
            "timetable",
            environment_suffix=environment_suffix,
            queue_arn=queues.orders.arn,
            account_id=account_id,
        )
        Worker(self, "worker", environment_suffix=environment_suffix, queue_arn=queues.orders.arn)

        TerraformOutput(self, "orders_url", value=queues.orders.url)
        TerraformOutput(self, "failed_url", value=queues.failed.url)
