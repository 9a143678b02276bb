"""An archive of two tasks, from Markdown to failures: one answer with mistakes behind mistakes, and one refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.batch import RunOptions, run_cases
from harness.cli import main
from harness.results import CaseResult
from harness.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.terraform]

TAP = """import os

from cdktf import App

from lib.tap_stack import TapStack

app = App()
TapStack(app, "tap", environment_suffix=os.environ.get("ENVIRONMENT_SUFFIX", "dev"))
app.synth()
"""
STACK = """from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider

from lib.storage import Storage


class TapStack(TerraformStack):
    def __init__(self, scope, id_, *, environment_suffix: str):
        super().__init__(scope, id_)
        AwsProvider(self, "aws", region="us-east-1", default_tags=[{"tags": {"Project": "reports"}}])
        Storage(self, "storage", environment_suffix=environment_suffix)
"""
STORAGE = """from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_versioning import S3BucketVersioningA, S3BucketVersioningVersioningConfiguration
from constructs import Construct


class Storage(Construct):
    def __init__(self, scope, id_, *, environment_suffix: str):
        super().__init__(scope, id_)
        bucket = S3Bucket(self, "reports", bucket_prefix=f"reports-{environment_suffix}-", force_destroy=True)
        S3BucketVersioningA(
            self,
            "versioning",
            bucket=bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        CloudwatchLogGroup(self, "logs", name=f"/reports/{environment_suffix}", retention_in_days=30)
"""
ANSWER_STACK = STACK.replace('default_tags=[{"tags": {"Project": "reports"}}]', 'default_tags={"Project": "reports"}').replace(
    "lib.storage", "stacks.storage_stack"
)
ANSWER_STORAGE = (
    STORAGE.replace("S3BucketVersioningA", "S3BucketVersioning")
    .replace("bucket_prefix=", "bucket_name_prefix=")
    .replace("retention_in_days=30", "retention_in_days=31")
)
FAILURES = """# Model failures

## Critical Failures

### 1. Wrong class name

The response imports `S3BucketVersioning`, which does not exist.

### 2. The cost estimate was missing

The answer says nothing about what this costs a month.
"""


def task(archive: Path, name: str, answer: str) -> None:
    files = {
        "metadata.json": json.dumps({"platform": "cdktf", "language": "py", "complexity": "medium"}),
        "cdktf.json": json.dumps({"language": "python", "app": "pipenv run python tap.py"}),
        "tap.py": TAP,
        "lib/__init__.py": "",
        "lib/tap_stack.py": STACK,
        "lib/storage.py": STORAGE,
        "lib/PROMPT.md": "# Keep our reports\n\nA versioned bucket and a log group.\n",
        "lib/MODEL_RESPONSE.md": answer,
        "lib/MODEL_FAILURES.md": FAILURES,
    }
    for path, text in files.items():
        target = archive / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseResult]:
    folder = tmp_path_factory.mktemp("archive")
    answer = f"Here it is.\n\n## File: lib/tap_stack.py\n\n```python\n{ANSWER_STACK}```\n\n### `stacks/storage_stack.py`\n\n```python\n{ANSWER_STORAGE}```\n"
    task(folder / "archive", "task-1", answer)
    task(folder / "archive", "task-2", "I cannot write infrastructure for you.\n")
    assert main(["import", "markdown-archive", str(folder / "archive"), "--to", str(folder / "cases")]) == 0
    with open_store(folder / "store.sqlite3") as store:
        run = run_cases([folder / "cases" / "task-1", folder / "cases" / "task-2"], store, RunOptions(gates=["synth", "validate"]))
        return {case.case: case for _, case in store.case_results(run.name)}


def test_mistakes_behind_mistakes_are_found_each_with_its_own_small_fix(results: dict[str, CaseResult]) -> None:
    case = results["task-1"]
    assert (case.error, case.control, case.converged) == (None, "ok", True)
    found = {failure.rule: failure.fix.largest for failure in case.failures}
    assert found == {"missing-a-suffix": 2, "unknown-argument": 1, "provider-default-tags": 1, "log-retention": 1}
    places = {failure.rule: failure.locations[0].file for failure in case.failures}
    assert places["log-retention"] == "stacks/storage_stack.py"  # the response's path, though the ideal has another


def test_a_refusal_is_one_critical_failure(results: dict[str, CaseResult]) -> None:
    case = results["task-2"]
    assert [(failure.rule, str(failure.severity)) for failure in case.failures] == [("no-usable-code", "critical")]
    assert case.converged


def test_claims_are_audited_against_what_ran(results: dict[str, CaseResult]) -> None:
    audit = results["task-1"].audit
    assert audit is not None
    assert [claim["status"] for claim in audit["claims"]] == ["confirmed", "not executable"]
    assert len(audit["unclaimed"]) == 3
