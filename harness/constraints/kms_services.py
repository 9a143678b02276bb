"""Rules on KMS keys that a service uses by itself, without anybody's credentials: the key's policy has to name the service.

Services that work with the caller's permissions or by grants (RDS, EBS, DynamoDB, Secrets Manager) need no such statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from harness.constraints.base import Check, Rule, Violation
from harness.constraints.bucket_encryption import encryption
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.kms import key_of
from harness.constraints.policies import key_statements, lacking, listed
from harness.constraints.resource_policies import (
    Sendings,
    alarm_actions,
    bucket_to_queue,
    bucket_to_topic,
    event_dead_letters,
    event_targets,
    topic_to_queue,
    trail_topics,
)
from harness.constraints.values import blocks, nested, text
from harness.failures import Category, Severity

Resources = Mapping[str, Mapping[str, Any]]
"""Resources by type, each type with one instance `main`."""

_PUBLISHERS: tuple[tuple[Sendings, str], ...] = (
    (alarm_actions, "cloudwatch.amazonaws.com"),
    (bucket_to_topic, "s3.amazonaws.com"),
    (event_targets, "events.amazonaws.com"),
    (trail_topics, "cloudtrail.amazonaws.com"),
)
_SENDERS: tuple[tuple[Sendings, str], ...] = (
    (topic_to_queue, "sns.amazonaws.com"),
    (bucket_to_queue, "s3.amazonaws.com"),
    (event_targets, "events.amazonaws.com"),
    (event_dead_letters, "events.amazonaws.com"),
)
_SENDS = ("kms:GenerateDataKey", "kms:Decrypt")

Use = tuple[Node, Node, str, tuple[str, ...]]
"""What uses a key, the thing that is encrypted with it, the service that works there, and what the service does with the key."""


def _received(kind: str, ways: tuple[tuple[Sendings, str], ...], graph: ResourceGraph) -> Iterator[tuple[Node, Node, str]]:
    """What sends, the encrypted queue or topic that it sends to, and the service that does."""
    for sendings, service in ways:
        for sender, value in sendings(graph):
            receiver = graph.target(value, kind)
            if receiver is not None and not receiver.is_data and receiver.arguments.get("kms_master_key_id") is not None:
                yield sender, receiver, service


def _messages(kind: str, ways: tuple[tuple[Sendings, str], ...], graph: ResourceGraph) -> Iterator[tuple[object, Use]]:
    for sender, receiver, service in _received(kind, ways, graph):
        yield receiver.arguments.get("kms_master_key_id"), (sender, receiver, service, _SENDS)


def _trails(graph: ResourceGraph) -> Iterator[tuple[object, Use]]:
    for trail in graph.of_type("aws_cloudtrail"):
        yield trail.arguments.get("kms_key_id"), (trail, trail, "cloudtrail.amazonaws.com", ("kms:GenerateDataKey",))


def _served_buckets(graph: ResourceGraph) -> Iterator[tuple[object, Use]]:
    for distribution in graph.of_type("aws_cloudfront_distribution"):
        for origin in blocks(distribution.arguments, "origin"):
            bucket = graph.target(origin.get("domain_name"), "aws_s3_bucket")
            found = encryption(graph, bucket) if bucket is not None and origin.get("origin_access_control_id") else None
            if bucket is not None and found is not None:
                yield found[1], (distribution, bucket, "cloudfront.amazonaws.com", ("kms:Decrypt",))


def _flow_log_buckets(graph: ResourceGraph) -> Iterator[tuple[object, Use]]:
    for log in graph.of_type("aws_flow_log"):
        bucket = graph.target(log.arguments.get("log_destination"), "aws_s3_bucket")
        found = encryption(graph, bucket) if bucket is not None and text(graph, log.arguments.get("log_destination_type")) == "s3" else None
        if bucket is not None and found is not None:
            yield found[1], (log, bucket, "delivery.logs.amazonaws.com", ("kms:GenerateDataKey",))


def may_use_key(uses: Any, graph: ResourceGraph) -> Iterator[Violation]:
    """A key of the stack lets the service use it that works with what the key encrypts; one finding for a key and a service."""
    found: dict[tuple[Node, str], tuple[list[str], dict[Node, None], dict[Node, None]]] = {}
    for value, (user, encrypted, service, actions) in uses(graph):
        key = key_of(graph, value)
        missing = [] if key is None or key.is_data else lacking(key_statements(graph, key), service, *actions)
        if key is not None and missing:
            _, things, users = found.setdefault((key, service), (missing, {}, {}))
            things[encrypted] = None
            users[user] = None
    for (key, service), (missing, things, users) in found.items():
        names, callers = (", ".join(node.address for node in nodes) for nodes in (things, users))
        asks = "" if things.keys() == users.keys() else f", for {callers}"
        message = f"{key.address}: its key policy does not let {service} use it ({', '.join(missing)}), but it encrypts {names}{asks}"
        symbols = (service, *missing, *_names(key), *_names(*things))
        yield Violation(message, tuple(dict.fromkeys((key, *things, *users))), symbols, f"{key.address}:{service}")


def not_with_managed_key(kind: str, alias: str, ways: tuple[tuple[Sendings, str], ...], graph: ResourceGraph) -> Iterator[Violation]:
    """AWS's own key of the service lets only principals of the account use it, and its policy cannot be changed."""
    senders: dict[Node, dict[str, None]] = {}
    callers: dict[Node, dict[Node, None]] = {}
    for sender, receiver, service in _received(kind, ways, graph):
        if (text(graph, receiver.arguments.get("kms_master_key_id")) or "").endswith(alias):
            senders.setdefault(receiver, {})[service] = None
            callers.setdefault(receiver, {})[sender] = None
    for receiver, services in senders.items():
        names = ", ".join(node.address for node in callers[receiver])
        message = f"{receiver.address}: it is encrypted with {alias}, which {' and '.join(services)} cannot use, but it is to receive from {names}"
        yield Violation(message, (receiver, *callers[receiver]), (alias, "kms_master_key_id", *services, *_names(receiver)), receiver.address)


