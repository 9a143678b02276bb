"""Unit tests of the synthesized product search."""

import json

import pytest
from cdktf import Testing

from lib.search_stack import SearchStack


@pytest.fixture(scope="module")
def synthesized():
    stack = SearchStack(Testing.app(), "search", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_only_the_applications_get_in(synthesized):
    rules = resources(synthesized, "aws_vpc_security_group_ingress_rule")
    assert {rule["from_port"] for rule in rules} == {443, 6379}
    assert {rule["cidr_ipv4"] for rule in rules} == {"10.60.0.0/16"}
    assert "aws_internet_gateway" not in synthesized["resource"]


def test_the_domain_is_encrypted_and_spans_two_zones(synthesized):
    (domain,) = resources(synthesized, "aws_opensearch_domain")
    assert domain["encrypt_at_rest"]["enabled"] is True
    assert domain["node_to_node_encryption"]["enabled"] is True
    assert domain["domain_endpoint_options"]["enforce_https"] is True
    assert len(domain["vpc_options"]["subnet_ids"]) == 2


def test_the_cache_fails_over(synthesized):
    (group,) = resources(synthesized, "aws_elasticache_replication_group")
    assert group["automatic_failover_enabled"] is True
    assert group["num_cache_clusters"] == 2


def test_one_bucket_lies_in_the_other_region(synthesized):
    buckets = resources(synthesized, "aws_s3_bucket")
    assert sorted(bucket.get("provider", "") for bucket in buckets) == ["", "aws.twin"]
    assert len(resources(synthesized, "aws_s3_bucket_versioning")) == 2
