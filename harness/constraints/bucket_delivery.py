"""Rules on buckets that AWS itself writes to or reads from: logs, replicas, mails and origins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.accounts import AWS_OWNED
from harness.constraints.base import Rule, Violation
from harness.constraints.execution_roles import allowed_to, is_allowed
from harness.constraints.findings import Complaint, is_unset, judged
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.ordering import comes_after
from harness.constraints.policies import allows, attached, is_service, listed, resource_policies
from harness.constraints.values import blocks, nested, text, truth
from harness.failures import Category, Severity

BUCKET = "aws_s3_bucket"
# fmt: off
_LOAD_BALANCING = {
    # The account from which Elastic Load Balancing writes access logs, by region; newer regions have none, but a service principal
    # (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html).
    "us-east-1": "127311923021", "us-east-2": "033677994240", "us-west-1": "027434742980", "us-west-2": "797873946194",
    "af-south-1": "098369216593", "ap-east-1": "754344448648", "ap-south-1": "718504428378", "ap-southeast-3": "589379963580",
    "ap-northeast-1": "582318560864", "ap-northeast-2": "600734575887", "ap-northeast-3": "383597477331", "ap-southeast-1": "114774131450",
    "ap-southeast-2": "783225319266", "ca-central-1": "985666609251", "eu-central-1": "054676820928", "eu-west-1": "156460612806",
    "eu-west-2": "652711504416", "eu-west-3": "009996457667", "eu-north-1": "897822967062", "eu-south-1": "635631232127",
    "me-south-1": "076674570225", "sa-east-1": "507241528517",
}
# fmt: on
Admits = Callable[[Mapping[str, Any]], bool]
"""Whether a statement allows somebody to put objects, whatever its resources are."""


def bucket_of(graph: ResourceGraph, value: object) -> Node | None:
    """The bucket of this stack that a value names."""
    bucket = graph.target(value, BUCKET)
    return None if bucket is None or bucket.is_data else bucket


def _by_service(service: str, action: str = "s3:PutObject") -> Admits:
    return lambda block: allows(block, lambda name: is_service(name, service), action)


def lets_put(graph: ResourceGraph, bucket: Node, admits: Admits, prefix: str | None) -> bool:
    """Whether a bucket's policy may let somebody put objects that begin with `prefix` (None: not known with what)."""
    policy = resource_policies(graph, bucket)
    return policy is None or any(admits(block) and _covers(graph, block, bucket, prefix) for block in policy)


def _covers(graph: ResourceGraph, block: Mapping[str, Any], bucket: Node, prefix: str | None) -> bool:
    """Whether a statement's resources may hold keys that begin with `prefix`."""
    if "Resource" not in block:
        return True
    for resource in map(str, listed(block.get("Resource"))):
        match = re.fullmatch(
            rf"(?:\$\{{{re.escape(bucket.address)}\.arn\}}|arn:[^:]*:s3:::(?:\$\{{{re.escape(bucket.address)}\.\w+\}}|[a-z0-9.-]+))(/.*)?", resource
        )
        if match is None:
            return True
        if match[1] is None:
            continue
        # What is fixed of the key pattern; the rest may become anything.
        fixed = re.split(r"[*?]|\$\{", match[1][1:])[0]
        wanted = prefix or ""
        if prefix is None or fixed.startswith(wanted) or (wanted.startswith(fixed) and fixed != match[1][1:]):
            return True
    return False


def _prefix(graph: ResourceGraph, value: object) -> str | None:
    """The beginning of the keys that a log service writes under a prefix argument; None where the prefix is not known."""
    if value in (None, ""):
        return "AWSLogs/"
    written = text(graph, value)
    return None if written is None else f"{written.strip('/')}/AWSLogs/"


