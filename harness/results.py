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
    """A fix as reports show it, with what both experiments say of it.

    `load_bearing` is False where neither of them needs it. `step` is the step of the walk that applied it (None where
    the walk got through without it), `cures` whether it cured there by itself rather than served another fix.
    `isolation` is the first gate that breaks in the ideal without it, or says `nothing`, or why it was not isolated.
    """

    id: str
    title: str
    statements: int
    files: tuple[str, ...]
    needs: tuple[str, ...]
    load_bearing: bool
    diff: str
    step: int | None = None
    cures: bool = False
    isolation: str = ""

    @property
    def agreement(self) -> str:
        """`agree` where both experiments need the fix or both do without it, `walk only`, `isolation only`, or `serves` where
        it is only there for another fix."""
        broke = bool(self.isolation) and not self.isolation.startswith(("nothing", "not "))
        if broke:
            return "agree" if self.step is not None else "isolation only"
        if self.step is None:
            return "agree"
        return "walk only" if self.cures else "serves"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Everything that was measured on one case.

    `gates` maps variant (`response`, `ideal`, `repaired`: where the walk ended, `ideal without fix3`) to gate to status; `reasons` has, in the same
    shape, why a gate was not run or is inconclusive. `control` is `ok` or `broken`; `control_kind` is then the kind
    of cause (see `control.ControlKind`).
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

    control_kind: str | None = None
    sample: str = "1"
    """Which of the model's responses to the case it is, where there are several."""

    response_folder: str = "response"
    """Where that response lies, relative to the case."""

    attempt: int = 1
    """Counts how often the same response was evaluated in this run (`--repeat`)."""

    response_digest: str = ""
    ideal_digest: str = ""
    """SHA-256 of the two trees: what was judged."""

    shared: tuple[str, ...] = ()
    """Gates that the response fails only for what the ideal has too: `gates` says `fail` there, and the score counts them as passed."""


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

    label: str = ""
    """What the user calls the run, such as `nightly`; many runs may share it."""
