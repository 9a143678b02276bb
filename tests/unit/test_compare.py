"""What `assay compare` makes of two runs: pairing, failures, gates, flaky results, thresholds, text."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.commands import compare
from harness.errors import UsageError
from harness.results import CaseResult, Score
from harness.store import PlannedSample, RunPlan, Store, open_store
from scoring.compare import compare_runs
from scoring.compare_text import as_text
from scoring.comparison import Comparison, dump_comparison
from scoring.pass_at_k import run_pass_at_k
from scoring.run_pairing import RunFrames
from scoring.thresholds import Threshold, crossed, parse_thresholds

SCORE_COLUMNS = ("training_quality", "response_quality")


def one(
    case: str,
    *,
    model: str = "m",
    sample: str = "1",
    attempt: int = 1,
    failures: Mapping[str, str] | Sequence[str] = (),
    gates: Mapping[str, str] | None = None,
    quality: float = 0.5,
    training: float = 0.5,
    **other: Any,
) -> dict[str, Any]:
    """A sample: `failures` are fingerprints (with their severity, else high), `gates` a gate's status on the response."""
    severities = dict(failures) if isinstance(failures, Mapping) else dict.fromkeys(failures, "high")
    row = {"case_name": case, "model": model, "sample": sample, "attempt": attempt, "state": "done", "control": "ok"}
    scores = {"training_quality": training, "response_quality": quality, "response_digest": f"r-{case}-{model}-{sample}", "ideal_digest": f"i-{case}"}
    return {**row, **scores, **other, "_failures": severities, "_gates": gates or {"synth": "pass"}}


def run(name: str, *samples: dict[str, Any], model: str | None = None, toolchain: str = "t", rubric: str = "3") -> RunFrames:
    """The three frames of a run, with the store's columns and types."""
    rows, gates, failures = [], [], []
    for number, sample in enumerate(samples):
        key = {"sample_id": number + 1, "run": name, **{column: sample[column] for column in ("case_name", "model", "sample", "attempt")}}
        rows.append({**key, **{column: value for column, value in sample.items() if not column.startswith("_")}})
        for gate, status in sample["_gates"].items():
            status, _, reason = status.partition(": ")
            gates.append({**key, "variant": "response", "gate": gate, "status": status, "reason": reason})
            gates.append({**key, "variant": "ideal", "gate": gate, "status": "pass", "reason": ""})
        for fingerprint, severity in sample["_failures"].items():
            about = {"rule": f"rule-{fingerprint[0]}", "symbol": "S", "severity": severity, "title": f"title of {fingerprint}"}
            failures.append({**key, "fingerprint": fingerprint, **about})
    frames = [
        _frame(rows, [*rows[0]]),
        _frame(gates, ["sample_id", "variant", "gate", "status", "reason"]),
        _frame(failures, ["sample_id", "fingerprint", "rule", "symbol", "severity", "title"]),
    ]
    return RunFrames(name, "nightly", toolchain, rubric, *frames, model=model)


def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=columns)
    numbers = {"sample_id": "int64", "attempt": "int64", **dict.fromkeys(SCORE_COLUMNS, "float64")}
    return frame.astype({column: numbers.get(column, "string") for column in columns})


def changed(comparison: Comparison) -> set[tuple[str, str, str]]:
    return {(change.change, change.case, change.fingerprint) for change in comparison.changes}


generated = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["m", "n"]),
        st.dictionaries(st.sampled_from(["k1", "k2", "q1"]), st.sampled_from(["critical", "high", "low"]), max_size=3),
        st.fixed_dictionaries(
            {"synth": st.sampled_from(["pass", "fail", "inconclusive"]), "lint": st.sampled_from(["pass", "fail", "not run: synth did not pass"])}
        ),
        st.integers(0, 8),
    ),
    min_size=1,
    max_size=14,
)


