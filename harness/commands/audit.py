"""`assay audit CASE`: which of the claims that people wrote down about a case hold when it is run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from harness.case import Case, load_case
from harness.errors import CaseError, UsageError
from harness.results import CaseResult
from harness.store import RESULT_FILE, find_run, read_run, runs_folder

if TYPE_CHECKING:
    from scoring.audit import Audit

_STYLES = {"confirmed": "green", "contradicted": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes, beside the `--json` that every command has."""
    parser.add_argument("case", type=Path, metavar="CASE", help="a case folder whose case.yaml has expectations")
    parser.add_argument("--run", help="audit this run, by name or file (default: the newest that has the case, else the case is evaluated now)")


def run(options: argparse.Namespace) -> int:
    """Audit one case and print the verdicts. Always 0: a claim that does not hold is a result, not an error."""
    from scoring.audit import dump_audit

    case = load_case(options.case)
    result = _result_of(case, options.run)
    audit = _audit_of(case, result)
    if options.json:
        print(json.dumps(dump_audit(audit)))
    else:
        _print(audit)
    return 0


def _audit_of(case: Case, result: CaseResult) -> Audit:
    """The audit that the result keeps; a new one where it has none or the case's claims are others by now."""
    from scoring.audit import audit_case, load_audit

    if result.audit is not None and list(result.expectations) == [dict(claim) for claim in case.expectations]:
        return load_audit(result.audit)
    return audit_case(case, result)


def _result_of(case: Case, run_name: str | None) -> CaseResult:
    """The case's result. Raises `UsageError` where the run that was asked for has none, `CaseError` where the case cannot be evaluated."""
    if run_name is not None:
        found = _in_run(find_run(run_name), case.name)
        if found is None:
            raise UsageError(f"run {run_name} has no result of the case {case.name}", "leave out --run to evaluate the case now")
        return found
    kept = next(_kept(case.name), None)
    return kept or _evaluate(case)


def _kept(name: str) -> Iterator[CaseResult]:
    """Results of the case in the runs that are kept, newest first; runs that this version cannot read are passed over."""
    for file in sorted(runs_folder().glob(f"*/{RESULT_FILE}"), reverse=True):
        try:
            found = _in_run(file, name)
        except UsageError:
            continue
        if found is not None:
            yield found


def _in_run(file: Path, name: str) -> CaseResult | None:
    return next((case for case in read_run(file).cases if case.case == name and not case.error), None)


def _evaluate(case: Case) -> CaseResult:
    from harness.batch import run_cases
    from harness.cache import GateCache

    finished = run_cases([case.root], cache=GateCache(), progress=lambda line: print(line, file=sys.stderr))
    (result,) = finished.result.cases
    if result.error:
        raise CaseError(f"{case.name}: {result.error}", "evaluate it with: assay run")
    return result


def _print(audit: Audit) -> None:
    console = Console(highlight=False)
    if not audit.claims:
        console.print(f"{audit.case}: case.yaml has no expectations, so there is nothing to audit", markup=False, soft_wrap=True)
        return
    undecided = sum(one.undecided for one in audit.claims)
    counts = {str(one.status): sum(other.status is one.status for other in audit.claims) for one in audit.claims}
    parts = [f"{count} {status}" for status, count in counts.items()]
    console.print(f"{audit.case}: {len(audit.claims)} claims, {', '.join(parts)}" + (f" ({undecided} of them undecided)" if undecided else ""), style="bold")
    table = Table(box=None, pad_edge=False)
    for heading in ("claim", "status", "why"):
        table.add_column(heading, overflow="fold")
    for one in audit.claims:
        status = "undecided" if one.undecided else str(one.status)
        table.add_row(_plain(one.claim.title), status, _plain(one.reason), style=_STYLES.get(status))
    console.print(table)
    for left in audit.unclaimed:
        console.print(f"unclaimed: {left.id} {left.severity}: {left.title}", markup=False, soft_wrap=True)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