def _trail(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """CreateTrail asks whether the bucket lets `cloudtrail.amazonaws.com` read its ACL and write under the trail's prefix."""
    bucket = bucket_of(graph, node.arguments.get("s3_bucket_name"))
    if bucket is None:
        return
    service, prefix = "cloudtrail.amazonaws.com", _prefix(graph, node.arguments.get("s3_key_prefix"))
    policy = resource_policies(graph, bucket)
    missing = [] if policy is None or any(map(_by_service(service, "s3:GetBucketAcl"), policy)) else ["s3:GetBucketAcl"]
    if not lets_put(graph, bucket, _by_service(service), prefix):
        missing.append(f"s3:PutObject on {prefix or ''}*")
    if missing:
        sentence = f"the policy of {bucket.address} does not let {service} do {' and '.join(missing)}"
        yield Complaint(sentence, (service, "aws_s3_bucket_policy", bucket.address.rpartition(".")[2]), (bucket,))


def _trail_order(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """CreateTrail looks at the bucket's policy, so the trail has to wait for it."""
    bucket = bucket_of(graph, node.arguments.get("s3_bucket_name"))
    policies = attached(graph, bucket, "aws_s3_bucket_policy", "bucket", "bucket") if bucket is not None else None
    if policies and not comes_after(graph, node, policies):
        sentence = f"it does not wait for {policies[0].address}, without which CloudTrail refuses the bucket"
        yield Complaint(sentence, ("depends_on", policies[0].address.rpartition(".")[2]), tuple(policies))


def _config(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """AWS Config writes with its recorder's role, or, where that may not, as `config.amazonaws.com`."""
    bucket = bucket_of(graph, node.arguments.get("s3_bucket_name"))
    recorders = list(graph.of_type("aws_config_configuration_recorder"))
    if bucket is None or len(recorders) != 1 or _role_puts(graph, recorders[0].arguments.get("role_arn")):
        return

    def admits(block: Mapping[str, Any]) -> bool:
        named = mapping(block.get("Principal")).get("AWS")
        return _by_service("config.amazonaws.com")(block) or (named is not None and allows({**block, "Principal": "*"}, bool, "s3:PutObject"))

    prefix = _prefix(graph, node.arguments.get("s3_key_prefix"))
    if not lets_put(graph, bucket, admits, prefix):
        sentence = (
            f"the policy of {bucket.address} does not let config.amazonaws.com do s3:PutObject on {prefix or ''}*, and the recorder's role may not either"
        )
        yield Complaint(sentence, ("config.amazonaws.com", "aws_s3_bucket_policy", bucket.address.rpartition(".")[2]), (bucket, recorders[0]))


def _role_puts(graph: ResourceGraph, value: object) -> bool:
    """Whether a recorder's role may put objects: unless it is the service-linked one, or all its policies are known and none does."""
    if isinstance(value, str) and "AWSServiceRoleForConfig" in value:
        return False
    linked, role = graph.target(value, "aws_iam_service_linked_role"), graph.target(value, "aws_iam_role")
    if linked is not None:
        return text(graph, linked.arguments.get("aws_service_name")) != "config.amazonaws.com"
    known = allowed_to(graph, role) if role is not None else None
    return known is None or is_allowed(known, "s3:PutObject")


def balancer_logs(graph: ResourceGraph, node: Node) -> Iterator[tuple[Node, Mapping[str, Any]]]:
    """The buckets of this stack that an Application Load Balancer writes access logs to, each with the block that says so."""
    if text(graph, node.arguments.get("load_balancer_type") or "application") == "application":
        for block in blocks(node.arguments, "access_logs"):
            bucket = bucket_of(graph, block.get("bucket"))
            if bucket is not None and truth(graph, block.get("enabled")) is True:
                yield bucket, block


def _balancer_policy(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """The bucket lets Elastic Load Balancing's account of the region write, or the service principal for log delivery."""
    service, region = "logdelivery.elasticloadbalancing.amazonaws.com", graph.region(node)

    def admits(block: Mapping[str, Any]) -> bool:
        named = mapping(block.get("Principal")).get("AWS")
        by_account = any(_may_be_balancing(graph, str(name), region) for name in listed(named))
        return _by_service(service)(block) or (by_account and allows({**block, "Principal": "*"}, bool, "s3:PutObject"))

    for bucket, block in balancer_logs(graph, node):
        prefix = _prefix(graph, block.get("prefix"))
        if not lets_put(graph, bucket, admits, prefix):
            account = f" (or account {_LOAD_BALANCING[region]})" if region in _LOAD_BALANCING else ""
            sentence = f"the policy of {bucket.address} does not let {service}{account} do s3:PutObject on {prefix or ''}*"
            yield Complaint(sentence, ("access_logs", service, "aws_s3_bucket_policy", bucket.address.rpartition(".")[2]), (bucket,))


def _may_be_balancing(graph: ResourceGraph, name: str, region: str | None) -> bool:
    """Whether an AWS principal may be the account that Elastic Load Balancing writes from in a region."""
    accounts = re.findall(r"(?<!\d)\d{12}(?!\d)", name)
    if accounts:
        known = accounts[0] in AWS_OWNED and region in _LOAD_BALANCING
        return accounts[0] == _LOAD_BALANCING[str(region)] if known else accounts[0] in AWS_OWNED
    own = re.fullmatch(r"(?:arn:.*:iam::)?\$\{data\.aws_caller_identity\.[\w-]+\.(?:account_)?id\}(?::root)?", name)
    return not own and "${" in name and graph.target(name, "aws_iam_role") is None


def _distribution_logs(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """CloudFront's standard logging gives itself an ACL on the bucket, and new buckets have ACLs disabled unless their ownership says otherwise."""
    for block in blocks(node.arguments, "logging_config"):
        bucket = bucket_of(graph, block.get("bucket"))
        controls = attached(graph, bucket, "aws_s3_bucket_ownership_controls", "bucket", "bucket") if bucket is not None else None
        if bucket is None or controls is None or not is_unset(bucket.arguments, "acl"):
            continue
        owners = [text(graph, rule.get("object_ownership")) for control in controls for rule in nested(control.arguments, "rule")]
        if all(owner == "BucketOwnerEnforced" for owner in owners):
            why = "has ACLs disabled (BucketOwnerEnforced)" if owners else "has no aws_s3_bucket_ownership_controls that enable ACLs"
            sentence = f"it logs to {bucket.address}, which {why}, and CloudFront needs an ACL there"
            yield Complaint(sentence, ("logging_config", "BucketOwnerEnforced", "object_ownership", bucket.address.rpartition(".")[2]), (bucket,))


def _access_logs(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """S3 delivers access logs as `logging.s3.amazonaws.com`, or, where the bucket has ACLs, as the log delivery group."""
    targets = [node.arguments] if node.type == "aws_s3_bucket_logging" else blocks(node.arguments, "logging")
    for block in targets:
        bucket = bucket_of(graph, block.get("target_bucket"))
        acls = attached(graph, bucket, "aws_s3_bucket_acl", "bucket", "bucket") if bucket is not None else None
        if bucket is None or acls is None or not (is_unset(bucket.arguments, "acl") and is_unset(bucket.arguments, "grant")):
            continue
        # Any ACL but the plain ones may let the log delivery group in.
        if any(text(graph, acl.arguments.get("acl")) not in ("private", "public-read", "authenticated-read") for acl in acls):
            continue
        prefix = text(graph, block.get("target_prefix") or "")
        if not lets_put(graph, bucket, _by_service("logging.s3.amazonaws.com"), prefix):
            sentence = f"the policy of {bucket.address} does not let logging.s3.amazonaws.com do s3:PutObject on {prefix or ''}*, so no access logs arrive"
            yield Complaint(sentence, ("logging.s3.amazonaws.com", "target_bucket", bucket.address.rpartition(".")[2]), (bucket,))


def _mails(graph: ResourceGraph, node: Node) -> Iterable[Complaint]:
    """SES tries to write when it gets the rule: as `ses.amazonaws.com`, unless the action has a role."""
    for block in blocks(node.arguments, "s3_action"):
        bucket = bucket_of(graph, block.get("bucket_name"))
        prefix = text(graph, block.get("object_key_prefix") or "")
        if bucket is None or not is_unset(block, "iam_role_arn") or lets_put(graph, bucket, _by_service("ses.amazonaws.com"), prefix):
            continue
        sentence = f"the policy of {bucket.address} does not let ses.amazonaws.com do s3:PutObject"
        yield Complaint(sentence, ("ses.amazonaws.com", "s3_action", bucket.address.rpartition(".")[2]), (bucket,))


def _main(kind: str, arguments: Mapping[str, Any], policy: str | None = None, region: str = "eu-west-1", **others: Mapping[str, Any]) -> dict[str, Any]:
    """A resource next to the bucket `logs`, which has the policy."""
    held = {} if policy is None else {"aws_s3_bucket_policy": {"logs": {"bucket": "${aws_s3_bucket.logs.id}", "policy": policy}}}
    resources = {kind: {"main": arguments}, BUCKET: {"logs": {"bucket": "logs"}}, **held, **others}
    return {"provider": {"aws": [{"region": region}]}, "resource": resources}


def _policy(principal: str, *resources: str, kind: str = "Service", actions: str = '["s3:GetBucketAcl", "s3:PutObject"]') -> str:
    places = ", ".join(f'"{resource}"' for resource in resources or ("${aws_s3_bucket.logs.arn}", "${aws_s3_bucket.logs.arn}/*"))
    return f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"{kind}": "{principal}"}}, "Action": {actions}, "Resource": [{places}]}}]}}'


