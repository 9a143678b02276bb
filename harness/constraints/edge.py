"""Rules on CloudFront: distributions that it refuses, or that lead nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.findings import Complaint, is_literal, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.s3 import bucket_of
from harness.constraints.values import blocks, is_dynamic, nested, number, text, truth
from harness.failures import Category, Severity

DISTRIBUTION, CERTIFICATE = "aws_cloudfront_distribution", "aws_acm_certificate"
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/"
_REGION = "us-east-1"
_ARN_REGION = re.compile(r"arn:[\w-]+:acm:([a-z0-9-]+):")
_METHODS = (
    {"GET", "HEAD"},
    {"GET", "HEAD", "OPTIONS"},
    {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"},
)
_ERROR_CODES = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
_NOT_BUCKETS = {
    # Attributes that are the domain of something that only a custom origin reaches.
    "aws_alb": "dns_name",
    "aws_apigatewayv2_api": "api_endpoint",
    "aws_elb": "dns_name",
    "aws_lambda_function_url": "function_url",
    "aws_lb": "dns_name",
    "aws_s3_bucket_website_configuration": "website_endpoint",
}
_CUSTOM_DOMAIN = re.compile(r"\.(?:elb\.amazonaws\.com|s3-website[.-][\w-]+\.amazonaws\.com)$|\.execute-api\.|\.lambda-url\.")


def behaviors(node: Node) -> Iterator[Mapping[str, Any]]:
    """The cache behaviors of a distribution."""
    yield from blocks(node.arguments, "default_cache_behavior")
    yield from blocks(node.arguments, "ordered_cache_behavior")


def _certificate(node: Node) -> Iterator[Mapping[str, Any]]:
    yield from blocks(node.arguments, "viewer_certificate")


def _origins(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A behavior's target is the id of one of the distribution's origins or origin groups, and ids are unique."""
    if is_dynamic(node.arguments, "origin") or is_dynamic(node.arguments, "origin_group"):
        return
    ids = [str(block.get("origin_id")) for name in ("origin", "origin_group") for block in blocks(node.arguments, name)]
    for twice in [name for name, count in Counter(ids).items() if count > 1]:
        yield Complaint(f"the origin id {twice} stands at several origins", (twice, "origin_id"))
    if not all(map(is_literal, ids)):
        # Two templates that differ may become the same text, and a template may become a literal.
        return
    for block in behaviors(node):
        target = block.get("target_origin_id")
        if is_literal(target) and target not in ids:
            yield Complaint(f"a cache behavior sends to the origin {target}, and there is {', '.join(ids) or 'none'}", (str(target), "target_origin_id"))


