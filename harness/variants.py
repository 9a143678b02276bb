"""A variant: the response plus some set of fixes, written out, with the way back to the response's lines."""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from harness.alignment import Leaf, Side
from harness.diagnostics import Location
from harness.fixes import FORMAT, Comparison
from harness.moved_definitions import placeholder_name
from harness.pairing import FilePair
from harness.template import Template
from harness.tree import Tree


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a variant's line comes from: the response's file and line that it is, or stands for, the edit it belongs
    to, and the statement (a leaf of the file) where that has edits."""

    line: int
    edit: int | None
    file: str = ""
    statement: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A tree for a set of fixes. `origins` has, by the variant's path, one entry for each line of each file that has
    leaves; `paths` maps the paths of files that moved to the response's."""

    applied: frozenset[str]
    tree: Tree
    origins: Mapping[str, tuple[Origin, ...]]
    paths: Mapping[str, str]

    def origin(self, place: Location) -> Origin:
        """The origin of a line; a file that both sides share line by line is its own origin."""
        origins = self.origins.get(place.file)
        if not origins:
            return Origin(place.line, None, self.paths.get(place.file, place.file))
        return origins[min(max(place.line, 1), len(origins)) - 1]


_Places = Mapping[tuple[str, int | None, int | None], int]


def make_variant(comparison: Comparison, applied: Iterable[str], only: Collection[str] | None = None) -> Variant:
    """Write the response with the fixes `applied` (ids). All of them give exactly the ideal, none the response.

    `only` names the pairs of files to write, where not all are wanted.
    """
    chosen = frozenset(applied)
    edits = {index for fix in chosen for index in comparison.fixes[fix].edits}
    moves = {edit.pair: edit.index for edit in comparison.edits if edit.moves}
    mending = {edit.pair: edit.index for edit in comparison.edits if edit.mends}
    places: _Places = {(edit.pair, edit.leaf, edit.hole): edit.index for edit in comparison.edits if not edit.moves and not edit.mends}
    definitions = {pair.definition: _write_file(pair, FORMAT in chosen, edits, places, {}) for pair in comparison.files.values() if pair.definition}
    files: dict[str, bytes] = {}
    origins: dict[str, tuple[Origin, ...]] = {}
    paths: dict[str, str] = {}
    for key, pair in comparison.files.items():
        if pair.definition or (only is not None and key not in only):
            continue
        path = pair.path if moves.get(key) in edits or not pair.moved else pair.response_path
        content: bytes | None
        if pair.leaves is None:
            content = pair.ideal if places.get((key, None, None)) in edits else pair.response
        elif not _exists(pair, edits, places):
            content = None
        elif pair.mended and mending[key] not in edits:
            content, origins[path] = _write_unmended(pair, mending[key])
        else:
            content, origins[path] = _write_file(pair, FORMAT in chosen, edits, places, definitions)
        if content is not None:
            files[path] = content
        if pair.moved:
            paths[path] = pair.response_path
    return Variant(chosen, Tree(files), origins, paths)


def _exists(pair: FilePair, edits: set[int], places: _Places) -> bool:
    """Whether a file that only one side has is there: before its last statement went, after its first one came."""
    if pair.response is not None and pair.ideal is not None:
        return True
    own = [index for (key, _, _), index in places.items() if key == pair.key]
    return not all(index in edits for index in own) if pair.ideal is None else any(index in edits for index in own)


def _write_unmended(pair: FilePair, mending: int) -> tuple[bytes, tuple[Origin, ...]]:
    """The response's file as it is; as a parser stops anywhere behind the mistake, every line of it points to its mending."""
    content = pair.response or b""
    return content, tuple(Origin(number, mending, pair.response_path) for number in range(1, content.count(b"\n") + 2))


_Written = tuple[bytes, tuple[Origin, ...]]


def _write_file(pair: FilePair, ideal_layout: bool, edits: set[int], places: _Places, definitions: Mapping[str, _Written]) -> _Written:
    """The file with the `edits`; `definitions` are those that moved, as they are with the same edits."""
    leaves = pair.leaves or ()
    parts: list[tuple[str, list[Origin]]] = []
    openings: dict[int, tuple[int, str]] = {}
    filled: set[int] = set()
    for number, leaf in enumerate(leaves):
        base = leaf.ideal if ideal_layout else leaf.response
        openings.setdefault(leaf.block, (len(parts), base.indent))
        if number in pair.templates:
            parts.append(_write_template(pair, number, leaf, ideal_layout, edits, places))
            filled.add(leaf.block)
            continue
        edit = places.get((pair.key, number, None))
        side = base if edit is None else leaf.ideal if edit in edits else leaf.response
        if side.nodes:
            filled.add(leaf.block)
        if definitions and (name := placeholder_name(side.text)) in definitions:
            parts += _write_definition(pair, number, leaf, side, edit, definitions[name or ""])
            continue
        text = _reindent(side, base.indent)
        parts.append((text, _line_origins(pair, number, leaf, side, text, edit)))
    for block, (position, indent) in sorted(openings.items(), reverse=True):
        if block > 1 and block not in filled:
            # Every statement of this block is on the other side; without one it would not parse.
            parts.insert(position, (f"{indent}pass\n", [Origin(leaves[0].response.line, None, pair.response_path)]))
    content = "".join(text for text, _ in parts)
    base_file = pair.ideal if ideal_layout or pair.base is None else pair.base
    if pair.by_statement and base_file is not None and not base_file.endswith(b"\n"):
        content = content.removesuffix("\n")
    return content.encode("utf-8"), tuple(itertools.chain.from_iterable(lines for _, lines in parts))


