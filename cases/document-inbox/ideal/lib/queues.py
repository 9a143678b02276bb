"""The queue of documents that wait, and the alarm when they wait too long."""

import json

from cdktf import Fn, Token
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from constructs import Construct


class Queues(Construct):
    """The jobs, what could not be read, and who notices."""

    def __init__(self, scope: Construct, id_: str, *, bucket: S3Bucket, environment_suffix: str):
        super().__init__(scope, id_)
        self.failed = SqsQueue(
            self,
            "failed",
            name=f"document-inbox-failed-{environment_suffix}",
            message_retention_seconds=1209600,
            sqs_managed_sse_enabled=True,
        )
        self.jobs = SqsQueue(
            self,
            "jobs",
            name=f"document-inbox-jobs-{environment_suffix}",
            visibility_timeout_seconds=360,
            receive_wait_time_seconds=20,
            max_message_size=65536,
            sqs_managed_sse_enabled=True,
            redrive_policy=json.dumps({"deadLetterTargetArn": self.failed.arn, "maxReceiveCount": 5}),
        )
        self.alarm = CloudwatchMetricAlarm(
            self,
            "waiting",
            alarm_name=f"document-inbox-waiting-{environment_suffix}",
            alarm_description=f"Documents of {bucket.id} wait too long",
            namespace="AWS/SQS",
            metric_name="ApproximateAgeOfOldestMessage",
            dimensions={"QueueName": Fn.element(Fn.split(":", self.jobs.arn), 5)},
            statistic="Maximum",
            comparison_operator="GreaterThanThreshold",
            threshold=Token.as_number(f"${{{self.jobs.fqn}.visibility_timeout_seconds + 60}}"),
            period=60,
            evaluation_periods=5,
        )
