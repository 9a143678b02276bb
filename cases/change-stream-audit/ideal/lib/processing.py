"""The function that carries changes from the stream to the archive."""

import json
from pathlib import Path

from cdktf import AssetType, TerraformAsset
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.dynamodb_table import DynamodbTable
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingDestinationConfig,
    LambdaEventSourceMappingDestinationConfigOnFailure,
)
from cdktf_cdktf_provider_aws.lambda_function import LambdaFunction, LambdaFunctionEnvironment
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from constructs import Construct

SOURCES = Path(__file__).resolve().parent.parent / "functions" / "archiver"
TWELVE_HOURS = 12 * 60 * 60


class Archiver(Construct):
    """A function, its role, and the mapping that feeds it from the stream."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        table: DynamodbTable,
        bucket: S3Bucket,
        dead_letters: SqsQueue,
    ):
        super().__init__(scope, id)
        name = f"account-changes-{environment_suffix}"

        log_group = CloudwatchLogGroup(
            self,
            "log_group",
            name=f"/aws/lambda/{name}",
            retention_in_days=30,
        )

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

        permissions = IamRolePolicy(
            self,
            "permissions",
            name="archive-changes",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Stream",
                            "Effect": "Allow",
                            "Action": [
                                "dynamodb:DescribeStream",
                                "dynamodb:GetRecords",
                                "dynamodb:GetShardIterator",
                            ],
                            "Resource": table.stream_arn,
                        },
                        {
                            "Sid": "Archive",
                            "Effect": "Allow",
                            "Action": "s3:PutObject",
                            "Resource": f"{bucket.arn}/changes/*",
                        },
                        {
                            "Sid": "DeadLetters",
                            "Effect": "Allow",
                            "Action": "sqs:SendMessage",
                            "Resource": dead_letters.arn,
                        },
                        {
                            "Sid": "Logs",
                            "Effect": "Allow",
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                            "Resource": f"{log_group.arn}:*",
                        },
                    ],
                }
            ),
        )

        package = TerraformAsset(self, "package", path=str(SOURCES), type=AssetType.ARCHIVE)

        self.function = LambdaFunction(
            self,
            "function",
            function_name=name,
            description="Writes changes of accounts to the archive",
            role=role.arn,
            runtime="python3.12",
            handler="handler.handle",
            filename=package.path,
            source_code_hash=package.asset_hash,
            timeout=60,
            memory_size=256,
            environment=LambdaFunctionEnvironment(variables={"ARCHIVE_BUCKET": bucket.bucket}),
            depends_on=[log_group],
        )

        LambdaEventSourceMapping(
            self,
            "stream_mapping",
            event_source_arn=table.stream_arn,
            function_name=self.function.arn,
            starting_position="TRIM_HORIZON",
            batch_size=100,
            maximum_retry_attempts=5,
            maximum_record_age_in_seconds=TWELVE_HOURS,
            bisect_batch_on_function_error=True,
            destination_config=LambdaEventSourceMappingDestinationConfig(
                on_failure=LambdaEventSourceMappingDestinationConfigOnFailure(destination_arn=dead_letters.arn)
            ),
            depends_on=[permissions],
        )
