"""What differs between two trees, piece by piece: each difference is an edit."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from harness.alignment import Leaf, Side, identity, syntax_of
from harness.case import APP_FILE, EntryError, app_words, read_app
from harness.hcl.align import is_hcl
from harness.hcl.names import names_of_hcl
from harness.hcl.syntax import count_items
from harness.moved_definitions import placeholder_name
from harness.pairing import FilePair
from harness.python_source import parse
from harness.symbols import Names, Symbol, module_name, names_of, names_of_file, names_of_part
from harness.syntax_repair import Mended
from harness.template import Hole


@dataclass(frozen=True, slots=True)
class Edit:
    """One changed piece of the pair of files `pair` (its key): statement `leaf`, or its part `hole`; the whole file where
    `leaf` is None (its path alone where it `moves`; only what makes it parse where it `mends`). Lines count from 1.
    `path` is the file's in the ideal, `response_path` in the response. An edit that `carries` a definition to or from
    this file names the definition's own pair. `scope` are the definitions around it.

    `response_text` and `ideal_text` are the whole statement on each side; `response_part` and `ideal_part` only what
    the edit exchanges. `response_syntax` and `ideal_syntax` are the statement's syntax, for recognising one that only
    moved; `identity` says what a statement that only one side has is about.
    """

    index: int
    pair: str
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
    carries: str = ""
    response_path: str = ""
    scope: tuple[str, ...] = ()

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
    def is_import(self) -> bool:
        """Whether the edit is an import statement, or a name in one."""
        return (self.response_text or self.ideal_text).lstrip().startswith(("import ", "from "))

    @property
    def only_removes(self) -> bool:
        """Whether the edit drops a whole statement or part."""
        return not self.ideal_part.strip() and not self.moves and not self.mends


def is_test_file(path: str) -> bool:
    """Whether pytest, by its usual names, would take this file for tests or their support."""
    pure = PurePosixPath(path)
    return bool({"tests", "test"} & set(pure.parts[:-1])) or pure.name.startswith("test_") or pure.name == "conftest.py"


def count_statements(edits: Iterable[Edit]) -> int:
    """How many statements the edits touch: each changed one once, and one that goes together with one that comes as one.

    A definition that moves is one statement, with the imports that go with it. An import that goes when its last use
    goes is none: it may as well stay.
    """
    edits = list(edits)
    edits = [edit for edit in edits if not (edit.is_import and edit.only_removes)] or edits
    carried = {edit.path for edit in edits if edit.carries}
    edits = [edit for edit in edits if not (edit.path in carried and (edit.response_syntax + edit.ideal_syntax).startswith("Import") and edit.identity)]
    changed: set[tuple[str, int | None]] = set()
    removed: set[tuple[str, int | None]] = set()
    added: set[tuple[str, int | None]] = set()
    whole = 0
    for edit in edits:
        if edit.leaf is None:
            whole += edit.statements
        elif edit.hole is not None or (edit.response_part.strip() and edit.ideal_part.strip()):
            changed.add((edit.pair, edit.leaf))
        else:
            (added if edit.only_adds else removed).add((edit.pair, edit.leaf))
    return whole + len(changed) + max(len(removed), len(added))


def find_edits(files: Iterable[FilePair], renamed: Mapping[str, str]) -> list[Edit]:
    """The edits of all files, in the order of files and lines, numbered by their `index`."""
    edits: list[Edit] = []
    files = list(files)
    definitions = {pair.definition: pair for pair in files if pair.definition}
    for pair in files:
        if pair.moved:
            edits.append(_move(len(edits), pair))
        if pair.response == pair.ideal and pair.leaves is None:
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
                edit = _statement(len(edits), pair, number, leaf, renamed)
                name = placeholder_name(edit.response_text or edit.ideal_text)
                edits.append(_carry(edit, definitions[name], renamed) if name in definitions else edit)
    return edits


def _carry(edit: Edit, moved: FilePair, renamed: Mapping[str, str]) -> Edit:
    """The edit of a placeholder, with what the definition that it stands for relies on in the file where it is."""
    if edit.response_part.strip():
        here = renamed.get(moved.response_path, moved.response_path)
        relies = file_names(here, (moved.base or b"").decode("utf-8"), moved.response_path, renamed)
        edit.before.uses |= relies.uses
    else:
        edit.after.uses |= file_names(moved.path, (moved.ideal or b"").decode("utf-8")).uses
        edit.after.defines.add(Symbol("module", "", module_name(moved.path)))
    return replace(edit, carries=moved.key)


def _move(index: int, pair: FilePair) -> Edit:
    before, after = Names(), Names()
    if pair.path.endswith(".py"):
        before.defines.add(Symbol("module", "", module_name(pair.response_path)))
        after.defines.add(Symbol("module", "", module_name(pair.path)))
    return Edit(
        index, pair.key, pair.path, None, 1, pair.response_path, pair.path, before, after,
        response_part=pair.response_path, ideal_part=pair.path, moves=True, response_path=pair.response_path,
    )  # fmt: skip


def _mending(index: int, pair: FilePair, mended: Mended) -> Edit:
    return Edit(
        index, pair.key, pair.path, None, mended.line, mended.response_part, mended.ideal_part, Names(), Names(), statements=mended.size,
        response_part=mended.response_part or "\n", ideal_part=mended.ideal_part or "\n", mends=True, response_path=pair.response_path,
    )  # fmt: skip


def _whole_file(index: int, pair: FilePair, renamed: Mapping[str, str]) -> Edit:
    texts = [(content or b"").decode("utf-8", errors="replace") for content in (pair.response, pair.ideal)]
    before = file_names(pair.path, texts[0], pair.response_path, renamed) if pair.response is not None else Names()
    after = file_names(pair.path, texts[1]) if pair.ideal is not None else Names()
    parts = [text or ("\n" if content is not None else "") for text, content in zip(texts, (pair.response, pair.ideal), strict=True)]
    return Edit(
        index, pair.key, pair.path, None, 1, texts[0], texts[1], before, after, statements=_count_file(pair.path, texts),
        response_part=parts[0], ideal_part=parts[1], response_path=pair.response_path,
    )  # fmt: skip


def _statement(index: int, pair: FilePair, number: int, leaf: Leaf, renamed: Mapping[str, str]) -> Edit:
    mine, theirs = leaf.response, leaf.ideal
    alone = bool(mine.nodes) != bool(theirs.nodes) or bool(mine.about) != bool(theirs.about)
    return Edit(
        index=index,
        pair=pair.key,
        path=pair.path,
        leaf=number,
        response_line=pair.response_line(mine.line),
        response_text=mine.text,
        ideal_text=theirs.text,
        before=names_of_side(pair.path, mine, leaf.header, inner=_name(theirs), response_path=pair.response_path, renamed=renamed),
        after=names_of_side(pair.path, theirs, leaf.header),
        statements=leaf.statements,
        response_part=mine.text,
        ideal_part=theirs.text,
        response_syntax="" if leaf.header else syntax_of(mine),
        ideal_syntax="" if leaf.header else syntax_of(theirs),
        identity=_identity(mine if mine.nodes or mine.about else theirs) if alone else "",
        response_path=pair.response_path,
        scope=theirs.scope or mine.scope,
    )


def names_of_side(path: str, side: Side, header: bool, **more: Any) -> Names:
    """The names in one side of a leaf, by the language of its file; `more` as in `names_of`."""
    return names_of_hcl(side.text, side.scope) if is_hcl(path) else names_of(path, side, header, **more)


def _name(side: Side) -> str:
    return str(getattr(side.nodes[0], "name", "")) if side.nodes else ""


def _identity(side: Side) -> str:
    if side.about:
        return f"{'.'.join(side.scope)}:{side.about}"
    node = side.nodes[0]
    name = identity(node)
    return f"{'.'.join(side.scope)}:{type(node).__name__}:{name}" if name else ""


def _part(index: int, pair: FilePair, number: int, leaf: Leaf, hole: Hole, renamed: Mapping[str, str]) -> Edit:
    mine, theirs = leaf.response, leaf.ideal
    callees = (hole.response or "", hole.ideal or "") if leaf.header else hole.callees
    return Edit(
        index=index,
        pair=pair.key,
        path=pair.path,
        leaf=number,
        response_line=pair.response_line(hole.line or mine.line),
        response_text=mine.text,
        ideal_text=theirs.text,
        before=names_of_part(pair.path, mine, hole.response_node, callees[0], mine.nodes[0], response_path=pair.response_path, renamed=renamed),
        after=names_of_part(pair.path, theirs, hole.ideal_node, callees[1], theirs.nodes[0]),
        hole=hole.number,
        response_part=hole.response or "",
        ideal_part=hole.ideal or "",
        response_path=pair.response_path,
        scope=theirs.scope,
    )


def file_names(path: str, text: str, response_path: str = "", renamed: Mapping[str, str] | None = None) -> Names:
    """The names of a whole file; none where it is neither Terraform nor Python that parses. The app's settings use the program that they name."""
    if is_hcl(path):
        return names_of_hcl(text)
    if PurePosixPath(path).name == APP_FILE:
        return Names(uses=_program(text))
    if not path.endswith(".py"):
        return Names()
    try:
        return names_of_file(path, text, response_path, renamed or {})
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
        if is_hcl(path):
            counts.append(count_items(text))
        elif path.endswith(".py"):
            try:
                counts.append(sum(isinstance(node, ast.stmt) for node in ast.walk(parse(text))))
            except (SyntaxError, ValueError, RecursionError):
                counts.append(len(text.splitlines()))
    return max(counts)
