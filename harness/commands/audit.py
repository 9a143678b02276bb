"""`assay audit CASE`: which of the claims that people wrote down about a case hold when it is run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from harness.case import Case, load_case
from harness.errors import CaseError, UsageError
from harness.results import CaseResult
from harness.store import Store, StoreError, open_store

if TYPE_CHECKING:
    from scoring.audit import Audit

_STYLES = {"confirmed": "green", "contradicted": "yellow"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes, beside the `--json` that every command has."""
    parser.add_argument("case", type=Path, metavar="CASE", help="a case folder whose case.yaml has expectations")
    parser.add_argument("--run", help="audit this run, by name, label or file (default: the newest that has the case, else the case is evaluated now)")


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
    if run_name is not None and Path(run_name).is_file():
        from scoring.report import load_run

        results = [one for one in load_run(run_name).cases if one.case == case.name and not one.error]
        if not results:
            raise UsageError(f"{run_name} has no result of the case {case.name}", "leave out --run to evaluate the case now")
        return results[0]
    with open_store() as store:
        if run_name is not None:
            found = _newest(store, case, store.find_run(run_name).name)
            if found is None:
                raise UsageError(f"run {run_name} has no result of the case {case.name}", "leave out --run to evaluate the case now")
            return found
        return _newest(store, case) or _evaluate(case, store)


def _newest(store: Store, case: Case, run: str | None = None) -> CaseResult | None:
    """The newest result of the case's own response, in `run` or in any run that this version can read."""
    for sample_id in store.samples_of(case.name, run):
        try:
            result = store.case_result(sample_id)
        except StoreError:
            continue
        if not result.error and result.response_digest == case.response.digest:
            return result
    return None


def _evaluate(case: Case, store: Store) -> CaseResult:
    from harness.batch import RunOptions, run_cases
    from harness.cache import GateCache
    from harness.commands.progress import open_display

    with open_display() as display:
        finished = run_cases([case.root], store, RunOptions(models=(case.model,)), cache=GateCache(), listener=display)
    result = _newest(store, case, finished.name)
    if result is None:
        raise CaseError(f"{case.name}: {store.result(finished.name).cases[0].error}", "evaluate it with: assay run")
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
