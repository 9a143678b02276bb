"""Tests over the synthesized stack."""

import json

import pytest
from cdktf import Testing

from lib.site_stack import SiteStack


@pytest.fixture(scope="module")
def synthesized():
    stack = SiteStack(Testing.app(), "site", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def only(synthesized, kind):
    found = list(synthesized["resource"][kind].values())
    assert len(found) == 1
    return found[0]


def test_all_buckets_are_closed_and_encrypted(synthesized):
    resources = synthesized["resource"]
    assert len(resources["aws_s3_bucket"]) == 3
    assert len(resources["aws_s3_bucket_server_side_encryption_configuration"]) == 2
    blocks = resources["aws_s3_bucket_public_access_block"].values()
    assert len(blocks) == 2
    assert all(block["restrict_public_buckets"] and block["block_public_acls"] for block in blocks)


def test_content_is_versioned(synthesized):
    versioning = only(synthesized, "aws_s3_bucket_versioning")
    assert versioning["versioning_configuration"]["status"] == "Enabled"


def test_the_distribution_signs_its_requests(synthesized):
    distribution = only(synthesized, "aws_cloudfront_distribution")
    origin = distribution["origin"][0]
    assert "aws_cloudfront_origin_access_control" in origin["origin_access_control_id"]
    assert distribution["default_cache_behavior"]["target_origin_id"] == origin["origin_id"]


def test_viewers_are_sent_to_https(synthesized):
    behaviour = only(synthesized, "aws_cloudfront_distribution")["default_cache_behavior"]
    assert behaviour["viewer_protocol_policy"] == "redirect-to-https"


def test_only_this_distribution_reads_the_content(synthesized):
    policy = json.loads(only(synthesized, "aws_s3_bucket_policy")["policy"])
    allowed = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert [statement["Principal"] for statement in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert "aws_cloudfront_distribution" in allowed[0]["Condition"]["StringEquals"]["AWS:SourceArn"]


def test_names_end_in_the_suffix(synthesized):
    assert all(bucket["bucket"].endswith("-test") for bucket in synthesized["resource"]["aws_s3_bucket"].values())
