"""Results as tests need them: small ones, and any at all."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from harness.diagnostics import Location
from harness.failures import Category, Evidence, Failure, FixSummary, IsolationEvidence, Severity, WalkEvidence
from harness.results import CaseResult, FixRecord, Score
from harness.store import PlannedSample, RunPlan, Store
from harness.store.plan import FINISHED

HOSTILE = "NUL \0, a lone surrogate \ud800 and \udcff, emoji \U0001f600, [bold]markup[b], %s {0} ' \" \\ \r\n\t\x1b[31m, \u202eback, \uffff" + "long" * 5000
"""What a model may write, and a database may mind."""


def make_failure(number: int = 1, **changes: Any) -> Failure:
    """A failure called F`number`, with a fingerprint of its own."""
    fields: dict[str, Any] = {
        "id": f"F{number}", "fingerprint": f"{number:012x}", "rule": "missing-a-suffix", "title": "no such class", "severity": Severity.CRITICAL,
        "category": Category.CDKTF_API, "message": "cannot import name", "locations": (Location("lib/stack.py", 2), Location("lib/stack.py", 9)),
        "symbols": ("S3BucketVersioning", "S3Bucket"), "fix": FixSummary(("fix1", "fix2"), 3, "a diff", 2),
        "evidence": Evidence(WalkEvidence("synth", 1, "it said"), IsolationEvidence("validate", "it says", ("plan",), ("fix3",)), "a note"),
        "root_cause": "a cause", "impact": "an impact", "documentation": "https://example.org/page",
    }  # fmt: skip
    return Failure(**(fields | changes))


def make_result(planned: PlannedSample, *failures: Failure, **changes: Any) -> CaseResult:
    """The result of a planned sample."""
    fields: dict[str, Any] = {
        "case": planned.case, "title": "a title", "model": planned.model, "prompt": "Write it.", "control": "ok", "control_cause": None,
        "score": Score(0.5, "medium", 0.25), "gates": {"response": {"synth": "fail", "validate": "not run"}, "ideal": {"synth": "pass"}},
        "reasons": {"response": {"validate": "synth did not pass"}}, "converged": True, "failures": failures,
        "fixes": (FixRecord("fix1", "a fix", 1, ("lib/stack.py",), (), True, "a diff", 1, True, "synth"),), "unclassified": 0, "inconclusive": (),
        "expectations": (), "resources": 3, "seconds": {"wall": 1.5, "cpu": 0.5}, "sample": planned.sample, "attempt": planned.attempt,
        "response_digest": "a" * 64, "ideal_digest": "b" * 64,
    }  # fmt: skip
    return CaseResult(**(fields | changes))


def make_plan(*samples: PlannedSample, **changes: Any) -> RunPlan:
    """A plan of `samples`, or of four: two cases, two models."""
    chosen = samples or tuple(
        PlannedSample(2 * at + number, f"/cases/{case}", case, model) for at, case in enumerate("ab") for number, model in enumerate("mn")
    )
    fields: dict[str, Any] = {
        "label": "nightly", "toolchain": {"python": "3.11.7"}, "toolchain_fingerprint": "f" * 64, "rubric": "3", "code": "c" * 64,
        "holes": {"plan": "no terraform"}, "settings": {"gates": ["synth"], "repeat": 1, "sandboxed": True}, "samples": chosen,
    }  # fmt: skip
    return RunPlan(**(fields | changes))


def finished(store: Store, *results: CaseResult, **changes: Any) -> str:
    """A run with these results; its name."""
    planned = [PlannedSample(number, "/cases/x", one.case, one.model, one.sample, one.attempt) for number, one in enumerate(results)]
    with store.start(make_plan(*planned, **changes)) as writer:
        for one, result in zip(planned, results, strict=True):
            writer.add(one, result)
        writer.finish(FINISHED)
        return writer.run.name


any_text = st.one_of(st.text(st.characters(codec=None), max_size=40), st.just(HOSTILE))
"""Text with everything that a Python string may hold, lone surrogates and NUL too."""

_texts = st.lists(any_text, max_size=3).map(tuple)
_whole = st.integers(0, 10_000)
_share = st.floats(0, 1)
_gate = st.sampled_from(["synth", "validate", "plan", "tests"])
_locations = st.lists(st.builds(Location, any_text, _whole), max_size=3).map(tuple)
_walk, _isolation = st.builds(WalkEvidence, _gate, _whole, any_text), st.builds(IsolationEvidence, _gate, any_text, _texts, _texts)
_evidence = st.builds(Evidence, st.none() | _walk, st.none() | _isolation, any_text)
_fix_summary = st.builds(FixSummary, st.lists(st.sampled_from(["fix1", "fix2"]), max_size=2).map(tuple), _whole, any_text, _whole)


@st.composite
def any_results(draw: st.DrawFn, planned: PlannedSample) -> CaseResult:
    """Any result that this sample can have."""

    def failure(number: int) -> st.SearchStrategy[Failure]:
        # Of few fingerprints, so that samples share them.
        fingerprint = st.integers(0, 5).map(lambda one: f"{one:012x}")
        return st.builds(
            Failure, st.just(f"F{number}"), fingerprint, any_text, any_text, st.sampled_from(Severity), st.sampled_from(Category), any_text, _locations, _texts,
            _fix_summary, _evidence, any_text, any_text, any_text,
        )  # fmt: skip

    def fix(number: int) -> st.SearchStrategy[FixRecord]:
        steps = st.none() | _whole
        return st.builds(FixRecord, st.just(f"fix{number}"), any_text, _whole, _texts, _texts, st.booleans(), any_text, steps, st.booleans(), any_text)

    def numbered(one: Any, most: int) -> tuple[Any, ...]:
        return tuple(draw(one(number)) for number in range(1, draw(st.integers(0, most)) + 1))

    statuses = st.dictionaries(_gate, st.sampled_from(["pass", "fail", "not run", "inconclusive"]))
    variants = st.sampled_from(["response", "ideal", "repaired", "ideal without fix1"])
    reasons = st.dictionaries(variants, st.dictionaries(_gate, any_text))
    return make_result(
        planned,
        *numbered(failure, 3),
        title=draw(any_text), prompt=draw(any_text), control=draw(st.sampled_from(["ok", "broken"])), control_cause=draw(st.none() | any_text),
        control_kind=draw(st.none() | st.sampled_from(["toolchain", "ideal"])),
        score=draw(st.none() | st.builds(Score, _share, st.sampled_from(["high", "medium", "low"]), _share)),
        gates=draw(st.dictionaries(variants, statuses)), reasons=draw(reasons),
        converged=draw(st.booleans()), fixes=numbered(fix, 3), unclassified=draw(_whole), inconclusive=draw(_texts), resources=draw(_whole),
        seconds=draw(st.fixed_dictionaries({}, optional={"wall": _share, "cpu": _share})), error=draw(st.none() | any_text.filter(bool)),
        audit=draw(st.none() | st.dictionaries(any_text, any_text, max_size=2)), response_folder=draw(any_text), shared=draw(_texts),
    )  # fmt: skip
