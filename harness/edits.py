"""What differs between two trees, piece by piece: files paired, statements aligned, each difference an edit."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from harness.alignment import Leaf, Side, align, align_lines, identity, syntax_of
from harness.case import APP_FILE, EntryError, app_words, read_app
from harness.parts import split
from harness.renames import pair_renamed
from harness.symbols import Names, Symbol, module_name, names_of, names_of_file, names_of_part
from harness.syntax_repair import Mended, mend_syntax
from harness.template import Hole, Template
from harness.tree import Tree


@dataclass(frozen=True, slots=True)
class FilePair:
    """One file on both sides. `path` is the ideal's, or the response's where the ideal lacks it; `response_path`
    differs from it where the file moved.

    `leaves` is None where the file is on one side only, is the same on both, or is not text. `by_statement` says
    whether the leaves are statements (each text ends with a newline) or lines as they are. `templates` has, by
    leaf number, the statements whose parts are edits of their own. Where the response's file does not parse,
    `mended` is what the leaves were made of.
    """

    path: str
    response_path: str
    response: bytes | None
    ideal: bytes | None
    leaves: tuple[Leaf, ...] | None
    by_statement: bool = False
    mended: Mended | None = None
    templates: Mapping[int, Template] = field(default_factory=dict)

    @property
    def base(self) -> bytes | None:
        """The response's content that edits start from."""
        return self.mended.text.encode("utf-8") if self.mended else self.response

    def response_line(self, line: int) -> int:
        """The response's line for a line of `base`."""
        if self.mended is None or not self.mended.lines:
            return line
        return self.mended.lines[min(max(line, 1), len(self.mended.lines)) - 1]

    @property
    def moved(self) -> bool:
        """Whether the ideal has this file under another path."""
        return self.path != self.response_path

    @property
    def layout_differs(self) -> bool:
        """Whether the sides differ in what no edit holds: layout, comments, the newline at the end."""
        if not self.by_statement or self.base is None or self.ideal is None:
            return False
        ends = self.base.endswith(b"\n") != self.ideal.endswith(b"\n")
        return ends or any(
            leaf.response.indent != leaf.ideal.indent or (not leaf.edited and leaf.response.text != leaf.ideal.text) for leaf in self.leaves or ()
        )


@dataclass(frozen=True, slots=True)
class Edit:
    """One changed piece of the file `path`: statement `leaf`, or its part `hole`; the whole file where `leaf` is None
    (its path alone where it `moves`; only what makes it parse where it `mends`). Lines count from 1.

    `response_text` and `ideal_text` are the whole statement on each side; `response_part` and `ideal_part` only what
    the edit exchanges. `response_syntax` and `ideal_syntax` are the statement's syntax, for recognising one that only
    moved; `identity` says what a statement that only one side has is about.
    """

    index: int
    path: str
    leaf: int | None
    response_line: int
    response_text: str
    ideal_text: str
    before: Names
    after: Names
    statements: int = 1
    hole: int | None = None
    response_part: str = ""
    ideal_part: str = ""
    response_syntax: str = ""
    ideal_syntax: str = ""
    identity: str = ""
    moves: bool = False
    mends: bool = False
    response_path: str = ""

    @property
    def brings_file(self) -> bool:
        """Whether the response does not have this Python file at all."""
        module = Symbol("module", "", module_name(self.path))
        return self.leaf is None and not self.moves and not self.mends and module in self.after.defines - self.before.defines

    @property
    def in_tests(self) -> bool:
        """Whether this edits the tree's tests rather than the code that is deployed."""
        return is_test_file(self.path)

    @property
    def only_adds(self) -> bool:
        """Whether the edit only brings names: a new statement or part, a head with more parameters, a call that passes more."""
        if self.moves or self.mends:
            return False
        if not self.response_part.strip():
            return True
        before, after = self.before.defines | self.before.uses, self.after.defines | self.after.uses
        return before < after

    @property
    def only_removes(self) -> bool:
        """Whether the edit drops a whole statement or part."""
        return not self.ideal_part.strip() and not self.moves and not self.mends


