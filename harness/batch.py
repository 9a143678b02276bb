"""Many cases, some at the same time, each kept the moment it exists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.cache import GateCache
from harness.case import load_case
from harness.errors import AssayError, ToolMissing
from harness.evaluate import evaluate
from harness.gates.base import Gate
from harness.gates.registry import select_gates
from harness.results import CaseResult
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.store import RunFolder, start_run
from harness.toolchain import find_toolchain

Progress = Callable[[str], None]


def run_cases(
    folders: Sequence[Path],
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    gates: Sequence[str] | None = None,
    also: Sequence[str] = (),
    sandboxed: bool = True,
    progress: Progress = lambda line: None,
    root: Path | None = None,
) -> RunFolder:
    """Evaluate the cases in `folders`, `jobs` at a time, and return the finished run; a single case gets all jobs.

    `gates` names the gates to run, by default all that are not optional; `also` names further ones. A case that
    cannot be read, or on which Assay itself breaks,
    is recorded as that, and the others go on. Raises `ToolMissing` where nothing at all can run here.
    """
    from scoring.rubric import load_rubric

    chosen = select_gates(gates, also)
    toolchain = find_toolchain()
    sandbox = open_sandbox(toolchain.bwrap, allow_none=not sandboxed)
    with Session(toolchain, sandbox) as session:
        holes = {gate.name: reason for gate in chosen if (reason := gate.missing(session))}
        run = start_run(toolchain.versions, load_rubric().version, holes, root)
        workers = max(min(jobs, len(folders)), 1)
        with ThreadPoolExecutor(max_workers=workers) as pool:

            def work(number: int, folder: Path) -> None:
                label = f"[{number}/{len(folders)}] {folder.name}"
                result = _run_case(folder, session, cache, max(jobs // workers, 1), chosen, lambda line: progress(f"{label}: {line}"))
                run.add(result)
                progress(f"{label}: {result.error or f'{len(result.failures)} failures'}")

            for future in [pool.submit(work, number, folder) for number, folder in enumerate(folders, start=1)]:
                future.result()
    run.sort([folder.resolve().name for folder in folders])
    return run


def _run_case(folder: Path, session: Session, cache: GateCache | None, jobs: int, gates: Sequence[Gate], progress: Progress) -> CaseResult:
    progress("reading")
    try:
        return evaluate(load_case(folder), session, cache=cache, jobs=jobs, gates=gates, progress=progress)
    except ToolMissing:
        raise
    except AssayError as error:
        return failed_case(folder.resolve().name, str(error))
    except Exception as error:  # one case must not take the others with it
        return failed_case(folder.resolve().name, f"Assay broke on this case: {type(error).__name__}: {error}")


def failed_case(name: str, error: str) -> CaseResult:
    """The record of a case that could not be evaluated."""
    return CaseResult(
        case=name, title="", model="", prompt="", control="broken", control_cause=error, score=None, gates={}, reasons={}, converged=False,
        failures=(), fixes=(), unclassified=0, inconclusive=(), expectations=(), resources=0, seconds={"wall": 0.0, "cpu": 0.0}, error=error,
    )  # fmt: skip
