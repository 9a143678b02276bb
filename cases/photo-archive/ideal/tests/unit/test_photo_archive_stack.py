"""What the stack puts into its Terraform configuration."""

import json

import pytest
from cdktf import App, Testing

from lib.photo_archive_stack import PhotoArchiveStack


@pytest.fixture(scope="module")
def resources():
    stack = PhotoArchiveStack(App(), "photo-archive-test", environment_suffix="test")
    return json.loads(Testing.synth(stack))["resource"]


def test_the_database_stays_inside(resources):
    (database,) = resources["aws_db_instance"].values()
    assert not database.get("publicly_accessible")
    assert database["identifier"] == "catalogue-test"


def test_the_subnets_lie_in_the_network(resources):
    assert {subnet["cidr_block"] for subnet in resources["aws_subnet"].values()} == {"10.40.0.0/24", "10.40.1.0/24"}


def test_the_function_takes_messages_in_batches(resources):
    (mapping,) = resources["aws_lambda_event_source_mapping"].values()
    assert mapping["batch_size"] == 10
