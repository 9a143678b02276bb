"""Unit tests of the synthesized edge."""

import json

import pytest
from cdktf import Testing

from lib.edge_stack import EdgeStack


@pytest.fixture(scope="module")
def synthesized():
    stack = EdgeStack(
        Testing.app(), "edge", environment_suffix="test", domain_name="shop.test", zone_id="Z0648215ASSAYIAC0TEST"
    )
    return json.loads(Testing.synth(stack))


def resources(synthesized, kind):
    return list(synthesized["resource"].get(kind, {}).values())


class TestBalancer:
    def test_http_only_redirects(self, synthesized):
        listeners = {listener["port"]: listener for listener in resources(synthesized, "aws_lb_listener")}
        assert listeners[80]["default_action"][0]["redirect"]["status_code"] == "HTTP_301"
        assert listeners[443]["ssl_policy"].startswith("ELBSecurityPolicy-TLS13")

    def test_it_stands_in_two_subnets(self, synthesized):
        (balancer,) = resources(synthesized, "aws_lb")
        assert len(balancer["subnets"]) == 2
        assert balancer["drop_invalid_header_fields"] is True


class TestFirewall:
    def test_rules_stand_in_the_order_that_was_asked_for(self, synthesized):
        (acl,) = resources(synthesized, "aws_wafv2_web_acl")
        rules = sorted(acl["rule"], key=lambda rule: rule["priority"])
        assert [next(iter(rule["statement"])) for rule in rules] == [
            "ip_set_reference_statement",
            "rate_based_statement",
            "managed_rule_group_statement",
        ]

    def test_blocked_networks_are_read_from_the_configuration(self, synthesized):
        (ip_set,) = resources(synthesized, "aws_wafv2_ip_set")
        assert len(ip_set["addresses"]) == 3

    def test_the_balancer_is_protected(self, synthesized):
        (association,) = resources(synthesized, "aws_wafv2_web_acl_association")
        assert "aws_lb" in association["resource_arn"]

    def test_secrets_stay_out_of_the_log(self, synthesized):
        (logging,) = resources(synthesized, "aws_wafv2_web_acl_logging_configuration")
        redacted = {field["single_header"]["name"] for field in logging["redacted_fields"]}
        assert redacted == {"authorization", "cookie"}
