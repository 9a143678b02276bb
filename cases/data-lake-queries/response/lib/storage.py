"""The buckets of the data lake, and the key that encrypts what lies in them."""

from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
)
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

RESULT_DAYS = 14


class Storage(Construct):
    """A bucket for readings and one for the results of queries."""

    def __init__(self, scope: Construct, id_: str, *, environment_suffix: str):
        super().__init__(scope, id_)

        self.key = KmsKey(
            self,
            "key",
            description=f"Readings and query results of {environment_suffix}",
            enable_key_rotation=True,
            deletion_window_in_days=14,
        )
        self.key.add_override("key_id", f"data-lake-{environment_suffix}")
        KmsAlias(
            self,
            "key_alias",
            name=f"data-lake-{environment_suffix}",
            target_key_id=self.key.key_id,
        )

        self.readings = self._closed_bucket("readings", f"lake-readings-{environment_suffix}")
        S3BucketVersioningA(
            self,
            "readings_versioning",
            bucket=self.readings.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )

        self.results = self._closed_bucket("results", f"lake-results-{environment_suffix}")
        S3BucketLifecycleConfiguration(
            self,
            "results_lifecycle",
            bucket=self.results.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="expire-results",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    expiration=[S3BucketLifecycleConfigurationRuleExpiration(days=RESULT_DAYS)],
                )
            ],
        )

    def _closed_bucket(self, id_: str, name: str) -> S3Bucket:
        bucket = S3Bucket(self, id_, bucket=name)
        S3BucketPublicAccessBlock(
            self,
            f"{id_}_access",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketServerSideEncryptionConfigurationA(
            self,
            f"{id_}_encryption",
            bucket=bucket.id,
            rule=[
                S3BucketServerSideEncryptionConfigurationRuleA(
                    apply_server_side_encryption_by_default=S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                        sse_algorithm="aws:kms",
                        kms_master_key_id=self.key.arn,
                    ),
                    bucket_key_enabled=True,
                )
            ],
        )
        return bucket
