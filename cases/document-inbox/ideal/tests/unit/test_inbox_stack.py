"""Unit tests of the synthesized inbox."""

import json

import pytest
from cdktf import Testing

from lib.inbox_stack import InboxStack


@pytest.fixture(scope="module")
def synthesized():
    return json.loads(Testing.synth(InboxStack(Testing.app(), "inbox", environment_suffix="test")))


def resources(synthesized, kind):
    return synthesized["resource"].get(kind, {})


def test_the_bucket_is_private(synthesized):
    (block,) = resources(synthesized, "aws_s3_bucket_public_access_block").values()
    assert block["restrict_public_buckets"] is True


def test_what_cannot_be_read_is_kept(synthesized):
    queues = [queue for queue in resources(synthesized, "aws_sqs_queue").values() if "redrive_policy" in queue]
    assert [json.loads(queue["redrive_policy"])["maxReceiveCount"] for queue in queues] == [5]


def test_somebody_notices_when_documents_wait(synthesized):
    (alarm,) = resources(synthesized, "aws_cloudwatch_metric_alarm").values()
    assert alarm["metric_name"] == "ApproximateAgeOfOldestMessage"
