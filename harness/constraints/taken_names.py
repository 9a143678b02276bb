"""Rules on what can be there only once: names that two resources of a stack take, and resources that a stack makes twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import listed
from harness.constraints.values import blocks, is_repeated, text
from harness.failures import Category, Severity

_EVERYWHERE = "everywhere"
_NAMES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # By type: the argument that is the name, where the name is unique, and the arguments that it is unique in.
    "aws_s3_bucket": ("bucket", _EVERYWHERE, ()),
    "aws_iam_group": ("name", "account", ()),
    "aws_iam_instance_profile": ("name", "account", ()),
    "aws_iam_policy": ("name", "account", ()),
    "aws_iam_role": ("name", "account", ()),
    "aws_iam_role_policy": ("name", "account", ("role",)),
    "aws_iam_user": ("name", "account", ()),
    "aws_cloudfront_cache_policy": ("name", "account", ()),
    "aws_cloudfront_function": ("name", "account", ()),
    "aws_cloudfront_origin_access_control": ("name", "account", ()),
    "aws_athena_workgroup": ("name", "region", ()),
    "aws_autoscaling_group": ("name", "region", ()),
    "aws_backup_vault": ("name", "region", ()),
    "aws_cloudtrail": ("name", "region", ()),
    "aws_cloudwatch_dashboard": ("dashboard_name", "account", ()),
    "aws_cloudwatch_event_bus": ("name", "region", ()),
    "aws_cloudwatch_event_rule": ("name", "region", ("event_bus_name",)),
    "aws_cloudwatch_log_group": ("name", "region", ()),
    "aws_cloudwatch_metric_alarm": ("alarm_name", "region", ()),
    "aws_codebuild_project": ("name", "region", ()),
    "aws_codepipeline": ("name", "region", ()),
    "aws_config_config_rule": ("name", "region", ()),
    "aws_db_instance": ("identifier", "region", ()),
    "aws_db_parameter_group": ("name", "region", ()),
    "aws_db_subnet_group": ("name", "region", ()),
    "aws_dynamodb_table": ("name", "region", ()),
    "aws_ecr_repository": ("name", "region", ()),
    "aws_ecs_cluster": ("name", "region", ()),
    "aws_ecs_service": ("name", "region", ("cluster",)),
    "aws_eks_cluster": ("name", "region", ()),
    "aws_eks_node_group": ("node_group_name", "region", ("cluster_name",)),
    "aws_elasticache_replication_group": ("replication_group_id", "region", ()),
    "aws_elasticache_subnet_group": ("name", "region", ()),
    "aws_key_pair": ("key_name", "region", ()),
    "aws_kinesis_firehose_delivery_stream": ("name", "region", ()),
    "aws_kinesis_stream": ("name", "region", ()),
    "aws_kms_alias": ("name", "region", ()),
    "aws_lambda_function": ("function_name", "region", ()),
    "aws_lambda_permission": ("statement_id", "region", ("function_name", "qualifier")),
    "aws_launch_template": ("name", "region", ()),
    "aws_lb": ("name", "region", ()),
    "aws_lb_target_group": ("name", "region", ()),
    "aws_rds_cluster": ("cluster_identifier", "region", ()),
    "aws_rds_cluster_instance": ("identifier", "region", ()),
    "aws_rds_cluster_parameter_group": ("name", "region", ()),
    "aws_scheduler_schedule": ("name", "region", ("group_name",)),
    "aws_secretsmanager_secret": ("name", "region", ()),
    "aws_security_group": ("name", "region", ("vpc_id",)),
    "aws_sfn_state_machine": ("name", "region", ()),
    "aws_sns_topic": ("name", "region", ()),
    "aws_sqs_queue": ("name", "region", ()),
    "aws_ssm_parameter": ("name", "region", ()),
    "aws_wafv2_web_acl": ("name", "region", ("scope",)),
}
_ONCE = {
    # By type: the settings and the recorders of which a region, or an account, has one.
    "aws_api_gateway_account": "region",
    "aws_config_configuration_recorder": "region",
    "aws_config_delivery_channel": "region",
    "aws_ebs_encryption_by_default": "region",
    "aws_guardduty_detector": "region",
    "aws_iam_account_password_policy": "account",
    "aws_s3_account_public_access_block": "account",
    "aws_securityhub_account": "region",
}
_CHANGING = ("uuid(", "bcrypt(", "each.", "count.")
_OF_THE_WHOLE = ("region", "alias", "default_tags", "ignore_tags")


def _place(graph: ResourceGraph, node: Node, reach: str) -> str | None:
    """Where a node is made, as a key: the account (as its provider names it), and the region; None where a region may or may not be another one."""
    if reach == _EVERYWHERE:
        return reach
    alias = str(node.arguments.get("provider", "")).partition(".")[2]
    providers = [mapping(block) for block in listed(graph.providers.get("aws"))]
    block = next((block for block in providers if block.get("alias", "") == alias), {})
    account = json.dumps({name: value for name, value in block.items() if name not in _OF_THE_WHOLE}, sort_keys=True)
    if reach == "account":
        return account
    return f"{account} {graph.region(node) or f'provider {alias}'}"


def _name(node: Node, argument: str) -> str | None:
    """A node's name, as a literal or as a template, which is the same wherever it stands; None where it may be another one each time."""
    value = node.arguments.get(argument)
    return value if isinstance(value, str) and value and not any(word in value for word in _CHANGING) else None


