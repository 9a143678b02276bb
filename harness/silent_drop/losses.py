"""From the record of what was given, and what arrived, to diagnostics: one function a kind of loss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.diagnostics import Diagnostic, Location
from harness.silent_drop.arrived import Arrival, provider_block
from harness.silent_drop.given import Attribute, Construct, Given, Override
from harness.silent_drop.keys import lost_keys
from harness.silent_drop.source import Sources
from harness.silent_drop.structs import Struct, find_struct

GATE = "silent-drop"
BLOCKS = frozenset(
    {"action", "check", "data", "ephemeral", "import", "list", "locals", "module", "moved", "output", "provider", "removed"}
    | {"resource", "terraform", "variable"}
)
"""What may stand at the top of a configuration; https://developer.hashicorp.com/terraform/language/syntax/json and the blocks added since."""
_SETTINGS = ("backend", "cloud", "required_providers", "required_version")
"""What stands inside the block `terraform`."""
_FEW = 4
_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What all kinds of loss are read from: the record, the stacks, where constructs were made, and the code."""

    given: Given
    stacks: Mapping[str, Any]
    arrivals: Mapping[str, Arrival]
    lines: Mapping[str, Location]
    sources: Sources
    site_packages: Path

    def arrival_of(self, construct: Construct) -> Arrival | None:
        """The block that the construct became; None where it did not become one that can be told apart."""
        return self.arrivals.get(construct.path) or (provider_block(self.stacks, construct) if construct.module.endswith(".provider") else None)

    def called(self, path: str) -> str:
        """A construct as messages name it: its path, and its type where it arrived."""
        return f"{path} ({self.arrivals[path].kind})" if path in self.arrivals else path

    def address(self, path: str) -> str | None:
        """The construct's Terraform address."""
        return self.arrivals[path].address if path in self.arrivals else None


def dropped_keys(evidence: Evidence) -> Iterator[Diagnostic]:
    """Names given to a construct that its block in the stack does not have."""
    overridden = _overridden(evidence)
    for construct in evidence.given.constructs:
        arrival = evidence.arrival_of(construct)
        if arrival is None:
            continue
        excused = [*overridden.get(construct.path, ()), *overridden.get(arrival.address, ())]
        for block, key in lost_keys(construct, arrival.body, excused):
            if not any(key.replace("_", "").lower() == name.lower() for name in evidence.given.resets):
                yield _dropped(evidence, construct, arrival, block, key)


def _overridden(evidence: Evidence) -> dict[str, list[str]]:
    """What overrides changed, by construct path, and by address for those of a stack that name a resource."""
    found: dict[str, list[str]] = {}
    for override in evidence.given.overrides:
        parts = override.key.split(".")
        if not override.of_stack:
            found.setdefault(override.path, []).append(override.key)
        elif parts[0] in ("resource", "data") and len(parts) > 3:
            address = ".".join([*(["data"] if parts[0] == "data" else []), *parts[1:3]])
            found.setdefault(address, []).append(".".join(parts[3:]))
    return found


def _dropped(evidence: Evidence, construct: Construct, arrival: Arrival, block: Sequence[str], key: str) -> Diagnostic:
    struct = find_struct(evidence.site_packages, construct.module, construct.class_name, block) if block else None
    where = f" of {'.'.join(block)}" if block else ""
    written = [place for made in [evidence.lines.get(construct.path)] if made for place in [*evidence.sources.places_of_key(made, key), made]]
    return Diagnostic(
        gate=GATE,
        code="key-dropped",
        message=f"{construct.path} ({arrival.kind}): {key}{where} was given and did not arrive in cdk.tf.json; {_instead(struct, key)}",
        locations=tuple(dict.fromkeys(written)),
        address=arrival.address,
        symbols=tuple(dict.fromkeys(name for name in (struct.name if struct else construct.class_name, *reversed(block), key) if name)),
        path=construct.path,
    )


