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
from collections.abc import Sequence
from dataclasses import replace

from harness.alignment import Side
from harness.entries import ALIKE, Entry, merge, separator
from harness.python_source import parse
from harness.template import Group, Hole, Item, Node, Same, Template

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


def split_head(response: Side, ideal: Side) -> Template | None:
    """As `split`, for the head of a function whose parameters changed and nothing else; None where more did."""
    if len(response.nodes) != 1 or len(ideal.nodes) != 1 or response.indent != ideal.indent:
        return None
    mine, theirs = response.nodes[0], ideal.nodes[0]
    if not isinstance(mine, ast.FunctionDef) or not isinstance(theirs, ast.FunctionDef):
        return None
    splitter = _Splitter(_Text(response), _Text(ideal))
    try:
        root = splitter.parameters(mine, theirs)
    except _NotAlike:
        return None
    template = Template(root, tuple(splitter.holes))
    heads = [_without_body(node) for node in (mine, theirs)]
    return template if template.holes and _is_faithful(template, heads[0], heads[1], response.indent, body=f"{response.indent}    pass\n") else None


def _without_body(node: ast.FunctionDef) -> ast.FunctionDef:
    head = ast.FunctionDef(**{**dict(ast.iter_fields(node)), "body": [ast.Pass()]})
    return ast.fix_missing_locations(ast.copy_location(head, node))


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

    def parameters(self, mine: ast.FunctionDef, theirs: ast.FunctionDef) -> Group:
        """The template of a function's head."""
        for node in (mine, theirs):
            if node.args.posonlyargs or not node.args.args or (node.args.kwonlyargs and node.args.vararg):
                raise _NotAlike
        if bool(mine.args.kwonlyargs) != bool(theirs.args.kwonlyargs):
            raise _NotAlike
        if mine.name != theirs.name or any(
            [ast.dump(part) for part in (*one.decorator_list, *([one.returns] if one.returns else []))]
            != [ast.dump(part) for part in (*other.decorator_list, *([other.returns] if other.returns else []))]
            for one, other in ((mine, theirs),)
        ):
            raise _NotAlike
        whole = ((0, len(self.left.text)), (0, len(self.right.text)))
        left, right = self._parameters(self.left, mine.args), self._parameters(self.right, theirs.args)
        return replace(self._bracket(left, right, whole, mine.lineno), parameters=True)

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
        left: list[Entry],
        right: list[Entry],
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
        items = tuple(self._item(mine, theirs, callees) for mine, theirs in merge(left, right))
        return Group(
            head=head,
            opening=(self.left.text[spans[0][0] : left[0].start], self.right.text[spans[1][0] : right[0].start]),
            items=items,
            closing=(self.left.text[left[-1].end : spans[0][1]], self.right.text[right[-1].end : spans[1][1]]),
            separator=(separator(self.left.text, left), separator(self.right.text, right)),
            line=line,
            empty=empty,
        )

    def _item(self, mine: Entry | None, theirs: Entry | None, callees: tuple[str, str]) -> Item:
        mine_text = self.left.text[mine.start : mine.end] if mine else None
        their_text = self.right.text[theirs.start : theirs.end] if theirs else None
        if mine and theirs and mine_text is not None and their_text is not None:
            same_name = mine.name == theirs.name
            if same_name and _equal(mine, theirs, mine_text, their_text):
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

    def _entry(self, text: _Text, key: str | None, node: Node, start_node: Node | None = None) -> Entry:
        start, end = text.span(start_node or node)[0], text.span(node)[1]
        return Entry(key, key, node, start, end, (start_node or node).lineno, node.end_lineno or node.lineno)

    def _arguments(self, text: _Text, call: ast.Call) -> list[Entry]:
        entries = [self._entry(text, f"#{number}", argument) for number, argument in enumerate(call.args)]
        entries += [self._entry(text, keyword.arg, keyword) for keyword in call.keywords]
        return sorted(entries, key=lambda entry: entry.start)

    def _parameters(self, text: _Text, arguments: ast.arguments) -> list[Entry]:
        first_default = len(arguments.args) - len(arguments.defaults)
        entries = []
        for number, argument in enumerate(arguments.args):
            entry = self._entry(text, argument.arg, argument)
            if number >= first_default:
                default = arguments.defaults[number - first_default]
                entry = replace(entry, end=text.span(default)[1], last_line=default.end_lineno or default.lineno)
            entries.append(entry)
        if arguments.kwonlyargs:
            first = text.span(arguments.kwonlyargs[0])[0]
            star = text.text.rfind("*", entries[-1].end, first)
            entries.append(Entry("*", "*", ast.arg("*"), star, star + 1, arguments.kwonlyargs[0].lineno, arguments.kwonlyargs[0].lineno))
        for argument, default_value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            entry = self._entry(text, argument.arg, argument)
            if default_value is not None:
                entry = replace(entry, end=text.span(default_value)[1], last_line=default_value.end_lineno or default_value.lineno)
            entries.append(entry)
        for stars, catching in (("*", arguments.vararg), ("**", arguments.kwarg)):
            if catching is not None:
                entry = self._entry(text, stars + catching.arg, catching)
                start = text.text.rfind("*" * len(stars), 0, entry.start)
                entries.append(replace(entry, start=start))
        return entries

    def _mapping(self, text: _Text, node: ast.Dict) -> list[Entry]:
        entries = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise _NotAlike
            entries.append(self._entry(text, ast.dump(key), value, key))
        if len({entry.key for entry in entries}) != len(entries):
            raise _NotAlike
        return entries

    def _sequence(self, text: _Text, nodes: Sequence[ast.expr]) -> list[Entry]:
        if any(isinstance(node, (ast.Starred, ast.GeneratorExp)) for node in nodes):
            raise _NotAlike
        return [self._entry(text, None, node) for node in nodes]

    def _aliases(self, text: _Text, node: ast.ImportFrom) -> list[Entry]:
        return [self._entry(text, None, alias) for alias in node.names]


def _equal(mine: Entry, theirs: Entry, mine_text: str, their_text: str) -> bool:
    if isinstance(mine.node, ast.arg):  # its default is no part of the node
        return re.sub(r"\s", "", mine_text) == re.sub(r"\s", "", their_text)
    return ast.dump(mine.node) == ast.dump(theirs.node)


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
    return difflib.SequenceMatcher(a=ast.unparse(mine), b=ast.unparse(theirs), autojunk=False).ratio() >= ALIKE


def _is_faithful(template: Template, mine: ast.stmt, theirs: ast.stmt, indent: str, body: str = "") -> bool:
    """Whether the template, with no hole filled and with all, is each side's own syntax."""
    every = range(len(template.holes))
    for filled, layout, wanted in (((), False, mine), ((), True, mine), (every, False, theirs), (every, True, theirs)):
        text = "".join(fragment.text for fragment in template.write(filled, layout)) + body
        try:
            written = parse(f"if True:\n{text}" if indent else text).body
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
        return ast.dump(Sorted().visit(parse(ast.unparse(node))))

    return normal(one) == normal(other)
