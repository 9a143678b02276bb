"""Unit tests of the synthesized network."""

import json

import pytest
from cdktf import Testing

from lib.entry_stack import EntryStack


@pytest.fixture(scope="module")
def synthesized():
    return json.loads(Testing.synth(EntryStack(Testing.app(), "entry", environment_suffix="test")))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_there_is_one_network(synthesized):
    (vpc,) = resources(synthesized, "aws_vpc")
    assert vpc["cidr_block"] == "10.60.0.0/16"


def test_every_subnet_has_its_routes(synthesized):
    assert len(resources(synthesized, "aws_route_table_association")) == len(resources(synthesized, "aws_subnet"))


def test_the_address_belongs_to_a_vpc(synthesized):
    (address,) = resources(synthesized, "aws_eip")
    assert address["domain"] == "vpc"