def _generated(name: str, rows: list[Any]) -> RunFrames:
    # An anchor in both runs, so that there is something to compare.
    rows = [("a", "m", {}, {"synth": "pass"}, 4), *rows]
    samples = [
        one(case, model=model, sample=str(number), failures=failures, gates=gates, quality=score / 8, training=1 - score / 8)
        for number, (case, model, failures, gates, score) in enumerate(rows)
    ]
    return run(name, *samples)


@given(generated)
@settings(max_examples=40, deadline=None)
def test_a_run_does_not_differ_from_itself(rows: list[Any]) -> None:
    comparison = compare_runs(_generated("a", rows), _generated("a", rows))
    assert not comparison.changes and not comparison.gate_regressions and not comparison.warnings and not comparison.exclusions
    assert all(total.p == 1 and total.before == total.after for total in (*comparison.rules, *comparison.fingerprints))
    assert comparison.models
    for model in comparison.models:
        assert all(score.difference.estimate.mean == 0 and score.difference.test.p == 1 and score.verdict == "unchanged" for score in model.scores)
        assert all(gate.test.p == 1 and gate.before == gate.after for gate in model.gates)


@given(generated, generated)
@settings(max_examples=40, deadline=None)
def test_swapping_the_runs_swaps_new_and_gone_and_negates_differences(first: list[Any], second: list[Any]) -> None:
    there, back = compare_runs(_generated("a", first), _generated("b", second)), compare_runs(_generated("b", second), _generated("a", first))
    other = {"new": "gone", "gone": "new", "worse": "milder", "milder": "worse"}
    assert {(other[word], *rest) for word, *rest in changed(there)} == changed(back)
    for forth, again in zip(there.models, back.models, strict=True):
        for score, turned in zip(forth.scores, again.scores, strict=True):
            assert score.difference.estimate.mean == pytest.approx(-turned.difference.estimate.mean, abs=1e-12)
            assert score.difference.test.p == pytest.approx(turned.difference.test.p, abs=1e-9)
        assert [(gate.gained, gate.lost) for gate in forth.gates] == [(gate.lost, gate.gained) for gate in again.gates]


@given(generated, generated)
@settings(max_examples=40, deadline=None)
def test_every_sample_is_compared_or_left_out_with_a_reason(first: list[Any], second: list[Any]) -> None:
    base, head = _generated("a", first), _generated("b", second)
    comparison = compare_runs(base, head)
    for frames, side, name in ((base, comparison.base, "base"), (head, comparison.head, "head")):
        assert side.samples + sum(left.samples for left in comparison.exclusions if left.side == name) == len(frames.samples)


def test_failures_are_new_gone_or_of_another_severity() -> None:
    base = run("a", one("x", failures={"k1": "high", "k2": "low", "q1": "low"}), one("x", sample="2", failures={"k1": "high", "q1": "low"}))
    head = run("b", one("x", failures={"k1": "critical", "q1": "low"}), one("x", sample="2", failures={"q2": "critical", "q1": "low"}))
    comparison = compare_runs(base, head)
    assert changed(comparison) == {("worse", "x", "k1"), ("gone", "x", "k2"), ("new", "x", "q2")}
    worse = next(change for change in comparison.changes if change.change == "worse")
    assert (worse.severity_before, worse.severity_after, worse.before, worse.after) == ("high", "critical", 1.0, 0.5)
    assert comparison.changes[0].change == "new" and comparison.changes[0].severity_before is None


def test_a_failure_that_another_case_had_is_new_in_this_one() -> None:
    comparison = compare_runs(run("a", one("x", failures=["k1"]), one("y")), run("b", one("x", failures=["k1"]), one("y", failures=["k1"])))
    assert changed(comparison) == {("new", "y", "k1")}


