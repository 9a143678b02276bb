"""The IaC-Eval table: every row becomes a case, or says why not. All rows here are made up."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import pytest

from harness.case import load_case
from harness.cli import main
from harness.errors import UsageError
from harness.importers.iac_eval import IacEval, read_table

POLICY = "package terraform.validation\n\ndefault ok = false\n\nok {\n    input.x\n}\n"
REFERENCE = 'resource "aws_vpc" "main" {\n  cidr_block = "10.0.0.0/16"\n}\n'
ROW = {
    "Resource": "aws_vpc, aws_subnet",
    "Prompt": "Make a VPC.\nQuickly.",
    "Rego intent": POLICY,
    "Difficulty": "3",
    "Reference output": REFERENCE,
    "Intent": "Has a VPC",
}


def _table(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _import(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, str]]]:
    code = main(["import", "iac-eval", *map(str, arguments), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_row_is_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (outcome,) = _import(capsys, _table(tmp_path / "data.csv", ROW), "--to", tmp_path / "cases")
    assert (code, outcome["status"]) == (0, "imported")
    case = load_case(tmp_path / "cases" / "iac-eval-001")
    assert (case.platform, case.language, case.model) == ("terraform", "hcl", "unknown")
    assert case.prompt == "Make a VPC.\nQuickly.\n"
    assert case.title == "Make a VPC. Quickly."
    assert case.tags == ("iac-eval", "difficulty-3", "aws_vpc", "aws_subnet")
    assert case.ideal.files == {"main.tf": REFERENCE.encode()}
    assert [(policy.path, policy.text) for policy in case.policies] == [("policies/intent.rego", POLICY)]
    assert case.provenance["intent"] == "Has a VPC"
    assert list(case.response.files) == ["RESPONSE.md"]
    assert case.provenance["no_usable_code"] == outcome["reason"] == "no response was given to the importer"


def test_answers_come_from_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fenced = {**ROW, "LLM Output #0": f"Here it is:\n ```hcl\n{REFERENCE} ```\nand\n```bash\nterraform apply\n```\n"}
    bare, refused = {**ROW, "LLM Output #0": REFERENCE}, {**ROW, "LLM Output #0": "I cannot do that."}
    table = _table(tmp_path / "data.csv", fenced, bare, refused)
    code, outcomes = _import(capsys, table, "--column", "LLM Output #0", "--model", "some-model", "--to", tmp_path / "cases")
    assert code == 0
    cases = [load_case(Path(outcome["case"])) for outcome in outcomes]
    assert [case.response.files.get("main.tf", b"").decode() for case in cases] == [REFERENCE, REFERENCE, ""]
    assert cases[2].provenance["no_usable_code"] == "the answer holds no Terraform block"
    assert {case.model for case in cases} == {"some-model"}


def test_answers_come_from_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = tmp_path / "answers"
    (answers / "003").mkdir(parents=True)
    (answers / "001.tf").write_text(REFERENCE)
    (answers / "2.md").write_text(f"```terraform\n{REFERENCE}```\n")
    (answers / "003" / "net.tf").write_text(REFERENCE)
    _, outcomes = _import(capsys, _table(tmp_path / "data.csv", ROW, ROW, ROW, ROW), "--responses", answers, "--to", tmp_path / "cases")
    trees = [load_case(Path(outcome["case"])).response.files for outcome in outcomes]
    assert [list(tree) for tree in trees] == [["main.tf"], ["main.tf"], ["net.tf"], ["RESPONSE.md"]]
    assert "no answer to row 4" in outcomes[3]["reason"]


def test_rows_that_are_no_case_say_why_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**ROW, "Prompt": " "}, {**ROW, "Rego intent": "see the paper"}, {**ROW, "Reference output": "TODO"}, ROW]
    code, outcomes = _import(capsys, _table(tmp_path / "data.csv", *rows), "--to", tmp_path / "cases")
    assert code == 2
    assert [outcome["status"] for outcome in outcomes] == ["failed", "failed", "failed", "imported"]
    for outcome, words in zip(outcomes, ("row 1: the column Prompt is empty", "holds no Rego policy", "holds no Terraform block"), strict=False):
        assert words in outcome["reason"]
    assert [path.name for path in (tmp_path / "cases").iterdir()] == ["iac-eval-004"]


def test_only_some_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = _table(tmp_path / "data.csv", *[ROW] * 6)
    _, outcomes = _import(capsys, table, "--rows", "2,4-5", "--to", tmp_path / "cases")
    assert [Path(outcome["case"]).name for outcome in outcomes] == ["iac-eval-002", "iac-eval-004", "iac-eval-005"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,2\n", "has no column Prompt, Rego intent, Reference output"),
        (b"\xff\xfe", "not UTF-8"),
        (b"Prompt,Rego intent,Reference output\n", "has no rows"),
    ],
)
def test_a_table_that_is_none_says_so(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read_table(tmp_path / "data.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"column": "Answer"}, "has no column 'Answer'"),
        ({"responses": Path("nowhere")}, "no such folder"),
        ({"column": "Prompt", "responses": Path("/")}, "exclude each other"),
        ({"rows": frozenset({9})}, "has none of these rows"),
    ],
)
def test_options_that_do_not_fit_the_table(tmp_path: Path, options: dict[str, object], words: str) -> None:
    chosen = {"table": _table(tmp_path / "data.csv", ROW), "column": None, "responses": None, "rows": None, "model": "m", **options}
    with pytest.raises(UsageError, match=words):
        list(IacEval().tasks(argparse.Namespace(**chosen)))