def is_test_file(path: str) -> bool:
    """Whether pytest, by its usual names, would take this file for tests or their support."""
    pure = PurePosixPath(path)
    return bool({"tests", "test"} & set(pure.parts[:-1])) or pure.name.startswith("test_") or pure.name == "conftest.py"


def count_statements(edits: Iterable[Edit]) -> int:
    """How many statements the edits touch: each changed one once, and one that goes together with one that comes as one."""
    changed: set[tuple[str, int | None]] = set()
    removed: set[tuple[str, int | None]] = set()
    added: set[tuple[str, int | None]] = set()
    whole = 0
    for edit in edits:
        if edit.leaf is None:
            whole += edit.statements
        elif edit.hole is not None or (edit.response_part.strip() and edit.ideal_part.strip()):
            changed.add((edit.path, edit.leaf))
        else:
            (added if edit.only_adds else removed).add((edit.path, edit.leaf))
    return whole + len(changed) + max(len(removed), len(added))


def pair_files(response: Tree, ideal: Tree) -> tuple[dict[str, FilePair], Mapping[str, str]]:
    """Every file of both trees by its ideal path, and the response's paths that have another one in the ideal."""
    renamed = pair_renamed(response, ideal)
    pairs = {}
    for path in sorted({*(renamed.get(path, path) for path in response.files), *ideal.files}):
        mine = next((old for old, new in renamed.items() if new == path), path)
        pairs[path] = _pair_file(path, mine, response.files.get(mine), ideal.files.get(path))
    return pairs, renamed


def _pair_file(path: str, response_path: str, response: bytes | None, ideal: bytes | None) -> FilePair:
    if response is None or ideal is None or response == ideal:
        return FilePair(path, response_path, response, ideal, None)
    try:
        left, right = response.decode("utf-8"), ideal.decode("utf-8")
    except UnicodeDecodeError:
        return FilePair(path, response_path, response, ideal, None)
    if path.endswith(".py"):
        return _align_python(FilePair(path, response_path, response, ideal, None), left, right)
    return FilePair(path, response_path, response, ideal, None)


def _align_python(pair: FilePair, left: str, right: str) -> FilePair:
    mended = None
    try:
        leaves = tuple(align(left, right))
    except (SyntaxError, ValueError, RecursionError):
        try:
            mended = mend_syntax(left, right)
            leaves = tuple(align(mended.text if mended else left, right))
        except (SyntaxError, ValueError, RecursionError):
            return replace(pair, leaves=tuple(align_lines(left, right)))
    templates = {number: template for number, leaf in enumerate(leaves) if leaf.edited and not leaf.header and (template := split(leaf.response, leaf.ideal))}
    return replace(pair, leaves=leaves, by_statement=True, mended=mended, templates=templates)


def find_edits(files: Iterable[FilePair], renamed: Mapping[str, str]) -> list[Edit]:
    """The edits of all files, in the order of files and lines, numbered by their `index`."""
    edits: list[Edit] = []
    for pair in files:
        if pair.moved:
            edits.append(_move(len(edits), pair))
        if pair.response == pair.ideal:
            continue
        if pair.leaves is None:
            edits.append(_whole_file(len(edits), pair, renamed))
            continue
        if pair.mended:
            edits.append(_mending(len(edits), pair, pair.mended))
        for number, leaf in enumerate(pair.leaves):
            if not leaf.edited:
                continue
            if number in pair.templates:
                edits += [_part(len(edits) + offset, pair, number, leaf, hole, renamed) for offset, hole in enumerate(pair.templates[number].holes)]
            else:
                edits.append(_statement(len(edits), pair, number, leaf, renamed))
    return edits


def _move(index: int, pair: FilePair) -> Edit:
    before, after = Names(), Names()
    if pair.path.endswith(".py"):
        before.defines.add(Symbol("module", "", module_name(pair.response_path)))
        after.defines.add(Symbol("module", "", module_name(pair.path)))
    return Edit(
        index, pair.path, None, 1, pair.response_path, pair.path, before, after,
        response_part=pair.response_path, ideal_part=pair.path, moves=True, response_path=pair.response_path,
    )  # fmt: skip


