"""What the gates whose rules read resource graphs have in common: from a rule's violation to a diagnostic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.constraints.base import Violation
from harness.diagnostics import Diagnostic, Location
from harness.gates.base import Subject


def source_lines(subject: Subject) -> Mapping[str, Sequence[Any]]:
    """By construct path: the file and the line that made the construct. Synth has passed."""
    lines: Mapping[str, Sequence[Any]] = subject.earlier["synth"].output["lines"]
    return lines


def as_diagnostic(gate: str, rule_id: str, title: str, violation: Violation, lines: Mapping[str, Sequence[Any]]) -> Diagnostic:
    """A rule's finding as what `gate` says, at the lines that made the resources it concerns."""
    places = [Location(*lines[node.path]) for node in violation.nodes if node.path in lines]
    return Diagnostic(
        gate=gate,
        code=rule_id,
        message=violation.message,
        locations=tuple(dict.fromkeys(places)),
        address=violation.address,
        symbols=violation.symbols,
        detail=title,
        path=violation.nodes[0].path or None if violation.nodes else None,
    )
