"""Unit tests of the synthesized baseline."""

import json

import pytest
from cdktf import Testing

from lib.tap_stack import TapStack


@pytest.fixture(scope="module")
def synthesized():
    return json.loads(Testing.synth(TapStack(Testing.app(), "baseline", environment_suffix="test")))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_passwords_are_long_and_expire(synthesized):
    (policy,) = resources(synthesized, "aws_iam_account_password_policy")
    assert policy["minimum_password_length"] >= 16
    assert policy["max_password_age"] == 90
    assert policy["password_reuse_prevention"] == 24


def test_the_trail_is_encrypted_and_validated(synthesized):
    (trail,) = resources(synthesized, "aws_cloudtrail")
    assert trail["enable_log_file_validation"] is True
    assert trail["is_multi_region_trail"] is True
    assert "aws_kms_key" in trail["kms_key_id"]


def test_the_bucket_policy_exists_before_the_trail(synthesized):
    (trail,) = resources(synthesized, "aws_cloudtrail")
    assert any(name.startswith("aws_s3_bucket_policy.") for name in trail["depends_on"])


def test_both_groups_need_mfa(synthesized):
    attachments = resources(synthesized, "aws_iam_group_policy_attachment")
    assert len([one for one in attachments if "require_mfa" in one["policy_arn"]]) == 2


def test_config_watches_passwords_and_mfa(synthesized):
    rules = resources(synthesized, "aws_config_config_rule")
    assert {rule["source"]["source_identifier"] for rule in rules} == {"IAM_PASSWORD_POLICY", "IAM_USER_MFA_ENABLED"}
