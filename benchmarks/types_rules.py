"""Prints how often each rule of ty fires on ideals and on responses: `python benchmarks/types_rules.py [CASE...]`.

A rule belongs into `harness.gates.types.RULES` when it says nothing, or nearly nothing, of ideals.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.case import load_case
from harness.gates.types import RULES
from harness.planning import find_cases
from harness.toolchain import find_toolchain
from harness.tree import Tree


def fired(tree: Tree) -> Counter[str]:
    """How often each rule fires on a tree."""
    toolchain = find_toolchain()
    with tempfile.TemporaryDirectory() as folder:
        tree.write(Path(folder))
        argv = [str(toolchain.executable("ty")), "check", "--output-format", "gitlab", "--exit-zero", "--python", str(toolchain.python), "."]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    return Counter(one["check_name"] for one in json.loads(done.stdout))


def main() -> None:
    """Count over all cases and print."""
    root = Path(__file__).resolve().parent.parent
    cases = [load_case(path) for path in find_cases([Path(name) for name in sys.argv[1:]] or [root / "cases"])]
    ideals: Counter[str] = sum((fired(case.ideal) for case in cases), Counter())
    responses: Counter[str] = sum((fired(case.response) for case in cases), Counter())
    table = Table("rule", "ideals", "responses", "used", title=f"{len(cases)} cases")
    for rule in sorted({*ideals, *responses}):
        table.add_row(rule, str(ideals[rule]), str(responses[rule]), "yes" if rule in RULES else "")
    Console().print(table)


if __name__ == "__main__":
    main()
