"""What the ideal has and the tree lacks altogether."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.architecture.base import Rule, Sides
from harness.constraints.base import Violation
from harness.constraints.graph import ResourceGraph
from harness.failures import Category, Severity

_BLOCK_OF: Mapping[str, tuple[str, str]] = {
    "aws_s3_bucket_versioning": ("aws_s3_bucket", "versioning"),
    "aws_s3_bucket_server_side_encryption_configuration": ("aws_s3_bucket", "server_side_encryption_configuration"),
    "aws_s3_bucket_lifecycle_configuration": ("aws_s3_bucket", "lifecycle_rule"),
    "aws_s3_bucket_logging": ("aws_s3_bucket", "logging"),
    "aws_s3_bucket_website_configuration": ("aws_s3_bucket", "website"),
    "aws_s3_bucket_cors_configuration": ("aws_s3_bucket", "cors_rule"),
    "aws_s3_bucket_replication_configuration": ("aws_s3_bucket", "replication_configuration"),
    "aws_s3_bucket_object_lock_configuration": ("aws_s3_bucket", "object_lock_configuration"),
    "aws_s3_bucket_policy": ("aws_s3_bucket", "policy"),
    "aws_s3_bucket_acl": ("aws_s3_bucket", "acl"),
    "aws_route": ("aws_route_table", "route"),
    "aws_security_group_rule": ("aws_security_group", "ingress"),
    "aws_vpc_security_group_ingress_rule": ("aws_security_group", "ingress"),
    "aws_vpc_security_group_egress_rule": ("aws_security_group", "egress"),
    "aws_kms_key_policy": ("aws_kms_key", "policy"),
    "aws_sqs_queue_policy": ("aws_sqs_queue", "policy"),
    "aws_sqs_queue_redrive_policy": ("aws_sqs_queue", "redrive_policy"),
    "aws_sns_topic_policy": ("aws_sns_topic", "policy"),
    "aws_dynamodb_table_replica": ("aws_dynamodb_table", "replica"),
    "aws_network_acl_rule": ("aws_network_acl", "ingress"),
    "aws_internet_gateway_attachment": ("aws_internet_gateway", "vpc_id"),
    "aws_volume_attachment": ("aws_instance", "ebs_block_device"),
}
"""Resources that do what an argument of another resource can do as well: an architecture that has the argument lacks nothing."""

_SAME_JOB: tuple[frozenset[str], ...] = (
    frozenset({"aws_security_group_rule", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"}),
    frozenset({"aws_iam_role_policy", "aws_iam_policy", "aws_iam_role_policy_attachment", "aws_iam_policy_attachment"}),
    frozenset({"aws_lb", "aws_alb"}),
    frozenset({"aws_lb_listener", "aws_alb_listener"}),
    frozenset({"aws_lb_target_group", "aws_alb_target_group"}),
    frozenset({"aws_s3_object", "aws_s3_bucket_object"}),
    frozenset({"aws_launch_template", "aws_launch_configuration"}),
    frozenset({"aws_cloudwatch_event_rule", "aws_scheduler_schedule"}),
    frozenset({"aws_subnet", "aws_default_subnet"}),
    frozenset({"aws_eip", "aws_eip_association"}),
    frozenset({"aws_rds_cluster", "aws_db_instance"}),
    frozenset({"aws_ssm_parameter", "aws_secretsmanager_secret", "aws_secretsmanager_secret_version"}),
)
"""Types of which one can stand for the other."""

_NO_PART_OF_A_SYSTEM = frozenset({"aws_iam_role_policy_attachment", "aws_s3_object", "aws_s3_bucket_object", "aws_route_table_association"})
"""Types that only join others; which of them there are follows from the rest."""


def resources_are_there(sides: Sides) -> Iterator[Violation]:
    """Every type of resource that the ideal has is in the tree too, or something that does the same.

    The address names the type, so that it stays the same when resources come and go.
    """
    here = sides.types(sides.tree)
    for kind in sorted(sides.types(sides.ideal) - here - _NO_PART_OF_A_SYSTEM):
        if not kind.startswith("aws_") or any(kind in job and job & here for job in _SAME_JOB) or _as_argument(sides.tree, kind):
            continue
        examples = [node for graph in sides.ideal for node in graph.of_type(kind)]
        names = ", ".join(sorted(node.address.rpartition(".")[2] for node in examples)[:5])
        many = f"{len(examples)} of them ({names})" if len(examples) > 1 else f"it ({names})"
        yield Violation(f"'{kind}' is missing: the response has none, the ideal has {many}", (), (kind,), kind)


def _as_argument(graphs: tuple[ResourceGraph, ...], kind: str) -> bool:
    owner, argument = _BLOCK_OF.get(kind, ("", ""))
    return any(node.arguments.get(argument) for graph in graphs for node in graph.of_type(owner)) if owner else False


def _only(**resources: Any) -> dict[str, Any]:
    return {"resource": {kind: {"main": arguments} for kind, arguments in resources.items()}}


RULES = (
    Rule(
        id="resource-missing",
        title="A part of the system is missing",
        severity=Severity.MEDIUM,
        category=Category.ARCHITECTURE,
        documentation="https://developer.hashicorp.com/terraform/language/resources",
        check=resources_are_there,
        bad=((_only(aws_vpc={}), _only(aws_vpc={}, aws_flow_log={"vpc_id": "${aws_vpc.main.id}"})),),
        good=(
            (_only(aws_vpc={}), _only(aws_vpc={})),
            (_only(aws_s3_bucket={"versioning": {"enabled": True}}), _only(aws_s3_bucket={}, aws_s3_bucket_versioning={})),
            (_only(aws_iam_role_policy={}), _only(aws_iam_policy={}, aws_iam_role_policy_attachment={})),
            (_only(aws_vpc={}, aws_flow_log={}), _only(aws_vpc={})),
        ),
    ),
)
