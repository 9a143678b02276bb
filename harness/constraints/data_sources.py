"""Rules on data sources: what is looked up once can be handed down."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator

from harness.constraints.base import Rule, Violation
from harness.constraints.graph import Node, ResourceGraph
from harness.failures import Category, Severity


def looked_up_once(graph: ResourceGraph) -> Iterator[Violation]:
    """The same data source with the same arguments stands in a stack once.

    `provider` and `depends_on` count as arguments: another region, or another moment, is another question.
    The address names the question and none of the copies, so that it stays the same when one of them goes.
    """
    copies: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in graph.data():
        asked = {name: value for name, value in node.arguments.items() if name != "//"}
        copies[node.type, json.dumps(asked, sort_keys=True) if asked else ""].append(node)
    for (kind, asked_text), nodes in copies.items():
        if len(nodes) > 1:
            places = ", ".join(sorted(node.path or node.address for node in nodes))
            message = f"{kind} is looked up {len(nodes)} times with the same arguments instead of once and handed down: {places}"
            question = f".{hashlib.sha256(asked_text.encode()).hexdigest()[:8]}" if asked_text else ""
            yield Violation(message, tuple(nodes), (kind,), kind + question)


RULES = (
    Rule(
        id="data-source-repeated",
        title="Data source repeated instead of handed down",
        severity=Severity.HIGH,
        category=Category.ARCHITECTURE,
        documentation="https://developer.hashicorp.com/terraform/language/data-sources",
        check=looked_up_once,
        bad=(
            {"data": {"aws_caller_identity": {"current": {"//": {"metadata": {"path": "Stack/a"}}}, "security_current": {}}}},
            {"data": {"aws_availability_zones": {"a": {"state": "available"}, "b": {"state": "available"}}}},
        ),
        good=(
            {"data": {"aws_caller_identity": {"current": {}}}},
            {"data": {"aws_region": {"one": {"provider": "aws.one"}, "two": {"provider": "aws.two"}}}},
            {"data": {"aws_ssm_parameter": {"one": {"name": "/one"}, "two": {"name": "/two"}}}},
            {"data": {"aws_instances": {"early": {}, "late": {"depends_on": ["aws_autoscaling_group.workers"]}}}},
        ),
    ),
)
