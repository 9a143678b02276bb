"""Unit tests of the synthesized release pipeline."""

import json

import pytest
from cdktf import Testing

from lib.release_stack import ReleaseStack


@pytest.fixture(scope="module")
def synthesized():
    stack = ReleaseStack(Testing.app(), "release", environment_suffix="test")
    return json.loads(Testing.synth(stack))


def the_only(synthesized, kind):
    (resource,) = synthesized["resource"][kind].values()
    return resource


def test_the_pipeline_takes_main_of_the_shop(synthesized):
    source = the_only(synthesized, "aws_codepipeline")["stage"][0]
    (action,) = source["action"]
    assert action["configuration"]["FullRepositoryId"] == "example/shop"
    assert action["configuration"]["BranchName"] == "main"


def test_the_build_runs_on_arm_for_twenty_minutes_at_most(synthesized):
    project = the_only(synthesized, "aws_codebuild_project")
    assert project["environment"]["type"] == "ARM_CONTAINER"
    assert project["build_timeout"] == 20


def test_the_register_is_keyed_by_service_and_version(synthesized):
    table = the_only(synthesized, "aws_dynamodb_table")
    assert (table["hash_key"], table["range_key"]) == ("service", "version")
    assert table["point_in_time_recovery"]["enabled"] is True


def test_both_ends_of_a_run_are_told(synthesized):
    rule = the_only(synthesized, "aws_codestarnotifications_notification_rule")
    assert len(rule["event_type_ids"]) == 2
