"""Rules on KMS keys: whoever encrypts with a key has to be let in by the key's policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.base import Rule, Violation
from harness.constraints.expressions import could_become
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import allows, key_policies, listed, statements
from harness.constraints.values import truth
from harness.failures import Category, Severity

LOGS_ACTIONS = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:GenerateDataKey", "kms:DescribeKey")
"""What CloudWatch Logs calls with the key.

The documentation asks for Encrypt*, Decrypt*, ReEncrypt*, GenerateDataKey* and Describe*.
"""


def logs_may_use_key(graph: ResourceGraph) -> Iterator[Violation]:
    """A log group's key has to let `logs.REGION.amazonaws.com` encrypt; without it CreateLogGroup is refused."""
    groups: dict[Node, list[Node]] = {}
    for group in graph.of_type("aws_cloudwatch_log_group"):
        if key := key_of(graph, group.arguments.get("kms_key_id")):
            groups.setdefault(key, []).append(group)
    for key, members in groups.items():
        # A key serves one region only, so all groups that it encrypts are in the same one.
        region = graph.region(members[0])
        lacking = _lacking(graph, key, region)
        if lacking:
            service = f"logs.{region or '<region>'}.amazonaws.com"
            names = ", ".join(member.address for member in members)
            message = f"{key.address}: its key policy does not let {service} use it ({', '.join(lacking)}), but it encrypts {names}"
            yield Violation(message, (key, *members), (key.address.partition(".")[2], service), key.address)


def key_of(graph: ResourceGraph, value: object) -> Node | None:
    """The key of this stack that a value names, by its own ARN or by its alias's `target_key_arn`."""
    alias = graph.target(value, "aws_kms_alias")
    return graph.target(alias.arguments.get("target_key_id") if alias else value, "aws_kms_key")


def _lacking(graph: ResourceGraph, key: Node, region: str | None) -> list[str]:
    """What the key's policies do not let the logs service do; nothing where that cannot be known before an apply."""
    policies = key_policies(graph, key)
    blocks: list[Mapping[str, Any]] = []
    for policy in policies or ():
        found = statements(graph, policy)
        if found is None:
            return []
        blocks += found
    if policies is None:
        return []
    return [action for action in LOGS_ACTIONS if not any(allows(block, lambda name: is_logs(name, region), action) for block in blocks)]


def is_logs(service: str, region: str | None) -> bool:
    """Whether a service principal may be the logs service of `region` (None: of any region).

    The documentation names the region's own; `logs.amazonaws.com` is in use too, and certainly wrong it is not.
    """
    if region is None:
        return service.startswith(("logs.", "${"))
    names = ("logs.amazonaws.com", f"logs.{region}.amazonaws.com", f"logs.{region}.amazonaws.com.cn")
    return any(could_become(service, name) for name in names)


def somebody_administers(graph: ResourceGraph) -> Iterator[Violation]:
    """A key policy lets the one who sets it set it again (`kms:PutKeyPolicy`), or KMS refuses it as a lockout.

    Services never set policies, and neither do roles that this stack only now creates.
    """
    for holder in graph.of_type("aws_kms_key", "aws_kms_key_policy"):
        blocks = statements(graph, holder.arguments.get("policy"))
        bypass = holder.arguments.get("bypass_policy_lockout_safety_check", False)
        if not blocks or truth(graph, bypass) is not False or any(_may_administer(graph, block) for block in blocks):
            continue
        message = f"{holder.address}: its policy lets nobody who could deploy it do kms:PutKeyPolicy, and KMS refuses a policy that locks its owner out"
        yield Violation(message, (holder,), ("kms:PutKeyPolicy", "policy", holder.address.rpartition(".")[2], holder.type), holder.address)


def _may_administer(graph: ResourceGraph, block: Mapping[str, Any]) -> bool:
    principal = block.get("Principal")
    # Whoever the principals are: the statement has to allow the action at all.
    if not allows({**block, "Principal": "*"}, bool, "kms:PutKeyPolicy"):
        return False
    if not isinstance(principal, Mapping):
        return True
    made = ("aws_iam_role", "aws_iam_user")
    return any(graph.target(name, *made) is None for name in listed(mapping(principal).get("AWS"))) or "Federated" in principal


_ACTIONS = '["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]'


def _policy(service: str, actions: str = _ACTIONS) -> str:
    return f'{{"Statement": [{{"Effect": "Allow", "Principal": {{"Service": "{service}"}}, "Action": {actions}, "Resource": "*"}}]}}'


def _example(policy: str | None, **resources: Mapping[str, Any]) -> dict[str, Any]:
    key = {"description": "logs"} if policy is None else {"description": "logs", "policy": policy}
    return {
        "provider": {"aws": [{"region": "eu-west-1"}]},
        "resource": {
            "aws_kms_key": {"logs": key},
            "aws_cloudwatch_log_group": {"app": {"name": "app", "kms_key_id": "${aws_kms_key.logs.arn}"}},
            **resources,
        },
    }


def _document(service: str) -> dict[str, Any]:
    principals = [{"type": "Service", "identifiers": [service]}]
    statement = {"actions": ["kms:*"], "resources": ["*"], "principals": principals}
    return _example("${data.aws_iam_policy_document.key.json}") | {"data": {"aws_iam_policy_document": {"key": {"statement": [statement]}}}}


def _held(policy: str, **arguments: object) -> dict[str, Any]:
    return {"resource": {"aws_kms_key": {"main": {"policy": policy, **arguments}}, "aws_iam_role": {"app": {"name": "app"}}}}


def _owned(owner: str, actions: str = '"kms:*"') -> str:
    return _policy("", actions).replace('"Service": ""', f'"AWS": "{owner}"')


_ATTACHED = {"key_id": "${aws_kms_key.logs.id}", "policy": _policy("logs.eu-west-1.amazonaws.com")}

RULES = (
    Rule(
        id="kms-logs-policy",
        title="KMS key does not let CloudWatch Logs use it",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        check=logs_may_use_key,
        bad=(
            _example(None),
            _example(_policy("logs.us-east-1.amazonaws.com")),
            _example(_policy("logs.eu-west-1.amazonaws.com", '"kms:Decrypt"')),
            _document("cloudwatch.amazonaws.com"),
        ),
        good=(
            _example(_policy("logs.eu-west-1.amazonaws.com")),
            _example(_policy("logs.${data.aws_region.current.name}.amazonaws.com", '"kms:*"')),
            _example(None, aws_kms_key_policy={"logs": _ATTACHED}),
            _document("logs.eu-west-1.amazonaws.com"),
        ),
    ),
    Rule(
        id="kms-policy-lockout",
        title="KMS key policy that lets nobody administer the key",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html",
        check=somebody_administers,
        bad=(
            _held(_policy("logs.eu-west-1.amazonaws.com", '"kms:*"')),
            _held(_owned("arn:aws:iam::${data.aws_caller_identity.me.account_id}:root", '["kms:Encrypt", "kms:Decrypt"]')),
            _held(_owned("${aws_iam_role.app.arn}")),
        ),
        good=(
            _held(_owned("arn:aws:iam::${data.aws_caller_identity.me.account_id}:root")),
            _held(_owned("${data.aws_caller_identity.me.arn}", '["kms:Put*", "kms:Decrypt"]')),
            _held(_owned("*")),
            _held(_policy("logs.eu-west-1.amazonaws.com"), bypass_policy_lockout_safety_check=True),
            _held("${data.aws_iam_policy_document.key.json}"),
        ),
    ),
)
