"""From two trees to fixes: the smallest groups of edits that have to be applied together.

Edits (see `edits`) that need each other (see `needs`) are one fix; a one-way need stays a need between fixes, so
that two mistakes that merely build on each other are still told apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx

from harness.edits import Edit, count_statements, file_names, find_edits, names_of_side
from harness.needs import build_needs, group
from harness.pairing import FilePair, pair_files
from harness.symbols import Names, Symbol
from harness.tree import Tree

FORMAT = "format"
"""The id of the fix that holds every edit that changes no syntax: layout, comments, docstrings."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that have to be applied together; `needs` are the fixes that have to be applied first or with it."""

    id: str
    edits: tuple[int, ...]
    needs: frozenset[str]


@dataclass(frozen=True)
class Comparison:
    """A response and its ideal, with everything between them. `files` is by the pairs' keys (see `FilePair`); `renamed` maps
    the response's paths to the ideal's, for files that moved."""

    response: Tree
    ideal: Tree
    files: Mapping[str, FilePair]
    edits: tuple[Edit, ...]
    fixes: Mapping[str, Fix]
    renamed: Mapping[str, str] = field(default_factory=dict)

    def edits_of(self, fix: str) -> list[Edit]:
        """The edits of a fix, in the order of the tree."""
        return [self.edits[index] for index in self.fixes[fix].edits]

    def statements(self, fixes: Iterable[str]) -> int:
        """How many statements the fixes touch together."""
        return count_statements(edit for fix in dict.fromkeys(fixes) for edit in self.edits_of(fix))

    def with_needs(self, fixes: Iterable[str]) -> frozenset[str]:
        """`fixes` and all that they need."""
        return _closure(fixes, {fix.id: fix.needs for fix in self.fixes.values()})

    def with_dependents(self, fixes: Iterable[str]) -> frozenset[str]:
        """`fixes` and all that need them."""
        dependents: dict[str, set[str]] = defaultdict(set)
        for fix in self.fixes.values():
            for need in fix.needs:
                dependents[need].add(fix.id)
        return _closure(fixes, dependents)


def _closure(start: Iterable[str], edges: Mapping[str, Iterable[str]]) -> frozenset[str]:
    found, waiting = set(start), list(start)
    while waiting:
        for following in edges.get(waiting.pop(), ()):
            if following not in found:
                found.add(following)
                waiting.append(following)
    return frozenset(found)


def compare(response: Tree, ideal: Tree) -> Comparison:
    """Find the fixes that lead from `response` to `ideal`; applying all of them gives exactly the ideal."""
    files, renamed = pair_files(response, ideal)
    edits = find_edits(files.values(), renamed)
    graph = build_needs(edits, _response_names(files.values(), renamed), _all_names(ideal), renamed)
    fixes = {fix.id: fix for fix in _number(graph, group(graph, edits, _common_uses(files.values())))}
    if any(pair.layout_differs for pair in files.values()):
        fixes[FORMAT] = Fix(FORMAT, (), frozenset())
    return Comparison(response, ideal, files, tuple(edits), fixes, renamed)


def _response_names(files: Iterable[FilePair], renamed: Mapping[str, str]) -> Names:
    """All names of the response, told by where the ideal has them."""
    names = Names()
    for pair in files:
        if pair.base is not None:
            names.update(file_names(pair.path, pair.base.decode("utf-8", errors="replace"), pair.response_path, renamed))
    return names


def _all_names(tree: Tree) -> Names:
    names = Names()
    for path in tree:
        names.update(file_names(path, tree.files[path].decode("utf-8", errors="replace")))
    return names


def _common_uses(files: Iterable[FilePair]) -> set[Symbol]:
    """What the code that no edit touches relies on."""
    uses: set[Symbol] = set()
    for pair in files:
        if pair.leaves is None and pair.response is not None and pair.ideal is not None:
            uses |= file_names(pair.path, pair.ideal.decode("utf-8", errors="replace")).uses
        for leaf in pair.leaves or ():
            if not leaf.edited:
                uses |= names_of_side(pair.path, leaf.ideal, leaf.header).uses
    return uses


def _number(graph: nx.DiGraph, groups: Sequence[frozenset[int]]) -> list[Fix]:
    name = {index: f"fix{number}" for number, members in enumerate(groups, start=1) for index in members}
    return [
        Fix(
            f"fix{number}",
            tuple(sorted(members)),
            frozenset(name[target] for index in members for target in graph.successors(index) if target not in members),
        )
        for number, members in enumerate(groups, start=1)
    ]