def autoscaling_may_use_key(graph: ResourceGraph) -> Iterator[Violation]:
    """Auto Scaling starts instances by its service-linked role, which has no permission on customer-managed keys: the key names it, or a grant does."""
    told = set()
    for group in graph.of_type("aws_autoscaling_group"):
        for template in _templates(graph, group):
            for volume in nested(template.arguments, "block_device_mappings", "ebs"):
                key = key_of(graph, volume.get("kms_key_id"))
                known = None if key is None or key.is_data else key_statements(graph, key)
                if key is None or known is None or (key, group) in told or any(_may_be_for_autoscaling(graph, block) for block in known):
                    continue
                told.add((key, group))
                role = "AWSServiceRoleForAutoScaling"
                message = f"{key.address}: its key policy does not name {role}, but it encrypts volumes of {template.address}, which {group.address} starts"
                yield Violation(message, (key, template, group), (role, *_names(key), *_names(template)), f"{key.address}:{group.address}")


def _templates(graph: ResourceGraph, group: Node) -> Iterator[Node]:
    mixed = nested(group.arguments, "mixed_instances_policy", "launch_template", "launch_template_specification")
    for block in (*blocks(group.arguments, "launch_template"), *mixed):
        template = graph.target([value for name, value in block.items() if name in ("id", "name", "launch_template_id")], "aws_launch_template")
        if template is not None and not template.is_data:
            yield template


def _may_be_for_autoscaling(graph: ResourceGraph, block: Mapping[str, Any]) -> bool:
    """Whether a statement may be for Auto Scaling's role: unless all its principals are the account, roles of the stack, or services of other names."""
    principal = block.get("Principal")
    if block.get("Effect") != "Allow":
        return False
    if not isinstance(principal, Mapping):
        return True
    named = mapping(principal)
    services = [str(name) for name in listed(named.get("Service"))]
    return any("autoscaling" in name or "${" in name for name in services) or any(_may_be_role(graph, str(name)) for name in listed(named.get("AWS")))


