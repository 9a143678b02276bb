"""What a rule over two graphs is, and what the two sides offer it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.constraints.base import Violation
from harness.constraints.graph import Node, ResourceGraph, build_graphs
from harness.failures import Category, Severity


@dataclass(frozen=True)
class Sides:
    """The graphs of all stacks of a tree, and of its ideal."""

    tree: tuple[ResourceGraph, ...]
    ideal: tuple[ResourceGraph, ...]

    def nodes(self, *types: str) -> Iterator[tuple[ResourceGraph, Node]]:
        """The tree's resources of these types, each with the graph that it is in."""
        return ((graph, node) for graph in self.tree for node in graph.of_type(*types))

    def counterparts(self, node: Node) -> list[tuple[ResourceGraph, Node]]:
        """The ideal's resources that do what `node` does: of the same address, else of the same name, else all of its type."""
        there = self._ideal_by_type.get(node.type, [])
        for same in (_same_address, _same_name):
            if found := [(graph, other) for graph, other in there if same(node, other)]:
                return found
        return there

    @cached_property
    def _ideal_by_type(self) -> Mapping[str, list[tuple[ResourceGraph, Node]]]:
        found: dict[str, list[tuple[ResourceGraph, Node]]] = {}
        for graph in self.ideal:
            for node in graph.nodes:
                if not node.is_data:
                    found.setdefault(node.type, []).append((graph, node))
        return found

    def types(self, graphs: Iterable[ResourceGraph]) -> set[str]:
        """The types of all resources in `graphs`."""
        return {node.type for graph in graphs for node in graph.nodes if not node.is_data}


def _same_address(node: Node, other: Node) -> bool:
    return node.address == other.address


def _same_name(node: Node, other: Node) -> bool:
    """The construct's own id, or the name that the resource is given."""
    last, other_last = node.path.rpartition("/")[2], other.path.rpartition("/")[2]
    names = [(node.arguments.get(name), other.arguments.get(name)) for name in ("name", "bucket", "function_name", "identifier", "cluster_identifier")]
    return bool(last and last == other_last) or any(one and one == two for one, two in names)


Check = Callable[[Sides], Iterable[Violation]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. An example is a pair of parts of a `cdk.tf.json`, the tree's and the ideal's: `bad` ones it reports, `good` ones it lets pass."""

    id: str
    title: str
    severity: Severity
    category: Category
    documentation: str
    check: Check = field(compare=False)
    bad: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...]
    good: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...]
    version: str = "1"


def sides_of(tree: Mapping[str, Any], ideal: Mapping[str, Any]) -> Sides:
    """The two sides of synthesized stacks by name."""
    return Sides(tuple(build_graphs(tree)), tuple(build_graphs(ideal)))


def example_sides(example: tuple[Mapping[str, Any], Mapping[str, Any]]) -> Sides:
    """The two sides of a rule's example."""
    return sides_of({"stack": example[0]}, {"stack": example[1]})
