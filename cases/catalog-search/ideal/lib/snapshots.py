"""Buckets for manual snapshots, one in each region."""

from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct


class Snapshots(Construct):
    """A versioned bucket at home, and its twin elsewhere."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, twin_provider: AwsProvider):
        super().__init__(scope, id)
        enabled = S3BucketVersioningVersioningConfiguration(status="Enabled")

        self.bucket = S3Bucket(self, "bucket", bucket=f"search-snapshots-{environment_suffix}")
        S3BucketVersioningA(self, "versioning", bucket=self.bucket.id, versioning_configuration=enabled)
        S3BucketPublicAccessBlock(
            self,
            "access",
            bucket=self.bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )

        self.twin = S3Bucket(
            self,
            "twin",
            provider=twin_provider,
            bucket=f"search-snapshots-twin-{environment_suffix}",
        )
        self.twin_versioning = S3BucketVersioningA(
            self,
            "twin_versioning",
            provider=twin_provider,
            bucket=self.twin.id,
            versioning_configuration=enabled,
        )
        S3BucketPublicAccessBlock(
            self,
            "twin_access",
            provider=twin_provider,
            bucket=self.twin.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
