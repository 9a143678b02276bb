"""Unit tests of the synthesized session cache."""

import json

import pytest
from cdktf import Testing

from lib.session_stack import SessionCacheStack


@pytest.fixture(scope="module")
def synthesized():
    stack = SessionCacheStack(Testing.app(), "sessions")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_the_cache_survives_the_loss_of_a_zone(synthesized):
    (group,) = resources(synthesized, "aws_elasticache_replication_group")
    assert group["num_cache_clusters"] == 2
    assert group["automatic_failover_enabled"] is True
    assert group["multi_az_enabled"] is True


def test_sessions_are_encrypted(synthesized):
    (group,) = resources(synthesized, "aws_elasticache_replication_group")
    assert group["transit_encryption_enabled"] is True
    assert str(group["at_rest_encryption_enabled"]).lower() == "true"
    assert "aws_kms_key" in group["kms_key_id"]


def test_there_is_no_way_to_the_internet(synthesized):
    assert len(resources(synthesized, "aws_subnet")) == 2
    assert not resources(synthesized, "aws_internet_gateway")
    assert not resources(synthesized, "aws_nat_gateway")


def test_the_connection_is_published(synthesized):
    (version,) = resources(synthesized, "aws_secretsmanager_secret_version")
    assert set(json.loads(version["secret_string"])) == {"host", "port", "token"}


def test_evictions_are_reported(synthesized):
    alarms = {alarm["metric_name"]: alarm for alarm in resources(synthesized, "aws_cloudwatch_metric_alarm")}
    assert alarms["Evictions"]["threshold"] == 0
    assert len(alarms) == 3