def _owner(ownership: str) -> dict[str, Any]:
    return {"aws_s3_bucket_ownership_controls": {"logs": {"bucket": "${aws_s3_bucket.logs.id}", "rule": {"object_ownership": ownership}}}}


_ID, _NAME = "${aws_s3_bucket.logs.id}", "${aws_s3_bucket.logs.arn}"
_TRAIL = {"name": "main", "s3_bucket_name": _ID}
_CHANNEL = {"s3_bucket_name": _ID}
_LINKED: dict[str, Any] = {
    "aws_config_configuration_recorder": {"main": {"role_arn": "${aws_iam_service_linked_role.config.arn}"}},
    "aws_iam_service_linked_role": {"config": {"aws_service_name": "config.amazonaws.com"}},
}
_BALANCER = {"load_balancer_type": "application", "access_logs": {"bucket": _ID, "enabled": True}}
_PREFIXED = {"access_logs": [{"bucket": _ID, "enabled": "true", "prefix": "alb"}]}
_DISTRIBUTION = {"logging_config": {"bucket": "${aws_s3_bucket.logs.bucket_domain_name}"}}
_LOGGING = {"bucket": "app", "target_bucket": _ID, "target_prefix": "app/"}
_RECEIPT = {"s3_action": [{"bucket_name": _ID, "position": 1}]}
_OTHER = _policy("lambda.amazonaws.com")
_UNKNOWN = "${jsonencode(var.policy)}"


