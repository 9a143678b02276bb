"""Every rule over two graphs reports its bad examples, lets its good ones pass, and has nothing to say of a system beside itself."""

from __future__ import annotations

import pytest

from harness.architecture.base import example_sides
from harness.architecture.registry import all_rules
from harness.constraints.base import all_rules as all_constraints

RULES = all_rules()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_reports_its_bad_examples(rule) -> None:
    assert rule.bad
    for example in rule.bad:
        found = list(rule.check(example_sides(example)))
        assert found, example
        assert all(violation.message and violation.address and violation.symbols for violation in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_lets_its_good_examples_pass(rule) -> None:
    assert rule.good
    for example in rule.good:
        assert not list(rule.check(example_sides(example))), example


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_nothing_differs_from_itself(rule) -> None:
    for tree, ideal in (*rule.bad, *rule.good):
        assert not list(rule.check(example_sides((tree, tree))))
        assert not list(rule.check(example_sides((ideal, ideal))))


def test_ids_are_taken_once() -> None:
    ids = [rule.id for rule in (*RULES, *all_constraints())]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ({"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}, "every port"),
        ({"protocol": "tcp", "from_port": "22", "to_port": "22", "ipv6_cidr_blocks": ["::/0"]}, "port 22"),
        ({"protocol": "tcp", "from_port": 1000, "to_port": 2000, "cidr_blocks": ["0.0.0.0/0"]}, "ports 1000 to 2000"),
    ],
)
def test_exposure_names_the_ports(block: dict, found: str) -> None:
    rule = next(rule for rule in RULES if rule.id == "public-exposure")
    response = {"resource": {"aws_security_group": {"web": {"ingress": block}}}}
    ideal = {"resource": {"aws_security_group": {"web": {"ingress": {**block, "cidr_blocks": ["10.0.0.0/8"], "ipv6_cidr_blocks": []}}}}}
    (violation,) = rule.check(example_sides((response, ideal)))
    assert found in violation.message
