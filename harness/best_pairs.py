"""Pairs the members of two sequences, in their order, so that the sum of the pairs' likeness is largest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Left = TypeVar("Left")
Right = TypeVar("Right")


def best_pairs(left: Sequence[Left], right: Sequence[Right], likeness: Sequence[Sequence[float]], least: float) -> Iterator[tuple[Left | None, Right | None]]:
    """Every member once, with its partner or None, in both orders (Needleman and Wunsch's alignment without a gap penalty).

    `likeness[i][j]` says how much `left[i]` is like `right[j]`; what is less alike than `least` is never a pair.
    """
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for row in range(len(left) - 1, -1, -1):
        for column in range(len(right) - 1, -1, -1):
            paired = best[row + 1][column + 1] + likeness[row][column] if likeness[row][column] >= least else 0.0
            best[row][column] = max(paired, best[row + 1][column], best[row][column + 1])
    row = column = 0
    while row < len(left) or column < len(right):
        both = row < len(left) and column < len(right) and likeness[row][column] >= least
        if both and best[row][column] == best[row + 1][column + 1] + likeness[row][column]:
            yield left[row], right[column]
            row, column = row + 1, column + 1
        elif row < len(left) and (column == len(right) or best[row][column] == best[row + 1][column]):
            yield left[row], None
            row += 1
        else:
            yield None, right[column]
            column += 1
