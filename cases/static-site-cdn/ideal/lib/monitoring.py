"""Tells people when the site is failing."""

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct


class Monitoring(Construct):
    """An alarm on server errors; CloudFront's metrics live in us-east-1."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, distribution_id: str):
        super().__init__(scope, id)

        self.topic = SnsTopic(
            self,
            "topic",
            name=f"docs-site-alarms-{environment_suffix}",
        )

        CloudwatchMetricAlarm(
            self,
            "server_errors",
            alarm_name=f"docs-site-5xx-{environment_suffix}",
            alarm_description="More than one percent of the answers are server errors",
            namespace="AWS/CloudFront",
            metric_name="5xxErrorRate",
            dimensions={"DistributionId": distribution_id, "Region": "Global"},
            statistic="Average",
            comparison_operator="GreaterThanThreshold",
            threshold=1,
            period=300,
            evaluation_periods=3,
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic.arn],
        )
