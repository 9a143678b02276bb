"""The stack of the scheduled reports."""

import subprocess

import boto3
from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.queues import Queues
from lib.timetable import Timetable
from lib.worker import Worker


def version_from_git() -> str:
    """The latest tag of the repository."""
    return subprocess.check_output(["git", "describe", "--tags"], text=True).strip()


def current_account(region: str) -> str:
    """The account that the credentials belong to."""
    return boto3.client("sts", region_name=region).get_caller_identity()["Account"]


class ReportsStack(TerraformStack):
    """A timetable that fills a queue, and the function that works on it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, region: str = "eu-west-2"):
        super().__init__(scope, id_)
        version = version_from_git()

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[AwsProviderDefaultTags(tags={"Service": "reports", "Version": version})],
        )
        account_id = current_account(region)

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
