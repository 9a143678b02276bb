"""The gates on cases that `assay import iac-eval` made: how many references and answers pass each, and what OPA said of the answers.

usage: python benchmarks/iac_eval.py CASES [--table CSV]

CASES is the folder of the imported cases; the table is the one that they come from, if it has the benchmark's own verdicts.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from harness.case import load_case
from harness.gates.base import GateResult, Status
from harness.gates.registry import select_gates
from harness.importers.iac_eval import read_table
from harness.runner import GateRunner
from harness.sandbox import open_sandbox
from harness.session import Session
from harness.toolchain import find_toolchain

GATES = ("synth", "validate", "plan", "constraints", "intent")
PLANNED, CORRECT = "LLM Plannable? #0", "LLM Correct? #0"
Results = Mapping[str, GateResult]


def main() -> None:
    """Judge both trees of every case, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    started = time.monotonic()
    judged: dict[str, dict[int, Results]] = {"references": {}, "answers": {}}
    toolchain = find_toolchain()
    with Session(toolchain, open_sandbox(toolchain.bwrap)) as session:
        for path in sorted(options.cases.glob("iac-eval-*")):
            case = load_case(path)
            runner = GateRunner(case, session, select_gates(GATES))
            row = int(str(case.provenance["row"]))
            judged["references"][row], judged["answers"][row] = runner.judge(case.ideal), runner.judge(case.response)
    for side, results in judged.items():
        for gate in GATES:
            counts = Counter(str(one[gate].status) for one in results.values())
            print(f"{side:10} {gate:11} {', '.join(f'{status} {count}' for status, count in sorted(counts.items()))}")
        print(
            f"{side:10} validate, plan and intent: {sum(all(one[gate].status is Status.PASS for gate in GATES[1:3] + GATES[4:]) for one in results.values())}"
        )
    if options.table:
        print_agreement(options.table, judged["answers"])
    print(f"{time.monotonic() - started:.0f} s")


def print_agreement(table: Path, answers: Mapping[int, Results]) -> None:
    """The table's verdicts on answers that could be planned, against those of the gate intent."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in read_table(table):
        if row.number in answers and row.text(PLANNED) == "True":
            counts[row.text(CORRECT), str(answers[row.number]["intent"].status)] += 1
    for (said, here), count in sorted(counts.items()):
        print(f"OPA: {said:8} here: {here:12} {count}")


if __name__ == "__main__":
    main()
