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
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.gates.graph_findings import as_diagnostic, source_lines
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
        parts = [subject.stacks(), _ideal_stacks(subject), source_lines(subject), [(rule.id, rule.version) for rule in all_rules()]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a finding. Inconclusive where the ideal has no stacks. Raises `HarnessFault` for a rule that breaks."""
        started, busy = time.monotonic(), time.thread_time()
        ideal = _ideal_stacks(subject)
        if not ideal:
            reason = "the ideal does not synthesize, so there is nothing to compare with"
            return GateResult(self.name, Status.INCONCLUSIVE, reason=reason, lasting=True)
        sides = sides_of(subject.stacks(), ideal)
        lines = source_lines(subject)
        found = tuple(as_diagnostic(self.name, rule.id, rule.title, violation, lines) for rule in all_rules() for violation in _check(rule, sides))
        status = Status.FAIL if found else Status.PASS
        return GateResult(self.name, status, found, wall=time.monotonic() - started, cpu=time.thread_time() - busy)


def _ideal_stacks(subject: Subject) -> Mapping[str, Any]:
    stacks: Mapping[str, Any] = subject.control["synth"].output.get("stacks", {}) if "synth" in subject.control else {}
    return stacks


def _check(rule: Rule, sides: Sides) -> Iterator[Violation]:
    try:
        yield from rule.check(sides)
    except Exception as error:
        # A rule may come from a plugin; its mistakes are never the subject's.
        raise HarnessFault(f"the rule {rule.id} broke: {error!r}", "report it to the rule's author") from error
