"""The files of two trees side by side: which one is which, and how their statements correspond."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.alignment import Leaf, align, align_lines
from harness.hcl.align import align_hcl, is_hcl
from harness.hcl.tokens import HclError
from harness.moved_definitions import MovedDefinition, find_moved, take_out
from harness.parts import split, split_head
from harness.python_source import parse
from harness.renames import pair_renamed
from harness.syntax_repair import Mended, mend_syntax
from harness.template import Template
from harness.tree import Tree


@dataclass(frozen=True, slots=True)
class FilePair:
    """One file on both sides. `path` is the ideal's, or the response's where the ideal lacks it; `response_path`
    differs from it where the file moved. A definition that moved from one file to another is a pair of its own,
    with both files' paths and `definition`, its name.

    `base` is what edits start from: the response's content, mended where it does not parse (`mended` says how), with
    placeholders for definitions that moved; `lines` has the response's line for each of its lines where they differ.

    `leaves` is None where the file is on one side only, is the same on both, or is not text. `by_statement` says
    whether the leaves are statements (each text ends with a newline) or lines as they are. `templates` has, by
    leaf number, the statements whose parts are edits of their own.
    """

    path: str
    response_path: str
    response: bytes | None
    ideal: bytes | None
    leaves: tuple[Leaf, ...] | None
    by_statement: bool = False
    base: bytes | None = None
    lines: tuple[int, ...] = ()
    mended: Mended | None = None
    definition: str = ""
    templates: Mapping[int, Template] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What names the pair among all pairs."""
        return f"{self.path}::{self.definition}" if self.definition else self.path

    def response_line(self, line: int) -> int:
        """The response's line for a line of `base`."""
        return self.lines[min(max(line, 1), len(self.lines)) - 1] if self.lines else line

    @property
    def moved(self) -> bool:
        """Whether the ideal has this file under another path."""
        return self.path != self.response_path and not self.definition

    @property
    def layout_differs(self) -> bool:
        """Whether the sides differ in what no edit holds: layout, comments, the newline at the end."""
        if not self.by_statement:
            return False
        both = bool(self.base) and bool(self.ideal)
        ends = both and (self.base or b"").endswith(b"\n") != (self.ideal or b"").endswith(b"\n")
        return ends or any(
            leaf.response.indent != leaf.ideal.indent or (not leaf.edited and leaf.response.text != leaf.ideal.text) for leaf in self.leaves or ()
        )


def pair_files(response: Tree, ideal: Tree) -> tuple[dict[str, FilePair], Mapping[str, str]]:
    """Every file of both trees, and every definition that moved, by its key; and the response's paths that have
    another one in the ideal."""
    renamed = pair_renamed(response, ideal)
    back = {new: old for old, new in renamed.items()}
    moved = find_moved(_sources(response), _sources(ideal), renamed)
    leaving: dict[str, list[str]] = {}
    coming: dict[str, list[str]] = {}
    for one in moved:
        leaving.setdefault(one.response_path, []).append(one.name)
        coming.setdefault(one.path, []).append(one.name)
    pairs = {}
    for path in sorted({*(renamed.get(path, path) for path in response.files), *ideal.files}):
        mine = back.get(path, path)
        pair = FilePair(path, mine, response.files.get(mine), ideal.files.get(path), None, base=response.files.get(mine))
        pairs[path] = _align(pair, leaving.get(mine, []), coming.get(path, []))
    for one in moved:
        pairs[one.key] = _pair_definition(one)
    return pairs, renamed


def _sources(tree: Tree) -> dict[str, str]:
    """The tree's Python files that can be read and parsed."""
    sources = {}
    for path in tree.python_files():
        try:
            text = tree.text(path)
            parse(text)
        except (UnicodeDecodeError, SyntaxError, ValueError, RecursionError):
            continue
        sources[path] = text
    return sources


def _pair_definition(moved: MovedDefinition) -> FilePair:
    base, ideal = moved.response_text.encode("utf-8"), moved.ideal_text.encode("utf-8")
    lines = tuple(range(moved.line, moved.line + moved.response_text.count("\n") + 1))
    pair = FilePair(moved.path, moved.response_path, base, ideal, None, base=base, lines=lines, definition=moved.name)
    return _align_python(pair, moved.response_text, moved.ideal_text)


def _align(pair: FilePair, leaving: list[str], coming: list[str]) -> FilePair:
    if (pair.response == pair.ideal or pair.response is None or pair.ideal is None) and not leaving and not coming:
        return pair
    try:
        left, right = ((content or b"").decode("utf-8") for content in (pair.response, pair.ideal))
    except UnicodeDecodeError:
        return pair
    if is_hcl(pair.path):
        return _align_terraform(pair, left, right)
    if not pair.path.endswith(".py"):
        return pair
    if leaving:
        taken = take_out(left, leaving)
        left = taken.text
        pair = replace(pair, base=left.encode("utf-8"), lines=taken.lines)
    return _align_python(pair, left, take_out(right, coming).text if coming else right)


def _align_terraform(pair: FilePair, left: str, right: str) -> FilePair:
    if not left or not right:
        return pair
    try:
        return replace(pair, leaves=tuple(align_hcl(left, right)), by_statement=True)
    except HclError:
        return replace(pair, leaves=tuple(align_lines(left, right)))


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
    templates = {
        number: template
        for number, leaf in enumerate(leaves)
        if leaf.edited and (template := (split_head if leaf.header else split)(leaf.response, leaf.ideal))
    }
    if mended:
        pair = replace(pair, base=mended.text.encode("utf-8"), lines=mended.lines, mended=mended)
    return replace(pair, leaves=leaves, by_statement=True, templates=templates)
