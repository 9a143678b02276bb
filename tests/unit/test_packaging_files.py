"""What an installation holds, what a set-up fetches, and that both are told truly."""

from __future__ import annotations

import ast
import hashlib
import io
import os
import re
import subprocess
import sys
import tomllib
import urllib.error
import zipfile
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness import setup_tools
from harness.errors import HarnessFault
from harness.gates.registry import all_gates
from harness.terraform.judge import missing_tools
from harness.toolchain import DEFAULT, TERRAFORM_GATES, Toolchain, diagnose, pin_file, pins

ROOT = Path(__file__).resolve().parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SOURCES = sorted(path for package in ("harness", "scoring") for path in (ROOT / package).rglob("*.py"))
REASONS = (ROOT / "docs" / "dependencies.md").read_text()


def _third_party() -> set[str]:
    """Top-level names that our code imports from outside the standard library and the project."""
    names: set[str] = set()
    for path in SOURCES:
        beside = {other.stem for other in path.parent.glob("*.py")}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found = {alias.name for alias in node.names}
            else:
                found = {node.module or ""} if isinstance(node, ast.ImportFrom) and not node.level else set()
            # What runs inside the sandbox imports its neighbours by their bare names.
            names |= {name.partition(".")[0] for name in found} - beside
    return names - set(sys.stdlib_module_names) - {"harness", "scoring"}


@pytest.mark.parametrize("package", ["harness", "scoring"])
def test_every_data_file_is_part_of_the_distribution(package: str) -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"][package]
    packed = {path for pattern in patterns for path in (ROOT / package).glob(pattern) if path.is_file()}
    wanted = {path for path in (ROOT / package).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert wanted - packed == set()


def test_what_is_imported_is_declared_or_comes_along() -> None:
    optional = [line for name, lines in PYPROJECT["project"]["optional-dependencies"].items() if name != "dev" for line in lines]
    declared = {re.split(r"[\[=]", line)[0].lower() for line in [*PYPROJECT["project"]["dependencies"], *optional]}
    section = REASONS.partition("## Used directly, and brought along")[2].partition("##")[0]
    known = declared | {name.lower() for name in re.findall(r"`([\w-]+)`", section)}
    providers = packages_distributions()
    undeclared = {name for name in _third_party() if not {one.lower() for one in providers.get(name, [name])} & known}
    assert undeclared == set()


def test_every_pin_is_exact() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    lines = [*PYPROJECT["project"]["dependencies"], *(line for several in extras.values() for line in several)]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line)] == []


def test_every_tool_for_development_has_its_reason() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    names = [re.split(r"[\[=]", line)[0] for lines in extras.values() for line in lines]
    assert [name for name in names if f"`{name}`" not in REASONS] == []


def test_every_pinned_terraform_has_the_checksum_of_each_usual_platform() -> None:
    releases = pin_file()["releases"]["terraform"]
    for name in pin_file()["toolchains"]:
        checksums = releases[pins(name)["terraform"]]
        assert {"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"} <= checksums.keys()
        assert all(re.fullmatch(r"[0-9a-f]{64}", checksum) for checksum in checksums.values())


def _archive(content: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("terraform", content)
    return written.getvalue()


def test_an_archive_with_the_pinned_checksum_is_installed(tmp_path: Path) -> None:
    archive = _archive(b"#!/bin/sh\necho here\n")
    binary = setup_tools.install_terraform(archive, hashlib.sha256(archive).hexdigest(), tmp_path / "tools")
    assert subprocess.run([binary], capture_output=True, text=True, check=True).stdout == "here\n"
    assert list((tmp_path / "tools").iterdir()) == [binary]


def test_an_archive_with_another_checksum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessFault, match="checksum"):
        setup_tools.install_terraform(_archive(b"another"), "0" * 64, tmp_path / "tools")
    assert not (tmp_path / "tools").exists()


