"""From what was measured on a case to its result: failures classified, merged, scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.attribution import summarise_fixes
from harness.case import Case
from harness.evaluate import Measurement, fix_records
from harness.experiment import only_shared
from harness.gates.base import GateResult, Status
from harness.results import CaseResult
from scoring.audit import audit_case, dump_audit
from scoring.classify import classify
from scoring.rubric import Rubric
from scoring.score import score_case


def judge_case(case: Case, measured: Measurement, rubric: Rubric) -> CaseResult:
    """Judge one case. A broken control has no score: nothing can be said about its response."""
    # Findings that share a cause share fixes too; together each statement counts once.
    failures = tuple(
        replace(failure, fix=replace(summarise_fixes(measured.comparison, failure.fix.ids), largest=failure.fix.largest))
        for failure in classify(measured.findings, rubric)
    )
    variants: dict[str, Mapping[str, GateResult]] = {"response": measured.response, "ideal": measured.control}
    if measured.walk.steps:
        variants["repaired"] = measured.walk.results
    variants |= {f"ideal without {one.fix}": one.results for one in measured.isolated}
    missing = {name for name, result in measured.control.items() if result.status is Status.NOT_RUN}
    missing |= {name for name in measured.response if _undecided(name, measured.response)}
    statuses = {name: str(result.status) for name, result in measured.response.items()}
    renamed = measured.comparison.renamed
    shared = tuple(name for name, result in measured.response.items() if only_shared(result, measured.control.get(name), renamed))
    stacks = measured.control["synth"].output.get("stacks", {}) if "synth" in measured.control else {}
    resources = sum(len(instances) for stack in stacks.values() for instances in stack.get("resource", {}).values())
    result = CaseResult(
        case=case.name,
        title=case.title,
        model=case.model,
        prompt=case.prompt,
        control="ok" if measured.broken_control is None else "broken",
        control_cause=None if measured.broken_control is None else str(measured.broken_control),
        score=None if measured.broken_control is not None else score_case(failures, statuses, missing, rubric, shared),
        gates={variant: {gate: str(result.status) for gate, result in results.items()} for variant, results in variants.items()},
        reasons={
            variant: reasons for variant, results in variants.items() if (reasons := {gate: result.reason for gate, result in results.items() if result.reason})
        },
        converged=measured.walk.converged,
        failures=failures,
        fixes=fix_records(measured),
        unclassified=sum(failure.rule.startswith("unclassified") for failure in failures),
        inconclusive=tuple(
            f"{variant}: {gate}: {result.reason}"
            for variant, results in variants.items()
            for gate, result in results.items()
            if result.status is Status.INCONCLUSIVE
        ),
        expectations=tuple(dict(expectation) for expectation in case.expectations),
        resources=resources,
        seconds=dict(measured.seconds),
        control_kind=str(measured.broken_control.kind) if measured.broken_control else None,
        sample=case.sample,
        response_folder=case.response_folder,
        response_digest=case.response.digest,
        ideal_digest=case.ideal.digest,
        shared=shared,
    )
    return replace(result, audit=dump_audit(audit_case(case, result))) if case.expectations else result


def _undecided(name: str, results: Mapping[str, GateResult]) -> bool:
    """Whether the gate was not run because, in the end, one that it needs is inconclusive: that is no verdict on the response."""
    while name in results and results[name].blocked_by:
        name = results[name].blocked_by
    return name in results and results[name].status is Status.INCONCLUSIVE