def _may_be_role(graph: ResourceGraph, name: str) -> bool:
    if name == "*" or "AWSServiceRoleForAutoScaling" in name:
        return True
    account = re.fullmatch(r"(?:arn:.*:iam::)?(?:\d{12}|\$\{data\.aws_caller_identity\.[\w-]+\.(?:account_)?id\})(?::root)?", name)
    caller = re.fullmatch(r"\$\{data\.aws_caller_identity\.[\w-]+\.arn\}", name)
    return not (account or caller or graph.target(name, "aws_iam_role", "aws_iam_user")) and "${" in name


def _names(*nodes: Node) -> tuple[str, ...]:
    return tuple(name for node in nodes for name in (node.address.rpartition(".")[2], node.type))


_ROOT = '{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"}, "Action": "kms:*", "Resource": "*"}'
_KEY = "${aws_kms_key.main.arn}"


def _policy(*services: str, actions: str = '["kms:GenerateDataKey*", "kms:Decrypt"]', kind: str = "Service") -> str:
    names = ", ".join(f'"{service}"' for service in services)
    return f'{{"Statement": [{_ROOT}, {{"Effect": "Allow", "Principal": {{"{kind}": [{names}]}}, "Action": {actions}, "Resource": "*"}}]}}'


def _stack(policy: str | None, resources: Resources, **others: Mapping[str, Any]) -> dict[str, Any]:
    """A key, and resources by type, each with one instance `main`."""
    key = {"description": "main"} if policy is None else {"policy": policy}
    return {"resource": {"aws_kms_key": {"main": key}, **{kind: {"main": arguments} for kind, arguments in resources.items()}, **others}}


_ALARM: Resources = {"aws_cloudwatch_metric_alarm": {"alarm_actions": ["${aws_sns_topic.main.arn}"]}}
_TARGET: Resources = {"aws_cloudwatch_event_target": {"rule": "r", "arn": "${aws_sns_topic.main.arn}"}}
_SUBSCRIPTION: Resources = {"aws_sns_topic_subscription": {"protocol": "sqs", "endpoint": "${aws_sqs_queue.main.arn}", "topic_arn": "t"}}
_MANAGED_TOPIC, _MANAGED_QUEUE = {"kms_master_key_id": "alias/aws/sns"}, {"kms_master_key_id": "alias/aws/sqs"}
_SSE = {"sse_algorithm": "aws:kms", "kms_master_key_id": _KEY}
_ENCRYPTED: Resources = {
    "aws_s3_bucket": {"bucket": "main"},
    "aws_s3_bucket_server_side_encryption_configuration": {
        "bucket": "${aws_s3_bucket.main.id}",
        "rule": [{"apply_server_side_encryption_by_default": _SSE}],
    },
}
_ORIGIN = {"domain_name": "${aws_s3_bucket.main.bucket_regional_domain_name}", "origin_access_control_id": "${aws_cloudfront_origin_access_control.main.id}"}
_SERVED: Resources = {"aws_cloudfront_distribution": {"origin": [_ORIGIN]}, **_ENCRYPTED}
_LOGGED: Resources = {"aws_flow_log": {"log_destination": "${aws_s3_bucket.main.arn}", "log_destination_type": "s3"}, **_ENCRYPTED}
_VOLUME: Resources = {"aws_launch_template": {"block_device_mappings": [{"ebs": {"encrypted": "true", "kms_key_id": _KEY}}]}}
_GROUP: Resources = {"aws_autoscaling_group": {"launch_template": {"id": "${aws_launch_template.main.id}"}}, **_VOLUME}
_SCALING_ROLE = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


def _use(identifier: str, title: str, page: str, uses: Any, service: str, example: Resources) -> Rule:
    granted = {"main": {"key_id": "${aws_kms_key.main.key_id}", "grantee_principal": "p", "operations": ["Decrypt"]}}
    return _rule(
        identifier,
        title,
        page,
        partial(may_use_key, uses),
        bad=(_stack(None, example), _stack(_policy("logs.amazonaws.com"), example), _stack(_policy(service, actions='"kms:DescribeKey"'), example)),
        good=(
            _stack(_policy(service), example),
            _stack(_policy("*", kind="AWS"), example),
            _stack("${jsonencode(var.policy)}", example),
            _stack(None, example, aws_kms_grant=granted),
            # A key of another stack.
            {"resource": {kind: {"main": arguments} for kind, arguments in example.items()}},
        ),
    )