def test_flaky_results_are_told_apart_and_are_no_regression() -> None:
    steady = one("x", gates={"synth": "pass"})
    head = run(
        "b",
        one("x", attempt=1, failures=["k1", "k2"], gates={"synth": "fail"}, quality=0.2),
        one("x", attempt=2, failures=["k2"], gates={"synth": "pass"}),
    )
    comparison = compare_runs(run("a", steady), head)
    assert {(flaky.kind, flaky.what, flaky.seen, flaky.attempts) for flaky in comparison.flaky} == {
        ("failure", "k1", 1, 2),
        ("gate", "synth", 1, 2),
        ("score", "response_quality", 2, 2),
    }
    assert changed(comparison) == {("new", "x", "k2")}
    assert not comparison.gate_regressions


def test_other_inputs_that_differ_are_not_flaky() -> None:
    head = run("b", one("x", attempt=1, failures=["k1"]), one("x", attempt=2, response_digest="another"))
    comparison = compare_runs(run("a", one("x")), head)
    assert not comparison.flaky and changed(comparison) == {("new", "x", "k1")}


def test_what_cannot_be_compared_is_counted_by_reason() -> None:
    base = run("a", one("x"), one("y"), one("z"), one("v"), one("x", model="old"))
    head = run(
        "b",
        one("x"),
        one("y", state="error", control=None),
        one("z", control="broken", response_quality=math.nan),
        one("w"),
        one("x", sample="2", state="planned"),
    )
    comparison = compare_runs(base, head)
    assert {(left.side, left.cases, left.reason) for left in comparison.exclusions} == {
        ("base", ("x",), "head does not have the model"),
        ("base", ("v",), "head does not have the case"),
        ("base", ("y", "z"), "head has no usable sample of the case"),
        ("head", ("w",), "base does not have the case"),
        ("head", ("y",), "Assay could not evaluate it"),
        ("head", ("z",), "the control is broken"),
        ("head", ("x",), "it was not evaluated yet"),
    }
    assert (comparison.base.cases, comparison.base.samples, comparison.head.samples) == (1, 1, 1)


def test_two_models_are_compared_where_each_run_has_one() -> None:
    base, head = run("a", one("x", model="old")), run("b", one("x", model="new", quality=0.7), one("x", model="other"), model="new")
    (model,) = compare_runs(base, head).models
    assert (model.title, model.cases) == ("old -> new", 1)
    assert model.scores[1].difference.estimate.mean == pytest.approx(0.2)
    assert model.scores[1].before.low is None


