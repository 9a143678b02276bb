"""The synth gate: the real cdktf turns the tree's program into Terraform JSON."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from harness.case import TERRAFORM, Case, EntryError, entry_of
from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.gates.program import SYNTH_LIMITS, exception_diagnostic, stopped_diagnostic, subject_key, tail, unique
from harness.hcl.configuration import source_files
from harness.hcl.synthesis import read_configuration
from harness.session import Session
from harness.synth.launcher import ProgramRun, prime, run_program


class SynthGate:
    """Runs the entry program; passes when it ended well and the kernel wrote at least one stack."""

    name = "synth"
    version = "2"
    needs: tuple[str, ...] = ()

    def missing(self, session: Session) -> str:
        """Synth needs nothing beyond the core dependencies."""
        return ""

    def key(self, subject: Subject) -> str:
        """The tree, its environment and the command that runs it, or why there is none."""
        command = _command(subject)
        if subject.case.platform == TERRAFORM:
            return subject_key(subject, TERRAFORM, _why_unusable(subject.case), version("python-hcl2"))
        return subject_key(subject, command if isinstance(command, tuple) else (command.code, command.message), SYNTH_LIMITS)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """Output: `stacks` (name to parsed JSON), `lines` (construct path to `[file, line]`), `given` (what the program gave to
        cdktf and did with tokens, see `harness/silent_drop/given.py`), and `produced`: the files that the program and cdktf
        wrote, by path, each as base64 or None (see `harness/synth/produced.py`)."""
        command = _command(subject)
        if isinstance(command, Diagnostic):
            return GateResult(self.name, Status.FAIL, (command,))
        if subject.case.platform == TERRAFORM:
            return read_configuration(subject, session)
        script = command[1]
        if script not in subject.tree:
            missing = Diagnostic(self.name, "entry-missing", f"the entry program {script} is not in the tree", (Location(script, 1),), symbols=(script,))
            return GateResult(self.name, Status.FAIL, (missing,))
        prime(session.toolchain, session.sandbox)
        arguments = ("run", *command[1:])
        done = run_program(subject.tree, arguments, subject.case.env, session.toolchain, session.sandbox, SYNTH_LIMITS)
        problem = self._problem(done, script)
        return GateResult(
            gate=self.name,
            status=Status.FAIL if problem else Status.PASS,
            diagnostics=(problem,) if problem else (),
            output={
                "stacks": {} if problem else {name: json.loads(text) for name, text in sorted(done.stacks.items())},
                "lines": done.report["lines"] if done.report else {},
                "given": {} if problem or not done.report else done.report.get("given", {}),
                "produced": {} if problem else {path: content and base64.b64encode(content).decode() for path, content in done.produced.items()},
            },
            wall=done.completed.wall,
            cpu=done.cpu,
        )

    def _problem(self, done: ProgramRun, script: str) -> Diagnostic | None:
        completed, report = done.completed, done.report
        start = (Location(script, 1),)
        if completed.stopped:
            return stopped_diagnostic(self.name, completed, SYNTH_LIMITS, script)
        if report and report["exception"]:
            return _at_construct(exception_diagnostic(self.name, report["exception"], script), done.failed, report["lines"])
        if completed.exit_code != 0 or report is None:
            message = f"the program ended with exit code {completed.exit_code}" + ("" if report else " and without a report")
            return Diagnostic(self.name, "exit-code", message, start, detail=tail(completed.stderr))
        if not done.stacks:
            # Files that the program wrote itself do not count; only the kernel's word does.
            message = "the program ended without synthesizing a stack: app.synth() was never reached"
            return Diagnostic(self.name, "no-synthesis", message, start, detail=tail(completed.stdout + completed.stderr))
        return None


def _command(subject: Subject) -> tuple[str, ...] | Diagnostic:
    """The command that runs the tree, or the diagnostic of a tree that cannot be run at all."""
    is_terraform = subject.case.platform == TERRAFORM
    if not (source_files(subject.tree) if is_terraform else subject.tree.python_files()):
        first = next(iter(subject.tree), "")
        message = f"the response contains no usable code: {_why_unusable(subject.case)}"
        return Diagnostic(SynthGate.name, "no-usable-code", message, (Location(first, 1),) if first else ())
    if is_terraform:
        return ()
    try:
        return entry_of(subject.case, subject.tree)
    except EntryError as error:
        return Diagnostic(SynthGate.name, error.code, error.message, (Location(error.file, 1),), symbols=(error.file,))


def _why_unusable(case: Case) -> str:
    """What the importer found out, to the end of its first sentence; it is the one who saw the model's text."""
    said = str(case.provenance.get("no_usable_code") or f"it has no {'.tf file on top of the tree' if case.platform == TERRAFORM else 'Python file'}").strip()
    return re.split(r"(?<=[.!?])\s", said, maxsplit=1)[0].rstrip(".")


def _at_construct(diagnostic: Diagnostic, construct: str | None, lines: Mapping[str, Sequence[Any]]) -> Diagnostic:
    """A value that fails when it is resolved fails at `app.synth()`; the line that counts is the construct's."""
    if construct is None:
        return diagnostic
    detail = f"construct: {construct}\n{diagnostic.detail}"
    places = (Location(*lines[construct]),) if construct in lines else ()
    return replace(diagnostic, locations=unique([*places, *diagnostic.locations]), path=construct, detail=detail)
