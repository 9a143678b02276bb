"""Inside one statement: which arguments, items and imported names differ, so that each is an edit of its own.

Two mistakes in one call are two failures, and the second must not hide behind the first. So where both sides of
a changed statement have the same shape (the same call, mapping, list or import), the statement becomes a
template with holes; a hole is an argument that was changed, added or removed. Every set of holes can be filled in.
Filling all in, or none, is never left to the template: those are the sides as they were written.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.alignment import Side
from harness.template import Group, Hole, Item, Node, Same, Template

_ALIKE = 0.55
_GAP = re.compile(r"\s*(?:#[^\n]*\n\s*)*,?\s*(?:#[^\n]*\n\s*)*\Z")


def split(response: Side, ideal: Side) -> Template | None:
    """The two sides of a changed statement as a template; None where they do not have the same shape."""
    if len(response.nodes) != 1 or len(ideal.nodes) != 1 or response.indent != ideal.indent:
        return None
    mine, theirs = response.nodes[0], ideal.nodes[0]
    splitter = _Splitter(_Text(response), _Text(ideal))
    try:
        root = splitter.statement(mine, theirs)
    except _NotAlike:
        return None
    template = Template(root, tuple(splitter.holes))
    return template if template.holes and _is_faithful(template, mine, theirs, response.indent) else None


class _NotAlike(Exception):
    """The two sides have different shapes."""


class _Text:
    """A side's text, addressed by the positions that the syntax tree gives."""

    def __init__(self, side: Side) -> None:
        self.text = side.text
        self.first = side.first
        self.lines = re.findall(r"[^\n]*\n|[^\n]+\Z", side.text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def offset(self, line: int, column: int) -> int:
        row = line - self.first
        text = self.lines[row]
        return self.starts[row] + (column if text.isascii() else len(text.encode()[:column].decode()))

    def span(self, node: Node) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One item of a bracket on one side: its key (None for a position), its node, its span in the text.

    `name` is the key as written; `key` may be the other side's, for an argument that was given another name.
    """

    key: str | None
    name: str | None
    node: Node
    start: int
    end: int
    line: int
    last_line: int


class _Splitter:
    def __init__(self, left: _Text, right: _Text) -> None:
        self.left, self.right = left, right
        self.holes: list[Hole] = []

    def statement(self, mine: ast.stmt, theirs: ast.stmt) -> Group:
        """The template of a whole statement; its texts reach from the side's start to its end."""
        if type(mine) is not type(theirs):
            raise _NotAlike
        whole = ((0, len(self.left.text)), (0, len(self.right.text)))
        if isinstance(mine, ast.ImportFrom) and isinstance(theirs, ast.ImportFrom):
            if (mine.module, mine.level) != (theirs.module, theirs.level) or any(alias.name == "*" for alias in [*mine.names, *theirs.names]):
                raise _NotAlike
            indent = self.left.text[: len(self.left.text) - len(self.left.text.lstrip())]
            return self._bracket(self._aliases(self.left, mine), self._aliases(self.right, theirs), whole, mine.lineno, empty=f"{indent}pass\n")
        left, right = _value(mine), _value(theirs)
        if left is None or right is None or _rest(mine) != _rest(theirs):
            raise _NotAlike
        return self._expression(left, right, whole)

    def _expression(self, mine: ast.expr, theirs: ast.expr, spans: tuple[tuple[int, int], tuple[int, int]]) -> Group:
        """Two expressions of one shape; `spans` are the texts that the group has to cover."""
        if isinstance(mine, ast.Call) and isinstance(theirs, ast.Call):
            if any(isinstance(argument, (ast.Starred, ast.GeneratorExp)) for argument in [*mine.args, *theirs.args]):
                raise _NotAlike
            if len(mine.args) != len(theirs.args) or any(keyword.arg is None for keyword in [*mine.keywords, *theirs.keywords]):
                raise _NotAlike
            head: tuple[Item, ...] = ()
            starts = spans[0][0], spans[1][0]
            callees = _callee(mine), _callee(theirs)
            if ast.dump(mine.func) != ast.dump(theirs.func):
                if not _renamed(mine.func, theirs.func):
                    raise _NotAlike
                (a, b), (c, d) = self.left.span(mine.func), self.right.span(theirs.func)
                before = Same(self.left.text[starts[0] : a], self.right.text[starts[1] : c], mine.func.lineno)
                head = (before, self._hole(self.left.text[a:b], self.right.text[c:d], mine.func, theirs.func, mine.func.lineno, mine.func.lineno))
                starts = b, d
            sides = [self._arguments(text, call) for text, call in ((self.left, mine), (self.right, theirs))]
            return self._bracket(sides[0], sides[1], ((starts[0], spans[0][1]), (starts[1], spans[1][1])), mine.lineno, head, callees)
        if isinstance(mine, ast.Dict) and isinstance(theirs, ast.Dict):
            return self._bracket(self._mapping(self.left, mine), self._mapping(self.right, theirs), spans, mine.lineno)
        if isinstance(mine, ast.List) and isinstance(theirs, ast.List):
            return self._bracket(self._sequence(self.left, mine.elts), self._sequence(self.right, theirs.elts), spans, mine.lineno)
        raise _NotAlike

    def _bracket(
        self,
        left: list[_Entry],
        right: list[_Entry],
        spans: tuple[tuple[int, int], tuple[int, int]],
        line: int,
        head: tuple[Item, ...] = (),
        callees: tuple[str, str] = ("", ""),
        empty: str | None = None,
    ) -> Group:
        if not left or not right:
            raise _NotAlike
        for text, entries in ((self.left.text, left), (self.right.text, right)):
            for one, other in itertools.pairwise(entries):
                if not _GAP.match(text[one.end : other.start]):
                    raise _NotAlike
        items = tuple(self._item(mine, theirs, callees) for mine, theirs in _merge(left, right))
        return Group(
            head=head,
            opening=(self.left.text[spans[0][0] : left[0].start], self.right.text[spans[1][0] : right[0].start]),
            items=items,
            closing=(self.left.text[left[-1].end : spans[0][1]], self.right.text[right[-1].end : spans[1][1]]),
            separator=(_separator(self.left.text, left), _separator(self.right.text, right)),
            line=line,
            empty=empty,
        )

    def _item(self, mine: _Entry | None, theirs: _Entry | None, callees: tuple[str, str]) -> Item:
        mine_text = self.left.text[mine.start : mine.end] if mine else None
        their_text = self.right.text[theirs.start : theirs.end] if theirs else None
        if mine and theirs and mine_text is not None and their_text is not None:
            same_name = mine.name == theirs.name
            if same_name and ast.dump(mine.node) == ast.dump(theirs.node):
                return Same(mine_text, their_text, mine.line)
            left, right = _inner(mine.node), _inner(theirs.node)
            if same_name and left is not None and right is not None:
                known = len(self.holes)
                try:
                    return self._expression(left, right, ((mine.start, mine.end), (theirs.start, theirs.end)))
                except _NotAlike:
                    del self.holes[known:]
        line, last = (mine.line, mine.last_line) if mine else (0, 0)
        return self._hole(mine_text, their_text, mine.node if mine else None, theirs.node if theirs else None, line, last, callees)

    def _hole(
        self, response: str | None, ideal: str | None, mine: Node | None, theirs: Node | None, line: int, last: int, callees: tuple[str, str] = ("", "")
    ) -> Hole:
        hole = Hole(len(self.holes), response, ideal, line, last, mine, theirs, callees)
        self.holes.append(hole)
        return hole

    def _entry(self, text: _Text, key: str | None, node: Node, start_node: Node | None = None) -> _Entry:
        start, end = text.span(start_node or node)[0], text.span(node)[1]
        return _Entry(key, key, node, start, end, (start_node or node).lineno, node.end_lineno or node.lineno)

    def _arguments(self, text: _Text, call: ast.Call) -> list[_Entry]:
        entries = [self._entry(text, f"#{number}", argument) for number, argument in enumerate(call.args)]
        entries += [self._entry(text, keyword.arg, keyword) for keyword in call.keywords]
        return sorted(entries, key=lambda entry: entry.start)

    def _mapping(self, text: _Text, node: ast.Dict) -> list[_Entry]:
        entries = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise _NotAlike
            entries.append(self._entry(text, ast.dump(key), value, key))
        if len({entry.key for entry in entries}) != len(entries):
            raise _NotAlike
        return entries

    def _sequence(self, text: _Text, nodes: Sequence[ast.expr]) -> list[_Entry]:
        if any(isinstance(node, (ast.Starred, ast.GeneratorExp)) for node in nodes):
            raise _NotAlike
        return [self._entry(text, None, node) for node in nodes]

    def _aliases(self, text: _Text, node: ast.ImportFrom) -> list[_Entry]:
        return [self._entry(text, None, alias) for alias in node.names]


def _value(node: ast.stmt) -> ast.expr | None:
    """The expression that a statement is about."""
    if isinstance(node, (ast.Expr, ast.Return, ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return node.value
    return None


def _rest(node: ast.stmt) -> str:
    """The statement without its value."""
    return "|".join(
        f"{name}={[ast.dump(part) for part in value] if isinstance(value, list) else ast.dump(value) if isinstance(value, ast.AST) else value}"
        for name, value in ast.iter_fields(node)
        if name != "value"
    )


def _inner(node: Node) -> ast.expr | None:
    if isinstance(node, ast.keyword):
        return node.value
    return node if isinstance(node, (ast.Call, ast.Dict, ast.List)) else None


def _callee(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _renamed(mine: ast.expr, theirs: ast.expr) -> bool:
    """Whether two callees look like one thing under two names: `S3BucketVersioning` and `S3BucketVersioningA`."""
    if not isinstance(mine, (ast.Name, ast.Attribute)) or not isinstance(theirs, (ast.Name, ast.Attribute)):
        return False
    return difflib.SequenceMatcher(a=ast.unparse(mine), b=ast.unparse(theirs), autojunk=False).ratio() >= _ALIKE


def _merge(left: list[_Entry], right: list[_Entry]) -> Iterator[tuple[_Entry | None, _Entry | None]]:
    """The entries of both sides in one order: keyed ones by key, others by likeness in their order."""
    if any(entry.key is None for entry in [*left, *right]):
        yield from _merge_sequence(left, right)
        return
    renamed = _renamed_keys(left, right)
    right = [replace(entry, key=renamed.get(entry.key, entry.key)) for entry in right]
    theirs = {entry.key: entry for entry in right}
    mine = {entry.key for entry in left}
    following: dict[str | None, list[_Entry]] = {}
    last: str | None = None
    for entry in right:
        if entry.key in mine:
            last = entry.key
        else:
            following.setdefault(last, []).append(entry)
    positional = [entry for entry in left if entry.key and entry.key.startswith("#")]
    early = following.pop(None, [])
    for number, entry in enumerate(left):
        # A keyword that only the ideal has may not come before a positional argument.
        if number == len(positional):
            yield from ((None, other) for other in early)
        yield entry, theirs.get(entry.key)
        yield from ((None, other) for other in following.get(entry.key, ()))
    if len(positional) == len(left):
        yield from ((None, other) for other in early)


def _renamed_keys(left: list[_Entry], right: list[_Entry]) -> dict[str | None, str | None]:
    """Keys of the ideal that stand for another key of the response: an argument that was only given its right name.

    The value is the same, or the one name contains the other: `subnet_group_name` for `name`.
    """
    mine = [entry for entry in left if entry.key not in {other.key for other in right}]
    theirs = [entry for entry in right if entry.key not in {other.key for other in left}]
    renamed: dict[str | None, str | None] = {}
    for entry in theirs:
        for other in mine:
            if other.key in renamed.values() or not entry.key or not other.key:
                continue
            same_value = ast.dump(_content(entry.node)) == ast.dump(_content(other.node))
            if (same_value and not _is_plain(entry.node)) or (type(entry.node) is type(other.node) and (entry.key in other.key or other.key in entry.key)):
                renamed[entry.key] = other.key
                break
    return renamed


def _content(node: Node) -> ast.AST:
    return node.value if isinstance(node, ast.keyword) else node


def _is_plain(node: Node) -> bool:
    """Whether the value is one that many arguments have: a truth value, a number, None."""
    value = _content(node)
    return isinstance(value, ast.Constant) and not isinstance(value.value, str)


def _merge_sequence(left: list[_Entry], right: list[_Entry]) -> Iterator[tuple[_Entry | None, _Entry | None]]:
    matcher = difflib.SequenceMatcher(a=[ast.dump(entry.node) for entry in left], b=[ast.dump(entry.node) for entry in right], autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        imported = any(isinstance(entry.node, ast.alias) for entry in [*left[a:b], *right[c:d]])
        if tag == "equal" or (b - a == d - c and (b - a == 1 or not imported)):
            yield from zip(left[a:b], right[c:d], strict=True)
            continue
        yield from _pair_alike(left[a:b], right[c:d])


def _pair_alike(left: list[_Entry], right: list[_Entry]) -> Iterator[tuple[_Entry | None, _Entry | None]]:
    """Each entry with the most alike of the other side, in order; what has none stands alone."""
    waiting = list(right)
    for entry in left:
        ratios = [difflib.SequenceMatcher(a=ast.unparse(entry.node)[:400], b=ast.unparse(other.node)[:400], autojunk=False).ratio() for other in waiting]
        best = max(range(len(ratios)), key=ratios.__getitem__, default=None)
        if best is None or ratios[best] < _ALIKE:
            yield entry, None
            continue
        yield from ((None, other) for other in waiting[:best])
        yield entry, waiting[best]
        waiting = waiting[best + 1 :]
    yield from ((None, other) for other in waiting)


def _separator(text: str, entries: list[_Entry]) -> str:
    """What this side puts between two items: a comma and a space, or a comma and a new line at the first item's column."""
    start = text.rfind("\n", 0, entries[0].start) + 1
    lead = text[start : entries[0].start]
    apart = any("\n" in text[one.end : other.start] for one, other in itertools.pairwise(entries))
    if not lead.strip():
        return f",\n{lead}"
    return f",\n{' ' * len(lead)}" if apart else ", "


def _is_faithful(template: Template, mine: ast.stmt, theirs: ast.stmt, indent: str) -> bool:
    """Whether the template, with no hole filled and with all, is each side's own syntax."""
    every = range(len(template.holes))
    for filled, layout, wanted in (((), False, mine), ((), True, mine), (every, False, theirs), (every, True, theirs)):
        text = "".join(fragment.text for fragment in template.write(filled, layout))
        try:
            written = ast.parse(f"if True:\n{text}" if indent else text).body
        except (SyntaxError, ValueError):
            return False
        nodes = written[0].body if indent and isinstance(written[0], ast.If) else written
        if len(nodes) != 1 or not _same_but_for_order(nodes[0], wanted):
            return False
    return True


def _same_but_for_order(one: ast.stmt, other: ast.stmt) -> bool:
    """Equal syntax; the order of keywords and keys may differ, which the template settles one way for both sides."""

    class Sorted(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            self.generic_visit(node)
            node.keywords = sorted(node.keywords, key=lambda keyword: keyword.arg or "")
            return node

        def visit_Dict(self, node: ast.Dict) -> ast.AST:
            self.generic_visit(node)
            pairs = sorted(zip(node.keys, node.values, strict=True), key=lambda pair: ast.dump(pair[0]) if pair[0] else "")
            node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
            return node

    def normal(node: ast.stmt) -> str:
        return ast.dump(Sorted().visit(ast.parse(ast.unparse(node))))

    return normal(one) == normal(other)
