"""`assay import`: other people's formats, made into cases."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from harness.case import NAME
from harness.errors import AssayError, CaseError, UsageError
from harness.importers.base import ImportStatus, Outcome, Task
from harness.importers.registry import all_importers
from harness.importers.writing import write_case

EXAMPLE = "assay import markdown-archive archive/task-1 --to cases"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One subcommand for each importer; what all of them share is declared here."""
    formats = parser.add_subparsers(required=True, metavar="FORMAT")
    for importer in all_importers():
        one = formats.add_parser(importer.name, help=importer.summary, description=importer.summary, epilog=f"example: {importer.example}")
        importer.add_arguments(one)
        one.add_argument("--to", type=Path, required=True, metavar="DIR", help="the folder that gets the case folders")
        one.add_argument("--force", action="store_true", help="replace cases that are there")
        # Without a default of its own it would undo a --json that stands before the format.
        one.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON object a task")
        one.set_defaults(importer=importer)


def run(options: argparse.Namespace) -> int:
    """Import every task; one that fails says why, and the others go on. Exit code 0 where all were imported, else 2."""
    outcomes = []
    written: set[str] = set()
    try:
        tasks = list(options.importer.tasks(options))
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}", "name a folder that can be read") from error
    for task in tasks:
        outcome = import_task(task, options.to, options.force, written)
        outcomes.append(outcome)
        print(json.dumps(_plain(outcome)) if options.json else _line(outcome), flush=True)
    failed = sum(outcome.status is ImportStatus.FAILED for outcome in outcomes)
    if not options.json:
        print(f"{len(outcomes) - failed} imported, {failed} failed", file=sys.stderr)
    return 2 if failed or not outcomes else 0


def import_task(task: Task, to: Path, force: bool, written: set[str]) -> Outcome:
    """Draft and write one case. `written` are the names that this command has written: `force` is no leave to replace those."""
    target = to / task.name
    try:
        if not NAME.match(task.name):
            raise CaseError(f"{task.name!r} is no name for a case", "use letters, digits, dots, dashes and underscores")
        if task.name in written:
            raise CaseError(f"two sources of this import are called {task.name}", "import them to different folders")
        draft = task.draft()
        write_case(draft, target, force)
    except AssayError as error:
        return Outcome(task.source, "", ImportStatus.FAILED, f"{error.message} ({error.remedy})" if error.remedy else error.message)
    except OSError as error:
        return Outcome(task.source, "", ImportStatus.FAILED, f"{error.filename or task.source}: {error.strerror or error}")
    written.add(task.name)
    return Outcome(task.source, str(target), ImportStatus.IMPORTED, str(draft.provenance.get("no_usable_code", "")), draft.unplaced)


def _plain(outcome: Outcome) -> dict[str, object]:
    return {**asdict(outcome), "status": str(outcome.status)}


def _line(outcome: Outcome) -> str:
    if outcome.status is ImportStatus.FAILED:
        return f"failed    {outcome.source}: {outcome.reason}"
    python = sum(one.language in ("python", "py", "python3") for one in outcome.unplaced)
    remarks = [f"no usable code: {outcome.reason}"] if outcome.reason else []
    remarks += [f"{python} Python blocks without a file"] if python else []
    return f"imported  {outcome.case}" + (f" ({'; '.join(remarks)})" if remarks else "")
