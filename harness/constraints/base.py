"""What a rule over the resource graph is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from harness.constraints.graph import Node, ResourceGraph
from harness.failures import Category, Severity

ENTRY_POINT_GROUP = "assay.constraints"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule's finding: the sentence, the nodes it concerns (the culprit first), and the names it is about."""

    message: str
    nodes: tuple[Node, ...]
    symbols: tuple[str, ...] = ()
    address: str | None = None


Check = Callable[[ResourceGraph], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `bad` and `good` are parts of a `cdk.tf.json` that it refuses and lets pass: its examples and its tests."""

    id: str
    title: str
    severity: Severity
    category: Category
    documentation: str
    check: Check = field(compare=False)
    bad: tuple[Mapping[str, Any], ...] = ()
    good: tuple[Mapping[str, Any], ...] = ()


def all_rules() -> tuple[Rule, ...]:
    """Our rules and the plugins' (entry-point group `assay.constraints`, each a `Rule` or a list of them)."""
    from harness.constraints import accounts, data_sources, kms

    rules = [*kms.RULES, *accounts.RULES, *data_sources.RULES]
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        loaded = point.load()
        rules += loaded if isinstance(loaded, (list, tuple)) else [loaded]
    return tuple(rules)