def _region(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """CloudFront takes ACM's certificates from us-east-1 only."""
    for block in _certificate(node):
        value = block.get("acm_certificate_arn")
        certificate = graph.target(value, CERTIFICATE) or graph.target(value, "aws_acm_certificate_validation")
        match = _ARN_REGION.match(value) if isinstance(value, str) else None
        region = match[1] if match else graph.region(certificate) if certificate else None
        if region not in (None, _REGION):
            others = (certificate,) if certificate else ()
            yield Complaint(f"its certificate is in {region}, and CloudFront takes those of {_REGION} only", ("acm_certificate_arn", str(region)), others)


def _aliases(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Names of one's own need a certificate for them; CloudFront's own covers *.cloudfront.net."""
    for block in _certificate(node):
        given = [name for name in ("acm_certificate_arn", "iam_certificate_id") if not is_unset(block, name)]
        if listed(node.arguments.get("aliases")) and isinstance(node.arguments["aliases"], list) and not given:
            names = ", ".join(map(str, listed(node.arguments["aliases"])))
            yield Complaint(
                f"it has the alternate domain names {names}, and CloudFront's default certificate does not cover them", ("aliases", "viewer_certificate")
            )


def _settings(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A certificate of one's own comes with ssl_support_method."""
    for block in _certificate(node):
        given = [name for name in ("acm_certificate_arn", "iam_certificate_id") if not is_unset(block, name)]
        if given and is_unset(block, "ssl_support_method"):
            yield Complaint(f"its viewer_certificate has {given[0]} without ssl_support_method", ("ssl_support_method", given[0]))


def _protocol(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """With the default certificate the security policy is TLSv1, whatever minimum_protocol_version says."""
    for block in _certificate(node):
        version = text(graph, block.get("minimum_protocol_version"))
        given = [name for name in ("acm_certificate_arn", "iam_certificate_id") if not is_unset(block, name)]
        if truth(graph, block.get("cloudfront_default_certificate")) and not given and version not in (None, "", "TLSv1"):
            yield Complaint(
                f"its minimum_protocol_version {version} has no effect with CloudFront's default certificate", ("minimum_protocol_version", version or "")
            )


def _caching(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A behavior has a cache policy or the older forwarded_values; CloudFront wants one of them, and not both."""
    for block in behaviors(node):
        older, newer = bool(blocks(block, "forwarded_values")), not is_unset(block, "cache_policy_id")
        if older == newer and not is_dynamic(block, "forwarded_values"):
            said = "both cache_policy_id and forwarded_values" if older else "neither cache_policy_id nor forwarded_values"
            yield Complaint(f"the cache behavior for {block.get('path_pattern', 'everything else')} has {said}", ("cache_policy_id", "forwarded_values"))


def _methods(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """There are three sets of methods; what is cached is among what is allowed."""
    for block in behaviors(node):
        for name, sets in (("allowed_methods", _METHODS), ("cached_methods", _METHODS[:2])):
            value = block.get(name)
            if isinstance(value, list) and all(map(is_literal, value)) and set(value) not in sets:
                takes = " or ".join("/".join(sorted(one)) for one in sets)
                yield Complaint(f"its {name} are {', '.join(map(str, value))}, and CloudFront takes {takes}", (name,))
        allowed, cached = block.get("allowed_methods"), block.get("cached_methods")
        if isinstance(allowed, list) and isinstance(cached, list) and all(map(is_literal, [*allowed, *cached])) and not set(cached) <= set(allowed):
            yield Complaint(f"it caches {', '.join(sorted(set(cached) - set(allowed)))}, which it does not allow", ("cached_methods", "allowed_methods"))


def _access(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """An origin has an origin access control or the older identity, and not both."""
    for block in blocks(node.arguments, "origin"):
        identities = [config.get("origin_access_identity") for config in blocks(block, "s3_origin_config")]
        if not is_unset(block, "origin_access_control_id") and any(identity not in (None, "") for identity in identities):
            yield Complaint(
                f"its origin {block.get('origin_id')} has an origin access control and an origin access identity",
                ("origin_access_control_id", "s3_origin_config"),
            )


def _custom(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """What is no bucket (a load balancer, an API, the website of a bucket) is a custom origin."""
    for block in blocks(node.arguments, "origin"):
        if any(blocks(block, name) or is_dynamic(block, name) for name in ("custom_origin_config", "vpc_origin_config")):
            continue
        domain = str(block.get("domain_name", ""))
        found = [node_ for node_ in graph.targets(domain) if f"{node_.address}.{_NOT_BUCKETS.get(node_.type, ' ')}" in domain]
        if found or (is_literal(domain) and _CUSTOM_DOMAIN.search(domain)):
            yield Complaint(
                f"its origin {domain} is no bucket, and so needs a custom_origin_config",
                ("custom_origin_config", str(block.get("origin_id", ""))),
                tuple(found),
            )


def _errors(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """An error page goes with the code that it is answered with, and its path begins with a slash."""
    for block in blocks(node.arguments, "custom_error_response"):
        code, path = number(graph, block.get("error_code")), text(graph, block.get("response_page_path"))
        if code is not None and code not in _ERROR_CODES:
            yield Complaint(f"there is no error page for {code:g}, but for {', '.join(map(str, sorted(_ERROR_CODES)))}", ("error_code", f"{code:g}"))
        if is_unset(block, "response_code") != is_unset(block, "response_page_path"):
            yield Complaint("a custom_error_response has only one of response_code and response_page_path", ("response_code", "response_page_path"))
        if path and not path.startswith("/"):
            yield Complaint(f"its response_page_path is {path!r}, and it begins with a slash", (path, "response_page_path"))


def _countries(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A list of countries belongs to whitelist and blacklist, and to nothing else."""
    for block in nested(node.arguments, "restrictions", "geo_restriction"):
        kind, places = text(graph, block.get("restriction_type")), block.get("locations")
        if kind in ("whitelist", "blacklist") and (places is None or places == []):
            yield Complaint(f"its geo_restriction is a {kind} without locations", ("locations", kind))
        elif kind == "none" and isinstance(places, list) and places:
            yield Complaint("its geo_restriction is none, and yet has locations", ("locations", "restriction_type"))


def _logs(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """Standard logs go to a bucket's domain name."""
    for block in blocks(node.arguments, "logging_config"):
        value = block.get("bucket")
        bucket = bucket_of(graph, value)
        if bucket is not None and re.fullmatch(r"\$\{aws_s3_bucket\.[\w-]+\.(id|bucket|arn)\}", str(value)):
            yield Complaint(
                f"its logs go to {value}, where a bucket's domain name is wanted (bucket_domain_name)", ("logging_config", "bucket_domain_name"), (bucket,)
            )
        elif is_literal(value) and value and not str(value).endswith((".amazonaws.com", ".amazonaws.com.cn")):
            yield Complaint(f"its logs go to {value!r}, where a bucket's domain name is wanted (BUCKET.s3.amazonaws.com)", ("logging_config", str(value)))


def _distribution(
    *, behavior: dict[str, Any] | None = None, origin: dict[str, Any] | None = None, _more: dict[str, Any] | None = None, **arguments: Any
) -> dict[str, Any]:
    base = {
        "origin": [{"domain_name": "app.shop.example", "origin_id": "app", "custom_origin_config": {"origin_protocol_policy": "https-only"}, **(origin or {})}],
        "default_cache_behavior": {"target_origin_id": "app", "cache_policy_id": "${var.policy}", **(behavior or {})},
        "viewer_certificate": {"cloudfront_default_certificate": True},
        **arguments,
    }
    return {"provider": {"aws": [{"region": "eu-west-1"}, {"region": _REGION, "alias": "us"}]}, "resource": {DISTRIBUTION: {"main": base}, **(_more or {})}}


def _certified(arn: str = "${aws_acm_certificate.main.arn}", more: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
    block = {"acm_certificate_arn": arn, "ssl_support_method": "sni-only", "minimum_protocol_version": "TLSv1.2_2021"}
    return _distribution(viewer_certificate=block, _more=more, **arguments)


def _logged(bucket: str, owner: str | None = None) -> dict[str, Any]:
    controls = {"main": {"bucket": "${aws_s3_bucket.logs.id}", "rule": {"object_ownership": owner}}} if owner else {}
    return _distribution(logging_config={"bucket": bucket}, _more={"aws_s3_bucket": {"logs": {}}, "aws_s3_bucket_ownership_controls": controls})


def _from(domain: str, **arguments: Any) -> dict[str, Any]:
    return _distribution(
        origin={"domain_name": domain, "custom_origin_config": None, **arguments},
        _more={"aws_lb": {"app": {}}, "aws_s3_bucket": {"site": {}}, "aws_s3_bucket_website_configuration": {"site": {}}},
    )


_OLD = {"query_string": False, "cookies": {"forward": "none"}}
_LEGACY = {"origin_access_identity": "origin-access-identity/cloudfront/E1"}
_DOMAIN = "${aws_s3_bucket.logs.bucket_domain_name}"


def _rule(
    id_: str, title: str, page: str, judge: Any, bad: Any, good: Any, severity: Severity = Severity.HIGH, category: Category = Category.AWS_CONSTRAINT
) -> Rule:
    return Rule(id_, title, severity, category, page, partial(judged, (DISTRIBUTION,), judge), bad=tuple(bad), good=tuple(good))


RULES = (
    _rule(
        "cloudfront-origin-id",
        "Cache behavior for an origin that is not there",
        _API + "API_DefaultCacheBehavior.html",
        _origins,
        bad=(
            _distribution(behavior={"target_origin_id": "web"}),
            _distribution(ordered_cache_behavior=[{"target_origin_id": "api", "path_pattern": "/api/*", "cache_policy_id": "x"}]),
            _distribution(origin_group={"origin_id": "app"}),
        ),
        good=(
            _distribution(),
            _distribution(behavior={"target_origin_id": "${var.origin}"}),
            _distribution(origin={"origin_id": "${var.origin}"}),
            _distribution(behavior={"target_origin_id": "both"}, origin_group=[{"origin_id": "both"}]),
        ),
    ),
    _rule(
        "cloudfront-certificate-region",
        "CloudFront certificate outside us-east-1",
        _GUIDE + "cnames-and-https-requirements.html",
        _region,
        bad=(_certified("arn:aws:acm:eu-west-1:123456789012:certificate/a"), _certified(more={CERTIFICATE: {"main": {}}})),
        good=(
            _certified("arn:aws:acm:us-east-1:123456789012:certificate/a"),
            _certified(more={CERTIFICATE: {"main": {"provider": "aws.us"}}}),
            _certified("${var.certificate}"),
        ),
    ),
    _rule(
        "cloudfront-alias-certificate",
        "Alternate domain names without a certificate",
        _GUIDE + "CNAMEs.html#alternate-domain-names-requirements",
        _aliases,
        bad=(_distribution(aliases=["shop.example"]),),
        good=(_certified("${var.certificate}", aliases=["shop.example"]), _distribution(), _distribution(aliases=[]), _distribution(aliases="${var.aliases}")),
    ),
    _rule(
        "cloudfront-ssl-support",
        "Certificate without ssl_support_method",
        _API + "API_ViewerCertificate.html",
        _settings,
        bad=(_distribution(viewer_certificate={"acm_certificate_arn": "${var.certificate}"}),),
        good=(_certified("${var.certificate}"), _distribution()),
    ),
    _rule(
        "cloudfront-default-protocol",
        "Minimum protocol version with the default certificate",
        _API + "API_ViewerCertificate.html",
        _protocol,
        bad=(_distribution(viewer_certificate={"cloudfront_default_certificate": True, "minimum_protocol_version": "TLSv1.2_2021"}),),
        good=(
            _distribution(),
            _certified("${var.certificate}"),
            _distribution(viewer_certificate={"cloudfront_default_certificate": True, "minimum_protocol_version": "TLSv1"}),
        ),
        severity=Severity.MEDIUM,
        category=Category.SECURITY,
    ),
    _rule(
        "cloudfront-cache-policy",
        "Cache behavior with both or neither of cache policy and forwarded values",
        _API + "API_DefaultCacheBehavior.html",
        _caching,
        bad=(_distribution(behavior={"forwarded_values": _OLD}), _distribution(behavior={"cache_policy_id": None})),
        good=(_distribution(), _distribution(behavior={"forwarded_values": [_OLD], "cache_policy_id": None})),
    ),
    _rule(
        "cloudfront-methods",
        "Set of methods that CloudFront does not have",
        _API + "API_AllowedMethods.html",
        _methods,
        bad=(
            _distribution(behavior={"allowed_methods": ["GET", "POST"]}),
            _distribution(behavior={"allowed_methods": ["GET", "HEAD"], "cached_methods": ["GET", "HEAD", "OPTIONS"]}),
        ),
        good=(
            _distribution(behavior={"allowed_methods": ["HEAD", "GET", "OPTIONS"], "cached_methods": ["GET", "HEAD"]}),
            _distribution(behavior={"allowed_methods": sorted(_METHODS[2])}),
            _distribution(behavior={"allowed_methods": "${var.methods}"}),
        ),
    ),
    _rule(
        "cloudfront-origin-access",
        "Origin with an access control and an access identity",
        _API + "API_Origin.html",
        _access,
        bad=(_from("${aws_s3_bucket.site.bucket_regional_domain_name}", origin_access_control_id="E2", s3_origin_config=_LEGACY),),
        good=(
            _from("${aws_s3_bucket.site.bucket_regional_domain_name}", origin_access_control_id="E2", s3_origin_config={"origin_access_identity": ""}),
            _from("${aws_s3_bucket.site.bucket_regional_domain_name}", s3_origin_config=_LEGACY),
        ),
    ),
    _rule(
        "cloudfront-custom-origin",
        "Origin that is no bucket without custom_origin_config",
        _GUIDE + "DownloadDistS3AndCustomOrigins.html",
        _custom,
        bad=(
            _from("${aws_lb.app.dns_name}"),
            _from("${aws_s3_bucket_website_configuration.site.website_endpoint}", origin_access_control_id="E2"),
            _from("files.s3-website-eu-west-1.amazonaws.com", s3_origin_config=_LEGACY),
        ),
        good=(
            _from("${aws_s3_bucket.site.bucket_regional_domain_name}"),
            _from("${aws_lb.app.dns_name}", custom_origin_config=[{"origin_protocol_policy": "https-only"}]),
            _from("${aws_lb.app.dns_name}", vpc_origin_config={"vpc_origin_id": "v"}),
            _from("${var.domain}"),
        ),
    ),
    _rule(
        "cloudfront-error-page",
        "Error page that CloudFront refuses",
        _API + "API_CustomErrorResponse.html",
        _errors,
        bad=(
            _distribution(custom_error_response={"error_code": 404, "response_code": 200}),
            _distribution(custom_error_response={"error_code": 404, "response_code": 200, "response_page_path": "index.html"}),
            _distribution(custom_error_response=[{"error_code": 401, "error_caching_min_ttl": 5}]),
        ),
        good=(
            _distribution(custom_error_response=[{"error_code": "404", "response_code": 200, "response_page_path": "/index.html"}]),
            _distribution(custom_error_response={"error_code": 503, "error_caching_min_ttl": 5}),
        ),
    ),
    _rule(
        "cloudfront-countries",
        "Geographic restriction whose countries do not fit",
        _API + "API_GeoRestriction.html",
        _countries,
        bad=(
            _distribution(restrictions={"geo_restriction": {"restriction_type": "whitelist"}}),
            _distribution(restrictions={"geo_restriction": [{"restriction_type": "none", "locations": ["DE"]}]}),
        ),
        good=(
            _distribution(restrictions={"geo_restriction": {"restriction_type": "none", "locations": []}}),
            _distribution(restrictions={"geo_restriction": {"restriction_type": "whitelist", "locations": "${var.countries}"}}),
        ),
    ),
    _rule(
        "cloudfront-log-bucket",
        "Log bucket that CloudFront cannot write to",
        _GUIDE + "standard-logging-legacy-s3.html",
        _logs,
        bad=(_logged("${aws_s3_bucket.logs.id}", "BucketOwnerPreferred"), _logged("logs")),
        good=(_logged(_DOMAIN, "BucketOwnerPreferred"), _logged("logs.s3.amazonaws.com"), _logged("${var.bucket}"), _logged(_DOMAIN, "${var.owner}")),
    ),
)
