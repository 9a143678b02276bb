"""Plain Terraform through the real tools: what each gate says of it, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.case import load_case
from harness.diagnostics import Location
from harness.evaluate import evaluate
from harness.gates.base import GateResult, Status
from harness.gates.registry import select_gates
from harness.intent import evaluation
from harness.runner import GateRunner
from harness.session import Session

pytestmark = [pytest.mark.slow, pytest.mark.terraform]

PROVIDER = 'provider "aws" {\n  region = "us-east-1"\n}\n'
BUCKET = PROVIDER + '\nresource "aws_s3_bucket" "logs" {\n  bucket = "acme-logs"\n}\n'
GATES = ("synth", "validate", "plan", "constraints", "intent")

Judge = Callable[..., dict[str, GateResult]]


@pytest.fixture
def judge(session: Session, make_case: Callable[..., Path]) -> Judge:
    """The verdicts on a tree: `judge({"main.tf": ...}, {"asked.rego": ...})`."""

    def run(tree: dict[str, str], policies: dict[str, str] | None = None, gates: tuple[str, ...] = GATES) -> dict[str, GateResult]:
        root = make_case(tree, tree, platform="terraform", language="hcl")
        for name, text in (policies or {}).items():
            (root / "policies").mkdir(exist_ok=True)
            (root / "policies" / name).write_text(text)
        case = load_case(root)
        return GateRunner(case, session, select_gates(gates)).judge(case.ideal)

    return run


def test_a_sound_configuration_passes_and_python_s_gates_do_not_run(judge: Judge) -> None:
    results = judge({"main.tf": BUCKET}, gates=("synth", "validate", "plan", "constraints", "tests", "lint", "types", "format", "silent-drop"))
    assert {name for name, result in results.items() if result.status is Status.PASS} == {"synth", "validate", "plan", "constraints"}
    assert {result.status for result in results.values()} == {Status.PASS, Status.NOT_RUN}
    assert results["lint"].reason == "lint judges cdktf cases, and this is a terraform one"
    assert results["synth"].output["lines"] == {"provider.aws": ["main.tf", 1], "aws_s3_bucket.logs": ["main.tf", 5]}


@pytest.mark.parametrize(
    ("tree", "code", "place"),
    [
        ({"main.tf": BUCKET.replace('"acme-logs"', '"acme-logs')}, "Invalid multi-line string", Location("main.tf", 6)),
        ({"main.tf": BUCKET, "b.tf": 'variable "x" {\n  type = string\n  foo\n}\n'}, "Argument or block definition required", Location("b.tf", 3)),
        ({"main.tf": BUCKET.removesuffix("}\n")}, "Unclosed configuration block", Location("main.tf", 5)),
        ({"main.tf": BUCKET, "c.tf.json": '{"resource": {'}, "Missing value", Location("c.tf.json", 1)),
    ],
)
def test_a_syntax_error_is_terraform_s_with_its_file_and_line(judge: Judge, tree: dict[str, str], code: str, place: Location) -> None:
    synth = judge(tree)["synth"]
    (said,) = synth.diagnostics
    assert (said.code, said.locations[0]) == (code, place)


def test_an_error_of_validate_is_no_syntax_error_and_points_to_its_line(judge: Judge) -> None:
    results = judge({"main.tf": BUCKET.replace("bucket =", "bukket =")})
    assert results["synth"].status is Status.PASS
    (said,) = results["validate"].diagnostics
    assert (said.code, said.address) == ("Unsupported argument", "aws_s3_bucket.logs")
    assert said.locations == (Location("main.tf", 6), Location("main.tf", 5))
    assert "bukket" in said.symbols


def test_an_error_of_plan_points_to_its_line(judge: Judge) -> None:
    text = BUCKET + 'locals {\n  names = ["a"]\n}\n\noutput "second" {\n  value = local.names[1]\n}\n'
    results = judge({"main.tf": text})
    (said,) = results["validate"].diagnostics or results["plan"].diagnostics
    assert said.code == "Invalid index"
    assert said.locations[0] == Location("main.tf", 13)


def test_a_violated_constraint_points_to_the_block(judge: Judge) -> None:
    topic = (
        '\nresource "aws_sqs_queue" "q" {\n  name = "q"\n}\n\nresource "aws_s3_bucket_notification" "n" {\n  bucket = aws_s3_bucket.logs.id\n\n'
        '  queue {\n    queue_arn = aws_sqs_queue.q.arn\n    events    = ["s3:ObjectCreated:*"]\n  }\n}\n'
    )
    found = judge({"main.tf": BUCKET + topic})["constraints"].diagnostics
    assert {one.locations[0] for one in found} & {Location("main.tf", 9), Location("main.tf", 13)}
    assert {one.path for one in found} & {"aws_s3_bucket_notification.n", "aws_sqs_queue.q"}


@pytest.mark.parametrize(
    ("text", "gate", "words"),
    [
        (BUCKET + 'variable "size" {}\n\noutput "size" {\n  value = var.size\n}\n', "plan", "the variable size has no value here"),
        (BUCKET + 'resource "random_id" "x" {\n  byte_length = 4\n}\n', "validate", "hashicorp/random"),
        (BUCKET + 'module "vpc" {\n  source = "terraform-aws-modules/vpc/aws"\n}\n', "validate", "terraform-aws-modules/vpc/aws"),
    ],
)
def test_what_no_offline_machine_has_is_no_verdict(judge: Judge, text: str, gate: str, words: str) -> None:
    result = judge({"main.tf": text})[gate]
    assert result.status is Status.INCONCLUSIVE
    assert words in result.reason


def test_variables_are_read_from_their_file_and_the_backend_is_left_out(judge: Judge) -> None:
    backend = 'terraform {\n  backend "s3" {\n    bucket = "state"\n    key    = "x"\n    region = "us-east-1"\n  }\n}\n'
    tree = {"main.tf": backend + BUCKET.replace('"acme-logs"', "var.bucket"), "v.tf": 'variable "bucket" {}\n', "terraform.tfvars": 'bucket = "acme-logs"\n'}
    assert {name: result.status for name, result in judge(tree).items() if name != "intent"} == dict.fromkeys(GATES[:-1], Status.PASS)


def test_a_tree_without_terraform_is_no_usable_code(judge: Judge) -> None:
    (said,) = judge({"README.md": "no\n"})["synth"].diagnostics
    assert said.code == "no-usable-code"


def test_a_file_without_a_block_is_no_usable_code(judge: Judge) -> None:
    (said,) = judge({"main.tf": "# nothing\n"})["synth"].diagnostics
    assert said.code == "no-usable-code"


OLD = 'package old\n\ndefault ok = false\n\nok {\n    input.planned_values.root_module.resources[_].values.bucket == "%s"\n}\n'
NEW = (
    "package new\n\nimport rego.v1\n\ndeny contains message if {\n\tsome resource in input.planned_values.root_module.resources\n"
    '\tnot startswith(resource.values.bucket, "%s")\n\tmessage := sprintf("%%s has another name", [resource.address])\n}\n'
)


def test_policies_in_both_versions_of_rego_judge_the_plan(judge: Judge) -> None:
    assert judge({"main.tf": BUCKET}, {"old.rego": OLD % "acme-logs", "new.rego": NEW % "acme-"})["intent"].status is Status.PASS


def test_a_policy_that_does_not_hold_names_itself_its_rule_and_the_block(judge: Judge) -> None:
    found = judge({"main.tf": BUCKET}, {"new.rego": NEW % "other-", "old.rego": OLD % "other"})["intent"].diagnostics
    assert [(one.code, one.message) for one in found] == [
        ("deny", "policies/new.rego: deny: aws_s3_bucket.logs has another name"),
        ("ok", "policies/old.rego: ok does not hold"),
    ]
    assert found[0].locations == (Location("main.tf", 5),)


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("package a\n\nok {\n", "it cannot be read"),
        ("package a\n\nok {\n    nosuch(input)\n}\n", "could not find function nosuch"),
        ("package a\n\nsize := 3\n", "none of its rules is true or false"),
    ],
)
def test_a_policy_that_says_nothing_is_no_verdict(judge: Judge, policy: str, words: str) -> None:
    result = judge({"main.tf": BUCKET}, {"a.rego": policy})["intent"]
    assert result.status is Status.INCONCLUSIVE
    assert words in result.reason


def test_a_policy_that_does_not_end_is_ended(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "_LIMITS", replace(evaluation._LIMITS, wall=3))
    endless = "package a\n\nok {\n    n := numbers.range(1, 5000)\n    n[_] + n[_] + n[_] == 0\n}\n"
    result = judge({"main.tf": BUCKET}, {"a.rego": endless})["intent"]
    assert result.status is Status.INCONCLUSIVE
    assert "did not end within 3 s" in result.reason


def test_a_pair_is_repaired_argument_by_argument(session: Session, make_case: Callable[..., Path]) -> None:
    ideal = BUCKET + '\nresource "aws_cloudwatch_log_group" "app" {\n  name              = "app"\n  retention_in_days = 30\n}\n'
    response = ideal.replace("retention_in_days = 30", "retention_in_days = 31").replace('bucket = "acme-logs"', 'bukket = "acme-logs"')
    result = evaluate(load_case(make_case({"main.tf": response}, {"main.tf": ideal}, platform="terraform", language="hcl")), session)
    assert (result.control, result.converged) == ("ok", True)
    assert [(one.rule, one.locations[0].line, one.fix.statements) for one in result.failures] == [("unsupported-argument", 6, 1), ("log-retention", 11, 1)]
