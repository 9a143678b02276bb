"""What an installed Assay reads at run time is part of its package."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize("package", ["harness", "scoring"])
def test_every_data_file_is_packaged(package: str) -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][package]
    packaged = {path for pattern in patterns for path in Path(ROOT, package).glob(pattern) if path.is_file()}
    there = {path for path in Path(ROOT, package).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert there, package
    assert there <= packaged