def _rule(identifier: str, title: str, page: str, check: Check, bad: tuple[dict[str, Any], ...], good: tuple[dict[str, Any], ...]) -> Rule:
    return Rule(identifier, title, Severity.HIGH, Category.AWS_CONSTRAINT, f"https://{page}", check, bad, good)


_SNS_PAGE = "docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"
_SQS_PAGE = "docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"

RULES = (
    _use(
        "sns-key-policy",
        "Topic's KMS key does not let the publishing service use it",
        _SNS_PAGE,
        partial(_messages, "aws_sns_topic", _PUBLISHERS),
        "cloudwatch.amazonaws.com",
        {**_ALARM, "aws_sns_topic": {"kms_master_key_id": _KEY}},
    ),
    _use(
        "sqs-key-policy",
        "Queue's KMS key does not let the sending service use it",
        _SQS_PAGE,
        partial(_messages, "aws_sqs_queue", _SENDERS),
        "sns.amazonaws.com",
        {**_SUBSCRIPTION, "aws_sqs_queue": {"kms_master_key_id": _KEY}},
    ),
    _use(
        "cloudtrail-key-policy",
        "CloudTrail's KMS key does not let CloudTrail use it",
        "docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html",
        _trails,
        "cloudtrail.amazonaws.com",
        {"aws_cloudtrail": {"kms_key_id": _KEY}},
    ),
    _use(
        "cloudfront-origin-key-policy",
        "KMS key of the origin bucket does not let CloudFront decrypt",
        "docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
        _served_buckets,
        "cloudfront.amazonaws.com",
        _SERVED,
    ),
    _use(
        "flow-log-bucket-key-policy",
        "KMS key of the flow logs' bucket does not let log delivery use it",
        "docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-cmk-policy.html",
        _flow_log_buckets,
        "delivery.logs.amazonaws.com",
        _LOGGED,
    ),
    _rule(
        "sns-managed-key",
        "Services cannot publish to a topic that AWS's own key encrypts",
        _SNS_PAGE,
        partial(not_with_managed_key, "aws_sns_topic", "alias/aws/sns", _PUBLISHERS),
        bad=(_stack(None, {**_TARGET, "aws_sns_topic": _MANAGED_TOPIC}),),
        good=(
            _stack(None, {**_TARGET, "aws_sns_topic": {"name": "main"}}),
            _stack(None, {**_TARGET, "aws_sns_topic": {"kms_master_key_id": "alias/alerts"}}),
            _stack(None, {"aws_sns_topic": _MANAGED_TOPIC}),
            _stack(None, {**_TARGET, "aws_sns_topic": {"kms_master_key_id": "${var.key}"}}),
        ),
    ),
    _rule(
        "sqs-managed-key",
        "Services cannot send to a queue that AWS's own key encrypts",
        _SQS_PAGE,
        partial(not_with_managed_key, "aws_sqs_queue", "alias/aws/sqs", _SENDERS),
        bad=(_stack(None, {**_SUBSCRIPTION, "aws_sqs_queue": _MANAGED_QUEUE}),),
        good=(
            _stack(None, {**_SUBSCRIPTION, "aws_sqs_queue": {"sqs_managed_sse_enabled": True}}),
            _stack(None, {"aws_sqs_queue": _MANAGED_QUEUE}),
        ),
    ),
    _rule(
        "autoscaling-key-policy",
        "KMS key of the volumes does not let Auto Scaling's role use it",
        "docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html",
        autoscaling_may_use_key,
        bad=(
            _stack(None, _GROUP),
            _stack(_policy("ec2.amazonaws.com"), _GROUP),
            _stack(_policy("${aws_iam_role.app.arn}", kind="AWS"), _GROUP, aws_iam_role={"app": {"name": "app"}}),
        ),
        good=(
            _stack(_policy(_SCALING_ROLE, kind="AWS"), _GROUP),
            _stack(_policy("${var.role}", kind="AWS"), _GROUP),
            _stack(None, _VOLUME),
            _stack(None, _GROUP, aws_kms_grant={"main": {"key_id": _KEY, "grantee_principal": _SCALING_ROLE, "operations": ["Decrypt"]}}),
        ),
    ),
)
