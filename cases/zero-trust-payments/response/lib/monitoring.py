"""Logs, metric filters and alarms."""

import json
from typing import Optional

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_metric_filter import (
    CloudwatchLogMetricFilter,
    CloudwatchLogMetricFilterMetricTransformation,
)
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.flow_log import FlowLog
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from constructs import Construct


class MonitoringStack(Construct):
    """Encrypted log groups, what is counted in them, and who is told."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        vpc_id: str,
        kms_key_arn: str,
        alerts_kms_key_arn: str,
    ):
        super().__init__(scope, id)
        self.environment_suffix = environment_suffix
        self.kms_key_arn = kms_key_arn
        current = DataAwsCallerIdentity(self, "current")
        self.account_id = current.account_id

        self.app_log_group = CloudwatchLogGroup(
            self,
            "app_log_group",
            name=f"/aws/payment/application-{environment_suffix}",
            retention_in_days=2555,
            kms_key_id=self.kms_key_arn,
        )

        self.flow_log_group = CloudwatchLogGroup(
            self,
            "flow_log_group",
            name=f"/aws/payment/vpc-flow-{environment_suffix}",
            retention_in_days=365,
            kms_key_id=self.kms_key_arn,
        )

        self._create_flow_log(vpc_id)
        self._create_alerts(alerts_kms_key_arn)

    def _create_flow_log(self, vpc_id: str):
        flow_log_role = IamRole(
            self,
            "flow_log_role",
            name=f"payment-flow-log-{self.environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "vpc-flow-logs.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                            "Condition": {"StringEquals": {"aws:SourceAccount": self.account_id}},
                        }
                    ],
                }
            ),
        )

        IamRolePolicy(
            self,
            "flow_log_role_policy",
            name="write-flow-logs",
            role=flow_log_role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": [
                                "logs:CreateLogStream",
                                "logs:PutLogEvents",
                                "logs:DescribeLogGroups",
                                "logs:DescribeLogStreams",
                            ],
                            "Resource": f"{self.flow_log_group.arn}:*",
                        }
                    ],
                }
            ),
        )

        FlowLog(
            self,
            "vpc_flow_log",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=self.flow_log_group.arn,
            iam_role_arn=flow_log_role.arn,
        )

    def _create_alerts(self, alerts_kms_key_arn: str):
        self.alert_topic = SnsTopic(
            self,
            "alert_topic",
            name=f"payment-alerts-{self.environment_suffix}",
            kms_master_key_id=alerts_kms_key_arn,
        )

        SnsTopicPolicy(
            self,
            "alert_topic_policy",
            arn=self.alert_topic.arn,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "AllowAlarms",
                            "Effect": "Allow",
                            "Principal": {"Service": "cloudwatch.amazonaws.com"},
                            "Action": "sns:Publish",
                            "Resource": self.alert_topic.arn,
                            "Condition": {"StringEquals": {"aws:SourceAccount": self.account_id}},
                        }
                    ],
                }
            ),
        )

        patterns = {
            "unauthorized_access": '{ $.errorCode = "AccessDenied" }',
            "failed_payment": '{ $.event = "payment_failed" }',
        }
        for name, pattern in patterns.items():
            CloudwatchLogMetricFilter(
                self,
                f"{name}_filter",
                name=f"payment-{name}-{self.environment_suffix}",
                log_group_name=self.app_log_group.name,
                pattern=pattern,
                metric_transformation=CloudwatchLogMetricFilterMetricTransformation(
                    name=f"payment-{name}-{self.environment_suffix}",
                    namespace="Payment/Security",
                    value="1",
                ),
            )

            CloudwatchMetricAlarm(
                self,
                f"{name}_alarm",
                alarm_name=f"payment-{name}-{self.environment_suffix}",
                comparison_operator="GreaterThanOrEqualToThreshold",
                evaluation_periods=1,
                metric_name=f'payment-{name}-{self.environment_suffix}',
                namespace='Payment/Security',
                period=300,
                statistic='Sum',
                threshold=5,
                treat_missing_data="notBreaching",
                alarm_actions=[self.alert_topic.arn],
            )
