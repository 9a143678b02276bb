"""The result of evaluating one case, and of a run over many; the one schema that reports and stores read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.failures import Failure

SCHEMA = 1
"""Version of the JSON that `assay run --json` prints and a run folder keeps."""


@dataclass(frozen=True, slots=True)
class Score:
    """`training_quality` and `response_quality` are shares from 0 to 1; `band` is high, medium or low."""

    training_quality: float
    band: str
    response_quality: float


@dataclass(frozen=True, slots=True)
class FixRecord:
    """A fix as reports show it; `load_bearing` is False where undoing it alone breaks no gate."""

    id: str
    title: str
    statements: int
    files: tuple[str, ...]
    needs: tuple[str, ...]
    load_bearing: bool
    diff: str


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Everything that was measured on one case.

    `gates` maps variant (`response`, `ideal`, `ideal without F3`) to gate to status; `reasons` has, in the same
    shape, why a gate was not run or is inconclusive. `control` is `ok` or `broken`.
    """

    case: str
    title: str
    model: str
    prompt: str
    control: str
    control_cause: str | None
    score: Score | None
    gates: dict[str, dict[str, str]]
    reasons: dict[str, dict[str, str]]
    converged: bool
    failures: tuple[Failure, ...]
    fixes: tuple[FixRecord, ...]
    unclassified: int
    inconclusive: tuple[str, ...]
    expectations: tuple[dict[str, Any], ...]
    resources: int
    seconds: dict[str, float]
    error: str | None = None
    audit: dict[str, Any] | None = None
    """People's claims compared with what ran, as `scoring.audit.dump_audit` writes it; None where the case has no expectations."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run: the cases, and the exact toolchain and rubric that judged them."""

    run: str
    started: str
    toolchain: dict[str, str]
    rubric: str
    cases: tuple[CaseResult, ...]
    schema: int = SCHEMA
    holes: dict[str, str] = field(default_factory=dict)
    """Gates that could not run on this machine, with the reason."""
