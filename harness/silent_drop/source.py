"""The tree's own code, looked at where the record says that something happened."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.diagnostics import Location
from harness.python_source import parse
from harness.silent_drop.given import Span
from harness.tree import Tree

_ROUND_TRIPS = frozenset({"list", "tuple"})


class Sources:
    """Syntax trees of a tree's files, each built when it is first asked for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._parsed: dict[str, ast.Module | None] = {}
        self._read: frozenset[str] | None = None

    def places_of_key(self, place: Location, key: str) -> list[Location]:
        """The lines that write `key` down as a key of a mapping, for the construct made at `place`.

        Within its statement, or where that has none, within the function around it.
        """
        module = self._module(place.file)
        if module is None:
            return []
        around = [node for node in ast.walk(module) if isinstance(node, (ast.stmt, ast.Module)) and _covers(node, place.line)]
        for node in sorted(around, key=_size):
            if isinstance(node, (ast.Module, ast.ClassDef)):
                return []
            if found := sorted({one.lineno for one in _dictionary_keys(node) if one.value == key}):
                return [Location(place.file, line) for line in found]
        return []

    def node_at(self, span: Span) -> tuple[ast.AST, ...]:
        """The expression or statement that stands exactly there, the innermost where several do, then what it is a part of, outwards."""
        module = self._module(span.file)
        found: tuple[ast.AST, ...] = ()
        wanted = (span.line, span.end_line, span.column, span.end_column)
        for chain in _chains(module) if module else ():
            node = chain[0]
            here = isinstance(node, (ast.expr, ast.stmt)) and (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset) == wanted
            if here and len(chain) > len(found):
                found = chain
        return found

    def text_of(self, span: Span) -> str:
        """What is written there, its first line."""
        found = self.node_at(span)
        return ast.unparse(found[0]).split("\n")[0] if found else ""

    def reads(self, name: str) -> bool:
        """Whether some file reads an attribute of this name: then an attribute that was set is the program's own note."""
        if self._read is None:
            trees = [module for path in self._tree.python_files() if (module := self._module(path))]
            nodes = [node for module in trees for node in ast.walk(module)]
            read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
            asked = {node.args[1].value for node in nodes if isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[1], ast.Constant)}
            self._read = frozenset(read | {name for name in asked if isinstance(name, str)})
        return name in self._read

    def _module(self, path: str) -> ast.Module | None:
        if path not in self._parsed:
            try:
                self._parsed[path] = parse(self._tree.text(path)) if path in self._tree else None
            except (SyntaxError, ValueError):
                self._parsed[path] = None
        return self._parsed[path]


def only_hands_on(node: ast.AST, *around: ast.AST) -> bool:
    """Whether a loop over a token gives the token back: `list(names)`, `[*names]`, `call(*names)`, `[name for name in names]`."""
    if around and isinstance(around[0], ast.comprehension):
        node = around[1]  # where the interpreter places the loop at what it goes over
    if isinstance(node, ast.Call):
        return (isinstance(node.func, ast.Name) and node.func.id in _ROUND_TRIPS) or any(isinstance(one, ast.Starred) for one in node.args)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return _repeats(node)
    return isinstance(node, (ast.List, ast.Tuple)) and isinstance(node.ctx, ast.Load)


def counts(node: ast.AST) -> bool:
    """Whether this is a call of `len`; other calls ask for a length on their way."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


def _repeats(node: ast.ListComp | ast.GeneratorExp) -> bool:
    first = node.generators[0]
    same = isinstance(node.elt, ast.Name) and isinstance(first.target, ast.Name) and node.elt.id == first.target.id
    return same and len(node.generators) == 1 and not first.ifs


def _chains(root: ast.AST) -> Iterator[tuple[ast.AST, ...]]:
    """Every node with all that it is a part of, outwards."""
    waiting: list[tuple[ast.AST, ...]] = [(root,)]
    while waiting:
        chain = waiting.pop()
        yield chain
        waiting += [(child, *chain) for child in ast.iter_child_nodes(chain[0])]


def _dictionary_keys(node: ast.AST) -> Iterator[ast.Constant]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Dict):
            yield from (key for key in inner.keys if isinstance(key, ast.Constant))
        elif isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store) and isinstance(inner.slice, ast.Constant):
            yield inner.slice


def _covers(node: ast.stmt | ast.Module, line: int) -> bool:
    return isinstance(node, ast.Module) or node.lineno <= line <= (node.end_lineno or node.lineno)


def _size(node: ast.stmt | ast.Module) -> int:
    return 10**9 if isinstance(node, ast.Module) else (node.end_lineno or node.lineno) - node.lineno
