"""The policy documents of a stack with their elements as they were written, each with the resource that holds it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.constraints.expressions import interpolations
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.policies import POLICY_DOCUMENT, listed
from harness.constraints.values import blocks

TRUST = {"aws_iam_role": "assume_role_policy"}
IDENTITY = dict.fromkeys(("aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy", "aws_iam_group_policy"), "policy")
# The types whose argument `policy` is attached to a resource, so that each statement names who it is about.
RESOURCE = dict.fromkeys(
    (
        "aws_backup_vault_policy",
        "aws_cloudwatch_event_bus_policy",
        "aws_ecr_repository_policy",
        "aws_kms_key",
        "aws_kms_key_policy",
        "aws_s3_bucket_policy",
        "aws_secretsmanager_secret_policy",
        "aws_sns_topic",
        "aws_sns_topic_policy",
        "aws_sqs_queue",
        "aws_sqs_queue_policy",
    ),
    "policy",
)
IDENTITY_HOLDERS = (*IDENTITY, "aws_iam_role")
"""What holds identity policies: a role may have them in its `inline_policy` blocks."""

_ELEMENTS = {
    "Sid": "sid",
    "Action": "actions",
    "NotAction": "not_actions",
    "Resource": "resources",
    "NotResource": "not_resources",
    "Condition": "condition",
}
_MERGING = ("source_policy_documents", "override_policy_documents", "source_json", "override_json", "dynamic")
_SOLE_DOCUMENT = re.compile(r"\$\{data\.aws_iam_policy_document\.[\w-]+\.(json|minified_json)\}")


@dataclass(frozen=True)
class Document:
    """A policy document: the argument it was given to, its text (empty for a data source), version and statements in JSON names.

    A statement has only the elements that were written.
    """

    argument: str
    text: str
    version: object
    statements: tuple[Mapping[str, Any], ...]


def trust_policies(graph: ResourceGraph, node: Node) -> Iterator[Document]:
    """Who may assume the role `node`."""
    yield from _document(graph, node.arguments, TRUST.get(node.type))


def identity_policies(graph: ResourceGraph, node: Node) -> Iterator[Document]:
    """What the identity policies in `node` let somebody do."""
    yield from _document(graph, node.arguments, IDENTITY.get(node.type))
    if node.type == "aws_iam_role":
        for block in blocks(node.arguments, "inline_policy"):
            yield from _document(graph, block, "policy")


def resource_policies(graph: ResourceGraph, node: Node) -> Iterator[Document]:
    """The policy that `node` attaches to a resource."""
    yield from _document(graph, node.arguments, RESOURCE.get(node.type))


def all_policies(graph: ResourceGraph, node: Node) -> Iterator[Document]:
    """Every policy document of `node`."""
    yield from trust_policies(graph, node)
    yield from identity_policies(graph, node)
    yield from resource_policies(graph, node)


def _document(graph: ResourceGraph, arguments: Mapping[str, Any], argument: str | None) -> Iterator[Document]:
    policy = arguments.get(argument) if argument else None
    if argument is None or not isinstance(policy, str):
        return
    if _SOLE_DOCUMENT.fullmatch(policy.strip()):
        source = graph.target(policy, POLICY_DOCUMENT)
        found = listed(source.arguments.get("statement")) if source else []
        if source and not any(name in source.arguments for name in _MERGING) and all(isinstance(block, Mapping) for block in found):
            yield Document(argument, "", source.arguments.get("version", "2012-10-17"), tuple(map(_named, found)))
        return
    try:
        content = mapping(json.loads(policy))
    except (ValueError, RecursionError):
        return
    found = listed(content.get("Statement"))
    if found and all(isinstance(block, Mapping) for block in found):
        yield Document(argument, policy, content.get("Version"), tuple(found))


def _named(block: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of the data source `aws_iam_policy_document` in JSON names."""
    statement: dict[str, Any] = {"Effect": block.get("effect", "Allow")}
    statement.update({name: block[argument] for name, argument in _ELEMENTS.items() if block.get(argument)})
    for name, argument in (("Principal", "principals"), ("NotPrincipal", "not_principals")):
        if argument in block:
            named: dict[str, list[Any]] = {}
            for principal in blocks(block, argument):
                named.setdefault(str(principal.get("type", "")), []).extend(listed(principal.get("identifiers")))
            statement[name] = "*" if "*" in named else named
    return statement


def label(statement: Mapping[str, Any], number: int) -> str:
    """How a message names a statement: by its Sid, else by its place."""
    sid = statement.get("Sid")
    return f"statement {sid!r}" if isinstance(sid, str) and sid else f"statement {number}"


def literal_part(text: str) -> str:
    """A template without its interpolations."""
    for expression in interpolations(text):
        text = text.replace("${" + expression + "}", "")
    return text


def policy(*statements: Mapping[str, Any], version: str | None = "2012-10-17") -> str:
    """The text of a policy: for the examples of rules."""
    return json.dumps({**({"Version": version} if version else {}), "Statement": list(statements)})
