"""Which file each code block is: by its name, by what others import, by what the ideal defines."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from harness.importers.base import Unplaced
from harness.importers.markdown import Block
from harness.importers.naming import describe, find_name
from harness.importers.paths import is_test, settle_paths
from harness.importers.sources import Source, module_of, read_source, wanted_modules

_EXTERNAL = frozenset(sys.stdlib_module_names) | {"cdktf", "constructs", "imports", "jsii", "boto3", "botocore", "pytest", "moto", "aws_cdk"}
_COMMON = frozenset({"main", "handler", "lambda_handler", "setUp", "app"})
"""Names that too many files define for one of them to tell a file."""

MOSTLY = 0.75
"""A later block of a file that defines less than an earlier one is a new version of it from this share of its length; below, an excerpt."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What the archive's side says about files: its Python sources by path, all its paths, and the program that it starts."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    paths: frozenset[str] = frozenset()
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A block that became the file `path`: the block's line, and what told (`heading`, `comment`, `imports`, `definitions`, ...)."""

    path: str
    line: int
    by: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Files by path, which block each is, complete blocks that a later one of the same file replaced, and blocks without a file."""

    files: Mapping[str, str]
    placed: tuple[Placed, ...]
    replaced: tuple[Placed, ...]
    unplaced: tuple[Unplaced, ...]


def place_blocks(blocks: Sequence[Block], reference: Reference) -> Placement:
    """Find the file of each block; every block is in `files`, `replaced` or `unplaced`."""
    names, below = _named(blocks)
    paths = settle_paths({number: name.path for number, name in names.items()}, blocks, reference.sources, reference.entry, reference.paths)
    where = {number: Placed(path, blocks[number].line, names[number].by) for number, path in paths.items()}
    _place_by_content(blocks, where, reference)
    for number, first in below.items():
        if number not in where and first in where:
            where[number] = Placed(where[first].path, blocks[number].line, "heading")
    return _choose(blocks, where, where.keys() - names.keys())


def _named(blocks: Sequence[Block]) -> tuple[dict[int, Placed], dict[int, int]]:
    """The blocks that something names; and those that only share a heading with an earlier one, which `below` gives: it names the first of them."""
    names: dict[int, Placed] = {}
    below: dict[int, int] = {}
    used: dict[int, int] = {}
    for number, block in enumerate(blocks):
        name = find_name(block)
        if name is None:
            continue
        if name.by == "heading":
            if block.heading_line in used:
                below[number] = used[block.heading_line]
                continue
            used[block.heading_line] = number
        names[number] = Placed(name.path, block.line, name.by)
    return names, below


def _place_by_content(blocks: Sequence[Block], where: dict[int, Placed], reference: Reference) -> None:
    """Add to `where` the unnamed blocks that can be told by their content; each new file may tell the next."""
    for number, block in enumerate(blocks):
        if number not in where and _is_app_settings(block):
            where[number] = Placed("cdktf.json", block.line, "content")
    changed = True
    while changed:
        changed = False
        for number, block in enumerate(blocks):
            if number in where or not block.is_python:
                continue
            found = _by_content(block, blocks, where, reference)
            if found:
                where[number] = Placed(found[0], block.line, found[1])
                changed = True


def _by_content(block: Block, blocks: Sequence[Block], where: Mapping[int, Placed], reference: Reference) -> tuple[str, str] | None:
    """The path and what told it; None where nothing does."""
    source = read_source(block.text)
    if not source.definitions and not source.builds_app:
        return None
    taken = {one.path for one in where.values()}
    wanted = _wanted(block, blocks, where, reference)
    if path := _by_imports(source, wanted, taken):
        return path, "imports"
    shared = _by_definitions(source, reference)
    if shared and shared not in taken and (not source.builds_app or reference.sources[shared].builds_app or is_test(shared)):
        return shared, "definitions"
    if source.builds_app and not source.classes & {name for name in source.classes if name.startswith("Test")}:
        return (reference.entry, "builds the app") if reference.entry and reference.entry not in taken else None
    if source.stacks and not any(read_source(blocks[number].text).stacks for number in where):
        missing = [path for path in _entry_modules(reference) if path not in taken]
        return (missing[0], "the only stack") if missing else None
    return None


def _wanted(block: Block, blocks: Sequence[Block], where: Mapping[int, Placed], reference: Reference) -> dict[str, set[str]]:
    """The files that other blocks import, with the names they take from them; the archive's entry counts where the response has none of its own."""
    wanted: dict[str, set[str]] = defaultdict(set)

    def add(path: str, source: Source) -> None:
        for module, names in wanted_modules(path, source):
            if module and module.partition(".")[0] not in _EXTERNAL and not module.startswith("cdktf_cdktf_provider"):
                file = next((one for one in reference.sources if module_of(one) == module), module.replace(".", "/") + ".py")
                wanted[file].update(names)

    builders = []
    for number, other in enumerate(blocks):
        if not other.is_python:
            continue
        source = read_source(other.text)
        path = where[number].path if number in where else "?"
        if source.builds_app and not is_test(path):
            builders.append(other)
        if other is not block:
            add(path, source)
    entry_is_own = [other for other in builders if other is not block or not read_source(other.text).guarded]
    if reference.entry in reference.sources and not entry_is_own:
        add(reference.entry, reference.sources[reference.entry])
    return wanted


