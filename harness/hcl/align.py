"""Response and ideal of one `.tf` file side by side: which blocks and arguments are the same, and which are edits.

As for Python (`harness/alignment.py`), taking one side of every leaf gives a file again. A leaf is an argument, a block
that only one side has, or the head or the end of a block (or bracket) that both have.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from harness.alignment import Leaf, Side
from harness.best_pairs import best_pairs
from harness.hcl.syntax import LIST, Item, parse_hcl

_PAIRED = 0.45
_ALIKE = 0.6
_SAME_TYPE = 0.75
_SHOWN = 2000
_Pair = tuple[Item | None, Item | None]


def is_hcl(path: str) -> bool:
    """Whether a file is Terraform's native syntax, by its name."""
    return path.endswith((".tf", ".tfvars"))


def align_hcl(response: str, ideal: str) -> list[Leaf]:
    """Align two files. Raises `HclError` where one of them cannot be read."""
    left, right = parse_hcl(response), parse_hcl(ideal)
    aligner = _Aligner(_lines(response), _lines(ideal))
    leaves = aligner.items(left, right, ())
    return [*leaves, aligner.rest()]


def _lines(text: str) -> list[str]:
    # Every piece ends with a newline; whether the file does is settled when it is written.
    return re.findall(r"[^\n]*\n", text if not text or text.endswith("\n") else text + "\n")


class _Aligner:
    """Walks both files at once. `done` are the last lines of either side that are in a leaf already."""

    def __init__(self, left: Sequence[str], right: Sequence[str]) -> None:
        self.lines = (left, right)
        self.done = [0, 0]

    def items(self, left: Sequence[Item], right: Sequence[Item], scope: tuple[str, ...]) -> list[Leaf]:
        """The leaves of two lists of items that stand in the same place."""
        leaves: list[Leaf] = []
        for mine, theirs in pair_items(left, right):
            both = mine is not None and theirs is not None
            if mine and theirs and mine.syntax != theirs.syntax and _can_descend(mine, theirs):
                leaves += self._inside(mine, theirs, scope)
                continue
            sides = self._side(0, mine, scope), self._side(1, theirs, scope)
            leaves.append(Leaf(*sides, edited=not both or mine.syntax != theirs.syntax, block=1))  # type: ignore[union-attr]
        return leaves

    def _inside(self, mine: Item, theirs: Item, scope: tuple[str, ...]) -> list[Leaf]:
        """A head, what stands inside, and an end."""
        inner = (*scope, _name(theirs))
        heads = self._take(0, mine.first, mine.head, scope), self._take(1, theirs.first, theirs.head, scope)
        leaves = [Leaf(*heads, edited=mine.head_syntax != theirs.head_syntax, block=1)]
        leaves += self.items(mine.items, theirs.items, inner)
        ends = self._take(0, mine.last, mine.last, scope), self._take(1, theirs.last, theirs.last, scope)
        return [*leaves, Leaf(*ends, edited=mine.tail_syntax != theirs.tail_syntax, block=1, statements=0)]

    def rest(self) -> Leaf:
        """What stands behind the last item: comments and empty lines."""
        sides = [self._take(side, self.done[side] + 1, len(self.lines[side]), ()) for side in (0, 1)]
        return Leaf(sides[0], sides[1], edited=False, block=0, statements=0)

    def _side(self, side: int, item: Item | None, scope: tuple[str, ...]) -> Side:
        if item is None:
            return Side("", self.done[side] + 1, self.done[side] + 1, "", [], scope)
        taken = self._take(side, item.first, item.last, scope)
        taken.about = _name(item)
        # One argument in two blocks is two things.
        taken.syntax = f"{'.'.join(scope)}: {item.syntax}"
        return taken

    def _take(self, side: int, line: int, last: int, scope: tuple[str, ...]) -> Side:
        """The lines up to `last`, with the comments above that belong to what begins at `line`."""
        first = self.done[side] + 1
        self.done[side] = last
        return Side("".join(self.lines[side][first - 1 : last]), line, first, "", [], scope)


def _name(item: Item) -> str:
    return item.address if item.kind == "block" and item.labels else item.name


def _can_descend(mine: Item, theirs: Item) -> bool:
    """Whether what stands inside two items can be exchanged piece by piece."""
    if not mine.inside or mine.inside != theirs.inside or mine.kind != theirs.kind:
        return False
    if mine.tail_syntax.rstrip(", ") != theirs.tail_syntax.rstrip(", "):
        return False  # what one side opens at the head (`f({`) only its own end closes (`})`)
    if mine.inside != LIST:
        return True
    # Only the last element may lack its comma; so the last ones have to be a pair, or both have one.
    last = list(pair_items(mine.items, theirs.items))[-1]
    return None not in last or (mine.items[-1].comma and theirs.items[-1].comma)


def pair_items(left: Sequence[Item], right: Sequence[Item]) -> Iterator[_Pair]:
    """Equal items first, then, between them, those that are most alike; order is kept on both sides."""
    matcher = difflib.SequenceMatcher(a=[one.syntax for one in left], b=[one.syntax for one in right], autojunk=False)
    at = (0, 0)
    for match in matcher.get_matching_blocks():
        yield from _pair_gap(left[at[0] : match.a], right[at[1] : match.b])
        yield from zip(left[match.a : match.a + match.size], right[match.b : match.b + match.size], strict=True)
        at = (match.a + match.size, match.b + match.size)


def _pair_gap(left: Sequence[Item], right: Sequence[Item]) -> Iterator[_Pair]:
    """The pairs whose likeness is largest together."""
    return best_pairs(left, right, [[_likeness(mine, theirs) for theirs in right] for mine in left], _PAIRED)


def _likeness(mine: Item, theirs: Item) -> float:
    """From 0 to 1. What has one name is the same thing; the rest is compared by its text."""
    if mine.kind == "element" or theirs.kind == "element":
        return _ratio(mine, theirs) if mine.kind == theirs.kind else 0.0
    if mine.name == theirs.name and mine.labels == theirs.labels:
        # Blocks of one name may repeat; the one most alike is meant.
        return 1.0 if mine.labels or mine.kind != theirs.kind or mine.kind == "argument" else max(_ratio(mine, theirs), 0.5)
    if mine.kind != theirs.kind:
        # An argument that belongs into a block, or stands in one and should not.
        argument, block = (mine, theirs) if mine.kind == "argument" else (theirs, mine)
        return _ALIKE if argument.syntax in {inner.syntax for inner in block.items} else 0.0
    if mine.kind == "argument":
        # An argument that only got another name has the same value.
        return _ALIKE if mine.syntax.removeprefix(mine.name) == theirs.syntax.removeprefix(theirs.name) and _may_be_one(mine.name, theirs.name) else 0.0
    if mine.name != theirs.name or len(mine.labels) != len(theirs.labels) or not mine.labels:
        return 0.0
    if mine.labels[-1] == theirs.labels[-1]:
        return 0.9 if _may_be_one(mine.labels[0], theirs.labels[0]) else 0.0
    ratio = _ratio(mine, theirs) if mine.labels[:-1] == theirs.labels[:-1] else 0.0
    return ratio * 0.8 if ratio >= _ALIKE else 0.0


def _may_be_one(mine: str, theirs: str) -> bool:
    """Whether two names may be one thing, misspelled."""
    return difflib.SequenceMatcher(a=mine, b=theirs, autojunk=False).ratio() >= _SAME_TYPE


def _ratio(mine: Item, theirs: Item) -> float:
    return difflib.SequenceMatcher(a=mine.syntax[:_SHOWN], b=theirs.syntax[:_SHOWN], autojunk=False).ratio()