def test_runs_without_a_common_model_are_compared_case_by_case_where_no_case_has_two() -> None:
    base = run("a", one("x", model="p"), one("y", model="q"))
    (model,) = compare_runs(base, run("b", one("x", model="new", quality=0.7), one("y", model="new", quality=0.7))).models
    assert (model.title, model.cases) == ("2 models -> new", 2)
    assert model.scores[1].difference.estimate.mean == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("base", "head", "message"),
    [
        (run("a", one("x")), run("b", one("y")), "no case in common"),
        (run("a", one("x")), run("b", one("x", model="p"), one("x", model="q")), "no model in common"),
        (run("a", one("x"), model="zz"), run("b", one("x")), "has no model 'zz'"),
        (run("a", one("x", control="broken")), run("b", one("x")), "the control is broken"),
    ],
)
def test_nothing_in_common_is_an_error_that_says_why(base: RunFrames, head: RunFrames, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare_runs(base, head)


def test_other_tools_rubric_ideal_and_responses_are_warned_of() -> None:
    base = run("a", one("x"), one("y"))
    head = run("b", one("x", ideal_digest="new"), one("y", response_digest="new"), toolchain="u", rubric="4")
    warnings = " ".join(compare_runs(base, head).warnings)
    for words in ("toolchains differ", "rubrics differ", "ideal differs in 1 cases", "responses differ in 1 of 2 cases"):
        assert words in warnings


def test_a_gate_behind_a_failing_one_is_not_passed_and_one_behind_no_verdict_is_none() -> None:
    base = run("a", *(one(case, gates={"synth": "pass", "validate": "pass", "plan": "pass"}) for case in "xyz"))
    chain = {"validate": "not run: synth did not pass", "plan": "not run: validate did not pass"}
    head = run(
        "b",
        one("x", gates={"synth": "fail", **chain}),
        one("y", gates={"synth": "inconclusive: time", **chain}),
        one("z", gates={"synth": "pass", "validate": "pass", "plan": "pass"}),
    )
    comparison = compare_runs(base, head)
    gates = {gate.gate: (gate.before.samples, gate.gained, gate.lost, gate.test.method, gate.after.mean) for gate in comparison.models[0].gates}
    assert gates == dict.fromkeys(("synth", "validate", "plan"), (2, 0, 1, "McNemar", 0.5))
    assert [(lost.case, lost.gate) for lost in comparison.gate_regressions] == [("x", "synth")]


def test_a_gate_that_runs_on_the_ideal_only_is_not_passed() -> None:
    comparison = compare_runs(run("a", one("x", gates={"tests": "pass"})), run("b", one("x", gates={"tests": "not run: the tree has no tests"})))
    assert comparison.models[0].gates[0].after.mean == 0.0
    assert [lost.gate for lost in comparison.gate_regressions] == ["tests"]


def test_several_samples_a_case_ask_for_the_permutation_test() -> None:
    base = run("a", *(one(case, sample=str(number), gates={"synth": "pass"}) for case in "vwxyz" for number in range(2)))
    head = run("b", *(one(case, sample=str(number), gates={"synth": "fail" if number else "pass"}) for case in "vwxyz" for number in range(2)))
    (gate,) = compare_runs(base, head).models[0].gates
    assert (gate.test.method, gate.test.p) == ("exact", pytest.approx(2 / 32))


def test_rules_are_counted_over_cases() -> None:
    cases = [f"case{number}" for number in range(6)]
    comparison = compare_runs(run("a", *(one(case, failures=["q1"]) for case in cases)), run("b", *(one(case, failures=["k1", "k2", "q1"]) for case in cases)))
    first, second = comparison.rules
    assert (first.name, first.samples_before, first.samples_after, first.rose, first.fell, first.p) == ("rule-k", 0, 6, 6, 0, pytest.approx(2 / 64))
    assert first.adjusted == pytest.approx(2 * first.p)
    assert (second.name, second.before, second.after, second.p) == ("rule-q", 1.0, 1.0, 1.0)


def test_pass_at_k_counts_responses_and_not_attempts() -> None:
    verdicts = [("1", 1, "pass"), ("1", 2, "fail"), ("2", 1, "pass"), ("2", 2, "pass"), ("3", 1, "fail")]
    frames = run("a", *(one("x", sample=sample, attempt=attempt, gates={"synth": status}) for sample, attempt, status in verdicts))
    rates = {rate.k: rate.estimate.mean for rate in run_pass_at_k(frames.samples, frames.gate_results)}
    assert rates == {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3), 3: 1.0}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (one("x", failures=["k1"]), set()),
        (one("x", failures=["k1", "k2"]), {"regression"}),
        (one("x", failures={"k1": "critical"}), {"regression", "new-critical"}),
        (one("x", failures={"k1": "high", "q1": "critical"}), {"regression", "new-critical"}),
        (one("x", failures=["k1"], gates={"synth": "fail"}), {"regression"}),
        (one("x", failures=["k1"], quality=0.45), set()),
        (one("x", failures=["k1"], quality=0.44), {"score-drop=0.05"}),
        (one("x", quality=0.9), set()),
    ],
)
def test_thresholds_are_crossed_by_what_they_name(head: dict[str, Any], expected: set[str]) -> None:
    comparison = compare_runs(run("a", one("x", failures=["k1"])), run("b", head))
    found = crossed(comparison, parse_thresholds(["regression,new-critical", "score-drop=0.05"]))
    assert {crossing.threshold for crossing in found} == expected
    assert all(crossing.by for crossing in found)


def test_thresholds_are_read_from_lists_and_repetitions() -> None:
    assert parse_thresholds(["regression, score-drop=0.1", "regression"]) == (Threshold("regression"), Threshold("score-drop", 0.1))


