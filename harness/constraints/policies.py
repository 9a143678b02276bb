"""Reading policy documents as they stand in synthesized stacks: JSON text, often with references in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from harness.constraints.expressions import could_become, interpolations, references
from harness.constraints.graph import Node, ResourceGraph, mapping
from harness.constraints.values import text

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
    named = {
        "Action": "actions",
        "NotAction": "not_actions",
        "NotPrincipal": "not_principals",
        "Resource": "resources",
        "NotResource": "not_resources",
    }
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


_ATTACHMENTS = {
    # By type: the resource that carries a policy for it, the argument that says for which one, and the argument of its name.
    "aws_s3_bucket": ("aws_s3_bucket_policy", "bucket", "bucket"),
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url", "name"),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn", "name"),
}


def is_named(graph: ResourceGraph, value: object, node: Node, name: str) -> bool | None:
    """Whether a value (an id, a name, an ARN, a URL) names this node, whose own name stands in its argument `name`; None where that is not known."""
    found = [target for target in graph.targets(value) if target.type == node.type]
    if found:
        return None if any(target.is_data for target in found) else found == [node] or (None if node in found else False)
    written, own = text(graph, value), text(graph, node.arguments.get(name))
    if written is None or own is None:
        return None
    return written == own or written.endswith((f":{own}", f"/{own}"))


def attached(graph: ResourceGraph, node: Node, kind: str, argument: str, name: str) -> list[Node] | None:
    """The resources of type `kind` that belong to this node; None where one may or may not."""
    answers = [(other, is_named(graph, other.arguments.get(argument), node, name)) for other in graph.of_type(kind)]
    return None if any(answer is None for _, answer in answers) else [other for other, answer in answers if answer]


def resource_policies(graph: ResourceGraph, node: Node) -> list[Mapping[str, Any]] | None:
    """All statements of the policies that the stack gives a bucket, a queue or a topic; None where they cannot be known before an apply."""
    others = attached(graph, node, *_ATTACHMENTS[node.type])
    if others is None:
        return None
    policies = [holder.arguments["policy"] for holder in (node, *others) if holder.arguments.get("policy") is not None]
    return _all_statements(graph, policies)


def key_statements(graph: ResourceGraph, key: Node) -> list[Mapping[str, Any]] | None:
    """All statements of a KMS key's policies; None where they cannot be known, and where a grant may do what they do not."""
    if any(graph.target(grant.arguments.get("key_id"), key.type) in (key, None) for grant in graph.of_type("aws_kms_grant")):
        return None
    policies = key_policies(graph, key)
    return None if policies is None else _all_statements(graph, policies)


def _all_statements(graph: ResourceGraph, policies: list[object]) -> list[Mapping[str, Any]] | None:
    blocks: list[Mapping[str, Any]] = []
    for policy in policies:
        found = statements(graph, policy)
        if found is None:
            return None
        blocks += found
    return blocks


def lacking(blocks: list[Mapping[str, Any]] | None, service: str, *actions: str) -> list[str]:
    """Those of the actions that no statement allows to the service principal `service`; nothing where the statements are not known."""
    if blocks is None:
        return []
    return [action for action in actions if not any(allows(block, lambda name: is_service(name, service), action) for block in blocks)]


def is_service(name: str, service: str) -> bool:
    """Whether a principal may be the service (`sns.amazonaws.com`); its regional names, and those of other partitions, count too."""
    own = service.removesuffix("amazonaws.com")
    return could_become(name, service) or (name.startswith(own) and "amazonaws.com" in name)
