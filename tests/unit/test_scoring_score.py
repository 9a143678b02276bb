"""The arithmetic of scores."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from harness.case import Case
from harness.diagnostics import Diagnostic, Location
from harness.evaluate import Measurement
from harness.failures import Category, Severity
from harness.fixes import compare
from harness.gates.base import GateResult, Status
from harness.tree import Tree
from harness.walk import Walk
from scoring.classify import classify
from scoring.judge import judge_case
from scoring.rubric import load_rubric
from scoring.score import category_values, response_quality, score_case, severity_counts, training_quality
from tests.unit.test_scoring_seed import GATES, RESPONSE_GATES, seed_findings

RUBRIC = load_rubric()
FAILURE = classify(seed_findings(), RUBRIC)[0]


def failures_of(*severities: Severity):
    return [replace(FAILURE, severity=severity) for severity in severities]


def test_training_quality_is_the_weights_over_the_budget_and_never_above_one() -> None:
    assert training_quality([], RUBRIC) == 0
    assert training_quality(failures_of(*Severity), RUBRIC) == pytest.approx((1 + 0.5 + 0.25 + 0.125) / 10)
    assert training_quality(failures_of(*[Severity.CRITICAL] * 50), RUBRIC) == 1


def test_one_more_failure_never_lowers_training_quality() -> None:
    chance = random.Random(7)
    for _ in range(200):
        some = failures_of(*chance.choices(list(Severity), k=chance.randrange(20)))
        more = [*some, *failures_of(chance.choice(list(Severity)))]
        assert training_quality(more, RUBRIC) >= training_quality(some, RUBRIC)


@pytest.mark.parametrize(("quality", "band"), [(1.0, "high"), (0.6, "high"), (0.5999, "medium"), (0.3, "medium"), (0.2999, "low"), (0.0, "low")])
def test_bands_begin_at_their_thresholds(quality: float, band: str) -> None:
    assert RUBRIC.band_of(quality) == band


def test_a_category_is_worth_its_worst_failure_up_to_its_ceiling() -> None:
    python = [replace(FAILURE, category=Category.PYTHON, severity=severity) for severity in (Severity.LOW, Severity.HIGH)]
    quality = replace(FAILURE, category=Category.CODE_QUALITY, severity=Severity.CRITICAL)
    values = {one.category: one.value for one in category_values([*python, quality], RUBRIC)}
    assert values == {Category.PYTHON: Severity.HIGH, Category.CODE_QUALITY: Severity.LOW}


def test_counts_leave_no_severity_out() -> None:
    assert severity_counts(failures_of(Severity.HIGH)) == {Severity.CRITICAL: 0, Severity.HIGH: 1, Severity.MEDIUM: 0, Severity.LOW: 0}


def test_response_quality_goes_from_none_to_all_gates() -> None:
    assert response_quality(RESPONSE_GATES, set(), RUBRIC) == 0
    assert response_quality(dict.fromkeys(GATES, "pass"), set(), RUBRIC) == 1
    assert response_quality({}, set(), RUBRIC) == 0


def test_a_gate_behind_a_failed_one_counts_and_a_missing_tool_does_not() -> None:
    gates = {"lint": "pass", "synth": "fail", "plan": "not run"}
    assert response_quality(gates, set(), RUBRIC) == pytest.approx(0.5 / 5.5)
    assert response_quality(gates, {"plan"}, RUBRIC) == pytest.approx(0.5 / 3.5)


def test_an_inconclusive_gate_is_no_verdict() -> None:
    assert response_quality({"synth": "pass", "plan": "inconclusive"}, set(), RUBRIC) == 1


def test_a_gate_that_the_ideal_fails_for_the_same_counts_as_passed() -> None:
    gates = {"synth": "pass", "validate": "fail", "security": "fail"}
    assert response_quality(gates, (), RUBRIC) == pytest.approx(3 / 5.5)
    assert response_quality(gates, (), RUBRIC, ("security",)) == pytest.approx(3.5 / 5.5)
    assert response_quality({"synth": "pass", "security": "fail"}, (), RUBRIC, ("security",)) == 1


def test_a_response_that_is_its_ideal_has_full_quality_though_both_fail_gates(seed: Case) -> None:
    tree = Tree({"tap.py": b"import os\n"})
    case = replace(seed, expectations=(), response=tree, ideal=tree)
    remark = Diagnostic("lint", "F401", "`os` imported but unused", (Location("tap.py", 1),))
    results = {name: GateResult(name, Status.PASS) for name in ("synth", "validate", "plan")} | {"lint": GateResult("lint", Status.FAIL, (remark,))}
    measured = Measurement(compare(tree, tree), results, results, None, Walk((), True, (), {}), (), (), {})
    result = judge_case(case, measured, RUBRIC)
    assert result.score is not None and result.score.response_quality == 1
    assert (result.shared, result.gates["response"]["lint"]) == (("lint",), "fail")
    other = GateResult("lint", Status.FAIL, (remark, replace(remark, code="E501", message="line too long")))
    worse = judge_case(case, replace(measured, response=results | {"lint": other}), RUBRIC)
    assert worse.score is not None and worse.score.response_quality == pytest.approx(7 / 7.5)
    assert worse.shared == ()


def test_a_case_s_score_holds_all_three_judgements() -> None:
    score = score_case(failures_of(*[Severity.CRITICAL] * 3), {"synth": "pass", "validate": "fail"}, (), RUBRIC)
    assert (score.training_quality, score.band, score.response_quality) == (0.3, "medium", 0.6)


def test_a_gate_that_waits_for_one_without_a_verdict_has_none_itself(seed: Case) -> None:
    tree = Tree({"tap.py": b"import os\n"})
    case = replace(seed, expectations=(), response=tree, ideal=tree)
    passing = {name: GateResult(name, Status.PASS) for name in ("synth", "validate", "plan", "intent")}
    undecided = GateResult("validate", Status.INCONCLUSIVE, reason="the provider is not in the mirror")
    waiting = {
        name: GateResult(name, Status.NOT_RUN, reason=f"{need} did not pass", blocked_by=need) for name, need in (("plan", "validate"), ("intent", "plan"))
    }
    measured = Measurement(compare(tree, tree), passing, passing | {"validate": undecided} | waiting, None, Walk((), True, (), {}), (), (), {})
    result = judge_case(case, measured, RUBRIC)
    assert result.score is not None and result.score.response_quality == 1
    refused = GateResult("validate", Status.FAIL, (Diagnostic("validate", "Unsupported argument", "no"),))
    result = judge_case(case, replace(measured, response=passing | {"validate": refused} | waiting), RUBRIC)
    assert result.score is not None and result.score.response_quality < 0.7
