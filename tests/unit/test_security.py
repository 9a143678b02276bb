"""The security gate without checkov: where it is looked for, what it is shown, how its answers are read, how they are classified."""

from __future__ import annotations

import dataclasses
import json
import stat
from pathlib import Path

import pytest

from harness.case import Case
from harness.diagnostics import Diagnostic
from harness.failures import Category, Severity
from harness.gates.base import GateResult, Status, Subject
from harness.gates.registry import select_gates
from harness.gates.security import SecurityGate
from harness.security import checkov as module
from harness.security.checkov import Checkov, address_at, find_checkov, stack_text
from harness.tree import Tree
from scoring.classify import classify
from scoring.rubric import load_rubric
from tests.unit.test_scoring_seed import make_finding

STACK = {
    "//": {"metadata": {"stackName": "s"}},
    "terraform": {"backend": {"local": {"path": "x"}}},
    "data": {"aws_iam_policy_document": {"doc": {"statement": [{"actions": ["*"]}]}}},
    "resource": {
        "aws_s3_bucket": {
            "first": {"//": {"checkov": {"skip": [{"id": "CKV_AWS_18"}]}}, "bucket": 'a": {\n      "x": {'},
            "second": {"bucket": "b", "tags": {"//": "x", "resource": "no"}},
        },
        'odd "name"': {"third": {}},
    },
}


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A folder that looks like a virtual environment with checkov 9.9.9 in it."""
    executable = tmp_path / "env" / "bin" / "checkov"
    executable.parent.mkdir(parents=True)
    executable.write_text("#!/bin/sh\n")
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "env" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "env" / "lib" / "python3.11" / "site-packages" / "checkov-9.9.9.dist-info").mkdir(parents=True)
    return executable


def _line(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_setting_comes_before_the_path(environment: Path, tmp_path: Path) -> None:
    found = find_checkov({"ASSAY_CHECKOV": str(environment), "PATH": str(tmp_path)})
    assert isinstance(found, Checkov)
    assert (found.executable, found.root, found.version) == (environment, tmp_path / "env", "9.9.9")
    assert find_checkov({"PATH": str(environment.parent)}) == found


def test_a_link_leads_to_the_environment(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "checkov").symlink_to(environment)
    found = find_checkov({"PATH": str(tmp_path / "bin")})
    assert isinstance(found, Checkov) and found.root == tmp_path / "env"


@pytest.mark.parametrize("setting", ["", "/nowhere/checkov"])
def test_what_is_missing_is_said_with_its_remedy(setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path / "none")
    said = find_checkov({"ASSAY_CHECKOV": setting, "PATH": str(tmp_path)})
    assert isinstance(said, str) and "make security" in said and (setting in said or not setting)


def test_a_checkov_outside_an_environment_is_not_taken(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "env" / "pyvenv.cfg").unlink()
    said = find_checkov({"ASSAY_CHECKOV": str(environment), "PATH": ""})
    assert isinstance(said, str) and "not in a Python environment of its own" in said


def test_the_gate_runs_only_where_it_is_asked_for() -> None:
    assert "security" not in {gate.name for gate in select_gates()}
    assert {gate.name for gate in select_gates((), also=("security",))} == {"synth", "security"}


def test_the_key_changes_with_stacks_and_release(seed: Case, monkeypatch: pytest.MonkeyPatch, environment: Path) -> None:
    def key(stack: object) -> str:
        synth = GateResult("synth", Status.PASS, output={"stacks": {"s": stack}, "lines": {}})
        return SecurityGate().key(Subject(dataclasses.replace(seed, env={}), Tree({}), {"synth": synth}))

    monkeypatch.setenv("ASSAY_CHECKOV", str(environment))
    assert key({"a": 1}) == key({"a": 1}) != key({"a": 2})
    before = key({"a": 1})
    release = environment.parent.parent / "lib" / "python3.11" / "site-packages"
    (release / "checkov-9.9.9.dist-info").rename(release / "checkov-9.9.10.dist-info")
    assert key({"a": 1}) != before


def test_checkov_is_shown_no_comments() -> None:
    text = stack_text(STACK)
    assert '"//"' not in text and json.loads(text)["resource"]["aws_s3_bucket"]["second"]["tags"] == {"resource": "no"}


def test_a_line_leads_to_its_resource_whatever_stands_in_texts() -> None:
    lines = (text := stack_text(STACK)).splitlines()
    assert address_at(lines, _line(text, '"first"')) == "aws_s3_bucket.first"
    assert address_at(lines, _line(text, '"second"')) == "aws_s3_bucket.second"
    assert address_at(lines, _line(text, '"tags"')) == "aws_s3_bucket.second"
    assert address_at(lines, _line(text, '"third"')) == 'odd "name".third'
    assert address_at(lines, _line(text, '"doc"')) == "data.aws_iam_policy_document.doc"
    assert address_at(lines, _line(text, '"local"')) == ""
    assert address_at(lines, 1) == address_at(lines, 0) == address_at([], 5) == ""


def test_an_answer_about_a_stack_that_could_not_be_read_is_none() -> None:
    with pytest.raises(ValueError, match="could not read 1"):
        list(module._remarks({"passed": 0, "failed": 0, "parsing_errors": 1}, {"s": "{}"}))
    assert list(module._remarks({"passed": 0, "failed": 0, "parsing_errors": 0}, {"s": "{}"})) == []


def test_the_places_of_one_policy_are_one_failure_of_medium_severity() -> None:
    policy = "Ensure the S3 bucket has access logging enabled"
    findings = [
        make_finding(Diagnostic("security", "CKV_AWS_18", f"{policy}: aws_s3_bucket.{name}", address=f"aws_s3_bucket.{name}", symbols=(name,)))
        for name in ("reports_1A2B3C4D", "audit_5E6F7A8B")
    ]
    (failure,) = classify(findings, load_rubric())
    assert (failure.rule, failure.category, failure.severity) == ("security-records", Category.SECURITY, Severity.MEDIUM)
    assert failure.title == policy and failure.symbols == ("CKV_AWS_18",)
    assert "audit_5E6F7A8B" in failure.message and "reports_1A2B3C4D" in failure.message


def test_any_policy_has_a_rule() -> None:
    (failure,) = classify([make_finding(Diagnostic("security", "CKV2_AWS_999", "Something new: aws_x.y", address="aws_x.y"))], load_rubric())
    assert failure.rule == "security-policy" and failure.title == "Something new"
