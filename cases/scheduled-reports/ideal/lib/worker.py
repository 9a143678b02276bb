"""The function that writes the reports."""

import json
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import LambdaEventSourceMapping
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction
from constructs import Construct

HANDLERS = Path(__file__).resolve().parent.parent / "handlers"


class Worker(Construct):
    """A function that the queue feeds."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, queue_arn: str):
        super().__init__(scope, id_)
        name = f"reports-worker-{environment_suffix}"

        code = TerraformAsset(self, "code", path=str(HANDLERS / "worker"), type=AssetType.ARCHIVE)
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

        read_queue = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        write_log = ["logs:CreateLogStream", "logs:PutLogEvents"]
        permission = IamRolePolicy(
            self,
            "work",
            name="work-on-orders",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": read_queue, "Resource": queue_arn},
                        {"Effect": "Allow", "Action": write_log, "Resource": f"{log_group.arn}:*"},
                    ],
                }
            ),
        )

        function = LambdaFunction(
            self,
            "function",
            function_name=name,
            role=role.arn,
            runtime="python3.12",
            handler="index.handler",
            filename=code.path,
            source_code_hash=code.asset_hash,
            timeout=60,
            memory_size=512,
        )

        LambdaEventSourceMapping(
            self,
            "orders",
            event_source_arn=queue_arn,
            function_name=function.function_name,
            batch_size=1,
            function_response_types=["ReportBatchItemFailures"],
            depends_on=[permission],
        )