def _rule(identifier: str, title: str, page: str, kind: str, judge: Any, bad: Iterable[Any], good: Iterable[Any], severity: Severity = Severity.HIGH) -> Rule:
    category = Category.AWS_CONSTRAINT if severity is Severity.HIGH else Category.ARCHITECTURE
    check: Callable[[ResourceGraph], Iterator[Violation]] = partial(judged, (kind, BUCKET) if kind == "aws_s3_bucket_logging" else (kind,), judge)
    return Rule(identifier, title, severity, category, f"https://docs.aws.amazon.com/{page}", check, tuple(bad), tuple(good))


_TRAIL_PAGE = "awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"
_BALANCER_PAGE = "elasticloadbalancing/latest/application/enable-access-logging.html"
_trail_main, _balancer_main = partial(_main, "aws_cloudtrail"), partial(_main, "aws_lb")

RULES = (
    _rule(
        "cloudtrail-bucket-policy",
        "CloudTrail's bucket does not let CloudTrail write",
        _TRAIL_PAGE,
        "aws_cloudtrail",
        _trail,
        bad=(
            _trail_main(_TRAIL),
            _trail_main(_TRAIL, _OTHER),
            _trail_main(_TRAIL, _policy("cloudtrail.amazonaws.com", actions='"s3:PutObject"')),
            _trail_main(_TRAIL, _policy("cloudtrail.amazonaws.com", _NAME)),
            _trail_main(_TRAIL | {"s3_key_prefix": "trail"}, _policy("cloudtrail.amazonaws.com", _NAME, f"{_NAME}/AWSLogs/*")),
        ),
        good=(
            _trail_main(_TRAIL, _policy("cloudtrail.amazonaws.com")),
            _trail_main(_TRAIL, _policy("cloudtrail.amazonaws.com", _NAME, f"{_NAME}/AWSLogs/${{data.aws_caller_identity.me.account_id}}/*")),
            _trail_main(_TRAIL | {"s3_key_prefix": "trail"}, _policy("cloudtrail.amazonaws.com", _NAME, f"{_NAME}/trail/AWSLogs/*")),
            _trail_main(_TRAIL | {"s3_key_prefix": "${var.prefix}"}, _policy("cloudtrail.amazonaws.com", _NAME, f"{_NAME}/AWSLogs/*")),
            _trail_main(_TRAIL, _UNKNOWN),
            _trail_main({"s3_bucket_name": "central-trails"}),
        ),
    ),
    _rule(
        "cloudtrail-bucket-policy-order",
        "Trail does not wait for its bucket's policy",
        _TRAIL_PAGE,
        "aws_cloudtrail",
        _trail_order,
        bad=(_trail_main(_TRAIL, _policy("cloudtrail.amazonaws.com")),),
        good=(
            _trail_main(_TRAIL | {"depends_on": ["aws_s3_bucket_policy.logs"]}, _policy("cloudtrail.amazonaws.com")),
            _trail_main(_TRAIL | {"s3_bucket_name": "${aws_s3_bucket_policy.logs.bucket}"}, _policy("cloudtrail.amazonaws.com")),
            _trail_main(_TRAIL),
        ),
        severity=Severity.MEDIUM,
    ),
    _rule(
        "config-bucket-policy",
        "AWS Config's bucket does not let AWS Config write",
        "config/latest/developerguide/s3-bucket-policy.html",
        "aws_config_delivery_channel",
        _config,
        bad=(
            _main("aws_config_delivery_channel", _CHANNEL, **_LINKED),
            _main("aws_config_delivery_channel", _CHANNEL, _OTHER, **_LINKED),
        ),
        good=(
            _main("aws_config_delivery_channel", _CHANNEL, _policy("config.amazonaws.com"), **_LINKED),
            _main("aws_config_delivery_channel", _CHANNEL, _policy("${var.role}", kind="AWS"), **_LINKED),
            _main("aws_config_delivery_channel", _CHANNEL, aws_config_configuration_recorder={"main": {"role_arn": "${var.role}"}}),
            _main("aws_config_delivery_channel", _CHANNEL),
        ),
    ),
    _rule(
        "alb-log-bucket-policy",
        "Bucket does not let the load balancer write its access logs",
        _BALANCER_PAGE,
        "aws_lb",
        _balancer_policy,
        bad=(
            _balancer_main(_BALANCER),
            _balancer_main(_BALANCER, _policy("elasticloadbalancing.amazonaws.com")),
            _balancer_main(_BALANCER, _policy("arn:aws:iam::127311923021:root", kind="AWS")),
            _balancer_main(_BALANCER, _policy("arn:aws:iam::${data.aws_caller_identity.me.account_id}:root", kind="AWS")),
            _balancer_main(_PREFIXED, _policy("logdelivery.elasticloadbalancing.amazonaws.com", f"{_NAME}/AWSLogs/*")),
        ),
        good=(
            _balancer_main(_BALANCER, _policy("logdelivery.elasticloadbalancing.amazonaws.com")),
            _balancer_main(_BALANCER, _policy("arn:aws:iam::156460612806:root", kind="AWS")),
            _balancer_main(_BALANCER, _policy("${data.aws_elb_service_account.main.arn}", kind="AWS")),
            _balancer_main(_PREFIXED, _policy("logdelivery.elasticloadbalancing.amazonaws.com", f"{_NAME}/alb/AWSLogs/*")),
            _balancer_main({"access_logs": {"bucket": _ID, "enabled": False}}),
            _balancer_main({**_BALANCER, "load_balancer_type": "network"}),
        ),
    ),
    _rule(
        "cloudfront-log-bucket-acl",
        "CloudFront logs into a bucket with ACLs disabled",
        "AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html",
        "aws_cloudfront_distribution",
        _distribution_logs,
        bad=(
            _main("aws_cloudfront_distribution", _DISTRIBUTION),
            _main("aws_cloudfront_distribution", _DISTRIBUTION, **_owner("BucketOwnerEnforced")),
        ),
        good=(
            _main("aws_cloudfront_distribution", _DISTRIBUTION, **_owner("BucketOwnerPreferred")),
            _main("aws_cloudfront_distribution", _DISTRIBUTION, **_owner("${var.ownership}")),
            _main("aws_cloudfront_distribution", {"logging_config": {"bucket": "central.s3.amazonaws.com"}}),
        ),
    ),
    _rule(
        "s3-access-log-policy",
        "Bucket does not let S3 deliver access logs",
        "AmazonS3/latest/userguide/enable-server-access-logging.html",
        "aws_s3_bucket_logging",
        _access_logs,
        bad=(
            _main("aws_s3_bucket_logging", _LOGGING),
            _main("aws_s3_bucket_logging", _LOGGING, _OTHER),
            _main("aws_s3_bucket_logging", _LOGGING, _policy("logging.s3.amazonaws.com", f"{_NAME}/other/*")),
        ),
        good=(
            _main("aws_s3_bucket_logging", _LOGGING, _policy("logging.s3.amazonaws.com", f"{_NAME}/app/*")),
            _main("aws_s3_bucket_logging", _LOGGING, aws_s3_bucket_acl={"logs": {"bucket": _ID, "acl": "log-delivery-write"}}),
            _main("aws_s3_bucket_logging", _LOGGING, _UNKNOWN),
            _main("aws_s3_bucket_logging", {"bucket": "app", "target_bucket": "central-logs"}),
        ),
    ),
    _rule(
        "ses-bucket-policy",
        "Bucket does not let SES store mails",
        "ses/latest/dg/receiving-email-permissions.html",
        "aws_ses_receipt_rule",
        _mails,
        bad=(_main("aws_ses_receipt_rule", _RECEIPT), _main("aws_ses_receipt_rule", _RECEIPT, _OTHER)),
        good=(
            _main("aws_ses_receipt_rule", _RECEIPT, _policy("ses.amazonaws.com")),
            _main("aws_ses_receipt_rule", {"s3_action": [{"bucket_name": _ID, "iam_role_arn": "${aws_iam_role.ses.arn}"}]}),
        ),
    ),
)
