"""What comparing two runs gives: plain records, ready for JSON. `docs/comparing.md` explains every number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cattrs

from scoring.statistics import Estimate, PairedDifference, Test

COMPARISON_SCHEMA = 1
"""Version of the JSON that `assay compare --json` prints."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: what was compared of it. `samples` and `cases` count what was used."""

    run: str
    label: str
    model: str | None
    toolchain: str
    rubric: str
    samples: int
    cases: int


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Samples of one side (`base` or `head`) that were left out, and why; `cases` are theirs, sorted."""

    side: str
    reason: str
    samples: int
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """A mean score of a model before and after; `verdict` says in words which way it went for the model."""

    score: str
    before: Estimate
    after: Estimate
    difference: PairedDifference
    verdict: str


@dataclass(frozen=True, slots=True)
class GateChange:
    """Pass rates of a gate over the cases that have verdicts on both sides. `gained` and `lost` count the cases whose rate rose and fell;
    `adjusted` is the p value after Benjamini and Hochberg over all gates and models of the comparison."""

    gate: str
    before: Estimate
    after: Estimate
    gained: int
    lost: int
    test: Test
    adjusted: float


@dataclass(frozen=True, slots=True)
class PassAtKChange:
    """pass@k of a gate on both sides; a side without enough samples has no estimate."""

    gate: str
    k: int
    before: Estimate | None
    after: Estimate | None


@dataclass(frozen=True, slots=True)
class ModelChange:
    """One model on both sides, or two models that are compared with each other."""

    base_model: str
    head_model: str
    cases: int
    scores: tuple[ScoreChange, ...]
    gates: tuple[GateChange, ...]
    pass_at_k: tuple[PassAtKChange, ...]

    @property
    def title(self) -> str:
        """The model's name, or both."""
        return self.base_model if self.base_model == self.head_model else f"{self.base_model} -> {self.head_model}"


@dataclass(frozen=True, slots=True)
class FailureChange:
    """A failure of one case that is `new`, `gone`, `worse` or `milder` (its worst severity changed).

    `before` and `after` are the shares, from 0 to 1, of the case's samples that have it; a severity is None where none has it.
    """

    change: str
    case: str
    base_model: str
    head_model: str
    fingerprint: str
    rule: str
    symbol: str
    title: str
    severity_before: str | None
    severity_after: str | None
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class GateRegression:
    """A gate that passed on all samples of a case in base and fails on `failing` of the `samples` in head."""

    case: str
    base_model: str
    head_model: str
    gate: str
    failing: int
    samples: int


@dataclass(frozen=True, slots=True)
class Flaky:
    """Attempts of the same inputs that disagree. `kind` is `failure`, `gate` or `score`; `what` the fingerprint, gate or score.

    `seen` of the `attempts` have the failure, or pass the gate; for a score it is the number of different values.
    """

    side: str
    case: str
    model: str
    sample: str
    kind: str
    what: str
    title: str
    seen: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Total:
    """How common a rule or a fingerprint is over all cases: mean share of a case's samples that have it, `before` and `after`.

    `rose` and `fell` count the cases whose share went up or down; `p` is their sign test, `adjusted` after Benjamini and Hochberg over all of a kind.
    """

    name: str
    title: str
    samples_before: int
    samples_after: int
    before: float
    after: float
    rose: int
    fell: int
    p: float
    adjusted: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Head against base. Every difference is head minus base."""

    base: Side
    head: Side
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    models: tuple[ModelChange, ...]
    changes: tuple[FailureChange, ...]
    gate_regressions: tuple[GateRegression, ...]
    flaky: tuple[Flaky, ...]
    rules: tuple[Total, ...]
    fingerprints: tuple[Total, ...]
    schema: int = COMPARISON_SCHEMA


_converter = cattrs.Converter()


def dump_comparison(comparison: Comparison) -> dict[str, Any]:
    """The comparison as dictionaries, lists, strings and numbers (never NaN), ready for `json.dump`."""
    data: dict[str, Any] = _converter.unstructure(comparison, Comparison)
    return data
