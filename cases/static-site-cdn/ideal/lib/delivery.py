"""CloudFront, and what lets it read the content."""

import json

from cdktf_cdktf_provider_aws.cloudfront_cache_policy import CloudfrontCachePolicy
from cdktf_cdktf_provider_aws.cloudfront_distribution import (
    CloudfrontDistribution,
    CloudfrontDistributionCustomErrorResponse,
    CloudfrontDistributionDefaultCacheBehavior,
    CloudfrontDistributionDefaultCacheBehaviorFunctionAssociation,
    CloudfrontDistributionLoggingConfig,
    CloudfrontDistributionOrigin,
    CloudfrontDistributionRestrictions,
    CloudfrontDistributionRestrictionsGeoRestriction,
    CloudfrontDistributionViewerCertificate,
)
from cdktf_cdktf_provider_aws.cloudfront_function import CloudfrontFunction
from cdktf_cdktf_provider_aws.cloudfront_origin_access_control import CloudfrontOriginAccessControl
from cdktf_cdktf_provider_aws.cloudfront_response_headers_policy import CloudfrontResponseHeadersPolicy
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from constructs import Construct

ORIGIN_ID = "content"

INDEX_REWRITE = """\
function handler(event) {
  var request = event.request;
  if (request.uri.endsWith("/")) {
    request.uri += "index.html";
  }
  return request;
}
"""


class Delivery(Construct):
    """A distribution that is the only reader of the content bucket."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        environment_suffix: str,
        content_bucket: S3Bucket,
        log_bucket: S3Bucket,
    ):
        super().__init__(scope, id)

        access_control = CloudfrontOriginAccessControl(
            self,
            "origin_access_control",
            name=f"docs-site-{environment_suffix}",
            description="Signs the requests of CloudFront to the content bucket",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
        )

        index_rewrite = CloudfrontFunction(
            self,
            "index_rewrite",
            name=f"docs-site-index-{environment_suffix}",
            runtime="cloudfront-js-2.0",
            comment="Answers folders with their index.html",
            code=INDEX_REWRITE,
            publish=True,
        )

        cache_policy = CloudfrontCachePolicy(
            self,
            "cache_policy",
            name=f"docs-site-{environment_suffix}",
            min_ttl=0,
            default_ttl=3600,
            max_ttl=86400,
            parameters_in_cache_key_and_forwarded_to_origin={
                "enable_accept_encoding_brotli": True,
                "enable_accept_encoding_gzip": True,
                "cookies_config": {"cookie_behavior": "none"},
                "headers_config": {"header_behavior": "none"},
                "query_strings_config": {"query_string_behavior": "none"},
            },
        )

        headers_policy = CloudfrontResponseHeadersPolicy(
            self,
            "headers_policy",
            name=f"docs-site-{environment_suffix}",
            security_headers_config={
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": "DENY", "override": True},
                "strict_transport_security": {
                    "access_control_max_age_sec": 31536000,
                    "include_subdomains": True,
                    "override": True,
                },
            },
        )

        self.distribution = CloudfrontDistribution(
            self,
            "distribution",
            enabled=True,
            is_ipv6_enabled=True,
            comment=f"docs-site-{environment_suffix}",
            default_root_object="index.html",
            http_version="http2and3",
            price_class="PriceClass_100",
            origin=[
                CloudfrontDistributionOrigin(
                    origin_id=ORIGIN_ID,
                    domain_name=content_bucket.bucket_regional_domain_name,
                    origin_access_control_id=access_control.id,
                )
            ],
            default_cache_behavior=CloudfrontDistributionDefaultCacheBehavior(
                target_origin_id=ORIGIN_ID,
                viewer_protocol_policy="redirect-to-https",
                allowed_methods=["GET", "HEAD", "OPTIONS"],
                cached_methods=["GET", "HEAD"],
                compress=True,
                cache_policy_id=cache_policy.id,
                response_headers_policy_id=headers_policy.id,
                function_association=[
                    CloudfrontDistributionDefaultCacheBehaviorFunctionAssociation(
                        event_type="viewer-request",
                        function_arn=index_rewrite.arn,
                    )
                ],
            ),
            # A private bucket answers 403 for what it does not have
            custom_error_response=[
                CloudfrontDistributionCustomErrorResponse(
                    error_code=403,
                    response_code=404,
                    response_page_path="/404.html",
                    error_caching_min_ttl=60,
                )
            ],
            restrictions=CloudfrontDistributionRestrictions(
                geo_restriction=CloudfrontDistributionRestrictionsGeoRestriction(restriction_type="none")
            ),
            viewer_certificate=CloudfrontDistributionViewerCertificate(cloudfront_default_certificate=True),
            logging_config=CloudfrontDistributionLoggingConfig(
                bucket=log_bucket.bucket_domain_name,
                prefix="cloudfront/",
                include_cookies=False,
            ),
        )

        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AllowThisDistribution",
                    "Effect": "Allow",
                    "Principal": {"Service": "cloudfront.amazonaws.com"},
                    "Action": "s3:GetObject",
                    "Resource": f"{content_bucket.arn}/*",
                    "Condition": {"StringEquals": {"AWS:SourceArn": self.distribution.arn}},
                },
                {
                    "Sid": "DenyInsecureTransport",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [content_bucket.arn, f"{content_bucket.arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
            ],
        }

        S3BucketPolicy(self, "content_bucket_policy", bucket=content_bucket.id, policy=json.dumps(policy))
