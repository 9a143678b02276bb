"""The graph of resources in synthesized stacks: what each was given, and what refers to what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.constraints.expressions import Reference, interpolations, references

_SETTINGS = (".tfvars", ".tfvars.json")
_WHOLE = re.compile(r"\s*\$\{\s*(local|var)\.([A-Za-z_][\w-]*)\s*\}\s*")
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
class ResourceGraph:
    """All nodes of one stack in the order of the stack, with its providers and locals.

    `files` are the paths of all files that are there when terraform runs, relative to the tree; None where nobody knows.
    `variables` are the defaults of the variables; nothing where files may give them other values.
    """

    stack: str
    nodes: tuple[Node, ...]
    providers: Mapping[str, Any] = field(hash=False)
    locals: Mapping[str, Any] = field(default_factory=dict, hash=False)
    files: frozenset[str] | None = field(default=None, hash=False)
    variables: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @cached_property
    def by_address(self) -> Mapping[str, Node]:
        """Nodes by their Terraform address."""
        return {node.address: node for node in self.nodes}

    @cached_property
    def edges(self) -> Mapping[str, tuple[Node, ...]]:
        """By address: the nodes that this node's arguments refer to, each once."""
        return {node.address: tuple(self.targets(node.own_arguments)) for node in self.nodes}

    def of_type(self, *types: str) -> Iterator[Node]:
        """The resources (not data sources) of these types."""
        return (node for node in self.nodes if node.type in types and not node.is_data)

    def data(self) -> Iterator[Node]:
        """The data sources."""
        return (node for node in self.nodes if node.is_data)

    def resolve(self, reference: Reference) -> Node | None:
        """The node that a reference names; None for a variable, a local, or what other stacks hold."""
        return self.by_address.get(reference.address)

    def targets(self, value: object) -> Iterator[Node]:
        """The nodes that a value refers to, through locals too, each once."""
        seen: set[str] = set()
        open_values = [value]
        while open_values:
            for reference in references(open_values.pop()):
                if reference.address in seen:
                    continue
                seen.add(reference.address)
                if (node := self.resolve(reference)) is not None:
                    yield node
                elif reference.kind == "local":
                    open_values.append(self.locals.get(reference.name))

    def target(self, value: object, *types: str) -> Node | None:
        """The one node of `types` that a value refers to; None for a literal, and where several are possible."""
        found = [node for node in self.targets(value) if node.type in types]
        return found[0] if len(found) == 1 else None

    def region(self, node: Node) -> str | None:
        """The region that a node lives in, where that is a literal: its own (provider 6), else its provider's."""
        alias = str(node.arguments.get("provider", "")).partition(".")[2]
        blocks = self.providers.get("aws", [])
        found = [block for block in (blocks if isinstance(blocks, list) else [blocks]) if isinstance(block, Mapping)]
        block: Mapping[str, Any] = next((block for block in found if block.get("alias", "") == alias), {})
        region = self.settled(node.arguments.get("region", block.get("region")))
        return region if isinstance(region, str) and "${" not in region else None

    def settled(self, value: object) -> object:
        """The literal that `${local.x}` or `${var.x}` stands for, and a value of any other form as it is.

        Two steps at most, since locals may refer to each other in a circle: a local that is a variable is followed, too.
        """
        kept = self._kept(value)
        found = self._kept(kept) if isinstance(kept, str) and "var." in kept else kept
        return value if found is None or (isinstance(found, str) and any(interpolations(found))) else found

    def _kept(self, value: object) -> object:
        """The string, number or boolean that a local or a variable has; the value itself where it is neither."""
        found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            return value
        kept = (self.locals if found[1] == "local" else self.variables).get(found[2])
        return kept if isinstance(kept, (str, int, float)) else None


def build_graphs(stacks: Mapping[str, Any], files: frozenset[str] | None = None) -> list[ResourceGraph]:
    """One graph for each synthesized stack (`cdk.tf.json`, parsed); `files` as the graphs have it.

    An override can put anything anywhere; what has no place in a configuration is left out, for validate to refuse.
    """
    return [_build(name, mapping(stack), files) for name, stack in sorted(stacks.items())]


def _build(name: str, stack: Mapping[str, Any], files: frozenset[str] | None) -> ResourceGraph:
    nodes = []
    for section, prefix in (("resource", ""), ("data", "data.")):
        for kind, instances in mapping(stack.get(section)).items():
            for identifier, arguments in mapping(instances).items():
                if isinstance(arguments, Mapping):
                    path = mapping(mapping(arguments.get("//")).get("metadata")).get("path")
                    nodes.append(Node(name, f"{prefix}{kind}.{identifier}", kind, str(path or ""), arguments))
    return ResourceGraph(name, tuple(nodes), mapping(stack.get("provider")), mapping(stack.get("locals")), files, _defaults(stack, files))


def _defaults(stack: Mapping[str, Any], files: frozenset[str] | None) -> dict[str, Any]:
    """The defaults of a stack's variables; none of them where a file may say otherwise, or where it is not known which files there are.

    What is left is a value on terraform's command line or in its environment, which no tree shows.
    """
    if files is None or any(path.endswith(_SETTINGS) for path in files):
        return {}
    declared = mapping(stack.get("variable"))
    return {name: default for name, block in declared.items() if (default := mapping(block).get("default")) is not None}


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}
