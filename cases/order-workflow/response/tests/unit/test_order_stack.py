"""Unit tests of the synthesized order workflow."""

import json

import pytest
from cdktf import Testing

from lib.order_stack import OrderWorkflowStack


@pytest.fixture(scope="module")
def synthesized():
    stack = OrderWorkflowStack(Testing.app(), "orders", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_each_step_has_a_function_with_its_timeout(synthesized):
    functions = {function["handler"]: function for function in resources(synthesized, "aws_lambda_function")}
    assert functions["index.validate"]["timeout"] == 10
    assert functions["index.charge"]["timeout"] == 30
    assert functions["index.ship"]["timeout"] == 15
    assert all(function["runtime"] == "python3.12" for function in functions.values())


def test_the_steps_follow_each_other(synthesized):
    (machine,) = resources(synthesized, "aws_sfn_state_machine")
    definition = json.loads(machine["definition"])
    assert definition["StartAt"] == "Validate"
    assert definition["States"]["Validate"]["Next"] == "Charge"
    assert definition["States"]["Charge"]["Next"] == "Ship"
    assert all("Catch" in definition["States"][step] for step in ("Validate", "Charge", "Ship"))


def test_executions_are_logged_without_their_data(synthesized):
    (machine,) = resources(synthesized, "aws_sfn_state_machine")
    assert machine["logging_configuration"]["level"] == "ALL"
    assert machine["logging_configuration"]["include_execution_data"] is False


def test_an_order_starts_the_machine(synthesized):
    (rule,) = resources(synthesized, "aws_cloudwatch_event_rule")
    (target,) = resources(synthesized, "aws_cloudwatch_event_target")
    assert json.loads(rule["event_pattern"])["detail-type"] == ["OrderPlaced"]
    assert "aws_sfn_state_machine" in target["arn"]


def test_logs_are_kept_for_a_limited_time(synthesized):
    groups = resources(synthesized, "aws_cloudwatch_log_group")
    assert len(groups) == 4
    assert all(group["retention_in_days"] in (30, 90) for group in groups)
