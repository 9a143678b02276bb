"""The constraints gate: every rule over the graph of the synthesized stacks."""

from __future__ import annotations

import hashlib
import json
import time

from harness.constraints.base import Rule, Violation, all_rules
from harness.constraints.graph import build_graphs
from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.session import Session


class ConstraintsGate:
    """Passes when no rule finds a violation."""

    name = "constraints"
    version = "1"
    needs = ("synth",)

    def missing(self, session: Session) -> str:
        """The rules need nothing but the synthesized stacks."""
        return ""

    def key(self, subject: Subject) -> str:
        """The stacks, the lines they come from, and the rules."""
        parts = [subject.stacks(), subject.earlier["synth"].output["lines"], [rule.id for rule in all_rules()]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a violation, in the order of rules."""
        started = time.monotonic()
        lines = subject.earlier["synth"].output["lines"]
        graphs = build_graphs(subject.stacks())
        problems = tuple(_diagnostic(rule, violation, lines) for rule in all_rules() for graph in graphs for violation in rule.check(graph))
        spent = time.monotonic() - started
        return GateResult(self.name, Status.FAIL if problems else Status.PASS, problems, wall=spent, cpu=spent)


def _diagnostic(rule: Rule, violation: Violation, lines: dict[str, list]) -> Diagnostic:  # type: ignore[type-arg]
    places = [Location(*lines[node.path]) for node in violation.nodes if node.path in lines]
    return Diagnostic(
        gate="constraints",
        code=rule.id,
        message=violation.message,
        locations=tuple(dict.fromkeys(places)),
        address=violation.address,
        symbols=violation.symbols,
        detail=rule.title,
        path=violation.nodes[0].path or None if violation.nodes else None,
    )
