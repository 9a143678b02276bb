"""The Lambda functions that do the work of each step."""

import json
import os

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
)
from constructs import Construct

HANDLERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "handlers", "orders")


class OrderFunctions(Construct):
    """One function a step, all from the same archive and with the same role."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix
        self.code = TerraformAsset(self, "code", path=HANDLERS, type=AssetType.ARCHIVE)
        self.log_groups = []
        self.role = self._create_role()

        self.validate = self._create_function("validate", "index.validate", timeout=10)
        self.charge = self._create_function("charge", "index.charge", timeout=30)
        self.ship = self._create_function("ship", "index.ship", timeout=15)

        self._allow_logging()

    @property
    def arns(self):
        """The ARNs of all functions, in the order of the steps."""
        return [self.validate.arn, self.charge.arn, self.ship.arn]

    def _create_role(self):
        return IamRole(
            self,
            "role",
            name=f"order-functions-{self.environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )

    def _create_function(self, step: str, handler: str, timeout: int):
        name = f"order-{step}-{self.environment_suffix}"
        log_group = CloudwatchLogGroup(self, f"{step}_logs", name=f"/aws/lambda/{name}", retention_in_days=30)
        self.log_groups.append(log_group)
        return LambdaFunction(
            self,
            step,
            function_name=name,
            role=self.role.arn,
            runtime="python3.12",
            architectures=["arm64"],
            handler=handler,
            timeout=timeout,
            memory_size=256,
            filename=self.code.path,
            source_code_hash=self.code.asset_hash,
            environment=LambdaFunctionEnvironment(variables={"STAGE": self.environment_suffix}),
            logging_config=LambdaFunctionLoggingConfig(log_format="JSON", log_group=log_group.name),
        )

    def _allow_logging(self):
        IamRolePolicy(
            self,
            "role_policy",
            name="write-logs",
            role=self.role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": [f"{group.arn}:*" for group in self.log_groups],
                        }
                    ],
                }
            ),
        )
