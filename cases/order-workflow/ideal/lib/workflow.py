"""The state machine, and the event that starts it."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.sfn_state_machine import SfnStateMachine, SfnStateMachineLoggingConfiguration
from constructs import Construct

from lib.functions import OrderFunctions

RETRY = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": 2, "BackoffRate": 2}]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "ReportFailure"}]


class OrderWorkflow(Construct):
    """Validate, charge, ship; a failure at any step is reported."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        functions: OrderFunctions,
        topic_arn: str,
    ):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix

        self.log_group = CloudwatchLogGroup(
            self,
            "executions",
            name=f"/aws/vendedlogs/states/orders-{environment_suffix}",
            retention_in_days=90,
        )

        self.role = self._service_role("machine", "states.amazonaws.com")
        self._allow_machine(functions.arns, topic_arn)

        self.state_machine = SfnStateMachine(
            self,
            "state_machine",
            name=f"orders-{environment_suffix}",
            role_arn=self.role.arn,
            definition=json.dumps(self._definition(functions, topic_arn)),
            logging_configuration=SfnStateMachineLoggingConfiguration(
                level="ERROR",
                include_execution_data=False,
                log_destination=f"{self.log_group.arn}:*",
            ),
        )

        self._start_on_order()
        self._alarm_on_failures(topic_arn)

    def _definition(self, functions: OrderFunctions, topic_arn: str):
        return {
            "Comment": "From a placed order to a shipped one",
            "StartAt": "Validate",
            "TimeoutSeconds": 300,
            "States": {
                "Validate": self._task(functions.validate.arn, "Charge"),
                "Charge": self._task(functions.charge.arn, "Ship"),
                "Ship": self._task(functions.ship.arn, "Announce"),
                "Announce": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sns:publish",
                    "Parameters": {"TopicArn": topic_arn, "Message.$": "States.JsonToString($)"},
                    "End": True,
                },
                "ReportFailure": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sns:publish",
                    "Parameters": {"TopicArn": topic_arn, "Message.$": "States.JsonToString($.error)"},
                    "Next": "Failed",
                },
                "Failed": {"Type": "Fail", "Error": "OrderFailed"},
            },
        }

    def _task(self, function_arn: str, next_state: str):
        return {"Type": "Task", "Resource": function_arn, "Retry": RETRY, "Catch": CATCH, "Next": next_state}

    def _service_role(self, name: str, service: str):
        return IamRole(
            self,
            f"{name}_role",
            name=f"order-{name}-{self.environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
                    ],
                }
            ),
        )

    def _allow_machine(self, function_arns: list, topic_arn: str):
        IamRolePolicy(
            self,
            "machine_role_policy",
            name="run-orders",
            role=self.role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arns},
                        {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic_arn},
                        {
                            "Effect": "Allow",
                            "Action": [
                                "logs:CreateLogDelivery",
                                "logs:GetLogDelivery",
                                "logs:UpdateLogDelivery",
                                "logs:DeleteLogDelivery",
                                "logs:ListLogDeliveries",
                                "logs:PutResourcePolicy",
                                "logs:DescribeResourcePolicies",
                                "logs:DescribeLogGroups",
                            ],
                            "Resource": "*",
                        },
                    ],
                }
            ),
        )

    def _start_on_order(self):
        rule = CloudwatchEventRule(
            self,
            "order_placed",
            name=f"order-placed-{self.environment_suffix}",
            description="A customer placed an order",
            event_pattern=json.dumps({"source": ["shop.orders"], "detail-type": ["OrderPlaced"]}),
            state="ENABLED",
        )

        start_role = self._service_role("start", "events.amazonaws.com")
        IamRolePolicy(
            self,
            "start_role_policy",
            name="start-orders",
            role=start_role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": "states:StartExecution",
                            "Resource": self.state_machine.arn,
                        }
                    ],
                }
            ),
        )

        CloudwatchEventTarget(
            self,
            "order_target",
            rule=rule.name,
            arn=self.state_machine.arn,
            role_arn=start_role.arn,
            input_path="$.detail",
        )

    def _alarm_on_failures(self, topic_arn: str):
        CloudwatchMetricAlarm(
            self,
            "failed_orders",
            alarm_name=f"failed-orders-{self.environment_suffix}",
            namespace="AWS/States",
            metric_name="ExecutionsFailed",
            dimensions={"StateMachineArn": self.state_machine.arn},
            statistic="Sum",
            period=300,
            evaluation_periods=1,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="notBreaching",
            alarm_actions=[topic_arn],
        )
