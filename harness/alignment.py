"""Response and ideal side by side: which statements are the same, and which are edits.

A file pair becomes a list of leaves in order. A leaf is either common (the same syntax on both sides,
though perhaps written differently) or an edit (a statement changed, added or removed). Taking one side
of every leaf gives a file again; that is how variants are made.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.best_pairs import best_pairs
from harness.python_source import parse

_PAIRING_THRESHOLD = 0.45
_SAME_CALLEE = 0.3
_SAME_DEFINITION = 0.6
_SAME_CALLEE_NAME = 0.75
_DEFINITIONS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_BLOCKS = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try)


@dataclass(slots=True)
class Side:
    """One side of a leaf: its text (whole lines), its block's indentation, its syntax.

    `line` is where the statement starts, `first` where its text does, with the comments above it; both
    count from 1. `nodes` is empty where the side has no statement. `scope` names what encloses it. What is not Python has
    no nodes: there `about` says what a piece is about, and `syntax` is equal for equal pieces.
    """

    text: str = ""
    line: int = 1
    first: int = 1
    indent: str = ""
    nodes: list[ast.stmt] = field(default_factory=list)
    scope: tuple[str, ...] = ()
    about: str = ""
    syntax: str = ""


@dataclass(slots=True)
class Leaf:
    """A piece of a file on both sides. `block` names the block it stands in, so that no block ends up empty."""

    response: Side
    ideal: Side
    edited: bool
    block: int
    header: bool = False
    statements: int = 1


def align_lines(response: str, ideal: str) -> list[Leaf]:
    """Align two texts line by line: for what is not Python, or not Python that parses."""
    left, right = re.findall(r"[^\n]*\n|[^\n]+$", response), re.findall(r"[^\n]*\n|[^\n]+$", ideal)
    leaves = []
    for tag, a, b, c, d in difflib.SequenceMatcher(a=left, b=right, autojunk=False).get_opcodes():
        sides = Side("".join(left[a:b]), a + 1, a + 1), Side("".join(right[c:d]), c + 1, c + 1)
        leaves.append(Leaf(*sides, edited=tag != "equal", block=0, statements=max(b - a, d - c)))
    return leaves


class _Source:
    """A parsed file with its lines; `start` and `end` of a statement include its decorators and the comments above."""

    def __init__(self, text: str) -> None:
        self.text = text if not text or text.endswith("\n") else text + "\n"
        # Python counts lines by their newline only; `splitlines` would also split at form feeds.
        self.lines: list[str] = re.findall(r"[^\n]*\n", self.text)
        self.module = parse(self.text)

    def slice(self, first: int, last: int) -> str:
        """Lines `first` to `last`, both included, counted from 1."""
        return "".join(self.lines[first - 1 : last])


def first_line(node: ast.stmt) -> int:
    """The first line of a statement, decorators included."""
    decorators = getattr(node, "decorator_list", [])
    return min(node.lineno, *(int(decorator.lineno) for decorator in decorators), node.lineno)


def align(response: str, ideal: str) -> list[Leaf]:
    """Align two Python sources. Raises `SyntaxError` where one of them does not parse, and
    `ValueError` where statements share a line, which no leaf can tell apart."""
    left, right = _Source(response), _Source(ideal)
    aligner = _Aligner(left, right)
    leaves = aligner.body(left.module.body, right.module.body, (), ("", ""))
    tail = Leaf(
        Side(left.slice(aligner.done_left + 1, len(left.lines)), aligner.done_left + 1, aligner.done_left + 1),
        Side(right.slice(aligner.done_right + 1, len(right.lines)), aligner.done_right + 1, aligner.done_right + 1),
        edited=False,
        block=0,
        statements=0,
    )
    return [*leaves, tail]


class _Aligner:
    """Walks both syntax trees at once. `done_left` and `done_right` are the last lines already in a leaf."""

    def __init__(self, left: _Source, right: _Source) -> None:
        self.left, self.right = left, right
        self.done_left = self.done_right = 0
        self.blocks = 0

    def body(self, left: Sequence[ast.stmt], right: Sequence[ast.stmt], scope: tuple[str, ...], indents: tuple[str, str]) -> list[Leaf]:
        """The leaves of two statement lists that stand in corresponding blocks."""
        self.blocks += 1
        block = self.blocks
        leaves: list[Leaf] = []
        for mine, theirs in _pair(left, right):
            if mine is not None and theirs is not None and not same(mine, theirs) and _recursable(mine, theirs):
                leaves += self._block(mine, theirs, block, scope, indents)
            else:
                leaves.append(self._leaf(mine, theirs, block, scope, indents))
        return leaves

    def _leaf(self, mine: ast.stmt | None, theirs: ast.stmt | None, block: int, scope: tuple[str, ...], indents: tuple[str, str]) -> Leaf:
        edited = mine is None or theirs is None or not (same(mine, theirs) or (is_docstring(mine) and is_docstring(theirs)))
        return Leaf(self._take_left(mine, scope, indents[0]), self._take_right(theirs, scope, indents[1]), edited, block)

    def _take_left(self, node: ast.stmt | None, scope: tuple[str, ...], indent: str, last: int | None = None) -> Side:
        if node is None:
            return Side("", self.done_left + 1, self.done_left + 1, indent, [], scope)
        side, self.done_left = self._take(self.left, node, self.done_left, scope, indent, last)
        return side

    def _take_right(self, node: ast.stmt | None, scope: tuple[str, ...], indent: str, last: int | None = None) -> Side:
        if node is None:
            return Side("", self.done_right + 1, self.done_right + 1, indent, [], scope)
        side, self.done_right = self._take(self.right, node, self.done_right, scope, indent, last)
        return side

    def _take(self, source: _Source, node: ast.stmt, done: int, scope: tuple[str, ...], indent: str, last: int | None) -> tuple[Side, int]:
        start, end = first_line(node), last if last is not None else node.end_lineno or node.lineno
        if start <= done:
            raise ValueError(f"two statements on line {start}")
        return Side(source.slice(done + 1, end), start, done + 1, indent, [node], scope), end

    def _block(self, mine: ast.stmt, theirs: ast.stmt, block: int, scope: tuple[str, ...], indents: tuple[str, str]) -> list[Leaf]:
        """The head of a compound statement, then each of its bodies; heads of `else` and the like are common."""
        name = getattr(theirs, "name", "")  # what is inside is told by the ideal's name, on both sides
        inner = (*scope, name) if name else scope
        leaves: list[Leaf] = []
        for number, (left, right) in enumerate(zip(_bodies(mine), _bodies(theirs), strict=True)):
            if not left:
                continue
            if number == 0:
                head_left = self._take_left(mine, scope, indents[0], self._before(self.left, left[0]))
                head_right = self._take_right(theirs, scope, indents[1], self._before(self.right, right[0]))
            else:
                head_left = self._between(self.left, left[0], True, scope, indents[0])
                head_right = self._between(self.right, right[0], False, scope, indents[1])
            edited = number == 0 and not _same_head(mine, theirs)
            leaves.append(Leaf(head_left, head_right, edited, block, header=True))
            deeper = (_indent(self.left, left[0]), _indent(self.right, right[0]))
            leaves += self.body(left, right, inner, deeper)
        return leaves

    @staticmethod
    def _before(source: _Source, node: ast.stmt) -> int:
        """The last line before a statement and the comments and blank lines above it, which belong to it."""
        line = first_line(node) - 1
        while line >= 1 and (not source.lines[line - 1].strip() or source.lines[line - 1].strip().startswith("#")):
            line -= 1
        return line

    def _between(self, source: _Source, node: ast.stmt, is_left: bool, scope: tuple[str, ...], indent: str) -> Side:
        """The lines between two bodies of one statement: `else:`, `except X:`, `finally:`."""
        done = self.done_left if is_left else self.done_right
        last = self._before(source, node)
        side = Side(source.slice(done + 1, last), done + 1, done + 1, indent, [], scope)
        if is_left:
            self.done_left = last
        else:
            self.done_right = last
        return side


def _indent(source: _Source, node: ast.stmt) -> str:
    text: str = source.lines[first_line(node) - 1]
    return text[: len(text) - len(text.lstrip())]


def same(mine: ast.AST, theirs: ast.AST) -> bool:
    """Whether two pieces of syntax are equal, docstrings aside."""
    return _dump(mine) == _dump(theirs)


def syntax_of(side: Side) -> str:
    """The syntax of a side's statement as text, equal for equal statements; empty where there is none."""
    return side.syntax or "\n".join(_dump(node) for node in side.nodes)


