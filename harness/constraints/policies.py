"""Reading policy documents as they stand in synthesized stacks: JSON text, often with references in it."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.graph import Node, ResourceGraph

POLICY_DOCUMENT = "aws_iam_policy_document"


def listed(value: object) -> list[Any]:
    """A value that may stand alone or in a list, as a list; nothing for None."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def statements(graph: ResourceGraph, policy: object) -> list[Mapping[str, Any]] | None:
    """The statements of a policy argument, in IAM's own JSON names; None where they cannot be known before an apply."""
    if not isinstance(policy, str):
        return None
    document = graph.target(policy, POLICY_DOCUMENT)
    if document is not None:
        return [_from_document(block) for block in listed(document.arguments.get("statement"))]
    try:
        parsed = json.loads(policy)
    except ValueError:
        return None
    return [block for block in listed(parsed.get("Statement")) if isinstance(block, Mapping)] if isinstance(parsed, Mapping) else None


def _from_document(block: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of the data source `aws_iam_policy_document` in JSON names."""
    principals: dict[str, list[Any]] = {}
    for principal in listed(block.get("principals")):
        principals.setdefault(principal.get("type", ""), []).extend(listed(principal.get("identifiers")))
    return {
        "Effect": block.get("effect", "Allow"),
        "Principal": "*" if "*" in principals else principals,
        "Action": listed(block.get("actions")),
        "Resource": listed(block.get("resources")),
    }


def allows(block: Mapping[str, Any], service: str, action: str) -> bool:
    """Whether a statement allows the service principal `service` the `action` (`kms:Decrypt`)."""
    return block.get("Effect") == "Allow" and _is_principal(block.get("Principal"), service) and _matches(block.get("Action"), action)


def _is_principal(principal: object, service: str) -> bool:
    if principal == "*":
        return True
    if not isinstance(principal, Mapping):
        return False
    return any(name == service or "*" == name for name in listed(principal.get("Service"))) or "*" in listed(principal.get("AWS"))


def _matches(patterns: object, action: str) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), str(pattern).lower()) for pattern in listed(patterns))


def key_policies(graph: ResourceGraph, key: Node) -> Iterator[object]:
    """Every policy that the stack attaches to a KMS key: its own argument, and `aws_kms_key_policy` resources."""
    if key.arguments.get("policy") is not None:
        yield key.arguments["policy"]
    for attachment in graph.of_type("aws_kms_key_policy"):
        if graph.target(attachment.arguments.get("key_id"), "aws_kms_key") is key:
            yield attachment.arguments.get("policy")
