"""From failures and gates to scores. Pure: the same input always gives the same numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from harness.failures import Category, Failure, Severity
from harness.gates.base import Status
from harness.results import Score
from scoring.rubric import Rubric, rank


@dataclass(frozen=True, slots=True)
class CategoryValue:
    """What one category of a case's failures is worth for training."""

    category: Category
    failures: tuple[Failure, ...]
    value: Severity


def score_case(failures: Iterable[Failure], gates: Mapping[str, str], missing: Collection[str], rubric: Rubric, shared: Collection[str] = ()) -> Score:
    """All scores of one case; see `response_quality` for `gates`, `missing` and `shared`."""
    quality = training_quality(failures, rubric)
    return Score(quality, rubric.band_of(quality), response_quality(gates, missing, rubric, shared))


def training_quality(failures: Iterable[Failure], rubric: Rubric) -> float:
    """How much a model can learn from the pair, from 0 to 1."""
    return min(1.0, sum(rubric.severity_weight[failure.severity] for failure in failures) / rubric.budget)


def response_quality(gates: Mapping[str, str], missing: Collection[str], rubric: Rubric, shared: Collection[str] = ()) -> float:
    """How good the response is: the weighted share of gates that it passes, from 0 to 1.

    `gates` maps a gate to its status on the response. A gate in `shared` says nothing of it that it does not say of
    the ideal too; held against the ideal, the response passes it. A gate that was not run because an earlier one failed
    counts as not passed. Left out are gates in `missing`, which could not run here whatever the response, or wait for one
    that is inconclusive, and inconclusive ones themselves: these are no verdict on it.
    """
    weights = {
        gate: rubric.gate_weight[gate]
        for gate, status in gates.items()
        if gate in rubric.gate_weight and status != Status.INCONCLUSIVE and not (gate in missing and status == Status.NOT_RUN)
    }
    passed = sum(weight for gate, weight in weights.items() if gates[gate] == Status.PASS or gate in shared)
    total = sum(weights.values())
    return passed / total if total else 0.0


def category_values(failures: Iterable[Failure], rubric: Rubric) -> tuple[CategoryValue, ...]:
    """The training value of each category that has failures, the most valuable first.

    A category is worth its worst failure, but never more than its ceiling in the rubric.
    """
    by_category: dict[Category, list[Failure]] = {}
    for failure in failures:
        by_category.setdefault(failure.category, []).append(failure)
    values = [
        CategoryValue(category, tuple(members), _capped(min((one.severity for one in members), key=rank), category, rubric))
        for category, members in by_category.items()
    ]
    order = list(Category)
    return tuple(sorted(values, key=lambda one: (rank(one.value), -len(one.failures), order.index(one.category))))


def _capped(severity: Severity, category: Category, rubric: Rubric) -> Severity:
    return max(severity, rubric.category_ceiling.get(category, severity), key=rank)


def severity_counts(failures: Iterable[Failure]) -> dict[Severity, int]:
    """How many failures there are of every severity, worst first, none left out."""
    counts = Counter(failure.severity for failure in failures)
    return {severity: counts[severity] for severity in Severity}
