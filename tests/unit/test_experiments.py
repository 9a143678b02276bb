"""Walk, isolation and attribution over a judge that reads the tree instead of running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.attribution import attribute
from harness.cure import quick_explain
from harness.diagnostics import Diagnostic, Location
from harness.experiment import Experiment, new_diagnostics, only_shared
from harness.fixes import compare
from harness.gates.base import GateResult, Status
from harness.isolation import isolate
from harness.tree import Tree
from harness.walk import walk

ORDER = ("synth", "validate")
IDEAL = """from lib import good

name = "right"


def build(account):
    one(account)
    two(20)
    three("kept")
"""
RESPONSE = """from lib import bad

name = "right"


def build():
    one("1234")
    two(21)
    three("other")
"""


def judge(tree: Tree, names: Sequence[str]) -> dict[str, GateResult]:
    """synth stops at the first of three mistakes; validate, which needs it, sees one more."""
    text = tree.text("a.py")
    lines = text.splitlines()

    def at(word: str) -> tuple[Location, ...]:
        return (Location("a.py", next((number for number, line in enumerate(lines, start=1) if word in line), 1)),)

    if "import bad" in text:
        synth = GateResult("synth", Status.FAIL, (Diagnostic("synth", "ImportError", "no module named bad", at("bad"), symbols=("bad",)),))
    elif "one(account)" in text and "def build(account)" not in text:
        synth = GateResult("synth", Status.FAIL, (Diagnostic("synth", "NameError", "name 'account' is not defined", at("one("), symbols=("account",)),))
    elif '"1234"' in text:
        synth = GateResult("synth", Status.FAIL, (Diagnostic("synth", "ValueError", "1234 is no account", at("1234")),))
    else:
        synth = GateResult("synth", Status.PASS)
    if synth.status is not Status.PASS:
        validate = GateResult("validate", Status.NOT_RUN, reason="synth did not pass")
    elif "two(21)" in text:
        validate = GateResult("validate", Status.FAIL, (Diagnostic("validate", "range", "expected 20, got 21", address="x.two"),))
    else:
        validate = GateResult("validate", Status.PASS)
    return {name: {"synth": synth, "validate": validate}[name] for name in names}


@pytest.fixture(scope="module")
def comparison():
    return compare(Tree({"a.py": RESPONSE.encode()}), Tree({"a.py": IDEAL.encode()}))


@pytest.fixture(scope="module")
def control(comparison):
    return judge(comparison.ideal, ORDER)


def test_the_walk_finds_what_the_first_crash_hid(comparison, control) -> None:
    repair = walk(Experiment(comparison, judge, control, ORDER))
    assert [(step.gate, step.diagnostic.code) for step in repair.steps] == [("synth", "ImportError"), ("synth", "ValueError"), ("validate", "range")]
    assert repair.converged


def test_the_walk_leaves_out_what_nothing_needs(comparison, control) -> None:
    repair = walk(Experiment(comparison, judge, control, ORDER))
    unused = [edit.ideal_text.strip() for fix in repair.unused for edit in comparison.edits_of(fix)]
    assert unused == ['three("kept")']


def test_isolation_measures_each_fix_by_the_gate_that_breaks(comparison, control) -> None:
    measured = {}
    for fix in comparison.fixes:
        one = isolate(Experiment(comparison, judge, control, ORDER), fix)
        text = "".join(edit.ideal_text for edit in comparison.edits_of(fix))
        measured[text.strip().splitlines()[0]] = next(iter(one.broken), None)
    assert measured == {"from lib import good": "synth", "def build(account):": "synth", "two(20)": "validate", 'three("kept")': None}


def test_every_load_bearing_fix_becomes_one_finding_with_both_experiments(comparison, control) -> None:
    repair = walk(Experiment(comparison, judge, control, ORDER))
    isolated = [isolate(Experiment(comparison, judge, control, ORDER), fix) for fix in comparison.fixes]
    findings = attribute(comparison, repair, isolated, ORDER)
    assert sorted(finding.diagnostic.code for finding in findings) == ["ImportError", "ValueError", "range"]
    assert all(finding.evidence.walk and finding.evidence.isolation for finding in findings)
    assert {finding.diagnostic.code: finding.locations[0].line for finding in findings} == {"ImportError": 1, "ValueError": 7, "range": 8}


def test_a_gate_that_the_response_got_through_without_a_fix_is_no_failure_of_it(comparison, control) -> None:
    repair = walk(Experiment(comparison, judge, control, ORDER))
    late = next(step for step in repair.steps if step.gate == "validate")
    fix = next(iter(late.fixes))
    one = isolate(Experiment(comparison, judge, control, ORDER), fix)
    artefact = replace(one, broken={"synth": (Diagnostic("synth", "FileNotFoundError", "no such file"),), **one.broken})
    findings = attribute(comparison, repair, [artefact], ORDER)
    assert [finding.evidence.isolation.gate for finding in findings if finding.evidence.isolation] == ["validate"]


def test_what_the_response_failed_at_counts_where_the_ideal_without_the_fix_only_fails_later(comparison, control) -> None:
    repair = walk(Experiment(comparison, judge, control, ORDER))
    step = repair.steps[0]
    (fix,) = step.culprits
    one = isolate(Experiment(comparison, judge, control, ORDER), fix)
    dead_code = replace(one, broken={"validate": (Diagnostic("validate", "unused", "nobody uses it"),)})
    finding = next(finding for finding in attribute(comparison, repair, [dead_code], ORDER) if finding.evidence.walk.step == 1)
    assert finding.diagnostic == step.diagnostic
    assert (finding.evidence.walk.gate, finding.evidence.isolation.gate) == ("synth", "validate")
    assert "no longer comes to this code" in finding.evidence.note


def test_what_the_ideal_says_too_is_no_finding(comparison, control) -> None:
    noisy = {**control, "validate": GateResult("validate", Status.FAIL, (Diagnostic("validate", "range", "expected 20, got 21", address="x.two"),))}
    assert [step.gate for step in walk(Experiment(comparison, judge, noisy, ORDER)).steps] == ["synth", "synth"]
    fix = next(fix for fix in comparison.fixes if "two(20)" in "".join(edit.ideal_text for edit in comparison.edits_of(fix)))
    assert not isolate(Experiment(comparison, judge, noisy, ORDER), fix).broken


def test_without_a_verdict_on_the_control_nothing_is_new() -> None:
    failed = GateResult("plan", Status.FAIL, (Diagnostic("plan", "x", "y"),))
    assert new_diagnostics(failed, GateResult("plan", Status.PASS), renamed={}) == failed.diagnostics
    assert new_diagnostics(failed, GateResult("plan", Status.NOT_RUN, reason="no terraform"), renamed={}) == ()
    assert new_diagnostics(failed, GateResult("plan", Status.INCONCLUSIVE, reason="emulator"), renamed={}) == ()
    assert new_diagnostics(failed, None, renamed={}) == ()


@pytest.mark.parametrize("needed", [{"f3"}, {"f0", "f7"}, {"f1", "f4", "f6"}, {f"f{number}" for number in range(8)}])
def test_quick_explain_finds_exactly_what_is_needed(needed: set[str]) -> None:
    candidates = [f"f{number}" for number in range(8)]
    assert set(quick_explain(candidates, lambda part: needed <= set(part), lambda: True)) == needed


def test_quick_explain_keeps_what_it_may_not_try() -> None:
    candidates = [f"f{number}" for number in range(8)]
    assert quick_explain(candidates, lambda part: True, lambda: False) == candidates


def test_a_failed_gate_without_a_diagnostic_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="without saying why"):
        GateResult("synth", Status.FAIL)
    with pytest.raises(ValueError, match="without a reason"):
        GateResult("synth", Status.NOT_RUN)


def test_tokens_and_addresses_are_no_part_of_what_a_diagnostic_is() -> None:
    said = [
        Diagnostic(
            "synth",
            "RuntimeError",
            f"Cannot add elements to list token, got: #{{TfToken[TOKEN.{number}]}},${{TfToken[TOKEN.{number + 1}]}} at 0x7f{number:06x}",
        )
        for number in (21, 22)
    ]
    assert said[0].identity == said[1].identity


def test_what_the_ideal_says_of_a_construct_with_another_id_is_not_new_but_each_only_once() -> None:
    def dropped(path: str) -> Diagnostic:
        return Diagnostic("silent-drop", "key-dropped", f"{path}: root_directory did not arrive", symbols=("TaskVolume", "root_directory"), path=path)

    control = GateResult("silent-drop", Status.FAIL, (dropped("Stack/task-1a"), dropped("Stack/kept")))
    here = GateResult("silent-drop", Status.FAIL, (dropped("Stack/task"), dropped("Stack/kept"), dropped("Stack/other")))
    assert [one.path for one in new_diagnostics(here, control, renamed={})] == ["Stack/other"]
    unplaced = replace(dropped("Stack/task"), path=None)
    assert new_diagnostics(GateResult("silent-drop", Status.FAIL, (unplaced,)), control, renamed={}) == (unplaced,)


def test_a_rule_that_the_ideal_breaks_too_on_a_resource_of_another_name_is_no_failure() -> None:
    def open_group(label: str, port: str) -> Diagnostic:
        symbols = ("ingress", port, label, "aws_security_group")
        return Diagnostic("constraints", "ports", f"aws_security_group.{label}: {port}", address=f"aws_security_group.{label}", symbols=symbols, path=label)

    control = GateResult("constraints", Status.FAIL, (open_group("renamed", "22"),))
    assert new_diagnostics(GateResult("constraints", Status.FAIL, (open_group("web", "22"),)), control, renamed={}) == ()
    other = open_group("web", "3389")
    assert new_diagnostics(GateResult("constraints", Status.FAIL, (other,)), control, renamed={}) == (other,)


def test_a_gate_is_shared_where_the_ideal_fails_it_for_all_that_the_response_does() -> None:
    def failed(*names: str) -> GateResult:
        said = (Diagnostic("security", "CKV_AWS_18", f"logging: {name}", address=f"aws_s3_bucket.{name}", symbols=(name,), path=name) for name in names)
        return GateResult("security", Status.FAIL, tuple(said))

    passed, unknown = GateResult("security", Status.PASS), GateResult("security", Status.INCONCLUSIVE, reason="crashed")
    assert only_shared(failed("logs"), failed("logs"), {})
    assert only_shared(failed("logs"), failed("data", "logs"), {})
    assert only_shared(failed("renamed"), failed("logs"), {})
    assert not only_shared(failed("logs", "data"), failed("logs"), {})
    assert not only_shared(failed("logs"), passed, {})
    assert not only_shared(failed("logs"), unknown, {})
    assert not only_shared(failed("logs"), None, {})
    assert not only_shared(passed, passed, {})


def test_a_file_that_moved_is_the_same_file_for_what_is_shared() -> None:
    def failed(path: str) -> GateResult:
        return GateResult("format", Status.FAIL, (Diagnostic("format", "unformatted", f"{path} would be reformatted", (Location(path, 1),)),))

    assert only_shared(failed("old.py"), failed("new.py"), {"old.py": "new.py"})
    assert not only_shared(failed("old.py"), failed("new.py"), {})
