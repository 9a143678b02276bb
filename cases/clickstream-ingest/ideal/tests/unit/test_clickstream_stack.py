"""Unit tests of the synthesized ingest."""

import json

import pytest
from cdktf import Testing

from lib.clickstream_stack import ClickstreamStack


@pytest.fixture(scope="module")
def synthesized():
    stack = ClickstreamStack(Testing.app(), "clicks", environment_suffix="test", data_owner="tests")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_clicks_are_encrypted_and_kept_for_two_days(synthesized):
    streams = {stream["name"]: stream for stream in resources(synthesized, "aws_kinesis_stream")}
    assert streams["clicks-test"]["retention_period"] == 48
    assert all(stream["encryption_type"] == "KMS" for stream in streams.values())


def test_the_number_of_shards_is_a_variable(synthesized):
    assert synthesized["variable"]["shard_count"]["default"] == 2


def test_firehose_calls_the_function(synthesized):
    (delivery,) = resources(synthesized, "aws_kinesis_firehose_delivery_stream")
    configuration = delivery["extended_s3_configuration"]
    assert configuration["processing_configuration"]["processors"][0]["type"] == "Lambda"
    assert configuration["prefix"].startswith("clicks/year=")


def test_the_table_is_partitioned_by_date(synthesized):
    (table,) = resources(synthesized, "aws_glue_catalog_table")
    assert [key["name"] for key in table["partition_keys"]] == ["year", "month", "day_of_month"]


def test_alarms_reach_the_topic(synthesized):
    alarms = resources(synthesized, "aws_cloudwatch_metric_alarm")
    assert len(alarms) == 3
    assert all("aws_sns_topic" in alarm["alarm_actions"][0] for alarm in alarms)