def test_what_cannot_be_fetched_is_said_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: str, timeout: float) -> None:
        assert pins(DEFAULT)["terraform"] in url
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(setup_tools.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(setup_tools.platform, "system", lambda: "Linux")
    monkeypatch.setattr(setup_tools.platform, "machine", lambda: "x86_64")
    with pytest.raises(HarnessFault, match="no network") as error:
        setup_tools.fetch_terraform(tmp_path)
    assert "PATH" in error.value.remedy


def test_a_platform_without_a_checksum_is_never_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_tools.platform, "machine", lambda: "riscv64")
    monkeypatch.setattr(setup_tools.urllib.request, "urlopen", lambda *_, **__: pytest.fail("nothing to compare it with"))
    with pytest.raises(HarnessFault, match="no checksum is known"):
        setup_tools.fetch_terraform(tmp_path)


def test_a_set_up_without_terraform_goes_on_and_names_the_holes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise HarnessFault("terraform cannot be fetched", "install it yourself")

    def stop(*_: object) -> None:
        raise HarnessFault("no sandbox")

    monkeypatch.setattr(setup_tools, "find_terraform", lambda: None)
    monkeypatch.setattr(setup_tools, "fetch_terraform", refuse)
    monkeypatch.setattr("harness.sandbox.open_sandbox", stop)
    assert setup_tools.main() == 0
    said = capsys.readouterr().out
    assert "terraform cannot be fetched" in said and setup_tools.HOLES in said and "install it yourself" in said


def test_a_set_up_and_doctor_name_every_gate_that_says_nothing_without_terraform(toolchain: Toolchain) -> None:
    bare = replace(toolchain, terraform=None, provider=None)
    mute: set[str] = set()
    for gate in all_gates():
        if missing_tools(SimpleNamespace(toolchain=bare)) == gate.missing(SimpleNamespace(toolchain=bare)) or mute & {*gate.needs}:  # type: ignore[arg-type]
            mute.add(gate.name)
    assert mute == {*TERRAFORM_GATES}
    costs = {report.tool: report.cost for report in diagnose(bare)}
    assert costs["terraform"] == costs["provider aws"] == "the gates validate, plan, apply and intent are holes"
    assert setup_tools.HOLES == "the gates validate, plan, apply and intent will be holes"


def _stub(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _install_system(tmp_path: Path) -> str:
    script = ROOT / "harness" / "install_system.sh"
    environment = {"PATH": str(tmp_path), "LOG": str(tmp_path / "log")}
    done = subprocess.run(["/bin/sh", script, "python"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH of stubs: a Python without ensurepip, no bubblewrap, a package manager that writes down what it is asked."""
    _stub(tmp_path, "python", 'case "$2" in *ensurepip*) exit 1 ;; *) echo 3.12 ;; esac')
    _stub(tmp_path, "apt-get", 'echo "$@" >> "$LOG"')
    _stub(tmp_path, "id", "echo 0")
    return tmp_path


def test_a_fresh_debian_gets_the_sandbox_and_venv(machine: Path) -> None:
    assert _install_system(machine) == ""
    assert (machine / "log").read_text().split()[-2:] == ["bubblewrap", "python3.12-venv"]


def test_without_root_the_one_line_is_said(machine: Path) -> None:
    _stub(machine, "id", "echo 1000")
    assert "apt-get install -y bubblewrap python3.12-venv" in _install_system(machine)
    assert not (machine / "log").exists()


def test_nothing_is_installed_twice(machine: Path) -> None:
    _stub(machine, "bwrap", "exit 0")
    _stub(machine, "python", "exit 0")
    assert _install_system(machine) == ""
    assert not (machine / "log").exists()


@pytest.mark.skipif(os.name == "nt", reason="make and sh")
def test_make_finds_a_python_that_is_new_enough(tmp_path: Path) -> None:
    _stub(tmp_path, "python3.11", "exit 1")
    _stub(tmp_path, "python3.12", "exit 0")
    done = subprocess.run(
        ["make", "-s", "--eval", "show: ; @echo $(PYTHON)", "show"],
        cwd=ROOT,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "python3.12"
