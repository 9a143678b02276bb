"""Many samples, some at the same time, each kept the moment it exists; what was interrupted is gone on with."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from harness.cache import GateCache
from harness.errors import UsageError
from harness.evaluate import Evaluation
from harness.executors import Executor, LocalExecutor
from harness.gates.registry import select_gates
from harness.planning import plan_samples
from harness.results import CaseResult
from harness.store import RunInfo, RunPlan, RunWriter, Store
from harness.store.plan import FINISHED, INTERRUPTED, PlannedSample
from harness.work import Workplace, code_digest


class Listener(Protocol):
    """Hears how a run goes on; called from several threads."""

    def started(self, run: RunInfo, total: int, missing: int) -> None:
        """The run has begun: `missing` of `total` samples are to be evaluated."""

    def note(self, text: str) -> None:
        """Something to know about the run as a whole."""

    def begun(self, planned: PlannedSample) -> None:
        """A sample is being evaluated."""

    def step(self, planned: PlannedSample, text: str) -> None:
        """Where a sample's evaluation stands."""

    def ended(self, planned: PlannedSample, result: CaseResult) -> None:
        """A sample's result is in the store."""


class Silent:
    """A listener that says nothing."""

    def started(self, run: RunInfo, total: int, missing: int) -> None: ...
    def note(self, text: str) -> None: ...
    def begun(self, planned: PlannedSample) -> None: ...
    def step(self, planned: PlannedSample, text: str) -> None: ...
    def ended(self, planned: PlannedSample, result: CaseResult) -> None: ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run does, beside its cases. `gates` and `also`: see `select_gates`; `models`: only responses of these;
    `repeat`: how often each sample is evaluated, without the cache where more than once."""

    gates: Sequence[str] | None = None
    also: Sequence[str] = ()
    models: Sequence[str] = ()
    label: str = ""
    repeat: int = 1
    sandboxed: bool = True


def run_cases(
    folders: Sequence[Path],
    store: Store,
    options: RunOptions = RunOptions(),
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    scheduler: str | None = None,
    listener: Listener | None = None,
) -> RunInfo:
    """Evaluate every response of the cases in `folders`, `jobs` at a time, or on the Dask cluster of `scheduler`, and return the run.

    A case that cannot be read, or on which Assay itself breaks, is recorded as that, and the others go on. The first
    SIGINT lets what is running finish and leaves a run that can be resumed. Raises `ToolMissing` where nothing at all
    can run here, `UsageError` where no case has a response of the models asked for, `StoreError` where the store fails.
    """
    from scoring.rubric import load_rubric

    listener = listener or Silent()
    samples, skipped = plan_samples(folders, options.models, options.repeat)
    if not samples:
        raise UsageError(
            f"no case has a response of {', '.join(options.models)}", f"put responses into CASE/responses/MODEL/SAMPLE/; looked into {len(skipped)} cases"
        )
    if skipped:
        named = ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else "")
        listener.note(f"no response of {', '.join(options.models)} in {len(skipped)} of {len(folders)} cases: {named}")
    gates = [gate.name for gate in select_gates(options.gates, options.also)]
    settings = {"gates": gates, "repeat": options.repeat, "sandboxed": options.sandboxed}
    with _executor(settings, cache, jobs, scheduler, listener) as executor:
        plan = RunPlan(options.label, executor.versions, executor.fingerprint, load_rubric().version, code_digest(), executor.holes, settings, samples)
        with store.start(plan) as writer:
            _evaluate(writer, executor, list(samples), len(samples), listener)
        return store.find_run(writer.run.name)


def resume_run(
    name: str, store: Store, *, cache: GateCache | None = None, jobs: int = 2, scheduler: str | None = None, listener: Listener | None = None
) -> RunInfo:
    """Go on with a run: evaluate what has no result yet. A finished run is left as it is.

    Raises `UsageError` where the tools, the rubric or Assay's code are others than those that the run began with: its
    results could not be compared with each other. Otherwise as `run_cases`.
    """
    from scoring.rubric import load_rubric

    listener = listener or Silent()
    run = store.find_run(name)
    with store.resume(run.name) as writer:
        missing = writer.missing()
        if not missing:
            listener.note(f"run {run.name} has a result of every sample")
            writer.finish(FINISHED)
            return store.find_run(run.name)
        with _executor(run.settings, cache, jobs, scheduler, listener) as executor:
            changed = [
                what
                for what, then, now in (
                    ("toolchain", run.toolchain_fingerprint, executor.fingerprint),
                    ("rubric", run.rubric, load_rubric().version),
                    ("code of Assay", run.code, code_digest()),
                    ("set of gates that can run here", sorted(run.holes), sorted(executor.holes)),
                )
                if then != now
            ]
            if changed:
                writer.finish(INTERRUPTED)
                raise UsageError(
                    f"run {run.name} cannot be resumed: the {' and the '.join(changed)} changed since it began",
                    "start a new run; the cache has what is still true",
                )
            _evaluate(writer, executor, missing, missing[-1].position + 1, listener)
    return store.find_run(run.name)


@contextmanager
def _executor(settings: Any, cache: GateCache | None, jobs: int, scheduler: str | None, listener: Listener) -> Iterator[Executor]:
    """The executor for a run's settings. Evaluated more than once, a sample is measured anew each time."""
    workplace = Workplace(tuple(settings["gates"]), bool(settings["sandboxed"]), use_cache=cache is not None and settings["repeat"] == 1)
    if scheduler is not None:
        from harness.cluster import ClusterExecutor

        with ClusterExecutor(scheduler, workplace) as executor:
            yield executor
        return
    with LocalExecutor(workplace, cache, jobs) as local:
        yield local


def _evaluate(writer: RunWriter, executor: Executor, missing: Sequence[PlannedSample], total: int, listener: Listener) -> None:
    listener.started(writer.run, total, len(missing))
    done = 0
    with _stopped_by_interrupt(listener) as stop:
        try:
            for planned, evaluation in executor.evaluate(missing, stop, listener):
                result = replace(evaluation.result, model=planned.model or evaluation.result.model, sample=planned.sample, attempt=planned.attempt)
                writer.add(planned, result, evaluation.artefacts)
                done += 1
                listener.ended(planned, result)
        except BaseException:
            _say_interrupted(writer)
            raise
    writer.finish(FINISHED if done == len(missing) else INTERRUPTED)


def _say_interrupted(writer: RunWriter) -> None:
    """As well as can be: where even that fails, the run's lock, which ends with this process, says so."""
    from harness.store import StoreError

    try:
        writer.finish(INTERRUPTED)
    except StoreError:
        return


@contextmanager
def _stopped_by_interrupt(listener: Listener) -> Iterator[threading.Event]:
    """An event that the first SIGINT sets; the second one ends everything at once, as does every signal outside the main thread's reach."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        # The signal may come while this very thread is writing to the same stream, which then refuses to be entered twice.
        with suppress(RuntimeError):
            listener.note("interrupted: what is running will finish; press Ctrl-C again to give it up")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


__all__ = ["Evaluation", "Listener", "RunOptions", "Silent", "resume_run", "run_cases"]
