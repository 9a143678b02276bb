"""Every rule proves itself on the diagnostics that it names as its examples."""

from __future__ import annotations

import re

import pytest

from harness.attribution import Finding
from harness.diagnostics import Diagnostic, Location
from scoring.classify import classify
from scoring.rubric import load_rubric
from scoring.rulebook import all_rules, describe_rules, find_rule
from scoring.rules.base import Example, Rule
from tests.unit.test_scoring_seed import make_finding

CASES = [pytest.param(rule, example, id=f"{rule.id}-{number}") for rule in all_rules() for number, example in enumerate(rule.examples)]


def as_finding(example: Example) -> Finding:
    place = (example.files[0], 3)
    diagnostic = Diagnostic(example.gate, example.code, example.message, (Location(*place),), example.address, example.symbols, example.detail)
    return make_finding(diagnostic, place=place, added_parameters=example.added_parameters)


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_a_rule_is_the_first_that_knows_its_example(rule: Rule, example: Example) -> None:
    (failure,) = classify([as_finding(example)], load_rubric())
    assert failure.rule == rule.id
    assert failure.category is rule.category


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_a_rule_s_texts_are_filled_in_completely(rule: Rule, example: Example) -> None:
    (failure,) = classify([as_finding(example)], load_rubric())
    for text in (failure.title, failure.root_cause, failure.impact):
        assert text and not re.search(r"\{\w+\}| of $|: *$|  |\.\.$", text), text
        assert not text.startswith((" ", ":", ","))
    assert re.fullmatch(r"https://[^\s{}]+[^\s{}/]/?", failure.documentation)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_rule_s_lesson_stands_by_itself(rule: Rule) -> None:
    assert rule.lesson.format_map({}).endswith(".")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)


def test_symbols_named_by_a_rule_are_found_in_at_least_one_example() -> None:
    for rule in (rule for rule in all_rules() if rule.examples):  # rules over the graph have theirs in harness.constraints
        found = {name for example in rule.examples for name, value in (_names(rule, example)).items() if value}
        assert set(rule.symbols or ()) <= found, rule.id


def _names(rule: Rule, example: Example) -> dict[str, str]:
    finding = as_finding(example)
    return dict(rule.match(finding.diagnostic, finding) or {})


def test_rules_are_found_by_id_and_described() -> None:
    assert find_rule("log-retention") is not None
    assert find_rule("unclassified-synth") is None
    assert [row["id"] for row in describe_rules()] == [rule.id for rule in all_rules()]
