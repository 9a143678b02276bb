"""Every rule over the graph refuses its bad examples and lets its good ones pass."""

from __future__ import annotations

import pytest

from harness.constraints.base import all_rules, example_graph
from harness.constraints.graph import references

RULES = all_rules()


def _violations(rule, example) -> list:
    return list(rule.check(example_graph(example)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_refuses_its_bad_examples(rule) -> None:
    assert rule.bad
    for example in rule.bad:
        found = _violations(rule, example)
        assert found, example
        assert all(violation.message and violation.nodes and violation.address for violation in found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_lets_its_good_examples_pass(rule) -> None:
    assert rule.good
    for example in rule.good:
        assert not _violations(rule, example), example


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_where_it_is_written(rule) -> None:
    assert rule.documentation.startswith("https://")
    assert rule.title


def test_rule_ids_are_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${aws_kms_key.main.arn}", [("aws_kms_key.main", "arn")]),
        ("${element(data.aws_availability_zones.azs.names, 0)}", [("data.aws_availability_zones.azs", "names")]),
        ('{"Resource": "${aws_s3_bucket.b.arn}/*"}', [("aws_s3_bucket.b", "arn")]),
        ('${join(",", [aws_subnet.a.id, aws_subnet.b.id])}', [("aws_subnet.a", "id"), ("aws_subnet.b", "id")]),
        ("aws_kms_key.main.arn", []),
        ("logs.us-east-1.amazonaws.com", []),
    ],
)
def test_references_are_found_wherever_they_stand(text: str, found: list) -> None:
    assert [(one.address, one.attribute) for one in references({"a": [text]})] == found


def test_a_key_policy_in_a_resource_of_its_own_counts() -> None:
    rule = next(rule for rule in RULES if rule.id == "kms-logs-policy")
    example = {**rule.bad[0], "resource": {**rule.bad[0]["resource"]}}
    policy = rule.good[0]["resource"]["aws_kms_key"]["logs"]["policy"]
    example["resource"]["aws_kms_key_policy"] = {"p": {"key_id": "${aws_kms_key.logs.id}", "policy": policy}}
    assert not _violations(rule, example)


def test_a_policy_that_is_only_known_at_apply_is_not_judged() -> None:
    rule = next(rule for rule in RULES if rule.id == "kms-logs-policy")
    example = {**rule.bad[0], "resource": {**rule.bad[0]["resource"], "aws_kms_key": {"logs": {"policy": '${file("policy.json")}'}}}}
    assert not _violations(rule, example)
