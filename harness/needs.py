"""Which edits make sense only together: the graph of needs over names, and the groups that it gives.

Edit A needs edit B when A alone would leave a name dangling: A uses what only B introduces, or A removes what
B's statement uses until B is applied. Edits that need each other are one group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import networkx as nx

from harness.edits import Edit
from harness.symbols import Names, Symbol


def build_needs(edits: Sequence[Edit], response: Names, ideal: Names) -> nx.DiGraph:
    """The graph of needs over edit indexes: an edge from A to B says that A does not work without B.

    `response` and `ideal` are all names of the two trees.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(edits)))

    def link(source: int, targets: Iterable[int]) -> None:
        graph.add_edges_from((source, target) for target in targets if target != source and edits[source].in_tests == edits[target].in_tests)

    introduced, removed, required, no_longer_required = _changes(edits, response, ideal)
    for edit in edits:
        # What a statement uses on both sides it does not use because of the edit.
        for symbol in edit.after.uses - edit.before.uses:
            link(edit.index, introduced.get(symbol, ()))
            for other in required.get(symbol, ()):
                link(other, [edit.index])
        for symbol in edit.before.uses - edit.after.uses:
            for remover in removed.get(symbol, ()):
                link(remover, [edit.index])
            link(edit.index, no_longer_required.get(symbol, ()))
    for one, other in [*_moved_statements(edits), *_of_new_packages(edits)]:
        graph.add_edges_from([(one, other), (other, one)])
    graph.add_edges_from(_replaced(edits))
    mending = {edit.path: edit.index for edit in edits if edit.mends}
    # In a file that does not parse nothing else can be told apart before it does.
    graph.add_edges_from((edit.index, mending[edit.path]) for edit in edits if edit.leaf is not None and edit.path in mending)
    return graph


def _changes(edits: Sequence[Edit], response: Names, ideal: Names) -> tuple[dict[Symbol, list[int]], ...]:
    """By symbol, the edits that introduce it to the tree, remove it from the tree, make it required, make it optional."""
    introduced: dict[Symbol, list[int]] = defaultdict(list)
    removed: dict[Symbol, list[int]] = defaultdict(list)
    required: dict[Symbol, list[int]] = defaultdict(list)
    no_longer_required: dict[Symbol, list[int]] = defaultdict(list)
    for edit in edits:
        for symbol in edit.after.defines - response.defines:
            introduced[symbol].append(edit.index)
        for symbol in edit.before.defines - ideal.defines:
            removed[symbol].append(edit.index)
        for symbol in edit.after.required - edit.before.required:
            required[symbol].append(edit.index)
        for symbol in edit.before.required - edit.after.required:
            no_longer_required[symbol].append(edit.index)
    return introduced, removed, required, no_longer_required


def _moved_statements(edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """Pairs in which one edit drops a statement and the other brings it: the very same one elsewhere (in another file
    only where it is a definition), or, in the same block, one about the same thing."""
    dropped_same: dict[str, list[Edit]] = defaultdict(list)
    dropped_alike: dict[tuple[str, str], list[Edit]] = defaultdict(list)
    for edit in edits:
        if edit.leaf is not None and edit.response_part.strip() and not edit.ideal_part.strip():
            if edit.response_syntax:
                dropped_same[edit.response_syntax].append(edit)
            if edit.identity:
                dropped_alike[edit.path, edit.identity].append(edit)
    for edit in edits:
        if edit.leaf is None or edit.response_part.strip() or not edit.ideal_part.strip():
            continue
        for other in dropped_same.get(edit.ideal_syntax, ()):
            if other.path == edit.path or edit.ideal_syntax.startswith(("ClassDef(", "FunctionDef(", "AsyncFunctionDef(")):
                yield other.index, edit.index
        if edit.identity:
            yield from ((other.index, edit.index) for other in dropped_alike.get((edit.path, edit.identity), ()))


def _of_new_packages(edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """Pairs of an edit that brings the `__init__.py` of a package that the response does not have at all, and one that brings a file of it."""
    for one in edits:
        folder = one.path.removesuffix("__init__.py")
        if one.path == folder or not folder or one.leaf is not None:
            continue
        inside = [edit for edit in edits if edit.path.startswith(folder)]
        if all(edit.brings_file for edit in inside):
            yield from ((one.index, other.index) for other in inside if other.index != one.index)


def _replaced(edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """Edges between an edit that drops a definition and one that brings the same one elsewhere.

    A name has to stay defined: who drops it needs who brings it. A construct's id can be taken once: who brings it
    needs who drops it.
    """
    dropped: dict[Symbol, list[int]] = defaultdict(list)
    for edit in edits:
        for symbol in edit.before.defines - edit.after.defines:
            dropped[symbol].append(edit.index)
    for edit in edits:
        for symbol in edit.after.defines - edit.before.defines:
            for other in dropped.get(symbol, ()):
                if symbol.kind == "construct":
                    yield edit.index, other
                elif symbol.kind == "name" or (symbol.kind == "attribute" and symbol.owner):
                    yield other, edit.index


def group(graph: nx.DiGraph, edits: Sequence[Edit], common_uses: set[Symbol]) -> list[frozenset[int]]:
    """The edits in groups that have to be applied together, in the order of their first edits.

    Edits that need each other are one group; a group that only adds names joins the one group that uses them, and
    one that only clears away what another group leaves unused joins that. `common_uses` is what the code that no
    edit touches relies on.
    """
    groups = {number: set(members) for number, members in enumerate(sorted(nx.strongly_connected_components(graph), key=min))}
    owner = {edit: number for number, members in groups.items() for edit in members}
    waiting = sorted(groups, key=lambda number: min(groups[number]))
    while waiting:
        number = waiting.pop(0)
        if number not in groups:
            continue
        target = _joins(number, groups, owner, graph, edits, common_uses)
        if target is None:
            continue
        neighbours = {owner[other] for index in groups[number] for other in (*graph.predecessors(index), *graph.successors(index))}
        groups[target] |= groups[number]
        owner.update(dict.fromkeys(groups.pop(number), target))
        # What joined may have been all that kept its neighbours apart.
        waiting += sorted({owner[min(groups[other])] if other in groups else target for other in neighbours} - set(waiting) - {number})
    return [frozenset(members) for members in sorted(groups.values(), key=min)]


def _joins(number: int, groups: dict[int, set[int]], owner: dict[int, int], graph: nx.DiGraph, edits: Sequence[Edit], common_uses: set[Symbol]) -> int | None:
    members = groups[number]
    if not all(edits[index].only_adds or edits[index].only_removes for index in members):
        return None
    users = {owner[source] for index in members for source in graph.predecessors(index)} - {number}
    served = {owner[target] for index in members for target in graph.successors(index)} - {number}
    if not users and len(served) == 1 and all(edits[index].only_removes for index in members):
        return served.pop()
    if len(users) == 1 and all(edits[index].only_adds for index in members):
        added: set[Symbol] = set().union(*(edits[index].after.defines - edits[index].before.defines for index in members))
        return users.pop() if not added & common_uses else None
    return None
