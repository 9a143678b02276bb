"""A statement as a template with holes, and how it is written for any set of filled holes."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

Node = ast.expr | ast.keyword | ast.alias | ast.arg
"""What can be a part of a statement."""


@dataclass(frozen=True, slots=True)
class Hole:
    """One differing part. `response` and `ideal` are source texts, None on the side that lacks it; `line` is the
    response's line, from 1. The syntax is for finding names; `callees` name what each side passes a keyword to."""

    number: int
    response: str | None
    ideal: str | None
    line: int
    last_line: int
    response_node: Node | None
    ideal_node: Node | None
    callees: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Same:
    """A part that is the same on both sides, as each side writes it."""

    response: str
    ideal: str
    line: int


@dataclass(frozen=True, slots=True)
class Group:
    """A bracketed list of parts. `head` comes before the bracket's content; texts are pairs (response, ideal).

    `empty` is what to write where no part is left; `parameters` are kept in the order that Python asks for.
    """

    head: tuple[Item, ...]
    opening: tuple[str, str]
    items: tuple[Item, ...]
    closing: tuple[str, str]
    separator: tuple[str, str]
    line: int
    empty: str | None = None
    parameters: bool = False


Item = Hole | Same | Group


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of written text, the response's line that it stands for, and the hole that it fills (None for none)."""

    text: str
    line: int
    hole: int | None


@dataclass(frozen=True, slots=True)
class Template:
    """A statement with holes."""

    root: Group
    holes: tuple[Hole, ...]

    def write(self, filled: Collection[int], ideal_layout: bool) -> list[Fragment]:
        """The statement with the ideal's text in the holes `filled` and the response's in the others.

        What is the same on both sides is written as the ideal writes it where `ideal_layout`.
        """
        return list(_write(self.root, filled, 1 if ideal_layout else 0))

    def hole_at(self, line: int) -> int | None:
        """The innermost hole whose response text covers `line` of the response."""
        covering = [hole for hole in self.holes if hole.response is not None and hole.line <= line <= hole.last_line]
        return min(covering, key=lambda hole: hole.last_line - hole.line).number if covering else None


def _write(item: Item, filled: Collection[int], side: int) -> Iterator[Fragment]:
    if isinstance(item, Same):
        yield Fragment((item.response, item.ideal)[side], item.line, None)
    elif isinstance(item, Hole):
        text = item.ideal if item.number in filled else item.response
        if text is not None:
            yield Fragment(text, item.line, item.number)
    else:
        yield from _write_group(item, filled, side)


def _write_group(group: Group, filled: Collection[int], side: int) -> Iterator[Fragment]:
    parts = [fragments for item in group.items if (fragments := list(_write(item, filled, side)))]
    if group.parameters:
        parts = _in_order(parts)
    if not parts and group.empty is not None:
        yield Fragment(group.empty, group.line, None)
        return
    for item in group.head:
        yield from _write(item, filled, side)
    yield Fragment(group.opening[side], group.line, None)
    line = group.line
    for number, fragments in enumerate(parts):
        if number:
            yield Fragment(group.separator[side], line, None)
        for fragment in fragments:
            # What only the ideal has stands, in the response's lines, where the item before it does.
            line = fragment.line or line
            yield Fragment(fragment.text, line, fragment.hole)
    closing = group.closing[side]
    yield Fragment(closing if parts else closing.lstrip().removeprefix(","), line, None)


def _in_order(parts: list[list[Fragment]]) -> list[list[Fragment]]:
    """Parameters as Python wants them: those without a default, those with one, `*` or `*args`, keywords, `**kwargs`."""
    texts = ["".join(fragment.text for fragment in fragments) for fragments in parts]
    star = next((number for number, text in enumerate(texts) if text.startswith("*") and not text.startswith("**")), len(parts))

    def place(number: int) -> tuple[int, int]:
        text = texts[number]
        if text.startswith("**"):
            return (4, number)
        if number == star:
            return (2, number)
        return (int("=" in text) if number < star else 3, number)

    order = sorted(range(len(parts)), key=place)
    if star < len(parts) and texts[star] == "*" and not any(place(number)[0] == 3 for number in order):
        order.remove(star)  # without a keyword behind it, it means nothing
    return [parts[number] for number in order]
