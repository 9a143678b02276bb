"""A variant: the response plus some of the fixes, written out, with the way back to the response's lines."""

from __future__ import annotations

import ast
import difflib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.alignment import Leaf, Side
from harness.diagnostics import Location
from harness.fixes import FORMAT, Comparison, FilePair
from harness.tree import Tree


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a variant's line comes from: the response's line that it is, or stands for, and the edit it belongs to."""

    line: int
    edit: int | None


@dataclass(frozen=True, slots=True)
class Variant:
    """A tree for a set of fixes. `origins` has one entry for each line of each file that has leaves."""

    applied: frozenset[str]
    tree: Tree
    origins: Mapping[str, tuple[Origin, ...]]

    def origin(self, place: Location) -> Origin:
        """The origin of a line; a file that both sides share line by line is its own origin."""
        origins = self.origins.get(place.file)
        if not origins:
            return Origin(place.line, None)
        return origins[min(max(place.line, 1), len(origins)) - 1]


def make_variant(comparison: Comparison, applied: Iterable[str]) -> Variant:
    """Write the response with the fixes `applied` (ids). All of them give exactly the ideal, none the response."""
    chosen = frozenset(applied)
    edits = {index for fix in chosen for index in comparison.fixes[fix].edits}
    by_place = {(edit.path, edit.leaf): edit.index for edit in comparison.edits}
    files: dict[str, bytes] = {}
    origins: dict[str, tuple[Origin, ...]] = {}
    for path, pair in comparison.files.items():
        if pair.leaves is None:
            whole = by_place.get((path, None))
            content = pair.ideal if whole in edits else pair.response
        else:
            content, origins[path] = _write_file(pair, chosen, edits, by_place)
        if content is not None:
            files[path] = content
    return Variant(chosen, Tree(files), origins)


def _write_file(pair: FilePair, chosen: frozenset[str], edits: set[int], by_place: Mapping[tuple[str, int | None], int]) -> tuple[bytes, tuple[Origin, ...]]:
    leaves = pair.leaves or ()
    parts: list[tuple[str, list[Origin]]] = []
    openings: dict[int, tuple[int, str]] = {}
    filled: set[int] = set()
    for number, leaf in enumerate(leaves):
        edit = by_place.get((pair.path, number))
        base = leaf.ideal if FORMAT in chosen else leaf.response
        side = base if edit is None else leaf.ideal if edit in edits else leaf.response
        openings.setdefault(leaf.block, (len(parts), base.indent))
        text = _reindent(side, base.indent)
        if side.nodes:
            filled.add(leaf.block)
        parts.append((text, _line_origins(leaf, side, text, edit)))
    for block, (position, indent) in sorted(openings.items(), reverse=True):
        if block > 1 and block not in filled:
            # Every statement of this block is on the other side; without one it would not parse.
            parts.insert(position, (f"{indent}pass\n", [Origin(leaves[0].response.line, None)]))
    content = "".join(text for text, _ in parts)
    base_file = pair.ideal if FORMAT in chosen else pair.response
    if pair.by_statement and base_file is not None and not base_file.endswith(b"\n"):
        content = content.removesuffix("\n")
    return content.encode("utf-8"), tuple(itertools.chain.from_iterable(lines for _, lines in parts))


def _line_origins(leaf: Leaf, side: Side, text: str, edit: int | None) -> list[Origin]:
    count = text.count("\n") + (not text.endswith("\n") and bool(text))
    if side is leaf.response:
        return [Origin(side.first + offset, edit) for offset in range(count)]
    span = max(leaf.response.text.count("\n"), 1)
    return [Origin(leaf.response.first + min(offset, span - 1), edit) for offset in range(count)]


def _reindent(side: Side, indent: str) -> str:
    """The side's text at another indentation; what stands inside a string of several lines is left alone."""
    if side.indent == indent or not side.text:
        return side.text
    inside = {
        line
        for statement in side.nodes
        for node in ast.walk(statement)
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and (not isinstance(node, ast.Constant) or isinstance(node.value, (str, bytes)))
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    lines = side.text.splitlines(keepends=True)
    return "".join(line if side.first + number in inside or not line.strip() else indent + line.removeprefix(side.indent) for number, line in enumerate(lines))


def diff(comparison: Comparison, fixes: Iterable[str], *, context: int = 3) -> str:
    """The unified diff from the response to the response with `fixes`."""
    before, after = make_variant(comparison, ()).tree, make_variant(comparison, fixes).tree
    chunks: list[str] = []
    for path in sorted({*before.files, *after.files}):
        old, new = before.files.get(path), after.files.get(path)
        if old != new:
            left, right = ((content or b"").decode("utf-8", errors="replace").splitlines(keepends=True) for content in (old, new))
            names = (f"response/{path}" if old is not None else "/dev/null", f"ideal/{path}" if new is not None else "/dev/null")
            lines = difflib.unified_diff(left, right, *names, n=context)
            chunks.append("".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines))
    return "".join(chunks)
