"""Unit tests of the synthesized networks."""

import json

import pytest
from cdktf import Testing

from lib.peering_stack import PeeredNetworksStack


@pytest.fixture(scope="module")
def synthesized():
    return json.loads(Testing.synth(PeeredNetworksStack(Testing.app(), "peering", environment_suffix="test")))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


def test_there_are_two_networks_that_do_not_overlap(synthesized):
    assert {vpc["cidr_block"] for vpc in resources(synthesized, "aws_vpc")} == {"10.10.0.0/16", "10.20.0.0/16"}
    assert len(resources(synthesized, "aws_subnet")) == 4
    assert not resources(synthesized, "aws_internet_gateway")


def test_the_peering_is_accepted(synthesized):
    (accepter,) = resources(synthesized, "aws_vpc_peering_connection_accepter")
    assert accepter["auto_accept"] is True


def test_names_of_the_peer_are_resolved(synthesized):
    (options,) = resources(synthesized, "aws_vpc_peering_connection_options")
    assert options["requester"]["allow_remote_vpc_dns_resolution"] is True
    assert options["accepter"]["allow_remote_vpc_dns_resolution"] is True


def test_only_postgresql_reaches_the_data_stores(synthesized):
    rules = resources(synthesized, "aws_vpc_security_group_ingress_rule")
    from_services = [rule for rule in rules if rule["description"] == "PostgreSQL from the services"]
    assert [rule["from_port"] for rule in from_services] == [5432]
    assert len(rules) == 3


def test_both_networks_are_logged(synthesized):
    logs = resources(synthesized, "aws_flow_log")
    assert len(logs) == 2
    assert all(log["traffic_type"] == "ALL" for log in logs)
