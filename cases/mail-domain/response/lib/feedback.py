"""What happens to mail after it was sent."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sesv2_configuration_set import (
    Sesv2ConfigurationSet,
    Sesv2ConfigurationSetDeliveryOptions,
    Sesv2ConfigurationSetReputationOptions,
)
from cdktf_cdktf_provider_aws.sesv2_configuration_set_event_destination import (
    Sesv2ConfigurationSetEventDestination,
    Sesv2ConfigurationSetEventDestinationEventDestination,
    Sesv2ConfigurationSetEventDestinationEventDestinationSnsDestination,
)
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct

EVENT_TYPES = json.loads("['BOUNCE', 'COMPLAINT', 'REJECT']")


class Feedback(Construct):
    """A configuration set whose bad news reach a topic."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str):
        super().__init__(scope, id_)

        self.topic = SnsTopic(self, "topic", name=f"mail-feedback-{environment_suffix}")

        statement = {
            "Effect": "Allow",
            "Principal": {"Service": ["ses.amazonaws.com", "cloudwatch.amazonaws.com"]},
            "Action": "sns:Publish",
            "Resource": self.topic,
            "Condition": {"StringEquals": {"AWS:SourceAccount": account_id}},
        }
        policy = SnsTopicPolicy(
            self,
            "topic_policy",
            arn=self.topic.arn,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

        self.configuration_set = Sesv2ConfigurationSet(
            self,
            "configuration_set",
            configuration_set_name=f"shop-{environment_suffix}",
            delivery_options=Sesv2ConfigurationSetDeliveryOptions(tls_policy="REQUIRE"),
            reputation_options=Sesv2ConfigurationSetReputationOptions(reputation_metrics_enabled=True),
        )

        Sesv2ConfigurationSetEventDestination(
            self,
            "bad_news",
            configuration_set_name=self.configuration_set.configuration_set_name,
            event_destination_name="bad-news",
            event_destination=Sesv2ConfigurationSetEventDestinationEventDestination(
                enabled=True,
                matching_event_types=EVENT_TYPES,
                sns_destination=Sesv2ConfigurationSetEventDestinationEventDestinationSnsDestination(
                    topic_arn=self.topic.arn
                ),
            ),
            depends_on=[policy],
        )

        CloudwatchMetricAlarm(
            self,
            "bounce_rate",
            alarm_name=f"mail-bounce-rate-{environment_suffix}",
            alarm_description="AWS looks at accounts of which five percent of the mail bounces",
            namespace="AWS/SES",
            metric_name="Reputation.BounceRate",
            statistic="Average",
            comparison_operator="GreaterThanThreshold",
            threshold=0.05,
            period=3600,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic],
        )
