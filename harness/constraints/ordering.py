"""What terraform makes before what: the resources that one waits for, by reference or by `depends_on`."""

from __future__ import annotations

from collections.abc import Iterable

from harness.constraints.expressions import references
from harness.constraints.graph import Node, ResourceGraph
from harness.constraints.policies import listed


def prerequisites(graph: ResourceGraph, node: Node) -> frozenset[Node] | None:
    """All nodes that are certainly made before this one; None where a module stands among them, whose content is not known here."""
    found: set[Node] = set()
    open_nodes = [node]
    while open_nodes:
        current = open_nodes.pop()
        arguments = {name: value for name, value in current.arguments.items() if name not in ("//", "depends_on")}
        named = [str(name).removeprefix("${").removesuffix("}") for name in listed(current.arguments.get("depends_on"))]
        if any(name.startswith("module.") for name in named) or any(reference.kind == "module" for reference in references(arguments)):
            return None
        # What depends_on names may carry an index or an attribute; the first two parts (three for data) are the address.
        addresses = (".".join(name.split("[")[0].split(".")[: 3 if name.startswith("data.") else 2]) for name in named)
        ahead = [*graph.targets(arguments), *(graph.by_address[address] for address in addresses if address in graph.by_address)]
        open_nodes += (other for other in ahead if other not in found)
        found.update(ahead)
    return frozenset(found)


def comes_after(graph: ResourceGraph, node: Node, others: Iterable[Node]) -> bool:
    """Whether a node may be made after one of the others: unless nothing says so."""
    ahead = prerequisites(graph, node)
    return ahead is None or any(other in ahead for other in others)
