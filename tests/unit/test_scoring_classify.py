"""How findings become failures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.diagnostics import Diagnostic, Location
from harness.failures import Category, Evidence, IsolationEvidence, Severity, WalkEvidence
from scoring.classify import classify, count_unclassified, normalise
from scoring.rubric import load_rubric
from tests.unit.test_scoring_seed import example_of, make_finding, missing_class, seed_findings

RUBRIC = load_rubric()


def lint(code: str = "F401") -> Diagnostic:
    return Diagnostic("lint", code, "`os` imported but unused", (Location("lib/tap_stack.py", 1),))


def test_failures_are_numbered_worst_first_and_in_the_walk_s_order() -> None:
    failures = classify(reversed(seed_findings()), RUBRIC)
    assert [failure.id for failure in failures] == [f"F{number}" for number in range(1, 11)]
    assert [failure.rule for failure in failures] == [
        "missing-a-suffix",
        "provider-default-tags",
        "stack-constructor-signature",
        "token-in-string",
        "log-retention",
        "kms-logs-policy",
        "account-id-hardcoded",
        "data-source-repeated",
        "test-constructor-call",
        "code-quality",
    ]


def test_the_order_of_findings_changes_nothing() -> None:
    assert classify(seed_findings(), RUBRIC) == classify(reversed(seed_findings()), RUBRIC)


def test_severity_is_that_of_the_gate_that_isolation_breaks_first() -> None:
    finding = make_finding(example_of("log-retention"))
    seen_by_walk_only = replace(finding, evidence=Evidence(walk=WalkEvidence("synth", 1, "x"), note="cannot be built"))
    assert classify([finding], RUBRIC)[0].severity is Severity.HIGH
    assert classify([seen_by_walk_only], RUBRIC)[0].severity is Severity.CRITICAL


def test_what_the_response_did_not_get_past_counts_where_the_ideal_no_longer_comes_there() -> None:
    """The walk was stopped by synth; undone in the ideal, which does not run that code any more, only lint minds."""
    finding = make_finding(lint())
    both = replace(
        finding,
        diagnostic=Diagnostic("synth", "TypeError", "x() got an unexpected keyword argument 'y'"),
        evidence=Evidence(walk=WalkEvidence("synth", 1, "x"), isolation=IsolationEvidence("lint", "F401", (), ("fix1",))),
    )
    assert classify([both], RUBRIC)[0].severity is Severity.CRITICAL
    assert classify([replace(both, diagnostic=finding.diagnostic)], RUBRIC)[0].severity is Severity.LOW


@pytest.mark.parametrize(
    ("finding", "severity"),
    [
        pytest.param(make_finding(lint()), Severity.LOW, id="one remark"),
        pytest.param(make_finding(lint(), others=(lint("F841"),)), Severity.MEDIUM, id="two remarks"),
        pytest.param(make_finding(lint(), also=("format",)), Severity.MEDIUM, id="a remark and the format"),
        pytest.param(make_finding(Diagnostic("format", "unformatted", "File would be reformatted")), Severity.MEDIUM, id="the format alone"),
    ],
)
def test_only_a_single_remark_of_the_linter_is_low(finding, severity: Severity) -> None:
    assert classify([finding], RUBRIC)[0].severity is severity


def test_different_names_are_different_failures_where_the_rule_says_so() -> None:
    findings = [make_finding(Diagnostic("synth", "NameError", f"name '{name}' is not defined", symbols=(name,)), name) for name in ("config", "tags", "config")]
    failures = classify(findings, RUBRIC)
    assert [failure.symbols for failure in failures] == [("config",), ("tags",)]
    assert failures[0].fix.statements == 1, "one fix is counted once"


def test_what_no_rule_knows_is_counted_and_gets_the_gate_s_category() -> None:
    unknown = [
        make_finding(Diagnostic("synth", "RuntimeError", "the moon is in the wrong phase"), "a"),
        make_finding(Diagnostic("plan", "Strange", "no such thing: 17"), "b"),
        make_finding(Diagnostic("plan", "Strange", "no such thing: 18"), "c"),
    ]
    failures = classify(unknown, RUBRIC)
    assert [(failure.rule, failure.category) for failure in failures] == [
        ("unclassified-synth", Category.PYTHON),
        ("unclassified-plan", Category.TERRAFORM),
    ]
    assert count_unclassified(failures) == 2


def test_another_diagnostic_of_the_fix_decides_where_no_rule_knows_the_first() -> None:
    finding = make_finding(Diagnostic("validate", "Strange", "hm"), others=(example_of("log-retention"),))
    assert classify([finding], RUBRIC)[0].rule == "log-retention"


def test_a_name_error_is_a_signature_s_only_where_the_fix_adds_the_parameter_to_a_constructor() -> None:
    diagnostic = Diagnostic("synth", "NameError", "name 'suffix' is not defined", symbols=("suffix",))

    def rule_for(*added: str) -> str:
        return classify([make_finding(diagnostic, added_parameters=added)], RUBRIC)[0].rule

    assert rule_for("TapStack.suffix") == rule_for("TapStack.__init__.suffix") == "stack-constructor-signature"
    assert rule_for() == rule_for("TapStack.other") == rule_for("make_tags.suffix") == "undefined-name"


def test_a_wrong_test_and_wrong_code_are_told_apart_by_what_the_fix_touches() -> None:
    diagnostic = Diagnostic("tests", "AssertionError", "tests/test_stack.py::test_it: AssertionError: assert 0 == 1")

    def category_for(file: str) -> Category:
        return classify([make_finding(diagnostic, place=(file, 1))], RUBRIC)[0].category

    assert category_for("tests/test_stack.py") is Category.TESTING
    assert category_for("lib/monitoring.py") is Category.ARCHITECTURE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("open /tmp/a/x.zip: no such file", "open /var/b/y.zip: no such file"),
        ("expected 3 at line 17", "expected 4 at line 18"),
        ("got ${TfToken[TOKEN.0]}", "got ${TfToken[TOKEN.12]}"),
    ],
)
def test_messages_of_one_mistake_are_the_same_when_normalised(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_a_fingerprint_ignores_where_and_on_which_machine() -> None:
    here = missing_class("Foo", "vpc", "Vpc")
    there = replace(here, message=here.message.replace("/env/", "/elsewhere/lib/"))
    one, other, another = (
        classify([make_finding(diagnostic, place=place)], RUBRIC)[0].fingerprint
        for diagnostic, place in (
            (here, ("lib/a.py", 1)),
            (there, ("lib/b.py", 90)),
            (missing_class("Bar", "vpc", "Vpc"), ("lib/a.py", 1)),
        )
    )
    assert one == other != another


def test_long_and_odd_names_do_not_break_texts() -> None:
    name = "x" * 5000
    (failure,) = classify([make_finding(Diagnostic("synth", "NameError", f"name '{name}' is not defined", symbols=(name,)))], RUBRIC)
    assert len(failure.title) <= 140
    braces = Diagnostic("validate", "", 'expected mode to be one of ["A"], got {secret} {0}', address="aws_x.y")
    assert "{secret} {0}" in classify([make_finding(braces)], RUBRIC)[0].title
