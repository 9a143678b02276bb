"""The commands as a user runs them: what they print, what they leave, how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ASSAY = Path(sys.executable).parent / "assay"
STACK = """from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup


class LogStack(TerraformStack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        AwsProvider(self, "aws", region="us-east-1")
        CloudwatchLogGroup(self, "logs", name="/app/logs", retention_in_days=DAYS)


app = App()
LogStack(app, "logs")
app.synth()
"""
GOOD, BAD = STACK.replace("DAYS", "14"), STACK.replace("DAYS", "13")


def assay(tmp_path: Path, *arguments: object, check: int | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ASSAY_DATA": str(tmp_path / "data")}
    done = subprocess.run([ASSAY, *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert "Traceback" not in done.stderr, done.stderr
    if check is not None:
        assert done.returncode == check, done.stdout + done.stderr
    return done


@pytest.mark.slow
@pytest.mark.terraform
def test_a_run_prints_keeps_and_reports_what_it_found(tmp_path: Path, make_case) -> None:
    case = make_case({"tap.py": BAD}, {"tap.py": GOOD}, name="retention")
    done = assay(tmp_path, "run", case, "--json", "--fail-on", "high", check=1)
    run = json.loads(done.stdout)
    (result,) = run["cases"]
    assert [(failure["rule"], failure["severity"]) for failure in result["failures"]] == [("log-retention", "high")]
    assert result["score"]["training_quality"] == pytest.approx(0.05)
    assert result["gates"]["response"]["synth"] == "pass"
    assert result["gates"]["response"]["validate"] == "fail"
    (failure,) = result["failures"]
    assert (failure["locations"], failure["fix"]["statements"]) == ([{"file": "tap.py", "line": 10}], 1)
    assert run["toolchain"]["provider"]

    assay(tmp_path, "run", case, "--fail-on", "critical", check=0)
    reported = assay(tmp_path, "report", run["run"], "--to", tmp_path / "out", "--json", check=0)
    paths = json.loads(reported.stdout)["reports"]["retention"]
    assert set(paths) == {"html", "md", "ipynb"}
    assert "2922" in Path(paths["md"]).read_text() or "13" in Path(paths["md"]).read_text()
    assert "<script src" not in Path(paths["html"]).read_text()


@pytest.mark.slow
def test_a_case_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, make_case) -> None:
    good = make_case({"tap.py": GOOD}, {"tap.py": GOOD}, name="good")
    broken = make_case({"tap.py": GOOD}, {"tap.py": GOOD}, name="broken", platform="pulumi")
    done = assay(tmp_path, "run", broken, good, "--json", check=2)
    cases = {case["case"]: case for case in json.loads(done.stdout)["cases"]}
    assert "platform 'pulumi' is not supported" in cases["broken"]["error"]
    assert cases["good"]["error"] is None
    assert cases["good"]["failures"] == []


@pytest.mark.slow
def test_a_broken_control_is_said_and_not_scored(tmp_path: Path, make_case) -> None:
    case = make_case({"tap.py": GOOD}, {"tap.py": "import left_out\n" + GOOD}, name="broken-control")
    (result,) = json.loads(assay(tmp_path, "run", case, "--json", check=0).stdout)["cases"]
    assert result["control"] == "broken"
    assert "left_out" in result["control_cause"]
    assert result["score"] is None
    assert result["failures"] == []


@pytest.mark.slow
def test_a_response_that_is_the_ideal_has_no_failure(tmp_path: Path, make_case) -> None:
    case = make_case({"tap.py": GOOD}, {"tap.py": GOOD}, name="same")
    (result,) = json.loads(assay(tmp_path, "run", case, "--json", check=0).stdout)["cases"]
    assert (result["failures"], result["converged"]) == ([], True)
    assert result["score"]["training_quality"] == 0.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere"], "nowhere: no such folder"),
        (["report", "20000101-000000-0000"], "there is no run '20000101-000000-0000'"),
        (["report"], "there is no run yet"),
        (["report", "--format", "docx"], "docx: not known"),
        (["rules", "no-such-rule"], "there is no rule no-such-rule"),
    ],
)
def test_wrong_input_is_one_clear_message(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = assay(tmp_path, *arguments, check=2)
    assert words in done.stderr + done.stdout


def test_a_file_that_is_no_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    done = assay(tmp_path, "report", tmp_path / "other.json", check=2)
    assert "not the result of a run" in done.stderr


def test_without_bubblewrap_nothing_runs(tmp_path: Path, make_case) -> None:
    case = make_case({"tap.py": GOOD}, {"tap.py": GOOD})
    environment = {**os.environ, "ASSAY_DATA": str(tmp_path), "PATH": str(ASSAY.parent)}
    done = subprocess.run([ASSAY, "run", case], capture_output=True, text=True, env=environment)
    assert done.returncode == 3
    assert "bubblewrap" in done.stderr and "apt-get install" in done.stderr


def test_doctor_names_every_tool(tmp_path: Path) -> None:
    reports = json.loads(assay(tmp_path, "doctor", "--json", check=0).stdout)
    assert {"python", "bubblewrap", "cdktf", "bindings", "terraform", "provider aws"} <= {report["tool"] for report in reports}
    assert all(report["cost"] and "remedy" in report for report in reports)


def test_rules_are_listed_and_explained(tmp_path: Path) -> None:
    rules = json.loads(assay(tmp_path, "rules", "--json", check=0).stdout)
    assert {"missing-a-suffix", "kms-logs-policy"} <= {rule["id"] for rule in rules}
    assert "missing-a-suffix" in assay(tmp_path, "rules", "missing-a-suffix", check=0).stdout


@pytest.mark.slow
def test_no_sandbox_has_to_be_asked_for_and_then_works(tmp_path: Path, make_case) -> None:
    case = make_case({"tap.py": GOOD}, {"tap.py": GOOD}, name="trusted")
    environment = {**os.environ, "ASSAY_DATA": str(tmp_path), "PATH": f"{ASSAY.parent}:/usr/bin:/bin"}
    done = subprocess.run([ASSAY, "run", case, "--json", "--no-sandbox", "--no-cache"], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["cases"]
    assert result["gates"]["ideal"]["synth"] == "pass"
