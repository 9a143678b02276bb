"""Terraform's own output, as it was printed by terraform 1.11.4 with hashicorp/aws 5.100.0, becomes diagnostics."""

import json

import pytest

from harness.diagnostics import Location
from harness.errors import HarnessFault
from harness.terraform.calls import TerraformAnswer
from harness.terraform.messages import StackView, plan_report, read_diagnostic, validate_errors


def body(name, /, **fields):
    return {"//": {"metadata": {"path": f"TapStack/{name}", "uniqueId": name}}, **fields}


STACK = {
    "data": {"aws_ami": {"x": body("ami")}},
    "resource": {
        "aws_cloudwatch_log_group": {"x": body("logs", retention_in_days=2555)},
        "aws_s3_bukket": {"a": body("first"), "b": body("second")},
        "aws_security_group": {"a": body("one"), "b": body("two")},
        "aws_s3_bucket_versioning": {"b": body("versions")},
    },
}
LINES = {"TapStack/logs": ["lib/monitoring.py", 12], "TapStack/first": ["lib/storage.py", 3], "TapStack/second": ["lib/storage.py", 9]}
VIEW = StackView(STACK, LINES)

RETENTION = {
    "severity": "error",
    "summary": "expected retention_in_days to be one of [0 1 3 5 7 14 30 60 90], got 2555",
    "detail": "",
    "address": "aws_cloudwatch_log_group.x",
    "snippet": {"context": "resource.aws_cloudwatch_log_group.x", "code": '        "retention_in_days": 2555'},
}
UNKNOWN_NESTED = {
    "severity": "error",
    "summary": "Extraneous JSON object property",
    "detail": 'No argument or block type is named "zz".',
    "snippet": {"context": "resource.aws_s3_bucket_versioning.b.versioning_configuration[0]", "code": '            "zz": 1'},
}
UNKNOWN_TYPE = {
    "severity": "error",
    "summary": "Invalid resource type",
    "detail": 'The provider hashicorp/aws does not support resource type "aws_s3_bukket". Did you mean "aws_s3_bucket"?',
    "snippet": {"context": "resource", "code": '    "aws_s3_bukket": {'},
}
CYCLE = {"severity": "error", "summary": "Cycle: aws_security_group.b, aws_security_group.a", "detail": ""}
DUPLICATE = {
    "severity": "error",
    "summary": "Duplicate provider configuration",
    "detail": 'A default (non-aliased) provider configuration for "aws" was already given at cdk.tf.json:11,12-13.',
}


def answer(stdout, exit_code=0, *, timed_out=False):
    return TerraformAnswer(exit_code, stdout, "said on stderr", timed_out, (), 0.1, 0.1, 0, {})


def test_an_error_of_the_provider_names_resource_line_and_attribute():
    found = read_diagnostic("validate", RETENTION, VIEW)
    assert (found.gate, found.code, found.message) == ("validate", RETENTION["summary"], RETENTION["summary"])
    assert found.address == "aws_cloudwatch_log_group.x"
    assert found.locations == (Location("lib/monitoring.py", 12),)
    assert found.symbols == ("retention_in_days", "aws_cloudwatch_log_group")
    assert json.loads(found.detail) == RETENTION


def test_the_address_comes_from_the_block_where_terraform_gives_none():
    found = read_diagnostic("validate", UNKNOWN_NESTED, VIEW)
    assert found.address == "aws_s3_bucket_versioning.b"
    assert found.message == 'Extraneous JSON object property: No argument or block type is named "zz".'
    assert found.symbols[:2] == ("versioning_configuration.zz", "zz")
    assert found.locations == ()


def test_a_type_that_does_not_exist_is_shown_at_every_use():
    found = read_diagnostic("validate", UNKNOWN_TYPE, VIEW)
    assert found.address == "aws_s3_bukket.a"
    assert found.locations == (Location("lib/storage.py", 3), Location("lib/storage.py", 9))
    assert found.symbols[:2] == ("aws_s3_bukket", "aws_s3_bucket")


def test_a_cycle_is_the_same_message_in_whatever_order_terraform_lists_it():
    other = {**CYCLE, "summary": "Cycle: aws_security_group.a, aws_security_group.b"}
    assert read_diagnostic("validate", CYCLE, VIEW).identity == read_diagnostic("validate", other, VIEW).identity
    assert read_diagnostic("validate", CYCLE, VIEW).address == "aws_security_group.a"


def test_positions_in_the_synthesized_file_are_no_part_of_the_message():
    assert "already given at cdk.tf.json." in read_diagnostic("validate", DUPLICATE, VIEW).message


def test_an_instance_of_a_counted_resource_is_found_by_its_resource():
    found = read_diagnostic("plan", {**RETENTION, "address": "aws_cloudwatch_log_group.x[0]"}, VIEW)
    assert found.locations == (Location("lib/monitoring.py", 12),)


def test_warnings_of_validate_are_no_errors():
    warning = {"severity": "warning", "summary": "Deprecated", "detail": ""}
    assert validate_errors(answer(json.dumps({"valid": False, "diagnostics": [warning, RETENTION]}))) == [RETENTION]


@pytest.mark.parametrize("stdout", ["", "Error: no configuration", "{}"])
def test_validate_output_without_diagnostics_is_never_a_pass(stdout):
    with pytest.raises(HarnessFault):
        validate_errors(answer(stdout, 1))


def event(kind, **fields):
    return json.dumps({"type": kind, **fields})


def test_a_plan_counts_its_actions():
    lines = [event("planned_change", change={"action": action}) for action in ("create", "create", "read")]
    report = plan_report(answer("\n".join([*lines, event("change_summary")])))
    assert (report.errors, report.actions, report.pending) == ((), {"create": 2, "read": 1}, ())


def test_what_was_still_being_read_is_pending():
    slow, quick = ({"resource": {"addr": f"data.aws_ami.{name}"}, "elapsed_seconds": 10} for name in ("slow", "quick"))
    lines = [event("apply_progress", hook=slow), event("apply_progress", hook=quick), event("apply_complete", hook=quick)]
    assert plan_report(answer("\n".join(lines), timed_out=True)).pending == ("data.aws_ami.slow",)


@pytest.mark.parametrize(("stdout", "exit_code"), [("", 0), (event("planned_change", change={"action": "create"}), 1), (event("change_summary"), 1)])
def test_a_plan_that_says_neither_result_nor_error_is_never_a_pass(stdout, exit_code):
    with pytest.raises(HarnessFault):
        plan_report(answer(stdout, exit_code))


def test_plan_errors_are_read_from_the_stream():
    stream = "\n".join(["not JSON", event("diagnostic", diagnostic=RETENTION), event("diagnostic", diagnostic={**RETENTION, "severity": "warning"})])
    assert plan_report(answer(stream, 1)).errors == (RETENTION,)