def _dump(node: ast.AST) -> str:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        body = [statement for statement in node.body if not is_docstring(statement)]
        copy = type(node)(**{**dict(ast.iter_fields(node)), "body": body})
        parts = [_dump(statement) for statement in body]
        copy.body = []
        return ast.dump(copy) + "|".join(parts)
    return ast.dump(node)


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is a bare string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    yield node.body  # type: ignore[attr-defined]
    for handler in getattr(node, "handlers", []):
        yield handler.body
    for name in ("orelse", "finalbody"):
        if getattr(node, name, None):
            yield getattr(node, name)


def _same_head(mine: ast.stmt, theirs: ast.stmt) -> bool:
    def head(node: ast.stmt) -> str:
        fields = {name: value for name, value in ast.iter_fields(node) if name not in ("body", "orelse", "finalbody", "handlers")}
        return "|".join(
            f"{name}={[ast.dump(item) if isinstance(item, ast.AST) else repr(item) for item in (value if isinstance(value, list) else [value])]}"
            for name, value in fields.items()
        )

    return head(mine) == head(theirs)


def _recursable(mine: ast.stmt, theirs: ast.stmt) -> bool:
    """Whether two statements are the same block with other insides, so that its statements can be told apart."""
    if type(mine) is not type(theirs) or not isinstance(mine, _BLOCKS):
        return False
    left, right = list(_bodies(mine)), list(_bodies(theirs))
    if len(left) != len(right) or any(bool(one) != bool(two) for one, two in zip(left, right, strict=True)):
        return False
    if any(first_line(body[0]) == mine.lineno for body in left) or any(first_line(body[0]) == theirs.lineno for body in right):
        return False  # written on one line
    if any(isinstance(node, ast.If) and _is_elif(node) for node in (mine, theirs)):
        return False
    handlers = [[ast.dump(handler.type) if handler.type else "" for handler in getattr(node, "handlers", [])] for node in (mine, theirs)]
    # Two definitions that were paired are the same thing, even under another name.
    return handlers[0] == handlers[1]


