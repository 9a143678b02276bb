"""From two trees to fixes: the smallest groups of edits that have to be applied together.

Edits are statements (see `alignment`). Edit A needs edit B when A alone would leave a name dangling: A
uses what only B introduces, or A removes what B's statement uses until B is applied. Edits that need each
other are one fix; a one-way need stays a need between fixes, so that two mistakes that merely build on
each other are still told apart.
"""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import networkx as nx

from harness.alignment import Leaf, Side, align, align_lines, syntax_of
from harness.symbols import Names, Symbol, module_name, names_of, names_of_file
from harness.tree import Tree

FORMAT = "format"
"""The id of the fix that holds every edit that changes no syntax: layout, comments, docstrings."""


@dataclass(frozen=True, slots=True)
class FilePair:
    """One path on both sides. `leaves` is None where the file is only on one side or is not text.

    `by_statement` says whether the leaves are statements (each text ends with a newline) or lines as they are.
    """

    path: str
    response: bytes | None
    ideal: bytes | None
    leaves: tuple[Leaf, ...] | None
    by_statement: bool = False

    @property
    def layout_differs(self) -> bool:
        """Whether the sides differ in what no edit holds: layout, comments, the newline at the end."""
        if not self.by_statement or self.response is None or self.ideal is None:
            return False
        ends = self.response.endswith(b"\n") != self.ideal.endswith(b"\n")
        return ends or any(
            leaf.response.indent != leaf.ideal.indent or (not leaf.edited and leaf.response.text != leaf.ideal.text) for leaf in self.leaves or ()
        )


