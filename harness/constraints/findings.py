"""What rules over single resources share: a complaint about a node, and how complaints become a violation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.constraints.base import Violation
from harness.constraints.expressions import Reference
from harness.constraints.graph import Node, ResourceGraph

_SOLE = re.compile(r"\$\{((?:data\.)?[a-z][a-z0-9_]*\.[A-Za-z_][\w-]*)(?:\[[^\]]*\])?\.([A-Za-z_]\w*)\}")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a node: the sentence, what it is about (most telling first), and the other nodes concerned."""

    sentence: str
    symbols: tuple[str, ...] = ()
    others: tuple[Node, ...] = ()


Judge = Callable[[ResourceGraph, Node], Iterable[Complaint]]


def judged(types: tuple[str, ...], judge: Judge, graph: ResourceGraph) -> Iterator[Violation]:
    """One violation for each resource of `types` that `judge` complains about; with `partial`, a rule's check."""
    for node in graph.of_type(*types):
        found = list(judge(graph, node))
        if found:
            symbols = [symbol for complaint in found for symbol in complaint.symbols]
            others = [other for complaint in found for other in complaint.others]
            yield Violation(
                f"{node.address}: {'; '.join(complaint.sentence for complaint in found)}",
                tuple(dict.fromkeys((node, *others))),
                tuple(dict.fromkeys((*symbols, node.address.rpartition(".")[2], node.type))),
                node.address,
            )


def sole_reference(value: object) -> Reference | None:
    """The reference that a value consists of, with nothing round it; None for anything else."""
    match = _SOLE.fullmatch(value) if isinstance(value, str) else None
    return Reference(match[1], match[2]) if match else None


def is_unset(arguments: Mapping[str, Any], name: str) -> bool:
    """Whether an argument is not there, or empty, which the provider takes for the same."""
    return arguments.get(name) in (None, "", [], {})


def document(value: object) -> Any:
    """The content of an argument that holds JSON text; None for text that is not JSON as it stands.

    Templates inside of its strings stay as they are: see `is_literal`.
    """
    if not isinstance(value, str):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def is_literal(value: object) -> bool:
    """Whether a string has no template in it."""
    return isinstance(value, str) and "${" not in value and "%{" not in value
