"""The plan gate: terraform plans the synthesized stacks in an empty, emulated AWS account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.gates.base import GateResult, Subject
from harness.session import Session
from harness.terraform.calls import TerraformCall, TerraformSeries, TerraformStep, single_answer
from harness.terraform.environment import plan_hole
from harness.terraform.judge import StackVerdict, judge_stacks, missing_tools, split, terraform_call
from harness.terraform.messages import StackView, plan_report, read_diagnostic, saved_plan
from harness.terraform.server import ask_terraform
from harness.terraform.stacks import stacks_key

_SECONDS = 90.0
_PATIENCE = 10.0
_ARGUMENTS = ("plan", "-json", "-input=false", "-lock=false", "-refresh=false")
_SAVED = ".assay.tfplan"


class PlanGate:
    """Passes when every stack can be planned.

    What only depends on the account or on the emulator (a data source that finds nothing, an operation
    that is not emulated) leaves the stack inconclusive. The account is 123456789012, and empty.
    """

    name = "plan"
    version = "1"
    needs: tuple[str, ...] = ("synth", "validate")

    def missing(self, session: Session) -> str:
        """Terraform, its provider, or what the server that runs them needs."""
        return missing_tools(session)

    def key(self, subject: Subject) -> str:
        """The stacks and the lines that their constructs come from, and whether the plan is kept; the toolchain is part of every key anyway."""
        return stacks_key(subject) + ("+plan" if subject.case.policies else "")

    def run(self, subject: Subject, session: Session) -> GateResult:
        """Judge every stack. Output: `actions` (how many resources each action concerns), `holes`, and, for a case with
        policies, `plans` (the plan of each stack as `terraform show -json` prints it)."""

        def judge(name: str, stack: Mapping[str, Any], view: StackView) -> StackVerdict:
            call = terraform_call(name, stack, subject, _ARGUMENTS, emulator=True, timeout=_SECONDS, patience=_PATIENCE)
            series = _with_show(call) if subject.case.policies else call.series()
            done = ask_terraform(session, series)
            answer = single_answer(done)
            report = plan_report(answer)
            diagnostics, holes = split([read_diagnostic(self.name, one, view) for one in report.errors], plan_hole)
            if answer.timed_out:
                holes += (f"terraform plan did not end within {_SECONDS:.0f} s",)
            elif done.timed_out:
                holes += (f"terraform show did not end within {_SECONDS:.0f} s",)
            elif report.pending and not holes:
                holes += tuple(f"{address} was not found within {_PATIENCE:.0f} s in an empty account" for address in report.pending)
            return StackVerdict(diagnostics, holes, report.actions, answer.wall, answer.cpu, saved_plan(done))

        return judge_stacks(self.name, subject, judge)


def _with_show(call: TerraformCall) -> TerraformSeries:
    """The planning, with the plan saved, and, where that ended well, the command that prints it as JSON."""
    series = replace(call, arguments=(*call.arguments, f"-out={_SAVED}")).series()
    show = TerraformStep(("show", "-json", "-no-color", _SAVED), call.folder, call.types, timeout=call.timeout, when=(0, 0))
    return replace(series, rounds=(*series.rounds, (show,)))
