"""A cure that takes something away comes with its replacement, and what its replacement is for is no failure of the response."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.attribution import attribute
from harness.diagnostics import Diagnostic, Location
from harness.experiment import Experiment
from harness.fixes import compare
from harness.gates.base import GateResult, Status
from harness.isolation import isolate
from harness.tree import Tree
from harness.walk import Walk, walk

ORDER = ("validate", "constraints")
RESPONSE = """first = group()
first.open(second)
note("one")
"""
IDEAL = """first = group()
note("one")
rule(first, second)
"""


def judge(tree: Tree, names: Sequence[str]) -> dict[str, GateResult]:
    """validate minds the first way of opening the group, constraints a group that nothing opens."""
    text = tree.text("a.py")
    results = {name: GateResult(name, Status.PASS) for name in ORDER}
    if ".open(" in text:
        cycle = Diagnostic("validate", "Cycle", "Cycle: first, second", (Location("a.py", 2),), symbols=("first",))
        results["validate"] = GateResult("validate", Status.FAIL, (cycle,))
    if ".open(" not in text and "rule(" not in text:
        closed = Diagnostic("constraints", "closed", "first: nothing opens it", address="first", symbols=("first", "rule"))
        results["constraints"] = GateResult("constraints", Status.FAIL, (closed,))
    return {name: results[name] for name in names}


@pytest.fixture
def experiment() -> Experiment:
    comparison = compare(Tree({"a.py": RESPONSE.encode()}), Tree({"a.py": IDEAL.encode()}))
    return Experiment(comparison, judge, judge(comparison.ideal, ORDER), ORDER, derived=("constraints",))


def findings_of(experiment: Experiment, repair: Walk):
    isolated = [isolate(experiment, fix) for fix in experiment.comparison.fixes]
    return attribute(experiment.comparison, repair, isolated, ORDER, experiment.derived)


def test_the_replacement_belongs_to_the_step(experiment: Experiment) -> None:
    repair = walk(experiment)
    assert [step.diagnostic.code for step in repair.steps] == ["Cycle"]
    (step,) = repair.steps
    assert repair.converged and step.completing and step.completing < step.fixes
    added = {edit.ideal_text.strip() for fix in step.completing for edit in experiment.comparison.edits_of(fix)}
    assert added == {"rule(first, second)"}


def test_what_the_replacement_is_for_is_no_failure(experiment: Experiment) -> None:
    (finding,) = findings_of(experiment, walk(experiment))
    assert finding.diagnostic.code == "Cycle"
    assert "rule(first, second)" in finding.fix.diff and "first.open(second)" in finding.fix.diff


def test_without_gates_that_every_step_can_afford_the_harm_is_a_step_of_its_own(experiment: Experiment) -> None:
    plain = Experiment(experiment.comparison, judge, experiment.control, ORDER)
    assert [step.diagnostic.code for step in walk(plain).steps] == ["Cycle", "closed"]
