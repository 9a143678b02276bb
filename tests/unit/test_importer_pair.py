"""Two folders become a case; what the response lacks to be started comes from the ideal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.case import entry_of, load_case
from harness.cli import main
from harness.errors import UsageError
from harness.importers import registry

SETTINGS = json.dumps({"language": "python", "app": "python tap.py"})
PROGRAM = "from cdktf import App\n\napp = App()\napp.synth()\n"


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    files = {"response/tap.py": PROGRAM, "ideal/tap.py": PROGRAM, "ideal/cdktf.json": SETTINGS, "ideal/tests/test_it.py": "x = 1\n"}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path / "response", tmp_path / "ideal"


def run(trees: tuple[Path, Path], *more: str) -> int:
    return main(["import", "pair", *map(str, trees), "--name", "my-case", "--to", str(trees[0].parent / "cases"), *more])


def test_a_pair_becomes_a_case(trees, tmp_path, capsys) -> None:
    (tmp_path / "asked.md").write_text("Build it.\n")
    assert run(trees, "--prompt", str(tmp_path / "asked.md"), "--model", "m1") == 0
    case = load_case(tmp_path / "cases" / "my-case")
    assert (case.title, case.model, case.prompt, case.tests) == ("My case", "m1", "Build it.\n", ("tests",))
    assert entry_of(case, case.response) == ("python", "tap.py")
    assert case.provenance["supplied"] == {"cdktf.json": "the ideal's"}


def test_a_pair_without_a_model_is_of_an_unknown_one(trees, tmp_path) -> None:
    assert run(trees) == 0
    assert load_case(tmp_path / "cases" / "my-case").model == "unknown"


@pytest.mark.parametrize("missing", ["response", "ideal"])
def test_a_folder_that_is_not_there_is_a_usage_error(trees, tmp_path, capsys, missing: str) -> None:
    (tmp_path / missing).rename(tmp_path / "moved")
    assert run(trees) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_prompt_that_is_not_there_fails_the_import(trees, capsys) -> None:
    assert run(trees, "--prompt", "nothing.md") == 2
    assert "cannot be read" in capsys.readouterr().out


def test_a_plugin_that_is_no_importer_is_refused(monkeypatch) -> None:
    class Point:
        name, value = "odd", "somewhere:Odd"

        def load(self) -> type:
            return object

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point()])
    with pytest.raises(UsageError, match="lacks name"):
        registry.all_importers()


def test_json_may_stand_before_the_format(trees, capsys) -> None:
    assert main(["import", "--json", "pair", *map(str, trees), "--name", "x", "--to", str(trees[0].parent / "cases")]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "imported"


@pytest.mark.parametrize("name", ["../outside", "a/b", ".hidden", ""])
def test_a_name_that_is_none_is_refused(trees, tmp_path, capsys, name: str) -> None:
    assert main(["import", "pair", *map(str, trees), "--name", name, "--to", str(tmp_path / "cases")]) == 2
    assert "is no name for a case" in capsys.readouterr().out
    assert not (tmp_path / "outside").exists()


def test_a_folder_in_place_of_which_a_file_lies_is_said(trees, tmp_path, capsys) -> None:
    (tmp_path / "cases").write_text("in the way")
    assert run(trees) == 2
    assert "failed" in capsys.readouterr().out