def names_are_taken_once(graph: ResourceGraph) -> Iterator[Violation]:
    """The second resource that takes a name is refused, or writes over the first one."""
    taken: dict[tuple[Any, ...], Node] = {}
    for node in graph.of_type(*_NAMES):
        argument, reach, within = _NAMES[node.type]
        name = _name(node, argument)
        if name is None or is_repeated(node):
            continue
        scope = [str(node.arguments.get(other)) for other in within]
        key = (node.type, name, _place(graph, node, reach), *scope)
        first = taken.setdefault(key, node)
        if first is not node:
            message = f"{node.address}: {first.address} already takes the {argument} {name!r}, which can be there only once"
            yield Violation(message, (node, first), (name, argument, node.type), node.address)


def networks_are_made_once(graph: ResourceGraph) -> Iterator[Violation]:
    """A VPC with the address range and the name of another one, and a second public zone for a domain, come from code that ran twice."""
    made: dict[tuple[Any, ...], Node] = {}
    for node in graph.of_type("aws_vpc", "aws_route53_zone"):
        kind = "cidr_block" if node.type == "aws_vpc" else "name"
        value = text(graph, node.arguments.get(kind))
        label = mapping(node.arguments.get("tags")).get("Name") if node.type == "aws_vpc" else "public"
        if (
            not value
            or not label
            or is_repeated(node)
            or (node.type == "aws_route53_zone" and (blocks(node.arguments, "vpc") or node.arguments.get("delegation_set_id")))
        ):
            continue
        place = _place(graph, node, "region" if node.type == "aws_vpc" else "account")
        first = made.setdefault((node.type, value.rstrip("."), str(label), place), node)
        if first is not node:
            said = f"the {kind} {value} and the name {label}" if node.type == "aws_vpc" else f"the domain {value}"
            message = f"{node.address}: {first.address} is already made with {said}; hand that one down instead of making a second one"
            yield Violation(message, (node, first), (value, node.type, first.address.rpartition(".")[2]), node.address)


def settings_are_made_once(graph: ResourceGraph) -> Iterator[Violation]:
    """A region has one configuration recorder, one detector, one setting of a kind: the second is refused, or writes over the first."""
    made: dict[tuple[str, str | None], Node] = {}
    for node in graph.of_type(*_ONCE):
        if is_repeated(node):
            continue  # `count` may choose between the two
        reach = _ONCE[node.type]
        first = made.setdefault((node.type, _place(graph, node, reach)), node)
        if first is not node:
            message = f"{node.address}: {first.address} is there already, and AWS has one {node.type} in each {reach}"
            yield Violation(message, (node, first), (node.type, first.address.rpartition(".")[2]), node.address)