@dataclass(frozen=True, slots=True)
class Edit:
    """One changed piece: leaf `leaf` of the file, or the whole file where `leaf` is None. Lines count from 1.

    `response_syntax` and `ideal_syntax` are the statement's syntax, for recognising one that only moved.
    """

    index: int
    path: str
    leaf: int | None
    response_line: int
    response_text: str
    ideal_text: str
    before: Names
    after: Names
    statements: int
    response_syntax: str = ""
    ideal_syntax: str = ""

    @property
    def brings_file(self) -> bool:
        """Whether the response does not have this Python file at all."""
        module = Symbol("module", "", module_name(self.path))
        return self.leaf is None and module in self.after.defines - self.before.defines

    @property
    def in_tests(self) -> bool:
        """Whether this edits the tree's tests rather than the code that is deployed."""
        return is_test_file(self.path)


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that have to be applied together; `needs` are the fixes that have to be applied first or with it."""

    id: str
    edits: tuple[int, ...]
    needs: frozenset[str]


@dataclass(frozen=True)
class Comparison:
    """A response and its ideal, with everything between them."""

    response: Tree
    ideal: Tree
    files: Mapping[str, FilePair]
    edits: tuple[Edit, ...]
    fixes: Mapping[str, Fix]

    def edits_of(self, fix: str) -> list[Edit]:
        """The edits of a fix, in the order of the tree."""
        return [self.edits[index] for index in self.fixes[fix].edits]

    def with_needs(self, fixes: Iterable[str]) -> frozenset[str]:
        """`fixes` and all that they need."""
        return self._closure(fixes, {fix.id: fix.needs for fix in self.fixes.values()})

    def with_dependents(self, fixes: Iterable[str]) -> frozenset[str]:
        """`fixes` and all that need them."""
        dependents: dict[str, set[str]] = defaultdict(set)
        for fix in self.fixes.values():
            for need in fix.needs:
                dependents[need].add(fix.id)
        return self._closure(fixes, dependents)

    @staticmethod
    def _closure(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
        found, waiting = set(start), list(start)
        while waiting:
            for following in edges.get(waiting.pop(), ()):
                if following not in found:
                    found.add(following)
                    waiting.append(following)
        return frozenset(found)


def is_test_file(path: str) -> bool:
    """Whether pytest, by its usual names, would take this file for tests or their support."""
    pure = PurePosixPath(path)
    return bool({"tests", "test"} & set(pure.parts[:-1])) or pure.name.startswith("test_") or pure.name == "conftest.py"


def compare(response: Tree, ideal: Tree) -> Comparison:
    """Find the fixes that lead from `response` to `ideal`; applying all of them gives exactly the ideal."""
    files = {path: _pair_file(path, response.files.get(path), ideal.files.get(path)) for path in sorted({*response.files, *ideal.files})}
    edits = _edits(files.values())
    graph = _needs(edits, _all_names(response), _all_names(ideal))
    groups = _absorb_additions(graph, edits, _common_uses(files.values()))
    fixes = {fix.id: fix for fix in groups}
    if any(pair.layout_differs for pair in files.values()):
        fixes[FORMAT] = Fix(FORMAT, (), frozenset())
    return Comparison(response, ideal, files, tuple(edits), fixes)


def _pair_file(path: str, response: bytes | None, ideal: bytes | None) -> FilePair:
    if response is None or ideal is None or response == ideal:
        return FilePair(path, response, ideal, None)
    try:
        left, right = response.decode("utf-8"), ideal.decode("utf-8")
    except UnicodeDecodeError:
        return FilePair(path, response, ideal, None)
    if path.endswith(".py"):
        try:
            return FilePair(path, response, ideal, tuple(align(left, right)), by_statement=True)
        except (SyntaxError, ValueError, RecursionError):
            return FilePair(path, response, ideal, tuple(align_lines(left, right)))
    return FilePair(path, response, ideal, None)


def _edits(files: Iterable[FilePair]) -> list[Edit]:
    edits: list[Edit] = []
    for pair in files:
        if pair.response == pair.ideal:
            continue
        if pair.leaves is None:
            sides = [(content or b"").decode("utf-8", errors="replace") for content in (pair.response, pair.ideal)]
            before, after = (
                _file_names(pair.path, text) if content is not None else Names() for text, content in zip(sides, (pair.response, pair.ideal), strict=True)
            )
            edits.append(Edit(len(edits), pair.path, None, 1, sides[0], sides[1], before, after, _count_statements(pair.path, sides)))
            continue
        for number, leaf in enumerate(pair.leaves):
            if leaf.edited:
                before, after = (_leaf_names(pair.path, side, leaf) for side in (leaf.response, leaf.ideal))
                edits.append(
                    Edit(
                        index=len(edits),
                        path=pair.path,
                        leaf=number,
                        response_line=leaf.response.line,
                        response_text=leaf.response.text,
                        ideal_text=leaf.ideal.text,
                        before=before,
                        after=after,
                        statements=leaf.statements,
                        response_syntax="" if leaf.header else syntax_of(leaf.response),
                        ideal_syntax="" if leaf.header else syntax_of(leaf.ideal),
                    )
                )
    return edits


def _leaf_names(path: str, side: Side, leaf: Leaf) -> Names:
    return names_of(path, side, leaf.header)


def _file_names(path: str, text: str) -> Names:
    if not path.endswith(".py"):
        return Names()
    try:
        return names_of_file(path, text)
    except (SyntaxError, ValueError, RecursionError):
        return Names()


def _count_statements(path: str, sides: Iterable[str]) -> int:
    counts = [1]
    for text in sides:
        if path.endswith(".py"):
            try:
                counts.append(sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(text))))
            except (SyntaxError, ValueError, RecursionError):
                counts.append(len(text.splitlines()))
    return max(counts)


def _all_names(tree: Tree) -> Names:
    names = Names()
    for path in tree.python_files():
        names.update(_file_names(path, tree.files[path].decode("utf-8", errors="replace")))
    return names


def _common_uses(files: Iterable[FilePair]) -> set[Symbol]:
    """What the code that no edit touches relies on."""
    uses: set[Symbol] = set()
    for pair in files:
        if pair.leaves is None and pair.response is not None and pair.ideal is not None:
            uses |= _file_names(pair.path, pair.ideal.decode("utf-8", errors="replace")).uses
        for leaf in pair.leaves or ():
            if not leaf.edited:
                uses |= names_of(pair.path, leaf.ideal, leaf.header).uses
    return uses


def _needs(edits: list[Edit], response: Names, ideal: Names) -> nx.DiGraph:
    """The graph of needs: an edge from A to B says that A does not work without B."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(edits)))
    introduced: dict[Symbol, list[int]] = defaultdict(list)
    removed: dict[Symbol, list[int]] = defaultdict(list)
    for edit in edits:
        for symbol in edit.after.defines - response.defines:
            introduced[symbol].append(edit.index)
        for symbol in edit.before.defines - ideal.defines:
            removed[symbol].append(edit.index)

    def link(source: int, targets: Iterable[int]) -> None:
        graph.add_edges_from((source, target) for target in targets if target != source and edits[source].in_tests == edits[target].in_tests)

    for edit in edits:
        # What a statement uses on both sides it does not use because of the edit.
        newly_used = edit.after.uses - edit.before.uses
        no_longer_used = edit.before.uses - edit.after.uses
        for symbol in newly_used & introduced.keys():
            link(edit.index, introduced[symbol])
        for symbol in no_longer_used & removed.keys():
            for remover in removed[symbol]:
                link(remover, [edit.index])
        for other in edits:
            if newly_used & (other.after.required - other.before.required):
                link(other.index, [edit.index])
            if no_longer_used & (other.before.required - other.after.required):
                link(edit.index, [other.index])
    for one, other in itertools.permutations(edits, 2):
        if _moved(one, other) or _of_one_new_package(one, other, edits):
            graph.add_edges_from([(one.index, other.index), (other.index, one.index)])
    return graph


