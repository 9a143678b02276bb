"""Unit tests of the synthesized backups."""

import json

import pytest
from cdktf import Testing

from lib.backup_stack import BackupStack


@pytest.fixture(scope="module")
def synthesized():
    stack = BackupStack(Testing.app(), "backups", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def the_only(synthesized, kind):
    (resource,) = synthesized["resource"][kind].values()
    return resource


def test_nights_and_months_are_kept_as_long_as_asked(synthesized):
    rules = {rule["rule_name"]: rule for rule in the_only(synthesized, "aws_backup_plan")["rule"]}
    assert rules["night"]["lifecycle"] == {"delete_after": 35}
    assert rules["month"]["lifecycle"] == {"cold_storage_after": 14, "delete_after": 120}


def test_resources_are_selected_by_their_tag(synthesized):
    (tag,) = the_only(synthesized, "aws_backup_selection")["selection_tag"]
    assert (tag["key"], tag["value"]) == ("Backup", "nightly")


def test_the_vault_limits_the_age_of_recovery_points(synthesized):
    lock = the_only(synthesized, "aws_backup_vault_lock_configuration")
    assert (lock["min_retention_days"], lock["max_retention_days"]) == (7, 120)
    assert "changeable_for_days" not in lock
