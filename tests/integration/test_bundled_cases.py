"""Every bundled case is evaluated through every gate: its planted mistakes come out, and nothing is made up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.batch import run_cases
from harness.case import load_case
from harness.gates.base import not_applicable
from harness.gates.registry import all_gates, is_optional, select_gates
from harness.results import CaseResult
from harness.store import open_store
from scoring.audit import ClaimStatus, load_audit
from scoring.rulebook import all_rules
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.terraform]

CASES = sorted(path.parent for path in (ROOT / "cases").glob("*/case.yaml"))
NOT_PROVOKED: dict[str, str] = {}
"""Rules that no bundled case provokes, with the reason."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, CaseResult]]:
    with open_store(tmp_path_factory.mktemp("runs") / "store.sqlite3") as store:
        run = run_cases(CASES, store, jobs=2)
        yield {case.case: case for _, case in store.case_results(run.name)}


def case_ids(path: Path) -> str:
    return path.name


def judging(path: Path) -> set[str]:
    """The gates that have something to judge in a case: Python's have nothing in a Terraform case, intent nothing without policies."""
    case = load_case(path)
    return {gate.name for gate in select_gates() if not not_applicable(gate, case)}


def test_there_are_at_least_twelve_cases_over_different_services() -> None:
    assert len(CASES) >= 13


@pytest.mark.parametrize("path", CASES, ids=case_ids)
def test_the_control_passes_every_gate(results: dict[str, CaseResult], path: Path) -> None:
    case = results[path.name]
    assert case.error is None
    assert (case.control, case.control_cause) == ("ok", None)
    assert {gate for gate, status in case.gates["ideal"].items() if status == "pass"} == judging(path)
    assert {status for gate, status in case.gates["ideal"].items() if gate not in judging(path)} <= {"not run"}
    assert not case.inconclusive


@pytest.mark.parametrize("path", CASES, ids=case_ids)
def test_the_walk_ends_at_a_tree_that_passes_what_the_ideal_passes(results: dict[str, CaseResult], path: Path) -> None:
    case = results[path.name]
    assert case.converged
    # A repair may leave an import unused, of which nobody complains in the response.
    assert {case.gates["repaired"][gate] for gate in {"synth", "validate", "plan", "constraints", "intent", "tests"} & judging(path)} == {"pass"}


@pytest.mark.parametrize("path", CASES, ids=case_ids)
def test_every_planted_mistake_is_found_and_nothing_else(results: dict[str, CaseResult], path: Path) -> None:
    case = results[path.name]
    assert case.audit is not None
    audit = load_audit(case.audit)
    missed = [(one.claim.title, one.reason) for one in audit.claims if one.status is not ClaimStatus.CONFIRMED]
    assert not missed
    assert not [(one.rule, one.title) for one in audit.unclaimed]


@pytest.mark.parametrize("path", CASES, ids=case_ids)
def test_every_failure_has_a_rule_a_place_a_small_fix_and_evidence(results: dict[str, CaseResult], path: Path) -> None:
    for failure in results[path.name].failures:
        assert not failure.rule.startswith("unclassified"), failure.message
        assert failure.locations, failure.rule
        assert failure.fix.diff and failure.fix.ids, failure.rule
        assert failure.evidence.walk or failure.evidence.isolation, failure.rule
        for place in failure.locations:
            assert (path / "response" / place.file).exists() or failure.rule in ("app-missing", "entry-missing", "file-left-out"), (failure.rule, place)


def test_the_cases_provoke_every_rule_that_can_be_provoked(results: dict[str, CaseResult]) -> None:
    """Rules over graphs that speak for themselves have their examples beside them, and optional gates tests of their own."""
    found = {failure.rule for case in results.values() for failure in case.failures}
    optional = {gate.name for gate in all_gates() if is_optional(gate)}
    expected = {rule.id for rule in all_rules() if rule.examples and not set(rule.gates) <= optional}
    assert expected - found == set(NOT_PROVOKED)
