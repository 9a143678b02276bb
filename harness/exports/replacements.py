"""A fix's diff as replacements of regions, where it can be said exactly."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@")


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a text: lines and columns count from 1, columns in Unicode code points; the end column is the first behind the part."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """`region` of the unchanged file gives way to `text`; an empty region is a place to insert at."""

    region: Region
    text: str


def replacements(diff: str, files: Mapping[str, str]) -> dict[str, tuple[Replacement, ...]] | None:
    """What a diff from `response/PATH` to `ideal/PATH` replaces, by path; None where replacements cannot say it exactly.

    `files` are the response's texts. Not said exactly are files that come, go or move, files that are no text, lines that end
    in anything but a line feed (tools disagree on what a line is then), and a diff that is not of these texts.
    """
    changed: dict[str, tuple[Replacement, ...]] = {}
    lines = diff.split("\n")
    at = 0
    while at < len(lines) - 1:
        old, new = lines[at], lines[at + 1]
        path = old.removeprefix("--- response/")
        if not old.startswith("--- response/") or new != f"+++ ideal/{path}" or path in changed or path not in files:
            return None
        found = _replacements_of_file(lines, at + 2, files[path])
        if found is None:
            return None
        changed[path], at = found
    return changed if changed and lines[-1] == "" else None


def _replacements_of_file(lines: list[str], at: int, text: str) -> tuple[tuple[Replacement, ...], int] | None:
    """What the hunks from `at` on replace in `text`, and where the next file begins."""
    present = _lines(text)
    if present is None:
        return None
    done: list[Replacement] = []
    while at < len(lines) and (hunk := _HUNK.match(lines[at])):
        first, old_left, new_left = int(hunk[1]), int(hunk[2] or 1), int(hunk[3] or 1)
        # A hunk without old lines names the line behind which it inserts.
        line = first - 1 if old_left else first
        at += 1
        removed, added = 0, ""
        while old_left or new_left:
            if at >= len(lines):
                return None
            kind, content = lines[at][:1], lines[at][1:]
            bare = at + 1 < len(lines) and lines[at + 1].startswith("\\ No newline")
            content += "" if bare else "\n"
            if kind not in ("-", "+", " "):
                return None
            if kind in ("-", " ") and (line + removed >= len(present) or present[line + removed] != content):
                return None
            if kind == " ":
                if (removed or added) and not _add(done, present, line, removed, added):
                    return None
                line, removed, added = line + removed + 1, 0, ""
            removed += kind == "-"
            added += content if kind == "+" else ""
            old_left -= kind in ("-", " ")
            new_left -= kind in ("+", " ")
            at += 2 if bare else 1
        if not _add(done, present, line, removed, added):
            return None
    return (tuple(done), at) if done else None


@lru_cache(maxsize=64)
def _lines(text: str) -> tuple[str, ...] | None:
    """The lines of a text with their ends; None where those are not all line feeds, or all carriage returns with one. Failures share files."""
    feeds = text.count("\n")
    # `splitlines` knows other ends of a line too, such as a form feed; behind the last one there has to be something for it to count.
    if text.count("\r\n") not in (0, feeds) or len((text + ".").splitlines()) != feeds + 1:
        return None
    return tuple(text.splitlines(keepends=True))


def _add(done: list[Replacement], present: Sequence[str], line: int, removed: int, added: str) -> bool:
    """Note that `removed` lines from `line` (from 0) give way to `added`; False where no region says so."""
    if not removed and not added:
        return True
    end = line + removed
    if end < len(present) or not present:
        done.append(Replacement(Region(line + 1, 1, end + 1, 1), added))
        return True
    # Not all tools know a line behind the last line break, so what reaches the end of the file ends before that break.
    ending = re.search(r"\r?\n\Z", present[-1])
    if ending is not None:
        if not added:
            if line == 0:
                return False
            before = present[line - 1].rstrip("\r\n")
            done.append(Replacement(Region(line, len(before) + 1, end, len(present[-1].rstrip("\r\n")) + 1), ""))
            return True
        if not added.endswith(ending[0]):
            return False
        added = added.removesuffix(ending[0])
    last = present[-1].rstrip("\r\n")
    if removed:
        done.append(Replacement(Region(line + 1, 1, end, len(last) + 1), added))
    else:
        done.append(Replacement(Region(line, len(last) + 1, line, len(last) + 1), (ending[0] if ending else "") + added))
    return True
