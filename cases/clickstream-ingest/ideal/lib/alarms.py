"""Who is told when clicks do not flow."""

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from constructs import Construct


class Alarms(Construct):
    """Three alarms and the topic that they go to."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        stream_name: str,
        function_name: str,
        delivery_name: str,
    ):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix
        self.topic = SnsTopic(
            self,
            "topic",
            name=f"clickstream-alarms-{environment_suffix}",
        )

        self._alarm(
            "iterator_age",
            namespace="AWS/Kinesis",
            metric_name="GetRecords.IteratorAgeMilliseconds",
            dimensions={"StreamName": stream_name},
            statistic="Maximum",
            threshold=600_000,
        )
        self._alarm(
            "enrichment_errors",
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions={"FunctionName": function_name},
            statistic="Sum",
            threshold=5,
        )
        self._alarm(
            "delivery_freshness",
            namespace="AWS/Firehose",
            metric_name="DeliveryToS3.DataFreshness",
            dimensions={"DeliveryStreamName": delivery_name},
            statistic="Maximum",
            threshold=1800,
        )

    def _alarm(self, name: str, *, namespace: str, metric_name: str, dimensions: dict, statistic: str, threshold: int):
        CloudwatchMetricAlarm(
            self,
            name,
            alarm_name=f"clickstream-{name}-{self.environment_suffix}",
            namespace=namespace,
            metric_name=metric_name,
            dimensions=dimensions,
            statistic=statistic,
            period=300,
            evaluation_periods=2,
            threshold=threshold,
            comparison_operator="GreaterThanThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[self.topic.arn],
        )
