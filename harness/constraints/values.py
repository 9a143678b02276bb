"""Reading arguments as they stand in synthesized stacks, where a value may be a literal, a template, or unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.constraints.expressions import interpolations
from harness.constraints.graph import Node, ResourceGraph


def text(graph: ResourceGraph, value: object) -> str | None:
    """The string that a value is, through a local or a variable's default too; None for what only a plan or an apply knows, and for no string."""
    value = graph.settled(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        return None
    if any(interpolations(value)) or "%{" in value.replace("%%{", ""):
        return None
    return value.replace("$${", "${").replace("%%{", "%{")


def number(graph: ResourceGraph, value: object) -> float | None:
    """The number that a value is, as terraform reads it (`30` and `"30"` are the same); None where that is not known."""
    written = text(graph, value)
    try:
        return None if written is None else float(written)
    except ValueError:
        return None


def truth(graph: ResourceGraph, value: object) -> bool | None:
    """The boolean that a value is, as terraform reads it; None where that is not known, and for an argument that is not set."""
    value = graph.settled(value)
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(text(graph, value) or "")


def blocks(arguments: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The blocks `name` among arguments: terraform's JSON lets one object stand for a list of one."""
    value = arguments.get(name)
    return [block for block in (value if isinstance(value, list) else [value]) if isinstance(block, Mapping)]


def is_dynamic(arguments: Mapping[str, Any], name: str) -> bool:
    """Whether blocks `name` are made by a loop, so that how many there are, and with what, is not known here."""
    return any(name in block for block in blocks(arguments, "dynamic")) or isinstance(arguments.get(name), str)


def is_repeated(node: Node) -> bool:
    """Whether the node stands for several resources (`count`, `for_each`)."""
    return any(argument in node.arguments for argument in ("count", "for_each"))


def nested(arguments: Mapping[str, Any], *names: str) -> Iterator[Mapping[str, Any]]:
    """The blocks at the end of a path of block names."""
    if not names:
        yield arguments
        return
    for block in blocks(arguments, names[0]):
        yield from nested(block, *names[1:])
