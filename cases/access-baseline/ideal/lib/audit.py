"""The key, and the trail that is encrypted with it."""

import json

from cdktf_cdktf_provider_aws.cloudtrail import Cloudtrail
from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct


class AuditKey(Construct):
    """A key for the account's administrators and for the trail."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str, trail_arn: str):
        super().__init__(scope, id_)

        self.key = KmsKey(
            self,
            "key",
            description="Audit records of the account",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            policy=json.dumps(self._policy(account_id, trail_arn)),
        )
        KmsAlias(self, "alias", name=f"alias/audit-{environment_suffix}", target_key_id=self.key.key_id)

    def _policy(self, account_id: str, trail_arn: str):
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Administrators",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account_id}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Sid": "TrailEncrypts",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudtrail.amazonaws.com"},
                    "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
                },
            ],
        }


class AuditTrail(Construct):
    """A bucket for audit records, and the trail that fills it."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str, account_id: str, key_arn: str):
        super().__init__(scope, id_)

        self.bucket = S3Bucket(
            self,
            "bucket",
            bucket_prefix=f"audit-{environment_suffix}-",
            tags={"Content": "audit records", "RetentionDays": "365"},
        )
        S3BucketVersioningA(
            self,
            "bucket_versioning",
            bucket=self.bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        access = S3BucketPublicAccessBlock(
            self,
            "bucket_access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        policy = S3BucketPolicy(
            self,
            "bucket_policy",
            bucket=self.bucket.id,
            policy=json.dumps(self._bucket_policy(account_id)),
            depends_on=[access],
        )
        self.trail = Cloudtrail(
            self,
            "trail",
            name=f"account-{environment_suffix}",
            s3_bucket_name=self.bucket.id,
            kms_key_id=key_arn,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            depends_on=[policy],
        )

    def _bucket_policy(self, account_id: str):
        services = {"Service": ["cloudtrail.amazonaws.com", "config.amazonaws.com"]}
        own_account = {"aws:SourceAccount": account_id}
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "ServicesLook",
                    "Effect": "Allow",
                    "Principal": services,
                    "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                    "Resource": self.bucket.arn,
                    "Condition": {"StringEquals": own_account},
                },
                {
                    "Sid": "ServicesWrite",
                    "Effect": "Allow",
                    "Principal": services,
                    "Action": "s3:PutObject",
                    "Resource": f"{self.bucket.arn}/AWSLogs/{account_id}/*",
                    "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", **own_account}},
                },
            ],
        }
