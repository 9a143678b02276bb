"""Deploys the ideals of cases on the emulated AWS and prints what came of it: `python benchmarks/apply.py [CASE...]` (default: all bundled cases).

Each ideal is synthesized, then judged by the gate apply alone, without a cache: created, planned again, taken away.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.case import load_case
from harness.gates.apply import ApplyGate
from harness.gates.base import GateResult, Status, Subject
from harness.gates.registry import all_gates
from harness.runner import GateRunner
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.toolchain import find_toolchain

_CASES = Path(__file__).resolve().parent.parent / "cases"


def deploy(folder: Path, session: Session) -> GateResult:
    """What apply says of the case's ideal; `not run` where it does not synthesize."""
    case = load_case(folder)
    synth = GateRunner(case, session, [gate for gate in all_gates() if gate.name == "synth"]).judge(case.ideal)
    if synth["synth"].status is not Status.PASS:
        return GateResult("apply", Status.NOT_RUN, reason="synth did not pass")
    return ApplyGate().run(Subject(case, case.ideal, synth), session)


def lines(folder: Path, result: GateResult) -> Sequence[str]:
    """One line for the case, and one for each reason why it is no pass."""
    created = result.output.get("actions", {}).get("create", 0)
    head = f"{folder.name}: {result.status}, {created} created, {result.wall:.1f} s on the clock, {result.cpu:.1f} s of CPU"
    reasons = [f"    {one.address}: {one.message.splitlines()[0][:160]}" for one in result.diagnostics]
    reasons += [f"    {hole[:200]}" for hole in result.output.get("holes", [])]
    return [head, *reasons, *(f"    note: {note}" for note in result.output.get("notes", []))]


def main() -> None:
    """Print the table; the first case also pays for the start of the provider."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", type=Path)
    chosen = parser.parse_args().cases or sorted(path.parent for path in _CASES.glob("*/case.yaml"))
    toolchain = find_toolchain()
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as session:
        if reason := ApplyGate().missing(session):
            sys.exit(f"apply cannot run here: {reason}")
        for folder in chosen:
            print("\n".join(lines(folder, deploy(folder, session))), flush=True)


if __name__ == "__main__":
    main()
