"""Tests over the synthesized stack."""

import json

import pytest
from cdktf import Testing

from lib.reporting_stack import ReportingStack


@pytest.fixture(scope="module")
def synthesized():
    stack = ReportingStack(Testing.app(), "reporting", environment_suffix="test")
    return json.loads(Testing.synth(stack))


@pytest.fixture(scope="module")
def cluster(synthesized):
    (found,) = synthesized["resource"]["aws_rds_cluster"].values()
    return found


def test_the_cluster_is_encrypted_and_protected(cluster):
    assert cluster["storage_encrypted"] is True
    assert cluster["deletion_protection"] is True
    assert "aws_kms_key" in cluster["kms_key_id"]


def test_no_password_is_written_down(synthesized, cluster):
    assert cluster["manage_master_user_password"] is True
    assert "master_password" not in cluster
    (version,) = synthesized["resource"]["aws_secretsmanager_secret_version"].values()
    assert "password" not in version["secret_string"]


def test_there_is_a_writer_and_a_reader(synthesized):
    identifiers = [one["identifier"] for one in synthesized["resource"]["aws_rds_cluster_instance"].values()]
    assert sorted(identifiers) == ["reporting-test-reader", "reporting-test-writer"]


def test_subnets_lie_in_three_zones(synthesized):
    zones = {subnet["availability_zone"] for subnet in synthesized["resource"]["aws_subnet"].values()}
    assert len(zones) == 3


def test_tls_is_required(synthesized):
    (group,) = synthesized["resource"]["aws_rds_cluster_parameter_group"].values()
    assert {"name": "rds.force_ssl", "value": "1"} in group["parameter"]


def test_logs_may_be_encrypted(synthesized):
    (group,) = synthesized["resource"]["aws_cloudwatch_log_group"].values()
    assert group["retention_in_days"] == 180
    assert "aws_kms_key" in group["kms_key_id"]
