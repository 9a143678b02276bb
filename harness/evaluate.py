"""The main path: one case in, one result out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.attribution import Finding, attribute
from harness.cache import GateCache
from harness.case import Case
from harness.fixes import FORMAT, Comparison, compare
from harness.gates.base import Gate, GateResult, Status
from harness.gates.registry import all_gates
from harness.isolation import Isolated, isolate, isolate_together
from harness.results import CaseResult, FixRecord
from harness.runner import GateRunner
from harness.session import Session
from harness.variants import diff
from harness.walk import NO_USABLE_CODE, Walk, walk

Progress = Callable[[str], None]
CONTROL_GATES = ("synth", "validate", "plan")
"""Gates that the ideal has to pass for the pair to say anything about the response."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What running a case showed, before anything is judged."""

    comparison: Comparison
    control: Mapping[str, GateResult]
    response: Mapping[str, GateResult]
    control_cause: str | None
    walk: Walk
    isolated: tuple[Isolated, ...]
    findings: tuple[Finding, ...]
    seconds: Mapping[str, float]


def evaluate(
    case: Case,
    session: Session,
    *,
    cache: GateCache | None = None,
    jobs: int = 2,
    gates: Sequence[Gate] | None = None,
    progress: Progress = lambda line: None,
) -> CaseResult:
    """Run the case through `gates` (all by default), classify and score what was found."""
    from scoring.judge import judge_case
    from scoring.rubric import load_rubric

    rubric = load_rubric()
    measured = measure(case, session, rubric.gate_order, cache=cache, jobs=jobs, gates=gates, progress=progress)
    return judge_case(case, measured, rubric)


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
    runner = GateRunner(case, session, all_gates() if gates is None else gates, cache)
    order = [*(name for name in order if name in runner.names), *(name for name in runner.names if name not in order)]
    comparison = compare(case.response, case.ideal)
    no_isolation: tuple[Isolated, ...] = ()
    with ThreadPoolExecutor(max_workers=max(jobs, 1)) as pool:
        progress("the response and its control, the ideal")
        control_future = pool.submit(runner.judge, case.ideal)
        response = runner.judge(case.response)
        control = control_future.result()
        cause = control_cause(control)
        if cause is not None:
            repair, isolated = Walk((), False, tuple(comparison.fixes)), no_isolation
        else:
            progress(f"repair walk and isolation of {len(comparison.fixes)} fixes")
            seen = {gate.name: response[gate.name] for gate in runner.gates if getattr(gate, "sees_all", False)}
            repair = walk(comparison, runner.judge, control, order, seen)
            progress(f"{len(repair.steps)} steps; isolation")
            isolated = _isolate_used(comparison, repair, runner, control, order, seen, pool)
    findings = attribute(comparison, repair, isolated)
    seconds = {"wall": time.monotonic() - started, "cpu": runner.spent["cpu"]}
    return Measurement(comparison, control, response, cause, repair, isolated, findings, seconds)


def _isolate_used(
    comparison: Comparison,
    repair: Walk,
    runner: GateRunner,
    control: Mapping[str, GateResult],
    order: Sequence[str],
    seen: Mapping[str, GateResult],
    pool: ThreadPoolExecutor,
) -> tuple[Isolated, ...]:
    """Isolate every fix that the walk used: those that cured by themselves, those that only serve others together.

    What the walk left undone is isolated by its last tree already, all of it at once. Where the walk did not get
    through, that tree proves nothing, and the rest is isolated too.
    """
    if any(step.diagnostic.code == NO_USABLE_CODE for step in repair.steps):
        return ()  # the ideal without everything is the response, which was judged
    culprits = [fix for fix in comparison.fixes if any(fix in step.culprits for step in repair.steps)]
    serving = [[fix for fix in comparison.fixes if fix in step.fixes and fix not in culprits] for step in repair.steps]
    rest = [] if repair.converged else list(repair.unused)
    alone = [pool.submit(isolate, comparison, fix, runner.judge, control, order, seen) for fix in culprits]
    together = [pool.submit(isolate_together, comparison, fixes, runner.judge, control, order, seen) for fixes in [*serving, rest] if fixes]
    return (*(future.result() for future in alone), *(one for future in together for one in future.result()))


def control_cause(control: Mapping[str, GateResult]) -> str | None:
    """Why the ideal cannot serve as the control; None where it can."""
    for name in CONTROL_GATES:
        result = control.get(name)
        if result is None or result.status in (Status.PASS, Status.INCONCLUSIVE) or (result.status is Status.NOT_RUN and name != "synth"):
            if result is not None and name == "synth" and result.status is not Status.PASS:
                return f"{name}: {result.reason}"
            continue
        return f"{name}: {result.diagnostics[0].message}" if result.diagnostics else f"{name}: {result.reason}"
    return None


def fix_records(measured: Measurement) -> tuple[FixRecord, ...]:
    """The fixes as reports show them."""
    load_bearing = {one.fix for one in measured.isolated if one.broken} | {fix for step in measured.walk.steps for fix in step.culprits}
    comparison = measured.comparison
    return tuple(
        FixRecord(
            id=fix.id,
            title=_title(comparison, fix.id),
            statements=comparison.statements([fix.id]),
            files=tuple(dict.fromkeys(edit.path for edit in comparison.edits_of(fix.id))),
            needs=tuple(sorted(fix.needs)),
            load_bearing=fix.id in load_bearing,
            diff=diff(comparison, [fix.id]),
        )
        for fix in comparison.fixes.values()
    )


def _title(comparison: Comparison, fix: str) -> str:
    if fix == FORMAT:
        return "layout, comments and docstrings"
    edit = comparison.edits_of(fix)[0]
    text = next((line.strip() for line in (edit.ideal_text or edit.response_text).splitlines() if line.strip() and not line.strip().startswith("#")), "")
    return f"{edit.path}:{edit.response_line} {text[:80]}"
