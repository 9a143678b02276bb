"""The function behind the API, and what it is allowed to do."""

import json
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionEnvironment,
    LambdaFunctionTracingConfig,
)
from constructs import Construct

SOURCES = Path(__file__).resolve().parent.parent / "functions" / "orders"


class OrdersFunction(Construct):
    """A function with a log group of its own and a role for one table."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, table: DynamodbTable):
        super().__init__(scope, id)

        name = f"orders-{environment_suffix}"

        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            name=f"/aws/lambda/{name}",
            retention_in_days=90,
        )

        role = IamRole(
            self,
            "role",
            name_prefix=f"{name}-",
            description="Lets the orders function use its table and its logs",
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

        permissions = IamRolePolicy(
            self,
            "permissions",
            name="orders",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Table",
                            "Effect": "Allow",
                            "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                            "Resource": [table.arn, f"{table.arn}/index/*"],
                        },
                        {
                            "Sid": "Logs",
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": f"{log_group.arn}:*",
                        },
                        {
                            "Sid": "Traces",
                            "Effect": "Allow",
                            "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                            "Resource": "*",
                        },
                    ],
                }
            ),
        )

        package = TerraformAsset(self, "package", path=str(SOURCES), type=AssetType.ARCHIVE)

        self.orders_function = LambdaFunction(
            self,
            "orders_function",
            function_name=name,
            description="Stores and reads orders",
            role=role.arn,
            runtime="python3.12",
            handler="handler.handle",
            filename=package.path,
            source_code_hash=package.asset_hash,
            timeout=10,
            memory_size=256,
            environment=LambdaFunctionEnvironment(variables={"ORDERS_TABLE": table.name}),
            tracing_config=LambdaFunctionTracingConfig(mode="Active"),
            depends_on=[log_group, permissions],
        )
