"""Measures what the validate gate costs on a case: `python benchmarks/validate.py [CASE] [--gates synth,validate]`.

Evaluates the case without a cache, as `assay run` does, and prints the CPU seconds of everything that terraform
needs (terraform, provider, proxy and agent) for each stack that was really judged, and over all verdicts on stacks of
the case's variants: a stack that was judged before costs nothing.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from harness.case import load_case
from harness.evaluate import measure
from harness.gates.base import GateResult, Subject
from harness.gates.registry import select_gates
from harness.gates.validate import ValidateGate
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.terraform.server import TerraformServer
from harness.terraform.stacks import stack_files
from harness.toolchain import find_toolchain
from scoring.rubric import load_rubric

BAR = 0.6


@dataclass
class Count:
    """What the gate did: verdicts on stacks, the distinct stacks among them, and CPU seconds. Safe to use from several threads."""

    verdicts: int = 0
    distinct: set[bytes] = field(default_factory=set)
    cpu: float = 0.0
    wall: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class CountedValidate(ValidateGate):
    """The gate itself, with a count of what it does."""

    def __init__(self, count: Count) -> None:
        self.count = count

    def run(self, subject: Subject, session: Session) -> GateResult:
        """As the gate, and counted."""
        result = super().run(subject, session)
        with self.count.lock:
            for name, stack in subject.stacks().items():
                self.count.verdicts += 1
                self.count.distinct.add(_text(name, stack, subject))
            self.count.cpu += result.cpu
            self.count.wall += result.wall
        return result


def _server_cpu(session: Session) -> float:
    """CPU seconds of all processes of the session's terraform server since it started, and of those that it waited for."""
    server: TerraformServer = session.service("terraform", lambda: TerraformServer(session.toolchain, session.sandbox))
    family = psutil.Process(server.pid).children(recursive=True) if server.pid else []
    return sum(sum(process.cpu_times()[:4]) for process in family)


def _text(name: str, stack: Mapping[str, Any], subject: Subject) -> bytes:
    return repr(sorted(stack_files(name, stack, subject.tree).items())).encode()


def figures(folder: Path, gates: Sequence[str]) -> list[str]:
    """The lines to print."""
    toolchain = find_toolchain()
    count = Count()
    chosen = [CountedValidate(count) if gate.name == ValidateGate.name else gate for gate in select_gates(gates)]
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as session:
        if reason := ValidateGate().missing(session):
            return [f"validate cannot run here: {reason}"]
        started = time.monotonic()
        measure(load_case(folder), session, load_rubric().gate_order, gates=chosen)
        seconds = time.monotonic() - started
        everything = _server_cpu(session)
    distinct, verdicts = len(count.distinct), count.verdicts
    return [
        f"{folder.name}: {verdicts} verdicts on stacks, {distinct} distinct stacks, {seconds:.1f} s on the clock for the whole case",
        f"validate: {count.cpu:.1f} s of CPU, {count.wall:.1f} s on the clock; terraform, provider, proxy and agent counted",
        f"with the start of the server (provider and its schema, once a session): {everything:.1f} s of CPU",
        f"a distinct stack: {count.cpu / max(distinct, 1):.2f} s of CPU",
        f"a verdict, amortised over the case's variants: {count.cpu / max(verdicts, 1):.2f} s of CPU (bar: {BAR})",
    ]


def main() -> None:
    """Print the figures of one case."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("case", nargs="?", type=Path, default=Path("cases/zero-trust-payments"))
    parser.add_argument("--gates", default="synth,validate", help="the gates that the evaluation runs (default: synth,validate)")
    options = parser.parse_args()
    for line in figures(options.case, options.gates.split(",")):
        print(line)


if __name__ == "__main__":
    sys.exit(main())