def _write_definition(pair: FilePair, number: int, leaf: Leaf, side: Side, edit: int | None, written: _Written) -> list[tuple[str, list[Origin]]]:
    """What stands above the placeholder, then the definition itself."""
    above = "".join(re.findall(r"[^\n]*\n", side.text)[:-2])
    return [(above, _line_origins(pair, number, leaf, side, above, edit)), (written[0].decode("utf-8"), list(written[1]))]


def _write_template(pair: FilePair, number: int, leaf: Leaf, ideal_layout: bool, edits: set[int], places: _Places) -> tuple[str, list[Origin]]:
    """A statement whose parts are edits: as one side wrote it where that is what is wanted, else from its template."""
    template = pair.templates[number]
    indexes = [places[pair.key, number, hole.number] for hole in template.holes]
    filled = {hole.number for hole, index in zip(template.holes, indexes, strict=True) if index in edits}
    statement = (pair.key, number)
    if not filled or len(filled) == len(template.holes):
        side = leaf.response if not filled else leaf.ideal
        origins = _line_origins(pair, number, leaf, side, side.text, None)
        if side is leaf.response:
            holes = [template.hole_at(side.first + offset) for offset in range(len(origins))]
            origins = [replace(origin, edit=None if hole is None else indexes[hole]) for origin, hole in zip(origins, holes, strict=True)]
        return side.text, origins
    return _join(pair, template, indexes, filled, ideal_layout, statement)


def _join(pair: FilePair, template: Template, indexes: list[int], filled: set[int], ideal_layout: bool, statement: tuple[str, int]) -> tuple[str, list[Origin]]:
    text = ""
    origins: list[Origin] = []
    current: Origin | None = None
    for fragment in template.write(filled, ideal_layout):
        for offset, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+\Z", fragment.text)):
            edit = None if fragment.hole is None else indexes[fragment.hole]
            line_in_base = fragment.line + offset if fragment.hole is not None else fragment.line
            here = Origin(pair.response_line(line_in_base), edit, pair.response_path, statement)
            if line.strip() and (current is None or current.edit is None):
                current = here
            if line.endswith("\n"):
                origins.append(current or here)
                current = None
        text += fragment.text
    return text, origins + ([current] if current else [])


def _line_origins(pair: FilePair, number: int, leaf: Leaf, side: Side, text: str, edit: int | None) -> list[Origin]:
    count = text.count("\n") + (not text.endswith("\n") and bool(text))
    statement = (pair.key, number) if leaf.edited else None
    if side is leaf.response:
        return [Origin(pair.response_line(side.first + offset), edit, pair.response_path, statement) for offset in range(count)]
    span = max(leaf.response.text.count("\n"), 1)
    return [Origin(pair.response_line(leaf.response.first + min(offset, span - 1)), edit, pair.response_path, statement) for offset in range(count)]


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
    """The unified diff from the response to the response with `fixes`; a file that moves is compared with itself."""
    fixes = list(fixes)
    touched = {edit.pair.partition("::")[0] for fix in fixes for edit in comparison.edits_of(fix)}
    # A definition that moved is written in one of two files.
    for pair in comparison.files.values():
        if pair.definition and pair.path in touched:
            touched.add(comparison.renamed.get(pair.response_path, pair.response_path))
    only = None if FORMAT in fixes else touched
    before, after = make_variant(comparison, (), only), make_variant(comparison, fixes, only)
    chunks: list[str] = []
    moved = {response: path for path, response in after.paths.items() if path != response}
    for path in sorted({*before.tree.files, *(after.paths.get(path, path) for path in after.tree.files)}):
        new_path = moved.get(path, path)
        old, new = before.tree.files.get(path), after.tree.files.get(new_path)
        if old == new and new_path == path:
            continue
        if new_path != path:
            chunks.append(f"rename from response/{path}\nrename to ideal/{new_path}\n")
        left, right = ((content or b"").decode("utf-8", errors="replace").splitlines(keepends=True) for content in (old, new))
        names = (f"response/{path}" if old is not None else "/dev/null", f"ideal/{new_path}" if new is not None else "/dev/null")
        lines = difflib.unified_diff(left, right, *names, n=context)
        chunks.append("".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines))
    return "".join(chunks)
