"""The provider is found where terraform would look, in both layouts of a mirror."""

import os
import sys
import zipfile

import pytest

from harness import providers
from harness.errors import ToolMissing
from harness.providers import fetch_provider, find_provider

VERSION = "5.0.1"
NAME = f"terraform-provider-aws_v{VERSION}_x5"


@pytest.fixture
def environ(tmp_path, monkeypatch):
    """A machine with nothing on it but an empty home."""
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(providers, "_SYSTEM_FOLDERS", (str(tmp_path / "opt"),))
    monkeypatch.setattr(providers, "_IMPLIED", ())
    return {"HOME": str(tmp_path / "home")}


def unpacked(root, host="registry.terraform.io", version=VERSION):
    binary = root / host / "hashicorp" / "aws" / version / providers._target() / f"terraform-provider-aws_v{version}_x5"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return binary


def packed(root):
    folder = root / "registry.terraform.io" / "hashicorp" / "aws"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / f"terraform-provider-aws_{VERSION}_{providers._target()}.zip", "w") as archive:
        archive.writestr(NAME, "#!/bin/sh\n")


def test_none_where_there_is_none(environ):
    assert find_provider(VERSION, environ) is None


def test_the_setting_comes_first(environ, tmp_path):
    unpacked(tmp_path / "opt" / "mirror")
    chosen = unpacked(tmp_path / "chosen")
    assert find_provider(VERSION, {**environ, "ASSAY_PROVIDER_MIRROR": str(tmp_path / "chosen")}) == chosen


@pytest.mark.parametrize(
    "text",
    [
        'provider_installation {{\n  # path = "/nowhere"\n  filesystem_mirror {{\n    path    = "{root}"\n    include = ["*/*"]\n  }}\n}}\n',
        'plugin_cache_dir = "{root}"\n',
        'plugin_cache_dir = "$MIRRORS"\n',
    ],
)
def test_terraforms_configuration_is_read(environ, tmp_path, text):
    binary = unpacked(tmp_path / "mirror")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".terraformrc").write_text(text.format(root=tmp_path / "mirror"))
    assert find_provider(VERSION, {**environ, "MIRRORS": str(tmp_path / "mirror")}) == binary


def test_a_configuration_that_is_not_there_is_no_error(environ, tmp_path):
    assert find_provider(VERSION, {**environ, "TF_CLI_CONFIG_FILE": str(tmp_path / "absent")}) is None


def test_a_plugin_cache_and_an_implied_mirror_are_found(environ, tmp_path):
    cached = unpacked(tmp_path / "cached")
    implied = unpacked(tmp_path / "home" / ".terraform.d" / "plugins", version="5.0.2")
    environ = {**environ, "TF_PLUGIN_CACHE_DIR": str(tmp_path / "cached")}
    assert find_provider(VERSION, environ) == cached
    assert find_provider("5.0.2", environ) == implied


@pytest.mark.parametrize(("folder", "found"), [("opt", True), ("opt/a/b", True), ("opt/a/b/c", False)])
def test_mirrors_are_searched_three_levels_deep(environ, tmp_path, folder, found):
    binary = unpacked(tmp_path / folder)
    assert find_provider(VERSION, environ) == (binary if found else None)


def test_opentofus_registry_serves_as_well(environ, tmp_path):
    binary = unpacked(tmp_path, "registry.opentofu.org")
    assert find_provider(VERSION, {**environ, "ASSAY_PROVIDER_MIRROR": str(tmp_path)}) == binary


def test_a_packed_mirror_is_unpacked_once_into_the_cache(environ, tmp_path):
    packed(tmp_path / "opt")
    found = find_provider(VERSION, environ)
    assert found is not None
    assert found.is_relative_to(tmp_path / "cache")
    assert found.name == NAME
    assert os.access(found, os.X_OK)
    assert find_provider(VERSION, environ) == found


def test_another_version_is_not_taken(environ, tmp_path):
    unpacked(tmp_path / "opt", version="5.0.10")
    assert find_provider(VERSION, environ) is None


def terraform(tmp_path, script):
    program = tmp_path / "terraform"
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(0o755)
    return program


def test_fetching_leaves_the_provider_in_the_cache(environ, tmp_path):
    target = f"registry.terraform.io/hashicorp/aws/{VERSION}/{providers._target()}"
    script = f"""
import os, pathlib
folder = pathlib.Path(os.environ["TF_PLUGIN_CACHE_DIR"], "{target}")
folder.mkdir(parents=True)
(folder / "{NAME}").touch(0o755)
"""
    found = fetch_provider(terraform(tmp_path, script), VERSION, {**environ, "PATH": os.environ["PATH"]})
    assert found.is_relative_to(tmp_path / "cache")


def test_fetching_in_vain_says_what_terraform_said(environ, tmp_path):
    script = "import sys\nsys.exit('Error: could not connect to registry.terraform.io')\n"
    with pytest.raises(ToolMissing, match="could not connect"):
        fetch_provider(terraform(tmp_path, script), VERSION, environ)
