"""The function that Cognito asks before it issues tokens."""

import json
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction, LambdaFunctionEnvironment
from constructs import Construct

from lib.naming import name_of

HANDLER = Path(__file__).resolve().parent.parent / "handlers" / "token_hook"


class TokenHook(Construct):
    """A Python function that can write its log and nothing else."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)
        name = name_of("token-hook", environment_suffix)

        code = TerraformAsset(self, "code", path=str(HANDLER), type=AssetType.ARCHIVE)

        log_group = CloudwatchLogGroup(self, "log", name=f"/aws/lambda/{name}", retention_in_days=30)

        role = IamRole(
            self,
            "role",
            name=name,
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

        IamRolePolicy(
            self,
            "write_log",
            name="write-log",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": f"{log_group.arn}:*",
                        }
                    ],
                }
            ),
        )

        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            role=role.arn,
            runtime="python3.12",
            handler="index.handler",
            filename=code.path,
            source_code_hash=code.asset_hash,
            timeout=5,
            environment=LambdaFunctionEnvironment(variables={"DEFAULT_GROUP": "members"}),
            depends_on=[log_group],
        )
