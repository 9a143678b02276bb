"""What the gates that ask terraform have in common: one verdict a stack, one verdict for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.case import TERRAFORM
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Lasting, Status, Subject
from harness.hcl.configuration import terraform_files
from harness.session import Session
from harness.terraform.calls import TerraformCall
from harness.terraform.messages import StackView
from harness.terraform.stacks import foreign_providers, module_sources, produced_files, stack_files, stack_folder, used_types


@dataclass(frozen=True, slots=True)
class StackVerdict:
    """What terraform said of one stack.

    `holes` are reasons why something could not be judged, each `Lasting` where another run would have it too; `notes` what a verdict does not cover;
    `actions` how many resources a plan creates, reads and so on; `plan` the plan itself (`terraform show -json`), where somebody asks for it.
    """

    diagnostics: tuple[Diagnostic, ...] = ()
    holes: tuple[str, ...] = ()
    actions: Mapping[str, int] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float = 0.0
    plan: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


def missing_tools(session: Session) -> str:
    """Why terraform cannot be asked here, with the remedy; empty when it can."""
    tools = session.toolchain
    if tools.terraform is None:
        return "terraform is not on this machine; install terraform or OpenTofu and put it on PATH"
    if tools.provider is None:
        return f"the provider hashicorp/aws {tools.wanted['provider']} is not on this machine; run `make setup`, or set ASSAY_PROVIDER_MIRROR"
    for package in ("grpc", "moto"):
        if not (tools.site_packages / package).is_dir():
            return f"the Python package {package} is not installed; install the pinned dependencies again: make setup"
    return ""


def terraform_call(name: str, stack: Mapping[str, Any], subject: Subject, arguments: tuple[str, ...], **more: Any) -> TerraformCall:
    """The command for one stack, in the folder where `cdktf synth` would have put it; a plain configuration lies on top of its tree."""
    if subject.case.platform == TERRAFORM:
        return TerraformCall(arguments, terraform_files(subject.tree), ".", used_types(stack), **more)
    return TerraformCall(arguments, stack_files(name, stack, subject.tree, produced_files(subject)), stack_folder(name), used_types(stack), **more)


def unavailable(stack: Mapping[str, Any]) -> str:
    """What the stack needs that no offline machine has; empty when nothing."""
    if foreign := foreign_providers(stack):
        return Lasting(f"the stack uses the provider {', '.join(foreign)}, which the toolchain does not have")
    if sources := module_sources(stack):
        return Lasting(f"the stack uses the module {', '.join(sources)}, which terraform would have to install first")
    return ""


def judge_stacks(gate: str, subject: Subject, judge: Callable[[str, Mapping[str, Any], StackView], StackVerdict]) -> GateResult:
    """All stacks of the subject, each judged by itself. Raises `HarnessFault` where there is none."""
    return join_verdicts(gate, {name: _judge_one(name, stack, subject, judge) for name, stack in subject.stacks().items()})


def join_verdicts(gate: str, verdicts: Mapping[str, StackVerdict]) -> GateResult:
    """One verdict for all stacks: one failure fails the gate, one hole leaves it inconclusive. Raises `HarnessFault` where there is none."""
    if not verdicts:
        raise HarnessFault(f"{gate}: synth passed without a stack", "report this as a bug")
    # Terraform works in parallel, so its own order is not the same twice.
    diagnostics = tuple(sorted({one for verdict in verdicts.values() for one in verdict.diagnostics}, key=_order))
    holes = dict.fromkeys(hole for verdict in verdicts.values() for hole in verdict.holes)
    actions = sum((Counter(verdict.actions) for verdict in verdicts.values()), Counter[str]())
    plans = {name: verdict.plan for name, verdict in verdicts.items() if verdict.plan is not None}
    status = Status.FAIL if diagnostics else Status.INCONCLUSIVE if holes else Status.PASS
    return GateResult(
        gate=gate,
        status=status,
        diagnostics=diagnostics,
        reason="; ".join(holes) if status is Status.INCONCLUSIVE else "",
        output={"actions": dict(sorted(actions.items())), "holes": list(holes)} | ({"plans": plans} if plans else {}),
        wall=sum(verdict.wall for verdict in verdicts.values()),
        cpu=sum(verdict.cpu for verdict in verdicts.values()),
        # A failure beside something that was stopped is not all that there is to say.
        lasting=all(isinstance(hole, Lasting) for hole in holes),
    )


def stack_view(subject: Subject, stack: Mapping[str, Any]) -> StackView:
    """The stack with the lines of its constructs, to say where a diagnostic belongs."""
    return StackView(stack, subject.earlier["synth"].output.get("lines", {}))


def _order(said: Diagnostic) -> tuple[tuple[Location, ...], str, str]:
    return said.locations, said.address or "", said.message


def _judge_one(name: str, stack: Mapping[str, Any], subject: Subject, judge: Callable[[str, Mapping[str, Any], StackView], StackVerdict]) -> StackVerdict:
    if reason := unavailable(stack):
        return StackVerdict(holes=(reason,))
    return judge(name, stack, stack_view(subject, stack))


def split(said: Sequence[Diagnostic], hole: Callable[[Diagnostic], str]) -> tuple[tuple[Diagnostic, ...], tuple[str, ...]]:
    """The errors that are the code's, and the reasons why the others are not."""
    reasons = [hole(one) for one in said]
    failures = tuple(one for one, reason in zip(said, reasons, strict=True) if not reason)
    return failures, tuple(dict.fromkeys(reason for reason in reasons if reason))
