"""Imports go one way, and what runs in the sandbox stands on the standard library."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HARNESS = sorted((ROOT / "harness").rglob("*.py"))
INSIDE = [path for path in HARNESS if path.parent.name == "inside" and "synth" in path.parts]
MAY_CALL_SCORING = {"cli.py", "evaluate.py", "batch.py"}


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", [path for path in HARNESS if path.name not in MAY_CALL_SCORING and path.parent.name != "commands"], ids=lambda path: path.name)
def test_the_harness_does_not_know_scores(path: Path) -> None:
    assert not {name for name in _imports(path) if name.split(".")[0] == "scoring"}


@pytest.mark.parametrize("path", INSIDE, ids=lambda path: path.name)
def test_what_runs_in_the_sandbox_stands_on_the_standard_library(path: Path) -> None:
    own = {other.stem for other in INSIDE}
    allowed = set(sys.stdlib_module_names) | own | {"jsii", "pytest"}
    assert {name.split(".")[0] for name in _imports(path)} <= allowed


def test_module_imports_have_no_cycle() -> None:
    files = [*HARNESS, *sorted((ROOT / "scoring").rglob("*.py"))]
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}
    edges = {
        module: {
            # A name out of a package is a module of it, or something that the package itself defines.
            part if (part := f"{node.module}.{alias.name}") in modules else node.module
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
        }
        for module, path in modules.items()
    }
    visiting: list[str] = []
    done: set[str] = set()

    def visit(module: str) -> None:
        assert module not in visiting, f"import cycle: {' -> '.join([*visiting[visiting.index(module) :], module])}"
        if module in done:
            return
        visiting.append(module)
        for target in sorted(edges[module] & edges.keys()):
            visit(target)
        done.add(visiting.pop())

    for module in edges:
        visit(module)


@pytest.mark.parametrize("path", [*HARNESS, *sorted((ROOT / "scoring").rglob("*.py"))], ids=lambda path: path.name)
def test_files_stay_small_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
