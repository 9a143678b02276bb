"""A missing verdict is kept where subject and toolchain decide it, and never where the moment does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.cache import GateCache
from harness.case import Case
from harness.diagnostics import Diagnostic
from harness.gates import apply as apply_module
from harness.gates import plan as plan_module
from harness.gates.apply import ApplyGate
from harness.gates.architecture import ArchitectureGate
from harness.gates.base import Gate, GateResult, Lasting, Status, Subject
from harness.gates.format import FormatGate
from harness.gates.lint import LintGate
from harness.gates.plan import PlanGate
from harness.gates.silent_drop import SilentDropGate
from harness.gates.tests import TestsGate
from harness.gates.types import TypesGate
from harness.runner import GateRunner
from harness.terraform.calls import SeriesAnswer, StepAnswer
from harness.terraform.judge import StackVerdict, join_verdicts
from harness.tree import Tree

HOLE = Lasting("emulator lacks eks:CreateAddon")
STOPPED = "terraform apply did not end in the time that there is"
FAILURE = Diagnostic("apply", "drift", "drift")
STACK = {"resource": {"aws_sns_topic": {"t": {"name": "t"}}}}
DESTROYED = {"type": "change_summary", "changes": {"operation": "destroy"}}
DONE = json.dumps({"type": "change_summary", "changes": {"operation": "apply"}})
LACKING = {"severity": "error", "summary": "api error AssayEmulatorLacks: sns:CreateTopic is not emulated", "address": "aws_sns_topic.t"}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[GateCache]:
    opened = GateCache(tmp_path / "gates")
    yield opened
    opened.close()


class ToldGate:
    """A gate that says what it is told to, and counts how often it is asked."""

    name, version, needs = "told", "1", ()

    def __init__(self, answer: GateResult) -> None:
        self.answer, self.asked = answer, 0

    def missing(self, session: object) -> str:
        return ""

    def key(self, subject: Subject) -> str:
        return subject.tree.digest

    def run(self, subject: Subject, session: object) -> GateResult:
        self.asked += 1
        return self.answer


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (GateResult("told", Status.PASS), True),
        (GateResult("told", Status.FAIL, (FAILURE,)), True),
        (GateResult("told", Status.FAIL, (FAILURE,), lasting=False), False),
        (GateResult("told", Status.INCONCLUSIVE, reason="no marker"), False),
        (GateResult("told", Status.INCONCLUSIVE, reason=STOPPED, lasting=False), False),
        (GateResult("told", Status.INCONCLUSIVE, reason=str(HOLE), lasting=True), True),
        (GateResult("told", Status.NOT_RUN, reason="nothing to judge"), False),
    ],
)
def test_the_gate_s_word_decides_what_another_run_finds(cache: GateCache, answer: GateResult, kept: bool) -> None:
    asked = []
    for _ in range(2):
        gate = ToldGate(answer)
        result = GateRunner(None, SimpleNamespace(toolchain=SimpleNamespace(fingerprint="tools")), [gate], cache).judge(Tree({"a": b"1"}))  # type: ignore[arg-type, list-item]
        assert result["told"] == answer
        asked.append(gate.asked)
    assert asked == [1, 0 if kept else 1]


@pytest.mark.parametrize(
    ("verdicts", "status", "lasts"),
    [
        ([StackVerdict()], Status.PASS, True),
        ([StackVerdict(holes=(HOLE,))], Status.INCONCLUSIVE, True),
        ([StackVerdict(holes=(HOLE,)), StackVerdict(holes=(STOPPED,))], Status.INCONCLUSIVE, False),
        ([StackVerdict((FAILURE,), (HOLE,))], Status.FAIL, True),
        ([StackVerdict((FAILURE,)), StackVerdict(holes=(STOPPED,))], Status.FAIL, False),
    ],
)
def test_one_reason_of_the_moment_is_enough_for_all_stacks(verdicts: list[StackVerdict], status: Status, lasts: bool) -> None:
    result = join_verdicts("apply", {str(number): verdict for number, verdict in enumerate(verdicts)})
    assert (result.status, result.lasts) == (status, lasts)


def subject(case: Case, stack: dict[str, Any]) -> Subject:
    return Subject(replace(case, env={}), Tree({"tap.py": b""}), {"synth": GateResult("synth", Status.PASS, output={"stacks": {"s": stack}, "lines": {}})})


def answer(*steps: StepAnswer) -> SeriesAnswer:
    return SeriesAnswer(tuple((step,) for step in steps), tuple(() for _ in steps), 1.0, 1.0, {})


def said(*events: dict[str, Any]) -> str:
    return "\n".join(json.dumps(event) for event in events)


@pytest.mark.parametrize("stack", [{"provider": {"random": [{}]}}, {"module": {"m": {"source": "terraform-aws-modules/vpc/aws"}}}])
def test_what_no_offline_machine_has_lasts(seed: Case, stack: dict[str, Any]) -> None:
    for gate in (PlanGate(), ApplyGate()):
        result = gate.run(subject(seed, stack), None)  # type: ignore[arg-type]
        assert (result.status, result.lasts) == (Status.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    ("done", "lasts"),
    [
        (answer(StepAnswer(1, said({"type": "diagnostic", "diagnostic": LACKING}), "", False)), True),
        (answer(StepAnswer(-9, "", "", True)), False),
        (answer(StepAnswer(1, said({"type": "diagnostic", "diagnostic": LACKING | {"summary": "execution halted"}}), "", False)), False),
        (answer(StepAnswer(0, said({"type": "change_summary"}), "", False), StepAnswer(-9, "", "", True)), False),
    ],
)
def test_a_plan_that_was_stopped_is_asked_for_again(seed: Case, monkeypatch: pytest.MonkeyPatch, done: SeriesAnswer, lasts: bool) -> None:
    monkeypatch.setattr(plan_module, "ask_terraform", lambda *_: done)
    result = PlanGate().run(subject(seed, STACK), None)  # type: ignore[arg-type]
    assert (result.status, result.lasts) == (Status.INCONCLUSIVE, lasts)


@pytest.mark.parametrize(
    ("done", "lasts"),
    [
        # apply, second plan, what it would change (left out), again, third, what that would change, destroy
        ([StepAnswer(1, said({"type": "diagnostic", "diagnostic": LACKING}), "", False)], True),
        ([StepAnswer(-9, "", "", True)], False),
        ([], False),
    ],
)
def test_a_deployment_that_was_stopped_is_deployed_again(seed: Case, monkeypatch: pytest.MonkeyPatch, done: list[StepAnswer], lasts: bool) -> None:
    rest = [StepAnswer(0, said({"type": "change_summary"}), "", False), None, None, None, None, StepAnswer(0, said(DESTROYED), "", False)]
    rounds = tuple((step,) for step in ([*done, *rest] if lasts else done))
    monkeypatch.setattr(apply_module, "ask_terraform", lambda *_: SeriesAnswer(rounds, tuple(() for _ in rounds), 1.0, 1.0, {}))
    result = ApplyGate().run(subject(seed, STACK), None)  # type: ignore[arg-type]
    assert (result.status, result.lasts) == (Status.INCONCLUSIVE, lasts)


def test_a_provisioner_that_is_not_run_is_not_deployed_for_each_run(seed: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = {"resource": {"aws_sns_topic": {"t": {"name": "t", "provisioner": [{"remote-exec": [{"inline": ["true"]}]}]}}}}
    created = StepAnswer(0, DONE, "", False)
    rest = [StepAnswer(0, said({"type": "change_summary"}), "", False), None, None, None, None, StepAnswer(0, said(DESTROYED), "", False)]
    rounds = tuple((step,) for step in [created, *rest])
    monkeypatch.setattr(apply_module, "ask_terraform", lambda *_: SeriesAnswer(rounds, tuple(() for _ in rounds), 1.0, 1.0, {}))
    session = SimpleNamespace(toolchain=SimpleNamespace(python=Path("python")), sandbox=SimpleNamespace(bwrap=Path("bwrap")))
    result = ApplyGate().run(subject(seed, stack), session)  # type: ignore[arg-type]
    assert (result.status, result.lasts) == (Status.INCONCLUSIVE, True)
    assert result.reason.startswith("the remote-exec provisioner of aws_sns_topic.t needs a machine to connect to")


@pytest.mark.parametrize("gate", [FormatGate(), LintGate(), TypesGate(), TestsGate(), SilentDropGate(), ArchitectureGate()], ids=lambda gate: gate.name)
def test_a_tree_with_nothing_to_judge_has_nothing_in_the_next_run_either(seed: Case, gate: Gate) -> None:
    synth = GateResult("synth", Status.PASS, output={"stacks": {"s": STACK}, "lines": {}})
    result = gate.run(Subject(seed, Tree({"README.md": b""}), {"synth": synth}), None)  # type: ignore[arg-type]
    assert result.status in (Status.NOT_RUN, Status.INCONCLUSIVE) and result.lasts


def test_a_record_that_the_program_wrote_itself_lasts(seed: Case) -> None:
    forged = GateResult("synth", Status.PASS, output={"stacks": {"s": STACK}, "lines": {"a": []}, "given": {}})
    result = SilentDropGate().run(Subject(seed, Tree({"tap.py": b""}), {"synth": forged}), None)  # type: ignore[arg-type]
    assert (result.status, result.lasts) == (Status.INCONCLUSIVE, True)
