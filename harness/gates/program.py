"""What the gates that run a tree's own code have in common: limits, and how a program ended without a stack."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.diagnostics import Diagnostic, Location
from harness.gates.base import Subject
from harness.sandbox import Completed, Limits

SYNTH_LIMITS = Limits(wall=30)
TEST_LIMITS = Limits(wall=120)

_STOPPED = {
    "time": ("time-limit", "the program did not end within {wall:.0f} s and was stopped"),
    "memory": ("memory-limit", "the program used more than {memory} MiB of memory and was stopped"),
    "processes": ("process-limit", "the program started more than {processes} processes and was stopped"),
    "output": ("output-limit", "the program printed more than {output} KiB and was stopped"),
}


def subject_key(subject: Subject, *extra: object) -> str:
    """A digest of the tree, its environment, and `extra`."""
    parts = [subject.tree.digest, sorted(subject.case.env.items()), extra]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def stopped_diagnostic(gate: str, completed: Completed, limits: Limits, script: str) -> Diagnostic:
    """The diagnostic of a program that went over a limit."""
    code, text = _STOPPED[completed.stopped]
    message = text.format(wall=limits.wall, memory=limits.memory >> 20, processes=limits.processes, output=limits.output >> 10)
    return Diagnostic(gate, code, message, (Location(script, 1),), detail=tail(completed.stderr))


def exception_diagnostic(gate: str, exception: Mapping[str, Any], script: str) -> Diagnostic:
    """The diagnostic of a program that ended with an exception: innermost line of the tree first."""
    frames = [Location(frame["file"], frame["line"]) for frame in reversed(exception["frames"])]
    detail = exception["traceback"]
    if exception["nearest"]:
        detail = f"nearest: {', '.join(exception['nearest'])}\n{detail}"
    return Diagnostic(
        gate=gate,
        code=exception["type"],
        message=exception["message"] or exception["type"],
        locations=unique(frames) or (Location(script, 1),),
        symbols=tuple(exception["symbols"]),
        detail=detail,
    )


def unique(places: Sequence[Location]) -> tuple[Location, ...]:
    """The places in their order, each once."""
    return tuple(dict.fromkeys(places))


def tail(output: bytes, size: int = 4000) -> str:
    """The end of what a program printed."""
    return output[-size:].decode("utf-8", errors="replace")
