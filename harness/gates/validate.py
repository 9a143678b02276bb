"""The validate gate: terraform checks the synthesized stacks against the provider's schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.gates.base import GateResult, Subject
from harness.session import Session
from harness.terraform.environment import validate_hole
from harness.terraform.judge import StackVerdict, judge_stacks, missing_tools, split, terraform_call
from harness.terraform.messages import StackView, read_diagnostic, validate_errors
from harness.terraform.server import call_terraform
from harness.terraform.stacks import stacks_key

_SECONDS = 60.0


class ValidateGate:
    """Passes when `terraform validate` has no error for any stack; warnings are no failures."""

    name = "validate"
    version = "1"
    needs: tuple[str, ...] = ("synth",)

    def missing(self, session: Session) -> str:
        """Terraform, its provider, or what the server that runs them needs."""
        return missing_tools(session)

    def key(self, subject: Subject) -> str:
        """The stacks and the lines that their constructs come from; the toolchain is part of every key anyway."""
        return stacks_key(subject)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """Judge every stack."""

        def judge(name: str, stack: Mapping[str, Any], view: StackView) -> StackVerdict:
            answer = call_terraform(session, terraform_call(name, stack, subject, ("validate", "-json"), timeout=_SECONDS))
            if answer.timed_out:
                return StackVerdict(holes=(f"terraform validate did not end within {_SECONDS:.0f} s",), wall=answer.wall, cpu=answer.cpu)
            said = [read_diagnostic(self.name, one, view) for one in validate_errors(answer)]
            diagnostics, holes = split(said, validate_hole)
            return StackVerdict(diagnostics, holes, wall=answer.wall, cpu=answer.cpu)

        return judge_stacks(self.name, subject, judge)
