"""Changes that could not be archived."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct


class FailedChanges(Construct):
    """A dead letter queue, and an alarm as soon as something lies in it."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str):
        super().__init__(scope, id)

        self.queue = SqsQueue(
            self,
            "queue",
            name=f"account-changes-failed-{environment_suffix}",
            message_retention_seconds=1209600,
            visibility_timeout_seconds=300,
            sqs_managed_sse_enabled=True,
        )

        SqsQueuePolicy(
            self,
            "queue_policy",
            queue_url=self.queue.url,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "TlsOnly",
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "sqs:*",
                            "Resource": self.queue.arn,
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                }
            ),
        )

        topic = SnsTopic(self, "topic", name=f"account-changes-alarms-{environment_suffix}")

        CloudwatchMetricAlarm(
            self,
            "failed_changes",
            alarm_name=f"account-changes-failed-{environment_suffix}",
            alarm_description="Changes of accounts could not be archived",
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": self.queue.name},
            statistic="Maximum",
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            period=60,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[topic.arn],
        )