def _instead(struct: Struct | None, key: str) -> str:
    if struct is None:
        return "a plain mapping is handed on as it is, so it needs the names that the receiver knows"
    meant = struct.nearest(key)
    if meant is None:
        only = f"it takes {', '.join(struct.arguments)}" if len(struct.arguments) <= _FEW else "it has nothing of that name"
        return f"the block is {struct.name}, and {only}"
    return f"write {struct.name}({meant}=...), or in a plain mapping the key {struct.arguments[meant]}"


def misplaced_overrides(evidence: Evidence) -> Iterator[Diagnostic]:
    """Overrides that landed where Terraform does not look for what they say."""
    for override in evidence.given.overrides:
        first, *rest = override.key.split(".")
        if override.of_stack:
            wrong = _misplaced_in_stack(evidence, override, first, rest)
        else:
            wrong = _misplaced_in_element(evidence, override, first, rest)
        if wrong:
            yield Diagnostic(
                gate=GATE,
                code="override-misplaced",
                message=f'{evidence.called(override.path)}: add_override("{override.key}") {wrong}',
                locations=(override.place,) if override.place else (),
                address=evidence.address(override.path),
                symbols=("add_override", override.key),
                path=override.path,
            )


def _misplaced_in_element(evidence: Evidence, override: Override, first: str, rest: Sequence[str]) -> str:
    arrival = evidence.arrivals.get(override.path)
    if first not in BLOCKS or override.argument or arrival is None or first not in arrival.body:
        return ""
    inner = ".".join(rest[2:]) if first in ("resource", "data") else ""
    remedy = f'add_override("{inner}", ...)' if inner else "a path that begins with one of its arguments, or the stack's add_override"
    return f"was nested inside of the resource as a block {first}: an override's path is relative to the resource; write {remedy}"


def _misplaced_in_stack(evidence: Evidence, override: Override, first: str, rest: Sequence[str]) -> str:
    stack = evidence.stacks.get(override.path, {})
    if first not in BLOCKS and first in stack:
        right = f"terraform.{override.key}" if first in _SETTINGS else "a path that begins with resource, provider, terraform or another of Terraform's blocks"
        return f"put a block {first} at the top of the stack, where Terraform knows none; write {right}"
    if first in ("resource", "data") and len(rest) > 2:
        same = stack.get(first, {}).get(rest[0], {})
        noted = [name for name, body in same.items() if "//" in body] if isinstance(same, dict) else []
        if noted and rest[1] in same and rest[1] not in noted:
            return f"made a block {rest[0]}.{rest[1]} of its own, because no construct has that name; call add_override on the construct that is meant"
    return ""


def late_attributes(evidence: Evidence) -> Iterator[Diagnostic]:
    """Attributes set after construction on something of the bindings that has none of that name, and that nobody reads."""
    for attribute in evidence.given.attributes:
        if not evidence.sources.reads(attribute.name):
            yield _late(evidence, attribute)


def _late(evidence: Evidence, attribute: Attribute) -> Diagnostic:
    what = evidence.called(attribute.path) if attribute.path else attribute.class_name
    text = f"{attribute.name} was set after construction and did not arrive in cdk.tf.json: {attribute.class_name} has no such attribute"
    return Diagnostic(
        gate=GATE,
        code="attribute-after-construction",
        message=f"{what}: {text}; hand it to the constructor under the name that the resource has for it",
        locations=(attribute.place,),
        address=evidence.address(attribute.path),
        symbols=(attribute.name, attribute.class_name),
        path=attribute.path or None,
    )


def changed_ids(evidence: Evidence) -> Iterator[Diagnostic]:
    """Constructs whose id has spaces, which are gone from the Terraform names of it and of everything below it."""
    for path, place in evidence.lines.items():
        name = path.rpartition("/")[2]
        arrived = [other for other in evidence.arrivals if other == path or other.startswith(path + "/")]
        if _SPACE.search(name) and arrived:
            known = evidence.address(path) or "all that is below it by names without them"
            yield Diagnostic(
                gate=GATE,
                code="id-changed",
                message=f'{evidence.called(path)}: the spaces of its id "{name}" did not arrive: Terraform knows {known}; write an id without spaces',
                locations=(place,),
                address=evidence.address(path),
                symbols=(name,),
                path=path,
            )
