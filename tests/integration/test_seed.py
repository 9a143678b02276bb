"""The bundled case gives the seed's ten failures and its 0.65, and each of the ten counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from harness.case import Case
from harness.evaluate import evaluate
from harness.results import CaseResult
from tests.seed_repairs import without_defect

pytestmark = [pytest.mark.slow, pytest.mark.terraform]

SEED_RULES = {
    "stack-constructor-signature": ("critical", "cdktf-api"),
    "provider-default-tags": ("critical", "cdktf-api"),
    "missing-a-suffix": ("critical", "cdktf-api"),
    "token-in-string": ("critical", "cdktf-api"),
    "account-id-hardcoded": ("high", "architecture"),
    "kms-logs-policy": ("high", "aws-constraint"),
    "log-retention": ("high", "aws-constraint"),
    "data-source-repeated": ("high", "architecture"),
    "test-constructor-call": ("medium", "testing"),
    "code-quality": ("medium", "code-quality"),
}
WEIGHTS = {"critical": 1.0, "high": 0.5, "medium": 0.25}


@pytest.fixture(scope="module")
def result(seed, session, shared_cache) -> CaseResult:
    return evaluate(seed, session, cache=shared_cache)


def test_the_seed_s_ten_failures_come_out(result: CaseResult) -> None:
    assert {failure.rule: (str(failure.severity), str(failure.category)) for failure in result.failures} == SEED_RULES
    assert Counter(str(failure.severity) for failure in result.failures) == {"critical": 4, "high": 4, "medium": 2}
    assert result.unclassified == 0
    assert not result.inconclusive


def test_the_score_is_the_seed_s(result: CaseResult) -> None:
    assert result.score is not None
    assert (result.score.training_quality, result.score.band) == (0.65, "high")


def test_every_gate_ran_on_the_control_and_passed(result: CaseResult) -> None:
    assert result.control == "ok"
    assert {gate for gate, status in result.gates["ideal"].items() if status != "pass"} == {"intent"}
    assert "no policies" in result.reasons["ideal"]["intent"]
    gates = {"format", "lint", "types", "synth", "silent-drop", "validate", "plan", "constraints", "architecture", "tests"}
    assert gates <= result.gates["ideal"].keys()
    assert result.resources >= 40


def test_the_response_stops_at_its_first_error_and_the_rest_is_found_all_the_same(result: CaseResult) -> None:
    assert result.gates["response"]["synth"] == "fail"
    assert result.gates["response"]["validate"] == "not run"
    assert result.converged
    steps = [failure.evidence.walk.step for failure in result.failures if failure.evidence.walk]
    assert len(steps) == len(set(steps)) == 10


def test_both_experiments_agree_on_every_failure(result: CaseResult) -> None:
    for failure in result.failures:
        assert failure.evidence.isolation is not None, failure.rule
        assert failure.evidence.walk is not None, failure.rule
        if failure.rule != "code-quality":
            assert failure.evidence.walk.gate == failure.evidence.isolation.gate


def test_every_failure_points_at_the_line_that_is_wrong(result: CaseResult, seed: Case) -> None:
    telling = {
        "stack-constructor-signature": "**kwargs",
        "provider-default-tags": "default_tags=",
        "token-in-string": "availability_zone=",
        "log-retention": "retention_in_days=2555",
        "kms-logs-policy": "KmsKey(",
        "data-source-repeated": "DataAwsCallerIdentity(",
        "account-id-hardcoded": "123456789012",
        "test-constructor-call": 'TapStack(app, "TestStack")',
    }
    for failure in result.failures:
        for place in failure.locations:
            line = seed.response.text(place.file).splitlines()[place.line - 1]
            assert telling.get(failure.rule, "") in line, (failure.rule, place, line)
    places = {failure.rule: failure.locations for failure in result.failures}
    assert len(places["missing-a-suffix"]) == 4
    assert len(places["account-id-hardcoded"]) == 3
    assert {place.file for place in places["data-source-repeated"]} == {"lib/compliance.py", "lib/monitoring.py"}


def test_every_failure_explains_itself(result: CaseResult) -> None:
    for failure in result.failures:
        assert failure.title and failure.root_cause and failure.impact
        assert failure.documentation.startswith("https://")
        assert failure.fix.diff.startswith("--- ")
        assert failure.fix.ids


def test_the_same_again_gives_the_same(result: CaseResult, seed, session, shared_cache) -> None:
    again = evaluate(seed, session, cache=shared_cache)
    assert replace(again, seconds=result.seconds) == result


def test_expectations_influence_nothing(result: CaseResult, seed, session, shared_cache) -> None:
    silent = evaluate(replace(seed, expectations=()), session, cache=shared_cache)
    assert silent.failures == result.failures
    assert silent.score == result.score


@pytest.mark.parametrize("rule", SEED_RULES)
def test_without_one_defect_the_score_moves_by_its_weight(rule: str, seed: Case, session, shared_cache) -> None:
    mended = replace(seed, response=without_defect(seed.response, rule))
    result = evaluate(mended, session, cache=shared_cache)
    assert {failure.rule for failure in result.failures} == SEED_RULES.keys() - {rule}
    assert result.score is not None
    assert result.score.training_quality == pytest.approx(0.65 - WEIGHTS[SEED_RULES[rule][0]] / 10)
