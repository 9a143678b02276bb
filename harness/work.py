"""One sample's work, wherever it is done: in this process or in a cluster's worker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.cache import GateCache
from harness.case import Case, load_case
from harness.errors import AssayError, CaseError, ToolMissing
from harness.evaluate import Evaluation, evaluate_fully
from harness.gates.base import Gate
from harness.gates.registry import select_gates
from harness.kept_evaluations import judging_digest, key_of, recall, remember
from harness.responses import RESPONSE_FOLDER, RESPONSES_FOLDER, find_responses
from harness.results import CaseResult
from harness.runner import source_digest
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.store.plan import PlannedSample
from harness.toolchain import find_toolchain


@dataclass(frozen=True, slots=True)
class Workplace:
    """How samples are evaluated. `gates` are the names of all gates to run."""

    gates: tuple[str, ...]
    sandboxed: bool = True
    use_cache: bool = True


class Worker:
    """The tools of one process, opened once; evaluates samples, in several threads if need be.

    Raises `ToolMissing` where nothing at all can run here.
    """

    def __init__(self, workplace: Workplace, cache: GateCache | None) -> None:
        self.gates: Sequence[Gate] = select_gates(workplace.gates)
        toolchain = find_toolchain()
        self._session = Session(toolchain, open_sandbox(toolchain.bwrap, allow_none=not workplace.sandboxed))
        self._session.__enter__()
        self._cache = cache if workplace.use_cache else None
        self.versions: Mapping[str, str] = toolchain.versions
        self.fingerprint = toolchain.fingerprint
        self.holes = {gate.name: reason for gate in self.gates if (reason := gate.missing(self._session))}

    def close(self) -> None:
        """End the tools."""
        self._session.__exit__(None, None, None)

    def evaluate(self, planned: PlannedSample, load: Callable[[], Case], jobs: int, progress: Callable[[str], None]) -> Evaluation:
        """The evaluation of a sample; a case that cannot be read, or on which Assay breaks, is one with an error."""
        try:
            case = load()
            key = key_of(case, self.gates, self.fingerprint, self.holes) if self._cache else ""
            if self._cache and (kept := recall(self._cache, key, case)) is not None:
                return kept
            evaluation = evaluate_fully(case, self._session, cache=self._cache, jobs=jobs, gates=self.gates, progress=progress)
            if self._cache:
                remember(self._cache, key, evaluation)
            return evaluation
        except ToolMissing:
            raise
        except AssayError as error:
            return failed(planned, str(error))
        except Exception as error:  # one case must not take the others with it
            return failed(planned, f"Assay broke on this case: {type(error).__name__}: {error}")


def load_planned(planned: PlannedSample) -> Case:
    """The case with the planned response. Raises `CaseError`, also where that response is gone since the run was planned."""
    root = Path(planned.folder)
    places = find_responses(root, (planned.model,)) if root.is_dir() and planned.model else []
    wanted = next((place for place in places if place.sample == planned.sample), None)
    case = load_case(root, wanted)
    if wanted is None and planned.model and (case.response_folder, case.model, planned.sample) != (RESPONSE_FOLDER, planned.model, "1"):
        raise CaseError(f"{root / RESPONSES_FOLDER / planned.model / planned.sample}: no such folder", "put the response back, or start a new run")
    return replace(case, model=planned.model or case.model)


def failed(planned: PlannedSample, error: str) -> Evaluation:
    """What is recorded of a sample that could not be evaluated."""
    return Evaluation(replace(failed_case(planned.case, error), model=planned.model, sample=planned.sample, attempt=planned.attempt))


def failed_case(name: str, error: str) -> CaseResult:
    """The record of a case that could not be evaluated."""
    return CaseResult(
        case=name, title="", model="", prompt="", control="broken", control_cause=error, score=None, gates={}, reasons={}, converged=False,
        failures=(), fixes=(), unclassified=0, inconclusive=(), expectations=(), resources=0, seconds={"wall": 0.0, "cpu": 0.0}, error=error,
    )  # fmt: skip


def code_digest() -> str:
    """A digest of Assay's own code, rubric and plugins."""
    return hashlib.sha256(f"{source_digest()} {judging_digest()}".encode()).hexdigest()
