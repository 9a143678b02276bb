"""The stack of the documentation site."""

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

from lib.access_logs import AccessLogs
from lib.content import Content
from lib.delivery import Delivery
from lib.monitoring import Monitoring


class SiteStack(TerraformStack):
    """Static files in S3, handed out by CloudFront only."""

    def __init__(self, scope: Construct, id: str, environment_suffix: str, region: str = "us-east-1"):
        super().__init__(scope, id)

        AwsProvider(
            self,
            "aws",
            region=region,
            default_tags=[
                AwsProviderDefaultTags(
                    tags={
                        "Project": "docs-site",
                        "Environment": environment_suffix,
                        "ManagedBy": "cdktf",
                    }
                )
            ],
        )

        logs = AccessLogs(self, "access_logs", environment_suffix=environment_suffix)
        content = Content(self, "content", environment_suffix=environment_suffix, log_bucket=logs.bucket)
        delivery = Delivery(
            self,
            "delivery",
            environment_suffix=environment_suffix,
            content_bucket=content.bucket,
            log_bucket=logs.bucket,
        )
        Monitoring(
            self,
            "monitoring",
            environment_suffix=environment_suffix,
            distribution_id=delivery.distribution.id,
        )

        TerraformOutput(self, "content_bucket_name", value=content.bucket.bucket)
        TerraformOutput(self, "distribution_id", value=delivery.distribution.id)
        TerraformOutput(self, "distribution_domain_name", value=delivery.distribution.domain_name)
