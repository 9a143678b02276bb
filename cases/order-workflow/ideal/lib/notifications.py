"""Where people hear about orders."""

import json

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct


class Notifications(Construct):
    """A topic to which only this account may subscribe."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str):
        super().__init__(scope, id_)

        self.topic = SnsTopic(
            self,
            "topic",
            name=f"order-events-{environment_suffix}",
            display_name="Order events",
        )

        SnsTopicPolicy(
            self,
            "topic_policy",
            arn=self.topic.arn,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "AccountSubscribes",
                            "Effect": "Allow",
                            "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                            "Action": ["sns:Subscribe", "sns:Receive", "sns:GetTopicAttributes"],
                            "Resource": self.topic.arn,
                        },
                        {
                            "Sid": "AlarmsPublish",
                            "Effect": "Allow",
                            "Principal": {"Service": "cloudwatch.amazonaws.com"},
                            "Action": "sns:Publish",
                            "Resource": self.topic.arn,
                            "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
                        },
                    ],
                }
            ),
        )
