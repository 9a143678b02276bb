"""Tests over the synthesized stack."""

import json

import pytest
from cdktf import Testing

from lib.file_share_stack import FileShareStack


@pytest.fixture(scope="module")
def synthesized():
    stack = FileShareStack(Testing.app(), "file-share", environment_suffix="staging")
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"][kind].values())


def test_other_environments_are_refused():
    with pytest.raises(ValueError, match="must be one of"):
        FileShareStack(Testing.app(), "file-share", environment_suffix="sandbox")


def test_every_subnet_has_a_mount_target(synthesized):
    subnets = resources(synthesized, "aws_subnet")
    assert [subnet["cidr_block"] for subnet in subnets] == ["10.40.0.0/24", "10.40.1.0/24"]
    assert len(resources(synthesized, "aws_efs_mount_target")) == 2


def test_the_file_system_is_encrypted(synthesized):
    (file_system,) = resources(synthesized, "aws_efs_file_system")
    assert file_system["encrypted"] is True


def test_copies_lie_in_the_other_region(synthesized):
    vaults = {vault["name"]: vault.get("provider") for vault in resources(synthesized, "aws_backup_vault")}
    assert vaults == {"file-share-staging": None, "file-share-copies-staging": "aws.copies"}


def test_backups_and_copies_expire(synthesized):
    (plan,) = resources(synthesized, "aws_backup_plan")
    (rule,) = plan["rule"]
    assert rule["lifecycle"]["delete_after"] == 35
    assert rule["copy_action"][0]["lifecycle"]["delete_after"] == 90
