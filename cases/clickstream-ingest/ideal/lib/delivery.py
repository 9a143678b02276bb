"""From the stream to the bucket."""

import json

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_stream import CloudwatchLogStream
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.kinesis_firehose_delivery_stream import (
    KinesisFirehoseDeliveryStream,
    KinesisFirehoseDeliveryStreamExtendedS3Configuration,
    KinesisFirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptions,
    KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfiguration,
    KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessors,
    KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorsParameters,
    KinesisFirehoseDeliveryStreamKinesisSourceConfiguration,
)
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from constructs import Construct

DAYS_KEPT = 400
PARTITION = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day_of_month=!{timestamp:dd}/"


class Delivery(Construct):
    """A bucket, and Firehose that fills it; optionally a second delivery from an archive."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        environment_suffix: str,
        stream_arn: str,
        function_arn: str,
        replay_stream_arn: str | None = None,
    ):
        super().__init__(scope, id_)
        self.environment_suffix = environment_suffix
        self.function_arn = function_arn

        self._create_bucket()
        self.role = self._create_role(stream_arn)
        self.delivery_stream = self._deliver("clicks", stream_arn)

        if replay_stream_arn:
            replay_role = self._create_role(replay_stream_arn, prefix="replay-")
            self.replay_stream = self._deliver("replay", replay_stream_arn, replay_role)

    def _create_bucket(self):
        self.bucket = S3Bucket(self, "bucket", bucket_prefix=f"clickstream-{self.environment_suffix}-")
        S3BucketPublicAccessBlock(
            self,
            "bucket_access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketLifecycleConfiguration(
            self,
            "bucket_lifecycle",
            bucket=self.bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="expire",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="clicks/")],
                    expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=DAYS_KEPT)],
                )
            ],
        )

    def _create_role(self, stream_arn: str, prefix: str = ""):
        role = IamRole(
            self,
            f"{prefix}role",
            name=f"clickstream-{prefix}delivery-{self.environment_suffix}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "firehose.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )
        IamRolePolicy(
            self,
            f"{prefix}role_policy",
            name="deliver-clicks",
            role=role.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Action": ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords"],
                            "Resource": stream_arn,
                        },
                        {
                            "Effect": "Allow",
                            "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucket"],
                            "Resource": [self.bucket.arn, f"{self.bucket.arn}/*"],
                        },
                        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{self.function_arn}:*"},
                    ],
                }
            ),
        )
        return role

    def _deliver(self, name: str, stream_arn: str, role: IamRole | None = None):
        role = role or self.role
        log_group = CloudwatchLogGroup(
            self,
            f"{name}_logs",
            name=f"/aws/kinesisfirehose/{name}-{self.environment_suffix}",
            retention_in_days=30,
        )
        log_stream = CloudwatchLogStream(self, f"{name}_errors", name="errors", log_group_name=log_group.name)

        return KinesisFirehoseDeliveryStream(
            self,
            f"{name}_delivery",
            name=f"{name}-{self.environment_suffix}",
            destination="extended_s3",
            kinesis_source_configuration=KinesisFirehoseDeliveryStreamKinesisSourceConfiguration(
                kinesis_stream_arn=stream_arn,
                role_arn=role.arn,
            ),
            extended_s3_configuration=KinesisFirehoseDeliveryStreamExtendedS3Configuration(
                bucket_arn=self.bucket.arn,
                role_arn=role.arn,
                prefix=f"{name}/{PARTITION}",
                error_output_prefix="errors/!{firehose:error-output-type}/",
                buffering_size=64,
                buffering_interval=300,
                compression_format="GZIP",
                cloudwatch_logging_options=KinesisFirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptions(
                    enabled=True,
                    log_group_name=log_group.name,
                    log_stream_name=log_stream.name,
                ),
                processing_configuration=self._processing(),
            ),
        )

    def _processing(self):
        parameter = KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessorsParameters(
            parameter_name="LambdaArn",
            parameter_value=f"{self.function_arn}:$LATEST",
        )
        return KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfiguration(
            enabled=True,
            processors=[
                KinesisFirehoseDeliveryStreamExtendedS3ConfigurationProcessingConfigurationProcessors(
                    type="Lambda",
                    parameters=[parameter],
                )
            ],
        )
