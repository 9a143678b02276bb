"""The queue of ordered reports, and the one of those that failed."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from constructs import Construct

ATTEMPTS = 3
DAYS = 24 * 60 * 60


class Queues(Construct):
    """Messages move to the second queue after three attempts, which raises an alarm."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix

        self.failed = SqsQueue(
            self,
            "failed",
            name=self._name("failed"),
            message_retention_seconds=14 * DAYS,
            sqs_managed_sse_enabled=True,
        )

        self.orders = SqsQueue(
            self,
            "orders",
            name=self._name("orders"),
            visibility_timeout_seconds=360,
            message_retention_seconds=4 * DAYS,
            sqs_managed_sse_enabled=True,
            redrive_policy=json.dumps({"deadLetterTargetArn": self.failed.arn, "maxReceiveCount": ATTEMPTS}),
        )

        CloudwatchMetricAlarm(
            self,
            "failed_alarm",
            alarm_name=self._name("failed"),
            alarm_description="A report could not be written",
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": self.failed.name},
            statistic="Maximum",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            period=300,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
        )

    def _name(self, part: str) -> str:
        return f"reports-{part}-{self.environment_suffix}"