def _by_imports(source: Source, wanted: Mapping[str, set[str]], taken: set[str]) -> str | None:
    hits = {path: len(names & source.definitions) for path, names in wanted.items() if path not in taken}
    best = max(hits, key=lambda path: hits[path], default="")
    return best if best and hits[best] else None


def _by_definitions(source: Source, reference: Reference) -> str | None:
    """The ideal's file that defines most of what the block defines; None where two define as much, or nothing telling is shared."""
    shared = {path: (source.definitions - _COMMON) & ideal.definitions for path, ideal in reference.sources.items()}
    weights = {path: sum(3 if name in source.classes else 1 for name in names) for path, names in shared.items()}
    best = max(weights.values(), default=0)
    leaders = [path for path, weight in weights.items() if weight == best]
    return leaders[0] if best >= 2 and len(leaders) == 1 else None


def _entry_modules(reference: Reference) -> Iterator[str]:
    """The ideal's own files that the archive's entry imports."""
    entry = reference.sources.get(reference.entry)
    by_module = {module_of(path): path for path in reference.sources}
    for module, _ in wanted_modules(reference.entry, entry) if entry else ():
        if module in by_module:
            yield by_module[module]


def _is_app_settings(block: Block) -> bool:
    if block.language not in ("json", "") or '"app"' not in block.text:
        return False
    try:
        settings = json.loads(block.text)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(settings, dict)
        and isinstance(settings.get("app"), str)
        and bool({"language", "terraformProviders", "projectId", "codeMakerOutput"} & settings.keys())
    )


def _choose(blocks: Sequence[Block], where: Mapping[int, Placed], weak: Set[int]) -> Placement:
    """For each file its last complete block. `weak` blocks do not name their file themselves: they replace nothing."""
    chosen: dict[str, int] = {}
    replaced: list[Placed] = []
    unplaced = [_unplaced(block, describe(block)) for number, block in enumerate(blocks) if number not in where]
    for number in sorted(where):
        path = where[number].path
        before = chosen.get(path)
        if before is None:
            chosen[path] = number
        elif _replaces(blocks[number], blocks[before], path, number in weak, before in weak):
            chosen[path] = number
            replaced.append(where[before])
        else:
            unplaced.append(_unplaced(blocks[number], f"an excerpt of {path}, which line {blocks[before].line} holds"))
    return Placement(
        files={path: blocks[number].text for path, number in sorted(chosen.items())},
        placed=tuple(where[number] for _, number in sorted(chosen.items())),
        replaced=tuple(replaced),
        unplaced=tuple(sorted(unplaced, key=lambda one: one.line)),
    )


def _replaces(new: Block, old: Block, path: str, new_is_weak: bool, old_is_weak: bool) -> bool:
    if new_is_weak > old_is_weak:
        return _rank(new, path) > _rank(old, path)
    if _rank(new, path) != _rank(old, path):
        return _rank(new, path) > _rank(old, path)
    if not path.endswith(".py"):
        return not new_is_weak
    before, after = read_source(old.text), read_source(new.text)
    if before.imports and not after.imports:
        return False
    return not before.members - after.members or len(new.text) >= MOSTLY * len(old.text)


def _rank(block: Block, path: str) -> int:
    """3 a whole file, 2 perhaps one (it does not parse, or only says little), 1 an excerpt that says so."""
    source = read_source(block.text) if path.endswith(".py") else None
    if source is None:
        return 2
    return 1 if source.elided else 3 if source.complete else 2


def _unplaced(block: Block, reason: str) -> Unplaced:
    return Unplaced(block.heading[:200], block.line, block.language, block.first_line[:200], reason)
