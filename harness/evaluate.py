"""The main path: one case in, one result out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.artefacts import collect_artefacts
from harness.attribution import Finding, attribute
from harness.cache import GateCache
from harness.case import Case
from harness.control import BrokenControl, find_broken_control
from harness.experiment import Experiment
from harness.fixes import FORMAT, Comparison, compare
from harness.gates.base import Gate, GateResult
from harness.gates.registry import select_gates
from harness.isolation import Isolated, isolate, isolate_remarks, isolate_together
from harness.results import CaseResult, FixRecord
from harness.runner import GateRunner
from harness.session import Session
from harness.variants import diff
from harness.walk import NO_USABLE_CODE, Step, Walk, walk

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Measurement:
    """What running a case showed, before anything is judged."""

    comparison: Comparison
    control: Mapping[str, GateResult]
    response: Mapping[str, GateResult]
    broken_control: BrokenControl | None
    walk: Walk
    isolated: tuple[Isolated, ...]
    findings: tuple[Finding, ...]
    seconds: Mapping[str, float]
    lasts: bool = True
    """Whether another run would measure the same."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A case's result with what it rests on: `artefacts` by name (see `harness.artefacts`); `lasts` as in `Measurement`."""

    result: CaseResult
    artefacts: Mapping[str, bytes] = field(default_factory=dict)
    lasts: bool = False


def evaluate(
    case: Case,
    session: Session,
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    gates: Sequence[Gate] | None = None,
    progress: Progress = lambda line: None,
) -> CaseResult:
    """Run the case through `gates` (by default all that are not optional), classify and score what was found."""
    return evaluate_fully(case, session, cache=cache, jobs=jobs, gates=gates, progress=progress).result


def evaluate_fully(
    case: Case,
    session: Session,
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    gates: Sequence[Gate] | None = None,
    progress: Progress = lambda line: None,
) -> Evaluation:
    """As `evaluate`, with the artefacts."""
    from scoring.judge import judge_case
    from scoring.rubric import load_rubric

    rubric = load_rubric()
    measured = measure(case, session, rubric.gate_order, cache=cache, jobs=jobs, gates=gates, progress=progress)
    result = judge_case(case, measured, rubric)
    return Evaluation(result, collect_artefacts(case, measured.comparison, measured.response, measured.control), measured.lasts)


def measure(
    case: Case,
    session: Session,
    order: Sequence[str],
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    gates: Sequence[Gate] | None = None,
    progress: Progress = lambda line: None,
) -> Measurement:
    """Run response, ideal, the repair walk and every isolation. `order` says which gate counts first."""
    started = time.monotonic()
    runner = GateRunner(case, session, select_gates() if gates is None else gates, cache)
    order = [*(name for name in order if name in runner.names), *(name for name in runner.names if name not in order)]
    comparison = compare(case.response, case.ideal)
    derived = [gate.name for gate in runner.gates if getattr(gate, "derived", False)]
    no_isolation: tuple[Isolated, ...] = ()
    with ThreadPoolExecutor(max_workers=max(jobs, 1)) as pool:
        progress("the response and its control, the ideal")
        control_future = pool.submit(runner.judge, case.ideal)
        response = runner.judge(case.response)
        control = control_future.result()
        broken = find_broken_control(control, case.ideal)
        if broken is not None:
            repair, isolated = Walk((), False, tuple(comparison.fixes), {}), no_isolation
        else:
            progress(f"repair walk and isolation of {len(comparison.fixes)} fixes")
            seen = {gate.name: response[gate.name] for gate in runner.gates if getattr(gate, "sees_all", False)}
            experiment = Experiment(comparison, runner.judge, control, order, seen, derived)
            repair, isolated = _experiment(experiment, pool, progress)
    findings = attribute(comparison, repair, isolated, order, derived)
    seconds = {"wall": time.monotonic() - started, "cpu": runner.spent["cpu"]}
    return Measurement(comparison, control, response, broken, repair, isolated, findings, seconds, runner.lasts)


def _experiment(experiment: Experiment, pool: ThreadPoolExecutor, progress: Progress) -> tuple[Walk, tuple[Isolated, ...]]:
    """The walk, and the isolation of every fix that it used: those that cured by themselves while the walk goes on,
    those that only serve others afterwards and together.

    What the walk left undone is isolated by its last tree already, all of it at once. Where the walk did not get
    through, that tree proves nothing, and the rest is isolated too.
    """
    every = list(experiment.comparison.fixes)
    alone: dict[str, Future[Isolated]] = {}
    remarks: set[str] = set()

    def taken(step: Step) -> None:
        progress(f"step {step.number}: {step.gate}: {step.diagnostic.code}")
        if step.diagnostic.code == NO_USABLE_CODE:
            return  # the ideal without everything is the response, which was judged
        if step.gate in experiment.seen:
            remarks.update(fix for fix in step.culprits if fix not in alone)
        else:
            alone.update({fix: pool.submit(isolate, experiment, fix) for fix in step.culprits if fix not in alone})

    repair = walk(experiment, taken)
    serving = [[fix for fix in every if fix in step.fixes and fix not in alone and fix not in remarks] for step in repair.steps if alone]
    rest = [] if repair.converged else list(repair.unused)
    together = [pool.submit(isolate_together, experiment, fixes) for fixes in [*serving, rest] if fixes]
    together += [pool.submit(isolate_remarks, experiment, [fix for fix in every if fix in remarks])] if remarks else []
    isolated = {fix: future.result() for fix, future in alone.items()} | {one.fix: one for future in together for one in future.result()}
    return repair, tuple(isolated[fix] for fix in every if fix in isolated)


def fix_records(measured: Measurement) -> tuple[FixRecord, ...]:
    """The fixes as reports show them."""
    comparison = measured.comparison
    isolated = {one.fix: one for one in measured.isolated}
    steps = {fix: step for step in measured.walk.steps for fix in step.fixes}
    culprits = {fix for step in measured.walk.steps for fix in step.culprits}
    undone = set(measured.walk.unused) if measured.walk.converged else set()
    return tuple(
        FixRecord(
            id=fix.id,
            title=_title(comparison, fix.id),
            statements=comparison.statements([fix.id]),
            files=tuple(dict.fromkeys(edit.path for edit in comparison.edits_of(fix.id))),
            needs=tuple(sorted(fix.needs)),
            load_bearing=fix.id in culprits or bool(fix.id in isolated and isolated[fix.id].broken),
            diff=diff(comparison, [fix.id]),
            step=steps[fix.id].number if fix.id in steps else None,
            cures=fix.id in culprits,
            isolation=_isolation(isolated.get(fix.id), fix.id in undone),
        )
        for fix in comparison.fixes.values()
    )


def _isolation(one: Isolated | None, undone: bool) -> str:
    """What undoing the fix in the ideal breaks: a gate's name, `nothing`, or why that is not known."""
    if one is None:
        return "nothing, with all that the walk did not need" if undone else "not isolated"
    if one.broken:
        return next(iter(one.broken))
    return "nothing" if len(one.together) < 2 else f"nothing, with {len(one.together) - 1} others"


def _title(comparison: Comparison, fix: str) -> str:
    if fix == FORMAT:
        return "layout, comments and docstrings"
    edit = comparison.edits_of(fix)[0]
    text = next((line.strip() for line in (edit.ideal_text or edit.response_text).splitlines() if line.strip() and not line.strip().startswith("#")), "")
    return f"{edit.path}:{edit.response_line} {text[:80]}"
