"""The function that enriches clicks on their way to the bucket."""

import json

from cdktf import Fn
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction, LambdaFunctionEnvironment
from constructs import Construct

ARCHIVE = "handlers/enrich.zip"


class Enrichment(Construct):
    """A function with its role; what it rejects goes to a stream of its own."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, rejected_stream_arn: str):
        super().__init__(scope, id_)

        role = IamRole(
            self,
            "role",
            name=f"clickstream-enrich-{environment_suffix}",
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
            managed_policy_arns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"],
        )
        IamRolePolicy(
            self,
            "role_policy",
            name="reject-clicks",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["kinesis:PutRecord", "kinesis:PutRecords"],
                            "Resource": rejected_stream_arn,
                        }
                    ],
                }
            ),
        )

        self.function = LambdaFunction(
            self,
            "function",
            function_name=f"clickstream-enrich-{environment_suffix}",
            role=role.arn,
            runtime="python3.12",
            architectures=["arm64"],
            handler="index.handler",
            timeout=60,
            memory_size=256,
            filename=ARCHIVE,
            source_code_hash=Fn.filebase64sha256(ARCHIVE),
            environment=LambdaFunctionEnvironment(variables={"REJECTED_STREAM_ARN": rejected_stream_arn}),
        )
