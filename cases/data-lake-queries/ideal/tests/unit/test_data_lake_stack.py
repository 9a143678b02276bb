"""Unit tests of the synthesized data lake."""

import json

import pytest
from cdktf import Testing

from lib.data_lake_stack import DataLakeStack


@pytest.fixture(scope="module")
def synthesized():
    stack = DataLakeStack(Testing.app(), "lake", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_both_buckets_are_closed_and_encrypted_with_the_key(synthesized):
    assert len(resources(synthesized, "aws_s3_bucket")) == 2
    assert all(block["block_public_policy"] for block in resources(synthesized, "aws_s3_bucket_public_access_block"))
    for encryption in resources(synthesized, "aws_s3_bucket_server_side_encryption_configuration"):
        (rule,) = encryption["rule"]
        assert rule["apply_server_side_encryption_by_default"]["sse_algorithm"] == "aws:kms"


def test_the_crawler_reads_one_prefix_and_deletes_nothing(synthesized):
    (crawler,) = resources(synthesized, "aws_glue_crawler")
    (target,) = crawler["s3_target"]
    assert target["path"].endswith("/readings/")
    assert crawler["schema_change_policy"]["delete_behavior"] == "LOG"
    assert crawler["schedule"] == "${var.crawl_schedule}"


def test_a_query_scans_at_most_ten_gibibytes(synthesized):
    (workgroup,) = resources(synthesized, "aws_athena_workgroup")
    assert workgroup["configuration"]["bytes_scanned_cutoff_per_query"] == 10 * 1024**3
    assert workgroup["configuration"]["enforce_workgroup_configuration"] is True


def test_results_expire(synthesized):
    (lifecycle,) = resources(synthesized, "aws_s3_bucket_lifecycle_configuration")
    assert lifecycle["rule"][0]["expiration"][0]["days"] == 14