def _mending(index: int, pair: FilePair, mended: Mended) -> Edit:
    return Edit(
        index, pair.path, None, mended.line, mended.response_part, mended.ideal_part, Names(), Names(), statements=mended.size,
        response_part=mended.response_part or "\n", ideal_part=mended.ideal_part or "\n", mends=True, response_path=pair.response_path,
    )  # fmt: skip


def _whole_file(index: int, pair: FilePair, renamed: Mapping[str, str]) -> Edit:
    texts = [(content or b"").decode("utf-8", errors="replace") for content in (pair.response, pair.ideal)]
    before = file_names(pair.response_path, texts[0], renamed) if pair.response is not None else Names()
    after = file_names(pair.path, texts[1]) if pair.ideal is not None else Names()
    parts = [text or ("\n" if content is not None else "") for text, content in zip(texts, (pair.response, pair.ideal), strict=True)]
    return Edit(
        index, pair.path, None, 1, texts[0], texts[1], before, after, statements=_count_file(pair.path, texts),
        response_part=parts[0], ideal_part=parts[1], response_path=pair.response_path,
    )  # fmt: skip


def _statement(index: int, pair: FilePair, number: int, leaf: Leaf, renamed: Mapping[str, str]) -> Edit:
    mine, theirs = leaf.response, leaf.ideal
    alone = bool(mine.nodes) != bool(theirs.nodes)
    return Edit(
        index=index,
        path=pair.path,
        leaf=number,
        response_line=pair.response_line(mine.line),
        response_text=mine.text,
        ideal_text=theirs.text,
        before=names_of(pair.path, mine, leaf.header, response_path=pair.response_path, renamed=renamed),
        after=names_of(pair.path, theirs, leaf.header),
        statements=leaf.statements,
        response_part=mine.text,
        ideal_part=theirs.text,
        response_syntax="" if leaf.header else syntax_of(mine),
        ideal_syntax="" if leaf.header else syntax_of(theirs),
        identity=_identity(mine if mine.nodes else theirs) if alone else "",
        response_path=pair.response_path,
    )


def _identity(side: Side) -> str:
    node = side.nodes[0]
    name = identity(node)
    return f"{'.'.join(side.scope)}:{type(node).__name__}:{name}" if name else ""


def _part(index: int, pair: FilePair, number: int, leaf: Leaf, hole: Hole, renamed: Mapping[str, str]) -> Edit:
    mine, theirs = leaf.response, leaf.ideal
    relative_import = theirs.nodes[0] if isinstance(theirs.nodes[0], ast.ImportFrom) else None
    return Edit(
        index=index,
        path=pair.path,
        leaf=number,
        response_line=pair.response_line(hole.line or mine.line),
        response_text=mine.text,
        ideal_text=theirs.text,
        before=names_of_part(pair.path, mine, hole.response_node, hole.callees[0], relative_import, response_path=pair.response_path, renamed=renamed),
        after=names_of_part(pair.path, theirs, hole.ideal_node, hole.callees[1], relative_import),
        hole=hole.number,
        response_part=hole.response or "",
        ideal_part=hole.ideal or "",
        response_path=pair.response_path,
    )


def file_names(path: str, text: str, renamed: Mapping[str, str] | None = None) -> Names:
    """The names of a whole file; none where it is not Python that parses. The app's settings use the program that they name."""
    if PurePosixPath(path).name == APP_FILE:
        return Names(uses=_program(text))
    if not path.endswith(".py"):
        return Names()
    try:
        return names_of_file(path, text, renamed or {})
    except (SyntaxError, ValueError, RecursionError):
        return Names()


def _program(settings: str) -> set[Symbol]:
    try:
        return {Symbol("module", "", module_name(app_words(read_app(settings.encode()))[1]))}
    except EntryError:
        return set()


def _count_file(path: str, texts: Iterable[str]) -> int:
    counts = [1]
    for text in texts:
        if path.endswith(".py"):
            try:
                counts.append(sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(text))))
            except (SyntaxError, ValueError, RecursionError):
                counts.append(len(text.splitlines()))
    return max(counts)