@pytest.mark.parametrize(
    "text", ["", "worse", "score-drop", "score-drop=", "score-drop=much", "score-drop=nan", "score-drop=-1", "score-drop=5", "regression=1", "regression,"]
)
def test_a_bad_threshold_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="--fail-on"):
        parse_thresholds([text])


def worked_example() -> tuple[RunFrames, RunFrames]:
    """The runs of docs/comparing.md: eight cases with two samples each; head writes one more broken bucket than base in six of them."""
    before = [0.9, 0.8, 0.7, 0.9, 0.6, 0.8, 0.7, 0.5]
    drop = [0.1, 0.2, 0.1, 0.2, 0.0, 0.1, 0.1, -0.1]
    base, head = [], []
    for number, (quality, less) in enumerate(zip(before, drop, strict=True)):
        for sample, shift in (("1", -0.05), ("2", 0.05)):
            case = f"case-{number}"
            base.append(one(case, sample=sample, quality=quality + shift, training=0.25))
            broken = {"failures": {"k1": "critical"}, "gates": {"synth": "fail"}} if less > 0 and sample == "1" else {}
            head.append(one(case, sample=sample, quality=quality - less + shift, training=0.25 + less / 2, response_digest=f"new-{case}-{sample}", **broken))
    return run("base", *base), run("head", *head)


def test_the_documented_example_says_what_is_printed(request: pytest.FixtureRequest) -> None:
    comparison = compare_runs(*worked_example())
    text = as_text(comparison, crossed(comparison, parse_thresholds(["new-critical", "score-drop=0.05"])))
    page = (request.config.rootpath / "docs" / "comparing.md").read_text()
    assert text.strip() in page


def test_the_json_has_no_nan_and_names_what_was_crossed() -> None:
    comparison = compare_runs(*worked_example())
    data = json.loads(json.dumps(dump_comparison(comparison), allow_nan=False))
    assert data["schema"] == 1 and len(data["changes"]) == 6 and data["models"][0]["scores"][1]["score"] == "response_quality"


def test_names_from_elsewhere_cannot_break_a_table() -> None:
    comparison = compare_runs(run("a", one("x|y\nz")), run("b", one("x|y\nz", failures=["k1"])))
    row = next(line for line in as_text(comparison).splitlines() if line.startswith("| new"))
    assert "x\\|y z" in row


def _stored(store: Store, label: str, quality: float, model: str = "m") -> str:
    planned = tuple(PlannedSample(number, f"cases/{case}", case, model) for number, case in enumerate("xyz"))
    with store.start(RunPlan(label, {"python": "3"}, "t", "3", "c", {}, {}, planned)) as writer:
        for one_planned in planned:
            gates = {"response": {"synth": "pass"}, "ideal": {"synth": "pass"}}
            score = Score(0.25, "low", quality)
            writer.add(
                one_planned, CaseResult(one_planned.case, "", model, "", "ok", None, score, gates, {}, True, (), (), 0, (), (), 1, {"wall": 1.0, "cpu": 1.0})
            )
        writer.finish("finished")
        return writer.run.name


def _command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    compare.add_arguments(parser)
    return compare.run(parser.parse_args(words))


def test_the_command_compares_runs_of_a_real_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ASSAY_STORE", str(tmp_path / "store.db"))
    with open_store() as store:
        base = _stored(store, "nightly:old", 0.9)
        _stored(store, "nightly", 0.8, model="m:2")
    assert _command("nightly:old", "nightly:m:2", "--fail-on", "score-drop=0.05", "--json") == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["base"]["run"], data["head"]["model"], data["crossed"][0]["threshold"]) == (base, "m:2", "score-drop=0.05")
    assert _command("nightly:old", "nightly", "--fail-on", "score-drop=0.2,regression") == 0
    assert "response quality (down is worse)" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no run"):
        _command("nightly", "weekly")
