"""Rules on AWS's own policies and on the account's password policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from harness.constraints.base import Rule
from harness.constraints.dated import section
from harness.constraints.findings import Complaint, judged
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed
from harness.constraints.values import number, text
from harness.failures import Category, Severity

_AWS_POLICY = re.compile(r"arn:[\w-]+:iam::aws:policy/(?P<path>(?:[\w-]+/)*)(?P<name>[\w+=,.@-]+)")
_PATHS = ("", "service-role/", "job-function/")
_ARGUMENTS = {
    # By type: the arguments that name managed policies.
    "aws_iam_group_policy_attachment": ("policy_arn",),
    "aws_iam_policy_attachment": ("policy_arn",),
    "aws_iam_role": ("managed_policy_arns", "permissions_boundary"),
    "aws_iam_role_policy_attachment": ("policy_arn",),
    "aws_iam_user": ("permissions_boundary",),
    "aws_iam_user_policy_attachment": ("policy_arn",),
}
PASSWORD_LENGTHS = (6, 128)


def _managed(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """The path belongs to the ARN of a policy: without it, or with another one, no policy is found."""
    known = section("iam-managed-policies").values
    paths = {name: path for path in _PATHS for name in known[path]}
    for argument in _ARGUMENTS[node.type]:
        for value in listed(node.arguments.get(argument)):
            match = _AWS_POLICY.fullmatch(text(graph, value) or "")
            if match is None:
                continue
            path, name = match["path"], match["name"]
            wanted = known["retired"].get(name) or f"{paths.get(name, path)}{name}"
            if wanted != path + name:
                gone = "is retired" if name in known["retired"] else "does not exist"
                yield Complaint(f"the policy {path}{name} {gone}; what AWS has is {wanted}", (match.group(), argument))


def _password(graph: ResourceGraph, node: Node) -> Iterator[Complaint]:
    """A password policy asks for 6 to 128 characters."""
    length = number(graph, node.arguments.get("minimum_password_length"))
    least, most = PASSWORD_LENGTHS
    if length is not None and not least <= length <= most:
        yield Complaint(f"minimum_password_length is {length:g}, and IAM takes {least} to {most}", ("minimum_password_length",))


def _attached(name: str) -> dict[str, Any]:
    return {"resource": {"aws_iam_role_policy_attachment": {"main": {"role": "app", "policy_arn": f"arn:aws:iam::aws:policy/{name}"}}}}


def _minimum(length: Any) -> dict[str, Any]:
    return {"resource": {"aws_iam_account_password_policy": {"main": {"minimum_password_length": length}}}}


RULES = (
    Rule(
        id="iam-managed-policy",
        title="AWS managed policy that does not exist",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html",
        check=partial(judged, tuple(_ARGUMENTS), _managed),
        bad=(
            _attached("AWSLambdaBasicExecutionRole"),
            _attached("service-role/AmazonEKSClusterPolicy"),
            _attached("service-role/AWSConfigRole"),
            {"resource": {"aws_iam_role": {"main": {"managed_policy_arns": ["arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy"]}}}},
        ),
        good=(
            _attached("service-role/AWSLambdaBasicExecutionRole"),
            _attached("AmazonEKSClusterPolicy"),
            _attached("aws-service-role/SomethingNew"),
            _attached("job-function/ViewOnlyAccess"),
            _attached("${var.policy}"),
        ),
    ),
    Rule(
        id="iam-password-length",
        title="Password length that IAM does not take",
        severity=Severity.HIGH,
        category=Category.AWS_CONSTRAINT,
        documentation="https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html",
        check=partial(judged, ("aws_iam_account_password_policy",), _password),
        bad=(_minimum(4), _minimum("129")),
        good=(_minimum(6), _minimum(128), _minimum("${var.length}"), _minimum(None)),
    ),
)
