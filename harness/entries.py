"""The arguments, items or names between two brackets, and which of the two sides' belong together."""

from __future__ import annotations

import ast
import difflib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

from harness.template import Node

ALIKE = 0.55
"""From this likeness on, two pieces of source without a name of their own are one thing that was changed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a bracket on one side: its key (None for a position), its node, its span in the text.

    `name` is the key as written; `key` may be the other side's, for an argument that was given another name.
    """

    key: str | None
    name: str | None
    node: Node
    start: int
    end: int
    line: int
    last_line: int


def merge(left: list[Entry], right: list[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """The entries of both sides in one order: keyed ones by key, others by likeness in their order."""
    if any(entry.key is None for entry in [*left, *right]):
        yield from _merge_sequence(left, right)
        return
    renamed = _renamed_keys(left, right)
    right = [replace(entry, key=renamed.get(entry.key, entry.key)) for entry in right]
    theirs = {entry.key: entry for entry in right}
    mine = {entry.key for entry in left}
    following: dict[str | None, list[Entry]] = {}
    last: str | None = None
    for entry in right:
        if entry.key in mine:
            last = entry.key
        else:
            following.setdefault(last, []).append(entry)
    positional = [entry for entry in left if entry.key and entry.key.startswith("#")]
    early = following.pop(None, [])
    for number, entry in enumerate(left):
        # A keyword that only the ideal has may not come before a positional argument.
        if number == len(positional):
            yield from ((None, other) for other in early)
        yield entry, theirs.get(entry.key)
        yield from ((None, other) for other in following.get(entry.key, ()))
    if len(positional) == len(left):
        yield from ((None, other) for other in early)


def _renamed_keys(left: list[Entry], right: list[Entry]) -> dict[str | None, str | None]:
    """Keys of the ideal that stand for another key of the response: an argument that was only given its right name.

    The value is the same (and a telling one, or the names share a word), or the one name contains the other:
    `subnet_group_name` for `name`.
    """
    mine = [entry for entry in left if entry.key not in {other.key for other in right}]
    theirs = [entry for entry in right if entry.key not in {other.key for other in left}]
    renamed: dict[str | None, str | None] = {}
    for entry in theirs:
        for other in mine:
            if other.key in renamed.values() or not entry.key or not other.key:
                continue
            same_value = ast.dump(_content(entry.node)) == ast.dump(_content(other.node))
            same_name = entry.key in other.key or other.key in entry.key
            if (same_value and (not _is_plain(entry.node) or _share_a_word(entry.key, other.key))) or (same_name and type(entry.node) is type(other.node)):
                renamed[entry.key] = other.key
                break
    return renamed


def _share_a_word(one: str, other: str) -> bool:
    """Whether two names are made of a word in common: `min_length` and `minimum_password_length`."""
    return any(len(word) > 3 for word in set(one.split("_")) & set(other.split("_")))


def _content(node: Node) -> ast.AST:
    return node.value if isinstance(node, ast.keyword) else node


def _is_plain(node: Node) -> bool:
    """Whether the value is one that many arguments have: a truth value, a number, None."""
    value = _content(node)
    return isinstance(value, ast.Constant) and not isinstance(value.value, str)


def _merge_sequence(left: list[Entry], right: list[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    matcher = difflib.SequenceMatcher(a=[ast.dump(entry.node) for entry in left], b=[ast.dump(entry.node) for entry in right], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        imported = any(isinstance(entry.node, ast.alias) for entry in [*left[a:b], *right[c:d]])
        if tag == "equal" or (b - a == d - c and (b - a == 1 or not imported)):
            yield from zip(left[a:b], right[c:d], strict=True)
            continue
        yield from _pair_alike(left[a:b], right[c:d])


def _pair_alike(left: list[Entry], right: list[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Each entry with the most alike of the other side, in order; what has none stands alone."""
    waiting = list(right)
    for entry in left:
        ratios = [difflib.SequenceMatcher(a=ast.unparse(entry.node)[:400], b=ast.unparse(other.node)[:400], autojunk=False).ratio() for other in waiting]
        best = max(range(len(ratios)), key=ratios.__getitem__, default=None)
        if best is None or ratios[best] < ALIKE:
            yield entry, None
            continue
        yield from ((None, other) for other in waiting[:best])
        yield entry, waiting[best]
        waiting = waiting[best + 1 :]
    yield from ((None, other) for other in waiting)


def separator(text: str, entries: list[Entry]) -> str:
    """What this side puts between two items: a comma and a space, or a comma and a new line at the first item's column."""
    start = text.rfind("\n", 0, entries[0].start) + 1
    lead = text[start : entries[0].start]
    apart = any("\n" in text[one.end : other.start] for one, other in itertools.pairwise(entries))
    if not lead.strip():
        return f",\n{lead}"
    return f",\n{' ' * len(lead)}" if apart else ", "
