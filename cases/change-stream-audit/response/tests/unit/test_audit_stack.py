"""Tests over the synthesized stack, and of the function's plain parts."""

import json

import pytest
from cdktf import Testing

from functions.archiver.handler import entry_of, key_of
from lib.audit_stack import AuditStack


@pytest.fixture(scope="module")
def resources():
    stack = AuditStack(Testing.app(), "audit", environment="test")
    return json.loads(Testing.synth(stack))["resource"]


def test_the_stream_has_both_images(resources):
    (table,) = resources["aws_dynamodb_table"].values()
    assert table["stream_enabled"] is True
    assert table["stream_view_type"] == "NEW_AND_OLD_IMAGES"


def test_failed_batches_go_to_the_queue(resources):
    (mapping,) = resources["aws_lambda_event_source_mapping"].values()
    assert mapping["maximum_retry_attempts"] == 5
    assert mapping["bisect_batch_on_function_error"] is True
    assert "aws_sqs_queue" in mapping["destination_config"]["on_failure"]["destination_arn"]


def test_the_archive_is_closed(resources):
    (block,) = resources["aws_s3_bucket_public_access_block"].values()
    assert block["restrict_public_buckets"] is True
    (rule,) = next(iter(resources["aws_s3_bucket_lifecycle_configuration"].values()))["rule"]
    assert rule["expiration"][0]["days"] == 2557


def test_the_function_may_do_nothing_else(resources):
    (policy,) = resources["aws_iam_role_policy"].values()
    statements = policy["policy"]["Statement"]
    assert [statement["Sid"] for statement in statements] == ["Stream", "Archive", "DeadLetters", "Logs"]
    assert all(statement["Resource"] != "*" for statement in statements)


def test_a_batch_has_one_name():
    records = [
        {"eventID": "e1", "eventName": "MODIFY", "dynamodb": {"Keys": {"account_id": {"S": "a"}}, "NewImage": {}}},
        {"eventID": "e2", "eventName": "REMOVE", "dynamodb": {"Keys": {"account_id": {"S": "b"}}}},
    ]
    assert key_of(records) == "changes/e1-2.ndjson"
    assert entry_of(records[1])["event"] == "REMOVE"
    assert entry_of(records[1])["new"] is None
