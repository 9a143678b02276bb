"""Which names that were given to a block do not stand in what arrived of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.silent_drop.given import Construct, Keys

_META = frozenset({"connection", "provisioners", "count", "foreach", "lifecycle", "dependson", "provider"})
"""What cdktf itself turns into something else; unknown names are refused there."""
_RENAMED = {"equalto": "equals"}
"""Where bindings and Terraform differ by more than underscores; `self` and the like become `self_attribute`. Found by comparing
the names that the bindings' JavaScript reads with those that it writes, over all of @cdktf/provider-aws 20.1.0."""

Lost = tuple[tuple[str, ...], str]
"""The blocks that lead to a name, outermost first, and the name as it was given."""


def lost_keys(construct: Construct, body: Mapping[str, Any], excused: Iterable[str] = ()) -> list[Lost]:
    """What was given to the construct and is missing, or null, in its block; each once, however many items of a list lost it.

    `excused` are names, outermost first with dots between, that something else has changed or taken back.
    """
    given = {key: value for key, value in construct.keys.items() if plain_name(key) not in _META}
    gone = {tuple(map(plain_name, path.split("."))) for path in excused}
    found = dict.fromkeys(_compare(given, body, ()))
    return [(path, key) for path, key in found if not any(_touches(tuple(map(plain_name, (*path, key))), one) for one in gone)]


def plain_name(name: str) -> str:
    """A name as both sides spell it: `from_port`, `fromPort` and Terraform's `from_port` are one."""
    plain = name.replace("_", "").lower()
    plain = plain.removesuffix("attribute") or plain
    return _RENAMED.get(plain, plain)


def _compare(given: Any, arrived: Any, path: tuple[str, ...]) -> Iterator[Lost]:
    if isinstance(given, list):
        items = arrived if isinstance(arrived, list) else [arrived]
        if len(items) == len(given):
            for one, other in zip(given, items, strict=True):
                yield from _compare(one, other, path)
    elif isinstance(given, dict):
        block = arrived[0] if isinstance(arrived, list) and len(arrived) == 1 else arrived
        if isinstance(block, dict):
            yield from _compare_names(given, block, path)


def _compare_names(given: Keys, block: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Lost]:
    there = {plain_name(name): value for name, value in block.items() if value is not None}
    for key, inside in given.items():
        if inside == 0:
            continue  # an object of cdktf's own may become anything, such as a dynamic block
        if plain_name(key) not in there:
            yield path, key
        else:
            yield from _compare(inside, there[plain_name(key)], (*path, key))


def _touches(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether one of the two leads to the other. An override may name items of lists by number."""
    other = tuple(part for part in other if not part.isdigit())
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]
