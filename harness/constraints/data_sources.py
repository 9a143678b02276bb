"""Rules on data sources: what is looked up once can be handed down."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.failures import Category, Severity


def looked_up_once(graph: ResourceGraph) -> Iterator[Violation]:
    """The same data source with the same arguments and provider stands in a stack once."""
    copies: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in graph.data():
        arguments = {**node.own_arguments, "provider": node.arguments.get("provider")}
        copies[node.type, json.dumps(arguments, sort_keys=True)].append(node)
    for (kind, _), nodes in copies.items():
        if len(nodes) > 1:
            places = ", ".join(sorted(node.path or node.address for node in nodes))
            yield Violation(f"{kind} is looked up {len(nodes)} times with the same arguments instead of once and handed down: {places}", tuple(nodes), (kind,), kind)


_IDENTITY = {"//": {"metadata": {"path": "Stack/a"}}}

RULES = (
    Rule(
        id="data-source-repeated",
        title="Data source repeated instead of handed down",
        severity=Severity.HIGH,
        category=Category.ARCHITECTURE,
        documentation="https://developer.hashicorp.com/terraform/language/data-sources",
        check=looked_up_once,
        bad=({"data": {"aws_caller_identity": {"current": _IDENTITY, "security_current": {}}}},),
        good=(
            {"data": {"aws_caller_identity": {"current": {}}}},
            {"data": {"aws_region": {"one": {"provider": "aws.one"}, "two": {"provider": "aws.two"}}}},
        ),
    ),
)
