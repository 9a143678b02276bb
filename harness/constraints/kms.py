"""Rules on KMS keys: whoever encrypts with a key has to be let in by the key's policy."""

from __future__ import annotations

from collections.abc import Iterator

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import allows, key_policies, statements
from harness.failures import Category, Severity

LOGS_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:GenerateDataKey", "kms:DescribeKey")
"""What CloudWatch Logs calls with the key; the documentation asks for Encrypt*, Decrypt*, ReEncrypt*, GenerateDataKey*, Describe*."""


def logs_may_use_key(graph: ResourceGraph) -> Iterator[Violation]:
    """A log group's key has to let `logs.REGION.amazonaws.com` encrypt; without it CreateLogGroup is refused."""
    groups: dict[Node, list[Node]] = {}
    for group in graph.of_type("aws_cloudwatch_log_group"):
        if key := graph.target(group.arguments.get("kms_key_id"), "aws_kms_key"):
            groups.setdefault(key, []).append(group)
    for key, members in groups.items():
        region = graph.region(members[0])
        # A region that is only known later is written into the policy the same way, whatever it is.
        services = [f"logs.{region}.amazonaws.com"] if region else ["logs.${"]
        lacking = _lacking(graph, key, services, region is None)
        if lacking:
            service = services[0] if region else "logs.<region>.amazonaws.com"
            names = ", ".join(member.address for member in members)
            message = f"{key.address}: its key policy does not let {service} use it ({', '.join(lacking)}), but it encrypts {names}"
            yield Violation(message, (key, *members), (key.address.partition(".")[2], service), key.address)


def _lacking(graph: ResourceGraph, key: Node, services: list[str], any_region: bool) -> list[str]:
    blocks = []
    for policy in key_policies(graph, key):
        found = statements(graph, policy)
        if found is None:
            return []  # not knowable before an apply; a rule says only what is certain
        blocks += found
    if any_region:
        services = [
            name
            for block in blocks
            if isinstance(block.get("Principal"), dict)
            for name in ([block["Principal"].get("Service")] if isinstance(block["Principal"].get("Service"), str) else block["Principal"].get("Service") or [])
            if str(name).startswith("logs.")
        ] or services
    return [action for action in LOGS_ACTIONS if not any(allows(block, service, action) for block in blocks for service in services)]


def _example(policy: str | None) -> dict:  # type: ignore[type-arg]
    key = {"description": "logs"} if policy is None else {"description": "logs", "policy": policy}
    return {
        "provider": {"aws": [{"region": "eu-west-1"}]},
        "resource": {
            "aws_kms_key": {"logs": key},
            "aws_cloudwatch_log_group": {"app": {"name": "app", "kms_key_id": "${aws_kms_key.logs.arn}"}},
        },
    }


_ACTIONS = '["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]'


def _policy(service: str) -> str:
    return f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"Service": "{service}"}}, "Action": {_ACTIONS}, "Resource": "*"}}]}}'


RULES = (
    Rule(
        id="kms-logs-policy",
        title="KMS key does not let CloudWatch Logs use it",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        check=logs_may_use_key,
        bad=(_example(None), _example(_policy("logs.us-east-1.amazonaws.com"))),
        good=(_example(_policy("logs.eu-west-1.amazonaws.com")),),
    ),
)
