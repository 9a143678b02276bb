"""Which edits make sense only together: the graph of needs over names, and the groups that it gives.

Edit A needs edit B when A alone would leave a name dangling: A uses what only B introduces, or A removes what
B's statement uses until B is applied. Edits that need each other are one group.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

import networkx as nx

from harness.edits import Edit
from harness.symbols import Names, Symbol


def build_needs(edits: Sequence[Edit], response: Names, ideal: Names, renamed: Mapping[str, str]) -> nx.DiGraph:
    """The graph of needs over edit indexes: an edge from A to B says that A does not work without B.

    `response` and `ideal` are all names of the two trees; `renamed` maps the response's paths to the ideal's.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(edits)))

    def link(source: int, targets: Iterable[int]) -> None:
        graph.add_edges_from((source, target) for target in targets if target != source and edits[source].in_tests == edits[target].in_tests)

    graph.add_edges_from(_inside_moved_definitions(edits, response, ideal, renamed))
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
    graph.add_edges_from([*_replaced(edits), *_named_files(edits)])
    mending = {edit.pair: edit.index for edit in edits if edit.mends}
    # In a file that does not parse nothing else can be told apart before it does.
    graph.add_edges_from((edit.index, mending[edit.pair]) for edit in edits if edit.leaf is not None and edit.pair in mending)
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


def _inside_moved_definitions(edits: Sequence[Edit], response: Names, ideal: Names, renamed: Mapping[str, str]) -> Iterable[tuple[int, int]]:
    """Edges between a move of a definition and edits inside of it that rely on one of the two files.

    A statement inside that the move does not need stays in the response's file until the definition moves; what it
    newly uses and that file has as well, it takes from there.
    """
    carriers: dict[str, list[int]] = defaultdict(list)
    for edit in edits:
        if edit.carries:
            carriers[edit.carries].append(edit.index)
    for edit in edits:
        if edit.pair not in carriers:
            continue
        there, here = f"{edit.path}:", f"{renamed.get(edit.response_path, edit.response_path)}:"
        for symbol in [symbol for symbol in edit.after.uses - edit.before.uses if symbol.kind == "name" and symbol.owner == there]:
            if Symbol("name", here, symbol.name) in response.defines:
                edit.after.uses.discard(symbol)
            elif symbol in ideal.defines:
                yield from ((edit.index, carrier) for carrier in carriers[edit.pair])
        for symbol in edit.before.uses - edit.after.uses:
            if symbol.kind == "name" and symbol.owner == there and symbol not in ideal.defines and Symbol("name", here, symbol.name) in response.defines:
                yield from ((carrier, edit.index) for carrier in carriers[edit.pair])


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
                dropped_alike[edit.pair, edit.identity].append(edit)
    for edit in edits:
        if edit.leaf is None or edit.response_part.strip() or not edit.ideal_part.strip():
            continue
        for other in dropped_same.get(edit.ideal_syntax, ()):
            if other.pair == edit.pair or edit.ideal_syntax.startswith(("ClassDef(", "FunctionDef(", "AsyncFunctionDef(")):
                yield other.index, edit.index
        if edit.identity:
            yield from ((other.index, edit.index) for other in dropped_alike.get((edit.pair, edit.identity), ()))


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
    """Edges between an edit that drops a definition and one that brings the same one elsewhere, and those that use it.

    A name has to stay defined: who drops it needs who brings it. A construct's id can be taken once: who brings it
    needs who drops it.
    """
    dropped: dict[Symbol, list[int]] = defaultdict(list)
    users: dict[Symbol, list[int]] = defaultdict(list)
    for edit in edits:
        for symbol in edit.before.defines - edit.after.defines:
            dropped[symbol].append(edit.index)
        for symbol in edit.before.uses & edit.after.uses:
            if symbol.kind == "name" and not symbol.owner.endswith(":"):
                users[symbol].append(edit.index)
    for edit in edits:
        for symbol in edit.after.defines - edit.before.defines:
            for other in dropped.get(symbol, ()):
                if symbol.kind == "construct":
                    yield edit.index, other
                elif symbol.kind == "name" or (symbol.kind == "attribute" and symbol.owner):
                    yield other, edit.index
                # A function's name that comes from somewhere else and is used in another way is another thing.
                for user in users.get(symbol, ()):
                    if _used_otherwise(edits[user], symbol.name):
                        yield from ((user, edit.index), (edit.index, user), (other, edit.index), (edit.index, other))


def _used_otherwise(edit: Edit, name: str) -> bool:
    """Whether an edit turns `name.x` into `name`, or the other way round."""
    attribute = re.compile(rf"\b{re.escape(name)}\.\w")
    return bool(attribute.search(edit.response_part)) != bool(attribute.search(edit.ideal_part))


def _named_files(edits: Sequence[Edit]) -> Iterable[tuple[int, int]]:
    """Edges from an edit that newly names a file, or its folder, in a text, to the edit that brings the file."""
    brought = [edit for edit in edits if edit.leaf is None and not edit.moves and not edit.mends and not edit.response_part]
    kept = {part for edit in edits if edit not in brought for part in PurePosixPath(edit.response_path).parts[:-1]}
    for file in brought:
        path = PurePosixPath(file.path)
        names = [path.name, *(part for part in path.parts[:-1] if part not in kept)]
        pattern = re.compile("[\"'/](?:" + "|".join(map(re.escape, names)) + ")[\"'/]")
        for edit in edits:
            if edit.leaf is not None and edit.in_tests == file.in_tests and pattern.search(edit.ideal_part) and not pattern.search(edit.response_part):
                yield edit.index, file.index


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
