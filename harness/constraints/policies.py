"""Reading policy documents as they stand in synthesized stacks: JSON text, often with references in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from harness.constraints.expressions import could_become, interpolations, references
from harness.constraints.graph import Node, ResourceGraph, mapping

POLICY_DOCUMENT = "aws_iam_policy_document"
_MERGING = ("source_policy_documents", "override_policy_documents", "source_json", "override_json", "dynamic")


def listed(value: object) -> list[Any]:
    """A value that may stand alone or in a list, as a list; nothing for None."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def statements(graph: ResourceGraph, policy: object) -> list[Mapping[str, Any]] | None:
    """The statements of a policy argument, in IAM's own JSON names; None where they cannot be known before an apply."""
    if not isinstance(policy, str):
        return None
    expressions = list(interpolations(policy))
    if expressions and policy.strip() == "${" + expressions[0] + "}":
        return _referred(graph, policy)
    try:
        blocks = listed(mapping(json.loads(policy)).get("Statement"))
    except (ValueError, RecursionError):
        return None
    return blocks if all(isinstance(block, Mapping) for block in blocks) else None


def _referred(graph: ResourceGraph, policy: str) -> list[Mapping[str, Any]] | None:
    """The statements of a policy that is one reference: to `data.aws_iam_policy_document`, or to a local."""
    document = graph.target(policy, POLICY_DOCUMENT)
    if document is None:
        kept = [graph.locals.get(reference.name) for reference in references(policy) if reference.kind == "local"]
        # A local that is one more reference stays unknown: locals may refer to each other in a circle.
        return statements(graph, kept[0]) if len(kept) == 1 and not str(kept[0]).strip().startswith("${") else None
    blocks = listed(document.arguments.get("statement"))
    if any(name in document.arguments for name in _MERGING) or not all(isinstance(block, Mapping) for block in blocks):
        return None
    return [_from_document(block) for block in blocks]


def _from_document(block: Mapping[str, Any]) -> dict[str, Any]:
    """A statement of the data source `aws_iam_policy_document` in JSON names."""
    principals: dict[str, list[Any]] = {}
    for principal in map(mapping, listed(block.get("principals"))):
        principals.setdefault(str(principal.get("type", "")), []).extend(listed(principal.get("identifiers")))
    named = {"Action": "actions", "NotAction": "not_actions", "NotPrincipal": "not_principals"}
    return {
        "Effect": block.get("effect", "Allow"),
        "Principal": "*" if "*" in principals else principals,
        **{name: listed(block[argument]) for name, argument in named.items() if block.get(argument)},
    }


def allows(block: Mapping[str, Any], is_service: Callable[[str], bool], action: str) -> bool:
    """Whether a statement allows the `action` (`kms:Decrypt`) to a service principal that `is_service` accepts.

    Conditions are taken as met, and what is not known yet as what it needs to be.
    """
    return block.get("Effect") == "Allow" and _is_principal(block, is_service) and _is_action(block, action)


def _is_principal(block: Mapping[str, Any], is_service: Callable[[str], bool]) -> bool:
    principal = block.get("Principal")
    if "NotPrincipal" in block or (isinstance(principal, str) and could_become(principal, "*")):
        return True
    named = mapping(principal)
    return any(is_service(str(name)) for name in listed(named.get("Service"))) or "*" in listed(named.get("AWS"))


def _is_action(block: Mapping[str, Any], action: str) -> bool:
    def among(name: str) -> bool:
        return any(could_become(str(pattern), action, wildcards=True) for pattern in listed(block.get(name)))

    return not among("NotAction") if "NotAction" in block else among("Action")


def key_policies(graph: ResourceGraph, key: Node) -> list[object] | None:
    """Every policy that the stack gives a KMS key: its own argument, and `aws_kms_key_policy` resources.

    None where a policy of the stack may or may not be this key's.
    """
    found = [key.arguments["policy"]] if key.arguments.get("policy") is not None else []
    for attachment in graph.of_type("aws_kms_key_policy"):
        target = graph.target(attachment.arguments.get("key_id"), "aws_kms_key")
        if target is None:
            return None
        if target is key:
            found.append(attachment.arguments.get("policy"))
    return found
