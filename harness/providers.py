"""Finds the provider hashicorp/aws on this machine, where terraform would look for it and where mirrors usually lie."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import ToolMissing
from harness.userdata import cache_folder

_HOSTS = ("registry.terraform.io", "registry.opentofu.org")
_SYSTEM_FOLDERS = ("/opt", "/usr/local", "/usr/share", "/var/lib")
_IMPLIED = ("/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
_SEARCH_DEPTH = 3
_FETCH_SECONDS = 900
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_COMMENT = re.compile(r"^\s*(#|//).*$", re.MULTILINE)
_MIRROR = re.compile(r"filesystem_mirror\s*\{[^}]*?\bpath\s*=\s*\"([^\"]+)\"")
_PLUGIN_CACHE = re.compile(r"^\s*plugin_cache_dir\s*=\s*\"([^\"]+)\"", re.MULTILINE)


def find_provider(version: str, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The binary of hashicorp/aws `version`, unpacked into the user's cache where only the archive is there; else None.

    Looked for, in this order: `ASSAY_PROVIDER_MIRROR`, terraform's CLI configuration, its plugin cache and
    implied mirrors, what `fetch_provider` fetched, and `registry.terraform.io` folders in the usual places.
    """
    for root in _roots(environ):
        for host in _HOSTS:
            if found := _in_folder(root / host / "hashicorp" / "aws", version):
                return found
    return None


def fetch_provider(terraform: Path, version: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Let terraform download the provider into the user's cache. Raises `ToolMissing` with terraform's own words."""
    plugins = _fetched()
    plugins.mkdir(parents=True, exist_ok=True)
    wanted = f'terraform {{\n  required_providers {{\n    aws = {{ source = "hashicorp/aws", version = "{version}" }}\n  }}\n}}\n'
    remedy = "set ASSAY_PROVIDER_MIRROR to a folder made with `terraform providers mirror`, or try again with network"
    environment = {name: value for name, value in environ.items() if name not in ("TF_REATTACH_PROVIDERS", "TF_CLI_ARGS", "TF_CLI_ARGS_init")}
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        Path(folder, "main.tf").write_text(wanted, encoding="utf-8")
        try:
            done = subprocess.run(
                [str(terraform), "init", "-input=false", "-no-color"], cwd=folder, capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS,
                env=environment | {"TF_PLUGIN_CACHE_DIR": str(plugins), "TF_DATA_DIR": f"{folder}/.terraform", "CHECKPOINT_DISABLE": "1"},
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise ToolMissing(f"the provider hashicorp/aws {version} cannot be fetched: {error}", remedy) from error
    found = find_provider(version, environ)
    if done.returncode != 0 or found is None:
        said = " ".join(done.stderr.split())[-300:] or "terraform init left no provider behind"
        raise ToolMissing(f"the provider hashicorp/aws {version} cannot be fetched: {said}", remedy)
    return found


def _roots(environ: Mapping[str, str]) -> Iterator[Path]:
    """Folders that may hold `registry.terraform.io/hashicorp/aws`, most deliberate choice first."""
    home = Path(environ.get("HOME") or Path.home())
    if chosen := environ.get("ASSAY_PROVIDER_MIRROR"):
        yield Path(chosen).expanduser()
    configured = environ.get("TF_CLI_CONFIG_FILE")
    for file in [Path(configured)] if configured else [home / ".terraformrc", home / ".tofurc"]:
        yield from _configured(file, environ)
    if cached := environ.get("TF_PLUGIN_CACHE_DIR"):
        yield Path(cached)
    yield home / ".terraform.d" / "plugins"
    yield Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "terraform" / "plugins"
    yield from map(Path, _IMPLIED)
    yield _fetched()
    for folder in (*_SYSTEM_FOLDERS, environ.get("XDG_CACHE_HOME") or home / ".cache"):
        yield from _below(Path(folder), _SEARCH_DEPTH)


def _configured(file: Path, environ: Mapping[str, str]) -> list[Path]:
    """Mirrors and plugin cache that a terraform CLI configuration names; none where the file cannot be read."""
    try:
        text = _COMMENT.sub("", file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return []
    named = [*_MIRROR.findall(text), *_PLUGIN_CACHE.findall(text)]
    return [Path(re.sub(r"\$\{?(\w+)\}?", lambda match: environ.get(match[1], ""), path)).expanduser() for path in named]


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """Folders at most `depth` levels below that hold a registry's folder."""
    try:
        children = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return
    if any(child.name in _HOSTS for child in children):
        yield folder
    elif depth > 1:
        for child in children:
            yield from _below(child, depth - 1)


def _in_folder(folder: Path, version: str) -> Path | None:
    """The binary in a mirror's folder, in terraform's unpacked or packed layout."""
    target = _target()
    for binary in sorted((folder / version / target).glob(f"terraform-provider-aws_v{version}*")):
        if os.access(binary, os.X_OK):
            return binary
    archive = folder / f"terraform-provider-aws_{version}_{target}.zip"
    return _unpacked(archive, version) if archive.is_file() else None


def _unpacked(archive: Path, version: str) -> Path | None:
    """The binary of a packed mirror, unpacked once."""
    folder = _fetched() / _HOSTS[0] / "hashicorp" / "aws" / version / _target()
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        with zipfile.ZipFile(archive) as content:
            names = [name for name in content.namelist() if name.startswith("terraform-provider-aws_v") and "/" not in name]
            for name in names:
                content.extract(name, building)
                (building / name).chmod(0o755)
        building.chmod(0o755)
        if names and not folder.exists():
            building.rename(folder)
    except (OSError, zipfile.BadZipFile):
        return None
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return next(iter(sorted(folder.glob(f"terraform-provider-aws_v{version}*"))), None)


def _fetched() -> Path:
    return cache_folder() / "providers"


def _target() -> str:
    machine = platform.machine().lower()
    return f"{'darwin' if sys.platform == 'darwin' else 'linux'}_{_ARCHITECTURES.get(machine, machine)}"
