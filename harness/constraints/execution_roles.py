"""What a role of the stack is allowed to do, as far as that is known before an apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.expressions import could_become
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import is_service, listed, resource_policies, statements
from harness.constraints.values import blocks, is_dynamic, is_repeated, text

ROLE = "aws_iam_role"
_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_XRAY = ("xray:PutTraceSegments", "xray:PutTelemetryRecords")
_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
_STREAM = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")
MANAGED: Mapping[str, tuple[str, ...]] = {
    # What AWS's own policies allow of the actions that rules ask for
    # (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html). A policy that is not here may allow anything.
    "service-role/AWSLambdaBasicExecutionRole": _LOGS,
    "service-role/AWSLambdaVPCAccessExecutionRole": (*_LOGS, *_INTERFACES),
    "service-role/AWSLambdaENIManagementAccess": _INTERFACES,
    "service-role/AWSLambdaSQSQueueExecutionRole": (*_LOGS, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "service-role/AWSLambdaDynamoDBExecutionRole": (*_LOGS, *(f"dynamodb:{name}" for name in _STREAM)),
    "service-role/AWSLambdaKinesisExecutionRole": (*_LOGS, *(f"kinesis:{name}" for name in _STREAM), "kinesis:DescribeStreamSummary", "kinesis:ListShards"),
    "AWSXRayDaemonWriteAccess": _XRAY,
    "AWSXrayWriteOnlyAccess": _XRAY,
    "AmazonSQSFullAccess": ("sqs:*",),
    "AmazonSNSFullAccess": ("sns:*",),
    "AmazonS3FullAccess": ("s3:*", "s3-object-lambda:*"),
    "AmazonS3ReadOnlyAccess": ("s3:Get*", "s3:List*", "s3:Describe*"),
}


def allowed_to(graph: ResourceGraph, role: Node) -> list[Mapping[str, Any]] | None:
    """The statements of all policies that the stack gives a role; None where one of them cannot be known before an apply."""
    found: list[Mapping[str, Any]] = []
    for policy in _policies(graph, role):
        known = None if policy is None else statements(graph, policy) if isinstance(policy, str) else [policy]
        if known is None:
            return None
        found += known
    return found


def _policies(graph: ResourceGraph, role: Node) -> Iterator[str | Mapping[str, Any] | None]:
    """Each policy of a role, as its text or as a statement; None for one that is not known."""
    if is_dynamic(role.arguments, "inline_policy") or isinstance(role.arguments.get("managed_policy_arns"), str):
        yield None
    yield from (block.get("policy") for block in blocks(role.arguments, "inline_policy"))
    for arn in listed(role.arguments.get("managed_policy_arns")):
        yield _attached(graph, arn)
    for node in graph.of_type("aws_iam_role_policy", "aws_iam_role_policy_attachment"):
        if _is_for(graph, node.arguments.get("role"), role):
            inline = node.type == "aws_iam_role_policy"
            yield None if is_repeated(node) else node.arguments.get("policy") if inline else _attached(graph, node.arguments.get("policy_arn"))
    for node in graph.of_type("aws_iam_policy_attachment"):
        roles = node.arguments.get("roles")
        if isinstance(roles, str) or any(_is_for(graph, name, role) for name in listed(roles)):
            yield _attached(graph, node.arguments.get("policy_arn"))


def _is_for(graph: ResourceGraph, value: object, role: Node) -> bool:
    """Whether `value` may name the role: unless it names another one of the stack, or is another literal name."""
    if other := graph.target(value, ROLE):
        return other is role
    name, own = text(graph, value), text(graph, role.arguments.get("name"))
    return name is None or own is None or name == own


def _attached(graph: ResourceGraph, arn: object) -> str | Mapping[str, Any] | None:
    """The text of a policy of the stack, or one statement for a policy of AWS's that is known here."""
    policy = graph.target(arn, "aws_iam_policy")
    if policy is not None:
        return policy.arguments.get("policy")
    actions = MANAGED.get((text(graph, arn) or "").partition(":aws:policy/")[2])
    return None if actions is None else {"Effect": "Allow", "Action": list(actions), "Resource": "*"}


def is_allowed(blocks_: list[Mapping[str, Any]], action: str) -> bool:
    """Whether any statement may allow an action on whatever it is needed for; conditions are taken as met."""
    return any(block.get("Effect") == "Allow" and _covers(block, action) for block in blocks_)


def _covers(block: Mapping[str, Any], action: str) -> bool:
    def among(name: str) -> bool:
        return any(could_become(str(pattern), action, wildcards=True) for pattern in listed(block.get(name)))

    return not among("NotAction") if "NotAction" in block else among("Action")


def lacking(graph: ResourceGraph, role: object, *actions: str) -> tuple[Node, list[str]] | None:
    """The role of the stack that a value names, and those of the actions that none of its policies allows.

    None where it allows them all, where it is not of this stack, or where not all its policies are known.
    """
    found = graph.target(role, ROLE)
    if found is None or is_repeated(found):
        return None
    known = allowed_to(graph, found)
    missing = [] if known is None else [action for action in actions if not is_allowed(known, action)]
    return (found, missing) if missing else None


def trusts(graph: ResourceGraph, role: object, service: str) -> bool:
    """Whether the role that a value names may be assumed by a service principal: unless it is the stack's and its trust policy says otherwise.

    A service's regional names (`states.eu-west-1.amazonaws.com`), and those of other partitions, are names of it too.
    """
    found = graph.target(role, ROLE)
    known = None if found is None else statements(graph, found.arguments.get("assume_role_policy"))
    return known is None or any(_lets_in(block, service) for block in known)


def _lets_in(block: Mapping[str, Any], service: str) -> bool:
    principal = block.get("Principal")
    if block.get("Effect") != "Allow" or not _covers(block, "sts:AssumeRole"):
        return False
    if isinstance(principal, Mapping):
        names = [str(name) for name in listed(principal.get("Service"))]
        return (
            any(could_become(name, service, wildcards=True) or is_service(name, service) for name in names)
            or any("${" in name for name in names)
            or principal.get("AWS") == "*"
        )
    return "NotPrincipal" in block or isinstance(principal, str)


def lets_roles_in(graph: ResourceGraph, resource: Node) -> bool:
    """Whether a policy of the queue, table or stream itself may allow what no policy of the role does."""
    if resource.type != "aws_sqs_queue":
        return any(True for _ in graph.of_type("aws_dynamodb_resource_policy", "aws_kinesis_resource_policy"))
    own = resource_policies(graph, resource)
    return own is None or any(set(mapping(block.get("Principal"))) != {"Service"} for block in own if block.get("Effect") == "Allow")
