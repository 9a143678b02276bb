"""Every rule over the graph refuses its bad examples and lets its good ones pass."""

from __future__ import annotations

import pytest

from harness.constraints.base import all_rules, example_graph
from harness.constraints.graph import build_graphs, references
from harness.constraints.values import number, text, truth

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


_REGION = {
    "provider": {"aws": [{"region": "${var.region}"}, {"alias": "far", "region": "${local.far}"}]},
    "locals": {"far": "${var.far}", "loop": "${local.loop}"},
}


def _with_variables(files: frozenset[str] | None = frozenset(), **defaults: object):
    stack = {**_REGION, "variable": {name: {"default": value} for name, value in defaults.items()}}
    stack["resource"] = {"aws_vpc": {"near": {}, "far": {"provider": "aws.far"}}}
    (graph,) = build_graphs({"stack": stack}, files)
    return graph


def test_a_region_is_that_of_the_variables_default() -> None:
    graph = _with_variables(region="eu-central-1", far="us-east-1")
    assert [graph.region(node) for node in graph.nodes] == ["eu-central-1", "us-east-1"]


@pytest.mark.parametrize("files", [None, frozenset({"terraform.tfvars"}), frozenset({"main.tf", "envs/prod.tfvars.json"})])
def test_a_default_that_a_file_may_change_is_not_known(files: frozenset[str] | None) -> None:
    graph = _with_variables(files, region="eu-central-1", far="us-east-1")
    assert [graph.region(node) for node in graph.nodes] == [None, None]


def test_a_variable_without_a_default_is_not_known() -> None:
    graph = _with_variables(far=None)
    assert [graph.region(node) for node in graph.nodes] == [None, None]


def test_values_are_read_through_defaults_as_terraform_converts_them() -> None:
    graph = _with_variables(days=30, size="5", on=True, off="false", names=["a"], cost="$${x}")
    assert [number(graph, f"${{var.{name}}}") for name in ("days", "size")] == [30, 5]
    assert [truth(graph, f"${{ var.{name} }}") for name in ("on", "off")] == [True, False]
    assert [text(graph, value) for value in ("${var.names}", "${local.loop}", "a-${var.size}", "${var.size}0", "${var.unknown}")] == [None] * 5
    assert text(graph, "${var.cost}") == "${x}"
