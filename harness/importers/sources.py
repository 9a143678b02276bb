"""What a piece of Python text defines, imports and does; the facts by which a block's file is found."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

from harness.python_source import parse

_ELIDED = re.compile(
    r"^\s*(?:#|//)\s*(?:\.{3,}|…)|^\s*\.{3,}\s*\S|^\s*(?:#|//).*\b(?:"
    r"rest of|remaining (?:code|methods?|implementation|resources|of)|"
    r"(?:previous|existing|other) (?:code|methods?|implementation|resources|imports)\b.{0,20}(?:\.{3}|$)|"
    r"(?:remains?|unchanged)\s*(?:\.{3}|$)|omitted|same as (?:above|before)|as before)",
    re.IGNORECASE | re.MULTILINE,
)
_DEFINITION = re.compile(r"^(?:class|(?:async )?def)\s+(\w+)", re.MULTILINE)
_CLASS = re.compile(r"^class\s+(\w+)", re.MULTILINE)
_ASSIGNMENT = re.compile(r"^(\w+)\s*(?::[^=\n]*)?=(?!=)", re.MULTILINE)
_STACK = re.compile(r"^class\s+(\w+)\s*\([^)]*\bTerraformStack\b", re.MULTILINE)
_FROM = re.compile(r"^\s*from\s+(\.*)([\w.]*)\s+import\s+\(?([^()\n]*)", re.MULTILINE)
_IMPORT = re.compile(r"^\s*import\s+([\w.]+)", re.MULTILINE)
_PLATFORM = re.compile(r"^(?:cdktf(?:_cdktf_provider_\w+)?|constructs|imports)$")
MAX_SOURCE = 2_000_000
"""Characters; a longer text is not taken for code that somebody wrote."""


@dataclass(frozen=True, slots=True)
class Import:
    """`from MODULE import NAMES` (`level` dots), or `import MODULE` with no names."""

    module: str
    names: tuple[str, ...]
    level: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """Facts about one text. Where it does not parse they are read line by line, and `parses` is False."""

    parses: bool
    definitions: frozenset[str]
    bound: frozenset[str]
    """Every name that the module's top level binds: definitions, assignments, imports."""
    members: frozenset[str]
    """Definitions, and the methods of classes as `Class.method`."""
    classes: frozenset[str]
    stacks: frozenset[str]
    imports: tuple[Import, ...]
    builds_app: bool
    guarded: bool
    elided: bool

    @property
    def for_platform(self) -> bool:
        """Whether it is CDKTF code: imports it, or derives a stack from it."""
        return bool(self.stacks) or any(_PLATFORM.match(one.module.partition(".")[0]) for one in self.imports if not one.level)

    @property
    def complete(self) -> bool:
        """Whether it can be a whole file: it parses, leaves nothing out, and is more than a statement shown in passing."""
        return self.parses and not self.elided and bool(self.imports or self.definitions)


@lru_cache(maxsize=4096)
def read_source(text: str) -> Source:
    """The facts about `text`. Never raises."""
    tree = _parse(text)
    elided = bool(_ELIDED.search(text))
    if tree is None:
        return _read_lines(text, elided)
    body = tree.body
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    functions = [node for node in body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    unguarded = ast.Module([node for node in body if not _is_main_guard(node) and node not in functions and node not in classes], [])
    builds = _calls(tree, "App") and _calls(tree, "synth")
    return Source(
        parses=True,
        definitions=frozenset(node.name for node in [*classes, *functions]),
        bound=frozenset(name for node in body for name in _bound(node)),
        members=frozenset(node.name for node in [*classes, *functions])
        | {f"{one.name}.{node.name}" for one in classes for node in one.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))},
        classes=frozenset(node.name for node in classes),
        stacks=frozenset(node.name for node in classes if any(_last_name(base) == "TerraformStack" for base in node.bases)),
        imports=tuple(_imports(tree)),
        builds_app=builds,
        guarded=builds and not _calls(unguarded, "synth"),
        elided=elided,
    )


def _parse(text: str) -> ast.Module | None:
    if len(text) > MAX_SOURCE:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read_lines(text: str, elided: bool) -> Source:
    imports = [Import(module, tuple(name.split()[0] for name in names.split(",") if name.split()), len(dots)) for dots, module, names in _FROM.findall(text)]
    return Source(
        parses=False,
        definitions=frozenset(_DEFINITION.findall(text)),
        bound=frozenset(_DEFINITION.findall(text)) | frozenset(_ASSIGNMENT.findall(text)) | {name for one in imports for name in one.names},
        members=frozenset(_DEFINITION.findall(text)),
        classes=frozenset(_CLASS.findall(text)),
        stacks=frozenset(_STACK.findall(text)),
        imports=tuple(imports + [Import(module, ()) for module in _IMPORT.findall(text)]),
        builds_app=bool(re.search(r"\bApp\(", text) and re.search(r"\.synth\(", text)),
        guarded="__main__" in text,
        elided=elided,
    )


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level)
        elif isinstance(node, ast.Import):
            yield from (Import(alias.name, ()) for alias in node.names)


def _bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (alias.asname or alias.name for alias in node.names)
    else:
        yield from (part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))


def _is_main_guard(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(isinstance(part, ast.Constant) and part.value == "__main__" for part in ast.walk(node.test))


def _calls(tree: ast.AST, name: str) -> bool:
    return any(isinstance(node, ast.Call) and _last_name(node.func) == name for node in ast.walk(tree))


def _last_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def wanted_modules(path: str, source: Source) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The modules that a file at `path` imports, as (dotted name from the tree's root, names taken from it)."""
    for one in source.imports:
        yield from modules_of(path, one)


def modules_of(path: str, one: Import) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The modules of one import. `from lib import networking` gives `lib` and `lib.networking`: only the tree knows which it is."""
    base = _base(path, one)
    if base is not None:
        yield base, one.names
        yield from ((f"{base}.{name}" if base else name, ()) for name in one.names)


def _base(path: str, one: Import) -> str | None:
    if not one.level:
        return one.module
    folders = PurePosixPath(path).parts[: -one.level]
    if len(PurePosixPath(path).parts) < one.level:
        return None
    return ".".join([*folders, *([one.module] if one.module else [])])


def module_of(path: str) -> str:
    """The dotted name of the module at `path`: `lib/x.py` and `lib/x/__init__.py` are `lib.x`."""
    return ".".join(PurePosixPath(path).with_suffix("").parts).removesuffix(".__init__")


def reachable(entry: str, sources: Mapping[str, Source]) -> list[str]:
    """The files that running `entry` imports, itself first, as far as the imports of `sources` tell."""
    by_module = {module_of(path): path for path in sources}
    found: list[str] = []
    waiting = [entry] if entry in sources else []
    while waiting:
        path = waiting.pop()
        found.append(path)
        targets = {by_module[module] for module, _ in wanted_modules(path, sources[path]) if module in by_module}
        waiting += sorted(targets - set(found) - set(waiting))
    return found
