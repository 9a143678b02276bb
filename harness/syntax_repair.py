"""A response's file that is not Python: the smallest part of the ideal's lines that makes it parse.

Line by line, a file that does not parse could only be compared coarsely, and everything else that is wrong with it
would be mixed up with the one mistake that the parser stops at. So the file is mended first, by as few of the
differing lines as do it; what is left is compared by its syntax.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from harness.python_source import parse

_MOST = 40
_Hunk = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Mended:
    """The mended text; `lines` has for each of its lines the response's line, from 1, that it is or stands for.

    `response_part` and `ideal_part` are the lines that were exchanged; `line` is the first of them, `size` their number.
    """

    text: str
    lines: tuple[int, ...]
    response_part: str
    ideal_part: str
    line: int
    size: int


def mend_syntax(response: str, ideal: str) -> Mended | None:
    """The response with as few of the ideal's differing lines as make it parse; None where that does not help."""
    left, right = (re.findall(r"[^\n]*\n|[^\n]+\Z", text) for text in (response, ideal))
    hunks = [(a, b, c, d) for tag, a, b, c, d in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes() if tag != "equal"]
    chosen: list[_Hunk] = []
    while (line := _error_line("".join(_apply(left, right, chosen)[0]))) is not None:
        # Lines of the mended text and of the response are near enough for choosing what lies nearest.
        rest = sorted((hunk for hunk in hunks if hunk not in chosen), key=lambda hunk: _distance(hunk, line))
        if not rest or len(chosen) >= _MOST:
            return None
        chosen.append(next((hunk for hunk in rest[:8] if _gets_further(left, right, [*chosen, hunk], line)), rest[0]))
    for hunk in list(chosen):
        fewer = [other for other in chosen if other is not hunk]
        if _error_line("".join(_apply(left, right, fewer)[0])) is None:
            chosen = fewer
    chosen.sort()
    size = sum(max(b - a, d - c) for a, b, c, d in chosen)
    if (end := _whole_until(left)) is not None and len(left) - end < size:
        return Mended("".join(left[:end]), tuple(range(1, end + 1)), "".join(left[end:]), "", end + 1, len(left) - end)
    lines, origins = _apply(left, right, chosen)
    return Mended(
        text="".join(lines),
        lines=tuple(origins),
        response_part="".join(text for a, b, _, _ in chosen for text in left[a:b]),
        ideal_part="".join(text for _, _, c, d in chosen for text in right[c:d]),
        line=chosen[0][0] + 1 if chosen else 1,
        size=size,
    )


def _whole_until(lines: Sequence[str]) -> int | None:
    """How many lines of a text that was cut off are whole statements; None where more than its end is wrong.

    At least half has to be left: what ends earlier was not cut off.
    """
    for end in range(len(lines) - 1, len(lines) // 2, -1):
        # Only where a statement of a module or of a block may end; parsing at every line would take too long.
        if not lines[end].strip() or lines[end - 1].rstrip().endswith((",", "(", "[", "{", ":")):
            continue
        if _error_line("".join(lines[:end])) is None:
            return end
    return None


def _error_line(text: str) -> int | None:
    """Where the parser stops; None where it does not."""
    try:
        parse(text)
    except SyntaxError as error:
        return error.lineno or 1
    except (ValueError, RecursionError):
        return 1
    return None


def _gets_further(left: Sequence[str], right: Sequence[str], hunks: Collection[_Hunk], line: int) -> bool:
    now = _error_line("".join(_apply(left, right, hunks)[0]))
    return now is None or now > line + 1


def _distance(hunk: _Hunk, line: int) -> int:
    first, last = hunk[0] + 1, max(hunk[1], hunk[0] + 1)
    return 0 if first <= line <= last else min(abs(first - line), abs(last - line))


def _apply(left: Sequence[str], right: Sequence[str], hunks: Collection[_Hunk]) -> tuple[list[str], list[int]]:
    lines: list[str] = []
    origins: list[int] = []
    at = 0
    for a, b, c, d in sorted(hunks):
        lines += left[at:a]
        origins += range(at + 1, a + 1)
        lines += right[c:d]
        origins += [min(a + 1 + offset, max(b, a + 1), len(left)) for offset in range(d - c)]
        at = b
    lines += left[at:]
    origins += range(at + 1, len(left) + 1)
    return lines, origins
