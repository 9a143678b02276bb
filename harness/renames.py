"""Files that are the same file under another path: a response's `stacks/network.py` and the ideal's `lib/network.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from harness.tree import Tree

_ALIKE = 0.5
_ALIKE_BY_NAME = 0.25
_SPACE = re.compile(r"\s+")


def pair_renamed(response: Tree, ideal: Tree) -> Mapping[str, str]:
    """Response path to ideal path, for files that only moved or were renamed.

    Only paths that are on one side alone are candidates. Two files are one where enough of their lines are the
    same: at least half, or a quarter where the file's name is the same too. The most alike are paired first.
    """
    only_response = [path for path in response if path not in ideal]
    only_ideal = [path for path in ideal if path not in response]
    lines = {("response", path): _lines(response, path) for path in only_response} | {("ideal", path): _lines(ideal, path) for path in only_ideal}
    found = []
    for mine in only_response:
        for theirs in only_ideal:
            if PurePosixPath(mine).suffix != PurePosixPath(theirs).suffix:
                continue
            likeness = _likeness(lines["response", mine], lines["ideal", theirs])
            same_name = PurePosixPath(mine).name == PurePosixPath(theirs).name
            if likeness >= (_ALIKE_BY_NAME if same_name else _ALIKE):
                found.append((-likeness, not same_name, mine, theirs))
    paired: dict[str, str] = {}
    for _, _, mine, theirs in sorted(found):
        if mine not in paired and theirs not in paired.values():
            paired[mine] = theirs
    return paired


def _lines(tree: Tree, path: str) -> frozenset[str]:
    """The file's different lines without their layout; empty for what is not text."""
    try:
        text = tree.text(path)
    except UnicodeDecodeError:
        return frozenset()
    return frozenset(line for raw in text.splitlines() if len(line := _SPACE.sub(" ", raw).strip()) > 3)


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of lines that both files have (Dice's coefficient), from 0 to 1."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 0.0
