"""The security gate with the real checkov, in the real sandbox. Skipped by name where checkov is not installed: `make security`."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.case import Case, load_case
from harness.evaluate import evaluate
from harness.experiment import new_diagnostics
from harness.failures import Category, Severity
from harness.gates.base import GateResult, Status, Subject
from harness.gates.registry import select_gates
from harness.gates.security import SecurityGate
from harness.security.checkov import find_checkov
from harness.session import Session
from harness.tree import Tree

pytestmark = [pytest.mark.slow, pytest.mark.skipif(isinstance(find_checkov(), str), reason="checkov is not installed: make security")]

STACK: dict[str, Any] = {
    "//": {"metadata": {"stackName": "s"}},
    "terraform": {"required_providers": {"aws": {"source": "aws", "version": "5.100.0"}}, "backend": {"local": {"path": "terraform.tfstate"}}},
    "provider": {"aws": [{"region": "us-east-1"}]},
    "data": {
        "aws_iam_policy_document": {
            "doc": {"//": {"metadata": {"path": "s/doc"}}, "statement": [{"effect": "Allow", "actions": ["*"], "resources": ["*"]}]},
        },
    },
    "resource": {
        "aws_s3_bucket": {
            "reports": {"//": {"metadata": {"path": "s/reports"}}, "bucket": "reports"},
            "audit": {"//": {"metadata": {"path": "s/audit"}}, "bucket": "audit"},
        },
        "aws_s3_bucket_logging": {"audit_logging": {"bucket": "${aws_s3_bucket.audit.id}", "target_bucket": "elsewhere", "target_prefix": "a"}},
        "aws_security_group": {
            "door": {"ingress": [{"from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"], "description": "in"}], "vpc_id": "vpc-1"},
        },
        "aws_sns_topic": {"alerts": {"name": "alerts", "kms_master_key_id": "alias/aws/sns"}},
        "aws_sqs_queue": {"jobs": {"name": "jobs"}},
    },
}
PROGRAM = """from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

app = App()
stack = TerraformStack(app, "alerts")
AwsProvider(stack, "aws", region="us-east-1")
SnsTopic(stack, "alerts", name="alerts"KEY)
app.synth()
"""


@pytest.fixture(scope="module")
def judge(session: Session, seed: Case) -> Callable[..., GateResult]:
    def run(*stacks: dict[str, Any], lines: dict[str, list[Any]] | None = None) -> GateResult:
        output = {"stacks": {f"../{number}": one for number, one in enumerate(stacks)}, "lines": lines or {}}
        subject = Subject(dataclasses.replace(seed, env={}), Tree({"tap.py": b""}), {"synth": GateResult("synth", Status.PASS, output=output)})
        return SecurityGate().run(subject, session)

    return run


def _said(result: GateResult) -> set[tuple[str, str | None]]:
    return {(one.code, one.address) for one in result.diagnostics}


def test_policies_on_arguments_on_neighbours_and_on_data_are_reported_at_their_lines(judge: Callable[..., GateResult]) -> None:
    result = judge(STACK, lines={"s/reports": ["lib/storage.py", 12]})
    said = _said(result)
    assert result.status is Status.FAIL
    assert ("CKV_AWS_24", "aws_security_group.door") in said
    assert ("CKV_AWS_27", "aws_sqs_queue.jobs") in said
    assert ("CKV_AWS_26", "aws_sns_topic.alerts") not in said
    # The audit bucket's logs are switched on by a resource beside it.
    assert ("CKV_AWS_18", "aws_s3_bucket.reports") in said and ("CKV_AWS_18", "aws_s3_bucket.audit") not in said
    assert any(address == "data.aws_iam_policy_document.doc" for _, address in said)
    logging = next(one for one in result.diagnostics if (one.code, one.address) == ("CKV_AWS_18", "aws_s3_bucket.reports"))
    assert logging.message == "Ensure the S3 bucket has access logging enabled: aws_s3_bucket.reports"
    assert [(place.file, place.line) for place in logging.locations] == [("lib/storage.py", 12)]
    assert result.output["checkov"] == find_checkov().version  # type: ignore[union-attr]


def test_a_remark_stays_the_same_when_other_things_move(judge: Callable[..., GateResult]) -> None:
    moved = copy.deepcopy(STACK)
    moved["resource"] = {"aws_cloudwatch_log_group": {"logs": {"name": "logs", "retention_in_days": 365}}} | dict(reversed(moved["resource"].items()))
    before, after = judge(STACK), judge(moved)
    assert {one.identity for one in before.diagnostics} <= {one.identity for one in after.diagnostics}
    assert {one.address for one in new_diagnostics(after, before, renamed={})} == {"aws_cloudwatch_log_group.logs"}
    assert new_diagnostics(before, before, renamed={}) == ()


def test_the_subject_cannot_tell_checkov_what_to_leave_out(judge: Callable[..., GateResult]) -> None:
    silenced = copy.deepcopy(STACK)
    for instances in silenced["resource"].values():
        for body in instances.values():
            body["//"] = {"checkov": {"skip": [{"id": "CKV_AWS_24", "comment": "no"}, {"id": "CKV_AWS_27", "comment": "no"}]}}
    assert _said(judge(silenced)) == _said(judge(STACK))


def test_several_stacks_are_told_apart_whatever_their_names(judge: Callable[..., GateResult]) -> None:
    empty = {"resource": {}, "provider": {"aws": [{"region": "us-east-1"}]}}
    queue = {"resource": {"aws_sqs_queue": {"other": {"name": "other"}}}}
    assert judge(empty).status is Status.PASS
    assert ("CKV_AWS_27", "aws_sqs_queue.other") in _said(judge(empty, STACK, queue))


def test_what_the_ideal_fails_too_costs_the_response_nothing(make_case: Callable[..., Path], session: Session) -> None:
    bare = PROGRAM.replace("KEY", "")
    case = load_case(make_case({"tap.py": bare.replace('"alerts", name', '"topic", name')}, {"tap.py": bare}))
    result = evaluate(case, session, gates=select_gates((), also=("security",)))
    assert (result.gates["response"]["security"], result.gates["ideal"]["security"], result.shared) == ("fail", "fail", ("security",))
    assert result.score is not None and (result.score.response_quality, result.failures) == (1, ())


def test_what_only_the_response_lacks_is_a_failure(make_case: Callable[..., Path], session: Session) -> None:
    ideal = PROGRAM.replace("KEY", ', kms_master_key_id="alias/aws/sns"')
    case = load_case(make_case({"tap.py": PROGRAM.replace("KEY", "")}, {"tap.py": ideal}))
    result = evaluate(case, session, gates=select_gates((), also=("security",)))
    (failure,) = result.failures
    assert (failure.rule, failure.severity, failure.category) == ("security-encryption", Severity.MEDIUM, Category.SECURITY)
    assert result.shared == () and result.score is not None and result.score.response_quality == pytest.approx(3 / 3.5)
    assert failure.title == "Ensure all data stored in the SNS topic is encrypted"
    assert [(place.file, place.line) for place in failure.locations] == [("tap.py", 8)]
