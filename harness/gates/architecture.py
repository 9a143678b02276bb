"""The architecture gate: the rules that hold a tree's resource graph against its ideal's."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from harness.architecture.base import Rule, Sides, sides_of
from harness.architecture.registry import all_rules
from harness.constraints.base import Violation
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.session import Session


class ArchitectureGate:
    """Passes when no rule finds that the tree lacks, exposes or writes down what its ideal does not."""

    name = "architecture"
    version = "1"
    needs: tuple[str, ...] = ("synth",)
    derived = True
    compares = True

    def missing(self, session: Session) -> str:
        """The rules need nothing but the synthesized stacks."""
        return ""

    def key(self, subject: Subject) -> str:
        """The stacks of both sides, the lines that the tree's come from, and the rules."""
        parts = [subject.stacks(), _ideal_stacks(subject), _lines(subject), [(rule.id, rule.version) for rule in all_rules()]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a finding. Inconclusive where the ideal has no stacks. Raises `HarnessFault` for a rule that breaks."""
        started, busy = time.monotonic(), time.thread_time()
        ideal = _ideal_stacks(subject)
        if not ideal:
            return GateResult(self.name, Status.INCONCLUSIVE, reason="the ideal does not synthesize, so there is nothing to compare with")
        sides = sides_of(subject.stacks(), ideal)
        lines = _lines(subject)
        found = tuple(_diagnostic(rule, violation, lines) for rule in all_rules() for violation in _check(rule, sides))
        status = Status.FAIL if found else Status.PASS
        return GateResult(self.name, status, found, wall=time.monotonic() - started, cpu=time.thread_time() - busy)


def _ideal_stacks(subject: Subject) -> Mapping[str, Any]:
    stacks: Mapping[str, Any] = subject.control["synth"].output.get("stacks", {}) if "synth" in subject.control else {}
    return stacks


def _lines(subject: Subject) -> Mapping[str, Any]:
    lines: Mapping[str, Any] = subject.earlier["synth"].output["lines"]
    return lines


def _check(rule: Rule, sides: Sides) -> Iterator[Violation]:
    try:
        yield from rule.check(sides)
    except Exception as error:
        # A rule may come from a plugin; its mistakes are never the subject's.
        raise HarnessFault(f"the rule {rule.id} broke: {error!r}", "report it to the rule's author") from error


def _diagnostic(rule: Rule, violation: Violation, lines: Mapping[str, Any]) -> Diagnostic:
    places = [Location(*lines[node.path]) for node in violation.nodes if node.path in lines]
    return Diagnostic(
        gate=ArchitectureGate.name,
        code=rule.id,
        message=violation.message,
        locations=tuple(dict.fromkeys(places)),
        address=violation.address,
        symbols=violation.symbols,
        detail=rule.title,
        path=violation.nodes[0].path or None if violation.nodes else None,
    )
