"""The graph of resources in synthesized stacks: what each was given, and what refers to what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_REFERENCE = re.compile(r"(?<![\w.-])((?:data\.)?[a-z][a-z0-9_]*\.[A-Za-z_][\w-]*)\.([A-Za-z_]\w*)")
_INTERPOLATION = re.compile(r"\$\{(.*?)\}", re.DOTALL)
_META = frozenset({"//", "depends_on", "provider", "lifecycle", "count", "for_each", "provisioner", "connection"})


@dataclass(frozen=True)
class Node:
    """A resource or data source. `type` is Terraform's (`aws_kms_key`), `path` the construct's (`TapStack/security/key`)."""

    stack: str
    address: str
    type: str
    path: str
    arguments: Mapping[str, Any] = field(hash=False)

    @property
    def is_data(self) -> bool:
        """Whether this is a data source."""
        return self.address.startswith("data.")

    @property
    def own_arguments(self) -> dict[str, Any]:
        """The arguments without Terraform's meta-arguments."""
        return {name: value for name, value in self.arguments.items() if name not in _META}


@dataclass(frozen=True)
class Reference:
    """`attribute` of the node at `address`, as some argument mentions it."""

    address: str
    attribute: str


@dataclass(frozen=True)
class ResourceGraph:
    """All nodes of one stack, with its providers."""

    stack: str
    nodes: tuple[Node, ...]
    providers: Mapping[str, Any] = field(hash=False)

    @cached_property
    def by_address(self) -> Mapping[str, Node]:
        """Nodes by their Terraform address."""
        return {node.address: node for node in self.nodes}

    def of_type(self, *types: str) -> Iterator[Node]:
        """The resources (not data sources) of these types, in the order of the stack."""
        return (node for node in self.nodes if node.type in types and not node.is_data)

    def data(self) -> Iterator[Node]:
        """The data sources."""
        return (node for node in self.nodes if node.is_data)

    def target(self, value: object, *types: str) -> Node | None:
        """The node of one of `types` that an argument's value refers to; None for a literal or something else."""
        for reference in references(value):
            node = self.by_address.get(reference.address)
            if node is not None and node.type in types:
                return node
        return None

    def region(self, node: Node) -> str | None:
        """The region of the node's provider, where that is a literal."""
        blocks = self.providers.get("aws", [])
        blocks = blocks if isinstance(blocks, list) else [blocks]
        alias = str(node.arguments.get("provider", "")).partition(".")[2]
        chosen = next((block for block in blocks if block.get("alias", "") == alias), None)
        region = (chosen or {}).get("region")
        return region if isinstance(region, str) and "${" not in region else None


def build_graphs(stacks: Mapping[str, Any]) -> list[ResourceGraph]:
    """One graph for each synthesized stack (`cdk.tf.json`, parsed)."""
    return [_build(name, stack) for name, stack in sorted(stacks.items())]


def _build(name: str, stack: Mapping[str, Any]) -> ResourceGraph:
    nodes = []
    for section, prefix in (("resource", ""), ("data", "data.")):
        for kind, instances in stack.get(section, {}).items():
            for identifier, arguments in instances.items():
                path = arguments.get("//", {}).get("metadata", {}).get("path", "")
                nodes.append(Node(name, f"{prefix}{kind}.{identifier}", kind, path, arguments))
    return ResourceGraph(name, tuple(nodes), stack.get("provider", {}))


def strings(value: object) -> Iterator[str]:
    """Every string in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name != "//":
                yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def references(value: object) -> Iterator[Reference]:
    """Every reference to another node in a value, in nested functions and in JSON text too."""
    for text in strings(value):
        for expression in _INTERPOLATION.findall(text):
            for address, attribute in _REFERENCE.findall(expression):
                yield Reference(address, attribute)
