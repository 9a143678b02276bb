"""What stands in the synthesized stacks, by the path of the construct that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.silent_drop.given import Construct

NOTE = "//"
"""Under this key cdktf keeps what it has to say of its own output."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A block of a stack: its Terraform address (`aws_sqs_queue.jobs`, `data.aws_region.here`, `output.url`), and what is in it."""

    address: str
    body: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The type without `data.` and the name: `aws_sqs_queue`, `provider`, `output`."""
        return self.address.removeprefix("data.").split(".")[0]


def read_arrivals(stacks: Mapping[str, Any]) -> dict[str, Arrival]:
    """Every resource, data source and output of the stacks by construct path."""
    found: dict[str, Arrival] = {}
    for stack in stacks.values():
        found |= {str(path): arrival for path, arrival in _addressed(stack)}
        outputs = _mapping(_mapping(stack.get(NOTE)).get("outputs"))
        found |= {path: Arrival(f"output.{name}", _mapping(_mapping(stack.get("output")).get(name))) for path, name in _outputs(outputs, "")}
    return found


def provider_block(stacks: Mapping[str, Any], construct: Construct) -> Arrival | None:
    """The block of a provider: the one of its alias, in the stack that its path begins with."""
    stack = stacks.get(construct.path.split("/")[0])
    name = construct.module.removeprefix("cdktf_cdktf_provider_").split(".")[0]
    blocks = _mapping(_mapping(stack).get("provider")).get(name)
    for block in blocks if isinstance(blocks, list) else [blocks]:
        if isinstance(block, dict) and block.get("alias") == construct.alias:
            return Arrival(f"provider.{name}", block)
    return None


def _addressed(stack: Mapping[str, Any]) -> Iterator[tuple[Any, Arrival]]:
    for section, prefix in (("resource", ""), ("data", "data.")):
        for kind, instances in _mapping(stack.get(section)).items():
            for name, body in _mapping(instances).items():
                path = _mapping(_mapping(_mapping(body).get(NOTE)).get("metadata")).get("path")
                if path is not None:
                    yield path, Arrival(f"{prefix}{kind}.{name}", body)


def _outputs(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Construct path and Terraform's name of every output; cdktf nests them as the constructs are."""
    for key, value in tree.items():
        below = f"{path}/{key}" if path else key
        if isinstance(value, dict):
            yield from _outputs(value, below)
        elif isinstance(value, str):
            yield below, value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
