"""Where mail arrives."""

import json

from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.ses_receipt_rule import SesReceiptRule, SesReceiptRuleS3Action
from cdktf_cdktf_provider_aws.ses_receipt_rule_set import SesReceiptRuleSet
from constructs import Construct

RETENTION_DAYS = 30


class Inbox(Construct):
    """A bucket into which SES puts the mail to one address."""

    def __init__(self, scope: Construct, id_: str, *, domain_name: str, environment_suffix: str, account_id: str):
        self.bucket = S3Bucket(self, "bucket", bucket=f"shop-inbox-{environment_suffix}")

        S3BucketPublicAccessBlock(
            self,
            "public_access_block",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )

        S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=self.bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="delete-old-mail",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=RETENTION_DAYS)],
                )
            ],
        )

        objects = self.bucket + "/*"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ses.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": objects,
            "Condition": {"StringEquals": {"AWS:SourceAccount": account_id}},
        }
        policy = S3BucketPolicy(
            self,
            "policy",
            bucket=self.bucket.id,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

        rules = SesReceiptRuleSet(self, "rules", rule_set_name=f"shop-{environment_suffix}")
        SesReceiptRule(
            self,
            "orders",
            name="store-orders",
            rule_set_name=rules.rule_set_name,
            recipients=[f"orders@{domain_name}"],
            enabled=True,
            scan_enabled=True,
            tls_policy="Require",
            s3_action=[SesReceiptRuleS3Action(bucket_name=self.bucket.bucket, object_key_prefix="orders/", position=1)],
            depends_on=[policy],
        )
