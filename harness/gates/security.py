"""The security gate: checkov's policies over the synthesized stacks. Optional: it judges what not everybody wants judged, and takes seconds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.gates.graph_findings import source_lines
from harness.security.checkov import Checkov, Remark, find_checkov, run_checkov
from harness.session import Session
from harness.terraform.stacks import construct_paths


class SecurityGate:
    """Passes when checkov has no remark. What it says of the ideal too is no failure of the response, as for every gate."""

    name = "security"
    version = "1"
    needs: tuple[str, ...] = ("synth",)
    optional = True

    def missing(self, session: Session) -> str:
        """checkov, and how to get it."""
        found = find_checkov()
        return found if isinstance(found, str) else ""

    def key(self, subject: Subject) -> str:
        """The stacks, the lines that their constructs come from, and checkov's release."""
        found = find_checkov()
        release = found.version if isinstance(found, Checkov) else ""
        return hashlib.sha256(json.dumps([subject.stacks(), source_lines(subject), release], sort_keys=True).encode()).hexdigest()

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a policy and resource. Raises `HarnessFault` where checkov gives no verdict."""
        found = find_checkov()
        if isinstance(found, str):
            return GateResult(self.name, Status.NOT_RUN, reason=found)
        remarks, done = run_checkov(found, session.sandbox, subject.stacks())
        paths = {name: construct_paths(stack) for name, stack in subject.stacks().items()}
        problems = tuple(dict.fromkeys(_diagnostic(remark, paths[remark.stack].get(remark.address), source_lines(subject)) for remark in remarks))
        status = Status.FAIL if problems else Status.PASS
        return GateResult(self.name, status, problems, output={"checkov": found.version}, wall=done.wall, cpu=done.cpu)


def _diagnostic(remark: Remark, path: str | None, lines: Mapping[str, Sequence[Any]]) -> Diagnostic:
    kind, label = remark.address.removeprefix("data.").split(".", 1)
    return Diagnostic(
        gate="security",
        code=remark.check,
        message=f"{remark.name}: {remark.address}",
        locations=(Location(*lines[path]),) if path in lines and path is not None else (),
        address=remark.address,
        symbols=(*remark.arguments, label, kind),
        path=path,
    )
