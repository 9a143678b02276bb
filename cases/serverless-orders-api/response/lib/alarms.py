"""Alarms on failing requests."""

from imports.aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from imports.aws.sns_topic import SnsTopic
from constructs import Construct


class Alarms(Construct):
    """One topic, two alarms."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, function_name: str, api_name: str):
        super().__init__(scope, id)

        self.topic = SnsTopic(self, "topic", name=f"orders-alarms-{environment_suffix}")

        watched = {
            "function_errors": ("AWS/Lambda", "Errors", {"FunctionName": function_name}),
            "api_errors": ("AWS/ApiGateway", "5XXError", {"ApiName": api_name, "Stage": environment_suffix}),
        }
        for name, (namespace, metric, dimensions) in watched.items():
            CloudwatchMetricAlarm(
                self,
                name,
                alarm_name=f"orders-{name.replace('_', '-')}-{environment_suffix}",
                namespace=namespace,
                metric_name=metric,
                dimensions=dimensions,
                statistic="Sum",
                comparison_operator="GreaterThanOrEqualToThreshold",
                threshold=3,
                period=60,
                evaluation_periods=2,
                treat_missing_data="notBreaching",
                alarm_actions=[self.topic.arn],
            )