def _two(kind: str, first: dict[str, Any], second: dict[str, Any], **providers: Any) -> dict[str, Any]:
    return {
        "provider": {"aws": [{"region": "eu-west-1"}, {"region": "us-east-1", "alias": "us"}, *providers.values()]},
        "resource": {kind: {"a": first, "b": second}},
    }


def _named(kind: str, argument: str, value: str, **second: Any) -> dict[str, Any]:
    return _two(kind, {argument: value}, {argument: value, **second})


def _vpc(cidr: str = "10.0.0.0/16", name: str = "main", **arguments: Any) -> dict[str, Any]:
    return {"cidr_block": cidr, "tags": {"Name": name}, **arguments}


_OTHER_ACCOUNT = {"region": "eu-west-1", "alias": "other", "assume_role": [{"role_arn": "${var.role}"}]}

RULES = (
    Rule(
        id="name-taken-twice",
        title="Two resources with one name",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/general/latest/gr/aws-arns-and-namespaces.html",
        check=names_are_taken_once,
        bad=(
            _named("aws_iam_role", "name", "app"),
            _named("aws_iam_role", "name", "app", provider="aws.us"),
            _named("aws_s3_bucket", "bucket", "files-${var.stage}", provider="aws.us"),
            _two("aws_security_group", {"name": "web", "vpc_id": "${aws_vpc.a.id}"}, {"name": "web", "vpc_id": "${aws_vpc.a.id}"}),
        ),
        good=(
            _named("aws_sqs_queue", "name", "orders", provider="aws.us"),
            _two("aws_iam_role", {"name": "app"}, {"name": "app", "provider": "aws.other"}, other=_OTHER_ACCOUNT),
            _two("aws_security_group", {"name": "web", "vpc_id": "${aws_vpc.a.id}"}, {"name": "web", "vpc_id": "${aws_vpc.b.id}"}),
            _two("aws_sqs_queue", {"name": "orders"}, {"name": "orders-dead"}),
            _two("aws_sqs_queue", {"name_prefix": "orders"}, {"name_prefix": "orders"}),
            _named("aws_sqs_queue", "name", "${each.value}", for_each="${toset(var.queues)}"),
        ),
    ),
    Rule(
        id="resource-duplicated",
        title="Network or zone that is made twice",
        severity=Severity.HIGH,
        category=Category.ARCHITECTURE,
        documentation="https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html",
        check=networks_are_made_once,
        bad=(_two("aws_vpc", _vpc(), _vpc()), _two("aws_route53_zone", {"name": "shop.example"}, {"name": "shop.example."})),
        good=(
            _two("aws_vpc", _vpc(), _vpc("10.1.0.0/16")),
            _two("aws_vpc", _vpc(), _vpc(name="other")),
            _two("aws_vpc", _vpc(), _vpc(provider="aws.us")),
            _two("aws_vpc", {"cidr_block": "10.0.0.0/16"}, {"cidr_block": "10.0.0.0/16"}),
            _two("aws_route53_zone", {"name": "shop.example"}, {"name": "shop.example", "vpc": {"vpc_id": "${aws_vpc.a.id}"}}),
        ),
    ),
    Rule(
        id="setting-made-twice",
        title="Two of what a region or an account has one of",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/config/latest/developerguide/stop-start-recorder.html",
        check=settings_are_made_once,
        bad=(
            _two("aws_config_configuration_recorder", {"name": "a"}, {"name": "b"}),
            _two("aws_iam_account_password_policy", {}, {"provider": "aws.us"}),
        ),
        good=(
            _two("aws_guardduty_detector", {}, {"provider": "aws.us"}),
            _two("aws_guardduty_detector", {"count": "${var.a ? 1 : 0}"}, {"count": "${var.a ? 0 : 1}"}),
            {"resource": {"aws_guardduty_detector": {"a": {}}}},
        ),
    ),
)
