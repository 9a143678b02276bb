"""Audit storage: what is written here cannot be changed or removed for seven years."""

import json

from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_object_lock_configuration import (
    S3BucketObjectLockConfigurationA,
    S3BucketObjectLockConfigurationRuleA,
    S3BucketObjectLockConfigurationRuleDefaultRetentionA,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct


class StorageStack(Construct):
    """Two buckets, for audit records and for reports, versioned, encrypted and closed."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, kms_key_arn: str):
        super().__init__(scope, id)

        self.audit_bucket = S3Bucket(
            self,
            "audit_bucket",
            bucket=f"payment-audit-{environment_suffix}",
            object_lock_enabled=True,
            tags={"Name": f"payment-audit-{environment_suffix}", "DataClass": "audit"},
        )

        self.reports_bucket = S3Bucket(
            self,
            "reports_bucket",
            bucket=f"payment-reports-{environment_suffix}",
            tags={"Name": f"payment-reports-{environment_suffix}", "DataClass": "internal"},
        )

        audit_versioning = S3BucketVersioningA(
            self,
            "audit_bucket_versioning",
            bucket=self.audit_bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )

        S3BucketVersioningA(
            self,
            "reports_bucket_versioning",
            bucket=self.reports_bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )

        S3BucketObjectLockConfigurationA(
            self,
            "audit_bucket_object_lock",
            bucket=self.audit_bucket.id,
            rule=S3BucketObjectLockConfigurationRuleA(
                default_retention=S3BucketObjectLockConfigurationRuleDefaultRetentionA(mode="COMPLIANCE", years=7)
            ),
            depends_on=[audit_versioning],
        )

        for name, bucket in (("audit", self.audit_bucket), ("reports", self.reports_bucket)):
            S3BucketServerSideEncryptionConfigurationA(
                self,
                f"{name}_bucket_encryption",
                bucket=bucket.id,
                rule=[
                    S3BucketServerSideEncryptionConfigurationRuleA(
                        apply_server_side_encryption_by_default=S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                            sse_algorithm="aws:kms",
                            kms_master_key_id=kms_key_arn,
                        ),
                        bucket_key_enabled=True,
                    )
                ],
            )

            S3BucketPublicAccessBlock(
                self,
                f"{name}_bucket_public_access_block",
                bucket=bucket.id,
                block_public_acls=True,
                block_public_policy=True,
                ignore_public_acls=True,
                restrict_public_buckets=True,
            )

            tls_only_policy = {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "DenyInsecureTransport",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [bucket.arn, f"{bucket.arn}/*"],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                ],
            }

            S3BucketPolicy(
                self,
                f"{name}_bucket_policy",
                bucket=bucket.id,
                policy=json.dumps(tls_only_policy),
            )
