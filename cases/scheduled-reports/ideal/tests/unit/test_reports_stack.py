"""Tests over the synthesized stack."""

import json

import pytest
from cdktf import Testing

from lib.reports_stack import ReportsStack


@pytest.fixture(scope="module")
def synthesized():
    stack = ReportsStack(Testing.app(), "reports", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"][kind].values())


def test_failed_orders_move_to_the_second_queue(synthesized):
    queues = {queue["name"]: queue for queue in resources(synthesized, "aws_sqs_queue")}
    assert set(queues) == {"reports-orders-test", "reports-failed-test"}
    assert json.loads(queues["reports-orders-test"]["redrive_policy"])["maxReceiveCount"] == 3


def test_both_schedules_keep_london_time(synthesized):
    schedules = resources(synthesized, "aws_scheduler_schedule")
    assert len(schedules) == 2
    assert {schedule["schedule_expression_timezone"] for schedule in schedules} == {"Europe/London"}


def test_each_schedule_names_its_report(synthesized):
    inputs = [json.loads(schedule["target"]["input"]) for schedule in resources(synthesized, "aws_scheduler_schedule")]
    assert inputs == [{"report": "daily"}, {"report": "monthly"}]


def test_the_worker_gets_one_message_at_a_time(synthesized):
    (mapping,) = resources(synthesized, "aws_lambda_event_source_mapping")
    assert mapping["batch_size"] == 1
    assert mapping["function_response_types"] == ["ReportBatchItemFailures"]


def test_the_worker_reads_the_queue_only(synthesized):
    policies = [json.loads(policy["policy"]) for policy in resources(synthesized, "aws_iam_role_policy")]
    (work,) = [policy for policy in policies if len(policy["Statement"]) == 2]
    assert work["Statement"][0]["Action"] == ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
