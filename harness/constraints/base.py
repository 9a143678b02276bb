"""What a rule over the resource graph is, and the registry of all of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.constraints.graph import Node, ResourceGraph, build_graphs
from harness.errors import UsageError
from harness.failures import Category, Severity

ENTRY_POINT_GROUP = "assay.constraints"


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule's finding: the sentence, the nodes it concerns (the culprit first), and the names it is about.

    `address` tells a rule's findings apart, from one variant of a tree to the next.
    """

    message: str
    nodes: tuple[Node, ...]
    symbols: tuple[str, ...] = ()
    address: str | None = None


Check = Callable[[ResourceGraph], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. `bad` and `good` are parts of a `cdk.tf.json` that it refuses and lets pass: its examples and its tests.

    An example of a rule that asks for files lists those that are there under `files`.

    A rule speaks only where it is certain: what it reports is refused, or wrong, in every account.
    A plugin raises `version` when the same graph may get another answer.
    """

    id: str
    title: str
    severity: Severity
    category: Category
    documentation: str
    check: Check = field(compare=False)
    bad: tuple[Mapping[str, Any], ...]
    good: tuple[Mapping[str, Any], ...]
    version: str = "1"


def example_graph(example: Mapping[str, Any]) -> ResourceGraph:
    """The graph of an example of a rule."""
    files = example.get("files")
    (graph,) = build_graphs({"stack": example}, None if files is None else frozenset(files))
    return graph


@cache
def all_rules() -> tuple[Rule, ...]:
    """Our rules and the plugins' (entry-point group `assay.constraints`, each a `Rule` or a list of them).

    Raises `UsageError` for a plugin that brings something else, or an id that is taken.
    """
    rules = list(_bundled())
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        for rule in _load(point):
            if rule.id in {known.id for known in rules}:
                raise UsageError(f"the constraints plugin {point.name} brings the rule {rule.id}, which is taken", "rename the plugin's rule")
            rules.append(rule)
    return tuple(rules)


def _bundled() -> Iterator[Rule]:
    """The `RULES` of every module of this package, in the modules' order."""
    package = importlib.import_module("harness.constraints")
    for name in sorted(module.name for module in pkgutil.iter_modules(package.__path__)):
        yield from getattr(importlib.import_module(f"harness.constraints.{name}"), "RULES", ())


def _load(point: EntryPoint) -> list[Rule]:
    loaded = point.load()
    rules = list(loaded) if isinstance(loaded, (list, tuple)) else [loaded]
    for rule in rules:
        if not isinstance(rule, Rule):
            raise UsageError(
                f"the constraints plugin {point.name} ({point.value}) brings {type(rule).__name__} instead of a rule",
                "see harness/constraints/base.py for what a rule is",
            )
    return rules