def _is_elif(node: ast.If) -> bool:
    return len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If) and node.orelse[0].col_offset == node.col_offset


def _pair(left: Sequence[ast.stmt], right: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt | None, ast.stmt | None]]:
    """Equal statements first, then, between them, the ones that are most alike; order is kept on both sides."""
    keys = [_dump(node) for node in left], [_dump(node) for node in right]
    matcher = difflib.SequenceMatcher(a=keys[0], b=keys[1], autojunk=False)
    at = (0, 0)
    for match in matcher.get_matching_blocks():
        yield from _pair_gap(left[at[0] : match.a], right[at[1] : match.b])
        for offset in range(match.size):
            yield left[match.a + offset], right[match.b + offset]
        at = (match.a + match.size, match.b + match.size)


def _pair_gap(left: Sequence[ast.stmt], right: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt | None, ast.stmt | None]]:
    """Pair the statements of a gap so that the sum of their likeness is largest."""
    features = [_features(node) for node in left], [_features(node) for node in right]
    likeness = [[_likeness(mine, theirs) for theirs in features[1]] for mine in features[0]]
    return best_pairs(left, right, likeness, _PAIRING_THRESHOLD)


@dataclass(frozen=True, slots=True)
class _Features:
    """What a statement is compared by; made once, because every statement of a gap is compared with many others."""

    kind: type[ast.stmt]
    name: str
    callee: str
    text: str
    bases: str = ""


def _features(node: ast.stmt) -> _Features:
    bases = ",".join(ast.unparse(base) for base in node.bases) if isinstance(node, ast.ClassDef) else ""
    return _Features(type(node), identity(node), _callee(node), ast.unparse(node)[:2000], bases)


def _likeness(mine: _Features, theirs: _Features) -> float:
    """From 0 to 1. Things of one name are the same thing; others are compared by their text."""
    if mine.kind is not theirs.kind:
        return 0.0
    if mine.name and mine.name == theirs.name:
        return 1.0
    named = bool(mine.name and theirs.name)
    if (mine.kind is ast.Import and named) or not _may_be_one_call(mine.callee, theirs.callee):
        return 0.0
    bonus = _SAME_CALLEE if mine.callee and mine.callee == theirs.callee else 0.0
    scale = 0.7 if named else 0.95
    matcher = difflib.SequenceMatcher(a=mine.text, b=theirs.text, autojunk=False)
    # Both bounds are far cheaper than the ratio itself.
    if any(min(bound() * scale + bonus, 1.0) < _PAIRING_THRESHOLD for bound in (matcher.real_quick_ratio, matcher.quick_ratio)):
        return 0.0
    ratio = matcher.ratio()
    if mine.kind in _DEFINITIONS and not (mine.bases and mine.bases == theirs.bases):
        return ratio if ratio >= _SAME_DEFINITION else 0.0
    return min(ratio * scale + (0.0 if named else bonus), 1.0)


def _callee(node: ast.stmt) -> str:
    """What a statement calls, where it is one call or the assignment of one."""
    called = isinstance(node, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)) and isinstance(node.value, ast.Call)
    return ast.unparse(node.value.func) if called else ""  # type: ignore[attr-defined]


def _may_be_one_call(mine: str, theirs: str) -> bool:
    """Whether two callees may be one thing under two names, such as `S3BucketVersioning` and `S3BucketVersioningA`."""
    if not mine or not theirs or mine == theirs or mine in theirs or theirs in mine:
        return True
    return difflib.SequenceMatcher(a=mine, b=theirs, autojunk=False).ratio() >= _SAME_CALLEE_NAME


def identity(node: ast.stmt) -> str:
    """What a statement is about: the definition's name, the imported module, the assigned target, the construct's id."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name
    if isinstance(node, ast.ImportFrom):
        return f"from {'.' * node.level}{node.module}"
    if isinstance(node, ast.Import):
        return ",".join(alias.name for alias in node.names)
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return "=".join(ast.unparse(target) for target in targets)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and len(node.value.args) > 1:
        return ast.unparse(node.value.args[1])
    return "return" if isinstance(node, ast.Return) else ""
