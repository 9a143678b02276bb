"""The apply gate: the stacks are created on the emulated AWS, planned again, and taken away again. It runs only where it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.case import TERRAFORM
from harness.diagnostics import Diagnostic
from harness.gates.base import GateResult, Subject
from harness.session import Session
from harness.terraform.account import Surroundings, apply_hole, culprits, is_taken, steady, surroundings, upstream_hole
from harness.terraform.aftermath import destroy_errors, drift
from harness.terraform.deployment import Phases, connected, deployment, levels_of, phases, reads_of, state_resources
from harness.terraform.judge import StackVerdict, join_verdicts, missing_tools, split, stack_view, terraform_call, unavailable
from harness.terraform.messages import StackView, deploy_report, plan_report, read_diagnostic
from harness.terraform.provisioners import (
    Ran,
    is_provisioners,
    override,
    provisioned,
    provisioner_hole,
    related,
    runs,
    shield_command,
    shielded,
    undone_hole,
    unreachable,
)
from harness.terraform.server import AGENT, ask_terraform
from harness.terraform.stacks import stacks_key

PROVES = (
    "On an emulated AWS: that the stack's parts fit together, in this order; that a second plan is empty; that destroy works. "
    "The emulator takes values that AWS refuses, so a pass never says that a value is allowed."
)


class ApplyGate:
    """Passes when all stacks can be created in an empty, emulated account, a second plan wants nothing, and destroy leaves nothing.

    What the emulator lacks, and what only depends on an account, leaves the gate inconclusive; the rest of
    the stack is created and judged all the same. So does a provisioner whose command needs what no
    sandbox has.
    """

    name = "apply"
    version = "2"
    needs: tuple[str, ...] = ("synth", "validate", "plan")
    optional = True

    def missing(self, session: Session) -> str:
        """Terraform, its provider, or what the server that runs them needs."""
        return missing_tools(session)

    def key(self, subject: Subject) -> str:
        """The stacks and the lines that their constructs come from; the toolchain is part of every key anyway."""
        return stacks_key(subject)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """Deploy all stacks together. Output: `actions` (how many resources were created), `holes`, `notes` (what the verdict does not cover), and
        `proves`, which is the reason of a verdict too."""
        stacks = subject.stacks()
        verdicts = {name: StackVerdict(holes=(reason,)) for name, stack in stacks.items() if (reason := _unable(stack, session))}
        wanted = {name: stack for name, stack in stacks.items() if name not in verdicts}
        able = connected(wanted)
        if able:
            shield = shield_command(session.toolchain.python, AGENT) if any(map(provisioned, able.values())) else ()
            calls = {name: terraform_call(name, shielded(stack, shield), subject, ()) for name, stack in able.items()}
            folders = {name: call.folder for name, call in calls.items()}
            files = {path: content for call in calls.values() for path, content in call.files.items()}
            if subject.case.platform == TERRAFORM:
                files |= {path: content for stack in able.values() for path, content in override(stack, shield).items()}
            series, names = deployment(able, files, folders, levels_of(wanted))
            answer = ask_terraform(session, series)
            done = phases(series, names, answer)
            verdicts |= _judge(able, stacks, {name: done.get(folders[name], Phases()) for name in able}, subject)
        result = join_verdicts(self.name, {name: verdicts[name] for name in stacks})
        notes = list(dict.fromkeys(note for name in stacks for note in verdicts[name].notes))
        # The stacks are deployed by one series, at the same time: its time is that of all of them.
        wall, cpu = (answer.wall, answer.cpu) if able else (0.0, 0.0)
        output = {**result.output, "notes": notes, "proves": PROVES}
        return replace(result, reason=result.reason or " ".join([PROVES, *_not_covered(notes)]), output=output, wall=wall, cpu=cpu)


@dataclass(frozen=True, slots=True)
class _Deployed:
    """One stack with what happened to it, and what its account has."""

    name: str
    phases: Phases
    view: StackView
    around: Surroundings
    upstream: Mapping[str, bool]
    ran: tuple[Ran, ...] = ()

    @property
    def undone(self) -> set[str]:
        """The resources that may lack what a provisioner would have done, had it been run as it was meant."""
        return related(self.view.stack, [one.address for one in self.ran if one.reason])


def _not_covered(notes: Sequence[str]) -> list[str]:
    return [f"Not covered: {'; '.join(notes)}."] if notes else []


def _unable(stack: Mapping[str, Any], session: Session) -> str:
    """Why a stack is not deployed; empty where it is."""
    if (provisioners := provisioned(stack)) and session.sandbox.bwrap is None:
        return f"the provisioner of {', '.join(provisioners)} would run on this machine itself, since there is no sandbox"
    return unavailable(stack)


def _judge(able: Mapping[str, Any], stacks: Mapping[str, Any], seen: Mapping[str, Phases], subject: Subject) -> dict[str, StackVerdict]:
    made = {address: attributes for one in seen.values() for address, attributes in state_resources(one.apply).items()}
    around = surroundings(able, made)
    whole = {name: one.apply is not None and one.apply.exit_code == 0 for name, one in seen.items()}
    verdicts = {}
    for name, one in seen.items():
        upstream = {other: whole[other] for other in reads_of(stacks, name) if other in whole}
        ran = runs(one.apply, one.again, one.destroy)
        verdict = _judge_stack(_Deployed(name, one, stack_view(subject, stacks[name]), around, upstream, tuple(ran)))
        not_run = dict.fromkeys([*(one.reason for one in ran if one.reason), *unreachable(stacks[name])])
        verdicts[name] = replace(verdict, holes=(*verdict.holes, *not_run))
    return verdicts


def _judge_stack(one: _Deployed) -> StackVerdict:
    if one.phases.apply is None:
        return StackVerdict(holes=(f"{one.name} was not reached in the time that there is",))
    applied = deploy_report("apply", one.phases.apply)
    failures, holes = _errors(one, applied.errors)
    if one.phases.apply.timed_out:
        return StackVerdict(failures, (*holes, "terraform apply did not end in the time that there is"))
    holes += tuple(f"{address} was still being created when terraform was interrupted" for address in applied.pending)
    drifting, unplanned, unkept = _second_plan(one, applied.done, clean=not applied.errors)
    left, undeleted = _destroyed(one)
    actions = Counter({"create": len(applied.done)})
    return StackVerdict((*failures, *drifting, *left), tuple(dict.fromkeys((*holes, *unplanned, *undeleted))), actions, notes=unkept)


def _second_plan(one: _Deployed, created: Iterable[str], *, clean: bool) -> tuple[tuple[Diagnostic, ...], tuple[str, ...], tuple[str, ...]]:
    """Drift, why nothing can be said of it, and what the emulator does not keep. Errors of the plan itself count after an apply that had none."""
    if one.phases.second is None or one.phases.second.timed_out:
        return (), ("the second plan did not end in the time that there is",), ()
    report = plan_report(one.phases.second)
    failures, holes = _errors(one, report.errors)
    drifting, unkept = drift(one.phases, tuple(created), one.view)
    return (*(failures if clean else ()), *drifting), holes, unkept


def _destroyed(one: _Deployed) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    if one.phases.destroy is None or one.phases.destroy.timed_out:
        return (), ("terraform destroy did not end in the time that there is",)
    made = state_resources(one.phases.apply)
    said = destroy_errors(one.phases, one.view, made)
    failures, holes = split(said, lambda said: _hole(said, one))
    if holes:
        # What could not be deleted for the emulator's sake keeps others from being deleted.
        failures = tuple(failure for failure in failures if "DependencyViolation" not in failure.message)
    return failures, holes


def _hole(said: Diagnostic, one: _Deployed) -> str:
    if is_provisioners(said):
        return provisioner_hole(said, one.ran) or undone_hole(said, one.undone)
    return upstream_hole(said, one.upstream) or apply_hole(said, one.around) or undone_hole(said, one.undone)


def _errors(one: _Deployed, errors: Sequence[Mapping[str, Any]]) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """What terraform said while it created or planned: the code's errors, and reasons for the others."""
    said = [read_diagnostic("apply", error, one.view) for error in errors]
    failures, holes = split(said, lambda said: _hole(said, one))
    return tuple(_named(failure, one.around, one.view) for failure in failures), holes


def _named(said: Diagnostic, around: Surroundings, view: StackView) -> Diagnostic:
    """The error without what differs from account to account, and with the resources that it means but does not name as such."""
    twins = around.twins(said.address) if said.address and is_taken(said) else []
    others = twins or culprits(said, around)
    detail = said.detail + (f"\nnames what these are: {', '.join(others)}" if others else "")
    symbols = tuple(dict.fromkeys((*said.symbols, *others)))
    named = replace(said, code=steady(said.code), message=steady(said.message), symbols=symbols, detail=detail)
    if not twins:
        return named
    # Which of two that want one name comes first is chance: the error is that of all of them.
    every = sorted([*twins, said.address or ""])
    kind = every[0].partition(".")[0]
    places = tuple(dict.fromkeys(place for place in map(view.location, every) if place))
    return replace(named, address=every[0], locations=places, symbols=(kind, *every[1:]))