def _moved(one: Edit, other: Edit) -> bool:
    """Whether a statement that `one` drops is the very statement that `other` brings; to another file only definitions move."""
    if not one.response_syntax or one.ideal_syntax or other.response_syntax or one.response_syntax != other.ideal_syntax:
        return False
    return one.path == other.path or one.response_syntax.startswith(("ClassDef(", "FunctionDef(", "AsyncFunctionDef("))


def _of_one_new_package(one: Edit, other: Edit, edits: Sequence[Edit]) -> bool:
    """Whether `one` brings the `__init__.py` of a package that the response does not have at all, and `other` a file of it."""
    folder = one.path.removesuffix("__init__.py")
    if one.path == folder or not folder or not other.path.startswith(folder):
        return False
    return all(edit.brings_file for edit in edits if edit.path.startswith(folder))


def _absorb_additions(graph: nx.DiGraph, edits: list[Edit], common_uses: set[Symbol]) -> list[Fix]:
    """Edits that need each other become one group; a group that only adds names joins the one group that uses them,
    and one that only clears away what another group leaves unused joins that."""
    groups = {index: set(members) for index, members in enumerate(nx.strongly_connected_components(graph))}
    changed = True
    while changed:
        changed = False
        owner = {edit: group for group, members in groups.items() for edit in members}
        for group in sorted(groups, key=lambda number: min(groups[number])):
            members = groups[group]
            if not all(_only_adds(edits[index]) or _only_removes(edits[index]) for index in members):
                continue
            added: set[Symbol] = set().union(*(edits[index].after.defines - edits[index].before.defines for index in members))
            users = {owner[source] for index in members for source in graph.predecessors(index)} - {group}
            served = {owner[target] for index in members for target in graph.successors(index)} - {group}
            if not users and len(served) == 1 and all(_only_removes(edits[index]) for index in members):
                groups[served.pop()] |= members
                del groups[group]
                changed = True
                break
            if len(users) == 1 and all(_only_adds(edits[index]) for index in members) and not added & common_uses:
                groups[users.pop()] |= members
                del groups[group]
                changed = True
                break
    return _number(graph, list(groups.values()))


def _only_adds(edit: Edit) -> bool:
    """Whether the edit only brings names: a new statement, a head with more parameters, a call that passes more."""
    if not edit.response_text.strip():
        return True
    before, after = edit.before.defines | edit.before.uses, edit.after.defines | edit.after.uses
    return before < after


def _only_removes(edit: Edit) -> bool:
    """Whether the edit drops a whole statement."""
    return not edit.ideal_text.strip()


def _number(graph: nx.DiGraph, groups: list[set[int]]) -> list[Fix]:
    ordered = sorted(groups, key=min)
    name = {index: f"fix{number}" for number, members in enumerate(ordered, start=1) for index in members}
    return [
        Fix(
            f"fix{number}",
            tuple(sorted(members)),
            frozenset(name[target] for index in members for target in graph.successors(index) if target not in members),
        )
        for number, members in enumerate(ordered, start=1)
    ]
