"""Where in the tree a named file lies: prefixes cut, missing folders found in what imports it or where the ideal has it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from harness.importers.markdown import Block
from harness.importers.sources import Source, module_of, modules_of, read_source, wanted_modules

_TOP = frozenset({"lib", "tests", "test", "bin", "src", "stacks"})
_AT_ROOT = frozenset({"cdktf.json", "requirements.txt", "Pipfile", "README.md", ".gitignore", "pyproject.toml", "setup.py", "package.json", "setup.cfg"})
_PROGRAMS = frozenset({"main.py", "app.py", "tap.py", "cdktf_app.py", "__main__.py"})


def is_test(path: str) -> bool:
    """Whether a path is a test's, by its folder or its name."""
    return path.split("/")[0] in ("tests", "test") or posixpath.basename(path).startswith(("test_", "conftest."))


def settle_paths(
    names: Mapping[int, str], blocks: Sequence[Block], ideal: Mapping[str, Source], ideal_entry: str, ideal_paths: frozenset[str]
) -> dict[int, str]:
    """The path of each named block, relative to the tree's root. `names` are the paths as the response wrote them."""
    tops = _TOP | {path.split("/")[0] for path in ideal_paths if "/" in path}
    paths = {number: _below_root(path, tops) for number, path in names.items()}
    paths = {number: path for number, path in paths.items() if path}
    paths = _without_project(paths, blocks, tops)
    own_entry = any(_builds(blocks[number]) and not is_test(path) for number, path in paths.items())
    outside = () if own_entry or ideal_entry not in ideal else wanted_modules(ideal_entry, ideal[ideal_entry])
    modules = {module for module, _ in outside} | set(_imported(paths, blocks, relative=False))
    for _ in range(2):
        # The second round knows the folders that the first one found, and with them what relative imports mean.
        paths = {number: _importable(path, modules) if path.endswith(".py") else path for number, path in paths.items()}
        modules |= set(_imported(paths, blocks, relative=True))
    return {number: _with_folder(path, blocks[number], modules, ideal_paths, paths) for number, path in paths.items()}


def _builds(block: Block) -> bool:
    return block.is_python and read_source(block.text).builds_app


def _below_root(path: str, tops: frozenset[str]) -> str:
    """An absolute path, from the last folder in it that a tree's root has."""
    if not path.startswith("/"):
        return path
    parts = path.strip("/").split("/")
    starts = [position for position, part in enumerate(parts[:-1]) if part in tops]
    return "/".join(parts[starts[0] :]) if starts else parts[-1]


def _without_project(paths: dict[int, str], blocks: Sequence[Block], tops: frozenset[str]) -> dict[int, str]:
    """Paths without the project's own folder, where all begin with it and its program lies right below."""
    python = {path for path in paths.values() if path.endswith(".py")}
    first = {path.split("/")[0] for path in python}
    if len(first) != 1 or any("/" not in path for path in python):
        return paths
    project = next(iter(first))
    at_top = [blocks[number] for number, path in paths.items() if path.count("/") == 1 and path.startswith(f"{project}/") and path.endswith(".py")]
    imported = any(module.split(".")[0] == project for module in _imported(paths, blocks, relative=False))
    if project in tops or imported or not any(_builds(block) for block in at_top):
        return paths
    return {number: path.removeprefix(f"{project}/") for number, path in paths.items()}


def _imported(paths: Mapping[int, str], blocks: Sequence[Block], relative: bool) -> Iterator[str]:
    """The modules that the blocks import; relative imports mean something only in a file whose folder is known."""
    for number, block in enumerate(blocks):
        if not block.is_python:
            continue
        path = paths.get(number, "")
        for one in read_source(block.text).imports:
            if not one.level or (relative and "/" in path):
                yield from (module for module, _ in modules_of(path or "?", one))


def _importable(path: str, modules: set[str]) -> str:
    """`networking.py` is `lib/networking.py` where `lib.networking` is imported and plain `networking` is not."""
    module = module_of(path)
    if not module or module in modules or path.endswith("__init__.py"):
        return path
    longer = sorted((one for one in modules if one.endswith("." + module)), key=len)
    return longer[0].replace(".", "/") + ".py" if longer else path


def _with_folder(path: str, block: Block, modules: set[str], ideal_paths: frozenset[str], paths: Mapping[int, str]) -> str:
    """A folder for a name that still has none, where the ideal has exactly one file of that name."""
    if "/" in path or path in _AT_ROOT or path in ideal_paths or (path in _PROGRAMS and _builds(block)):
        return path
    if path == "__init__.py":
        folders = [posixpath.dirname(other) for other in paths.values() if other.endswith(".py") and "/" in other]
        return posixpath.join(folders[0], path) if folders else path
    if module_of(path) in modules and not is_test(path):
        return path
    same = [other for other in ideal_paths if posixpath.basename(other) == path]
    if len(same) == 1:
        return same[0]
    return posixpath.join("tests/unit", path) if path.startswith("test_") and path.endswith(".py") else path
