"""Many cases, one after the other, each kept the moment it exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.cache import GateCache
from harness.case import load_case
from harness.errors import AssayError, ToolMissing
from harness.evaluate import evaluate
from harness.gates.registry import all_gates
from harness.results import CaseResult
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.store import RunFolder, start_run
from harness.toolchain import find_toolchain


def run_cases(
    folders: Sequence[Path],
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    sandboxed: bool = True,
    progress: Callable[[str], None] = lambda line: None,
    root: Path | None = None,
) -> RunFolder:
    """Evaluate the cases in `folders` and return the finished run.

    A case that cannot be read, or on which Assay itself breaks, is recorded as that, and the others go on.
    Raises `ToolMissing` where nothing at all can run here.
    """
    from scoring.rubric import load_rubric

    toolchain = find_toolchain()
    sandbox = open_sandbox(toolchain.bwrap, allow_none=not sandboxed)
    with Session(toolchain, sandbox) as session:
        holes = {gate.name: reason for gate in all_gates() if (reason := gate.missing(session))}
        run = start_run(toolchain.versions, load_rubric().version, holes, root)
        for number, folder in enumerate(folders, start=1):
            label = f"[{number}/{len(folders)}] {folder.name}"
            progress(f"{label}: reading")
            try:
                case = load_case(folder)
                result = evaluate(case, session, cache=cache, jobs=jobs, progress=lambda line, label=label: progress(f"{label}: {line}"))  # type: ignore[misc]
            except ToolMissing:
                raise
            except AssayError as error:
                result = failed_case(folder.resolve().name, str(error))
            except Exception as error:  # one case must not take the others with it
                result = failed_case(folder.resolve().name, f"Assay broke on this case: {type(error).__name__}: {error}")
            run.add(result)
            progress(f"{label}: {result.error or f'{len(result.failures)} failures'}")
    return run


def failed_case(name: str, error: str) -> CaseResult:
    """The record of a case that could not be evaluated."""
    return CaseResult(
        case=name, title="", model="", prompt="", control="broken", control_cause=error, score=None, gates={}, reasons={}, converged=False,
        failures=(), fixes=(), unclassified=0, inconclusive=(), expectations=(), resources=0, seconds={"wall": 0.0, "cpu": 0.0}, error=error,
    )  # fmt: skip
