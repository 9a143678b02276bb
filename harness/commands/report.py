"""`assay report`: renders the reports of a run."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.errors import UsageError
from harness.results import CaseResult, RunResult

EXAMPLE = "assay report --format html,md --to reports"
FORMATS = ("html", "md", "ipynb")
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


def add_arguments(report: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    report.add_argument("run", nargs="?", help="a run's name or label, or a file that `assay run --json` wrote (default: the newest run)")
    report.add_argument("--case", help="only this case")
    report.add_argument("--to", type=Path, default=Path("reports"), help="the folder for the reports (default: reports)")
    report.add_argument("--format", default=",".join(FORMATS), help="any of html, md and ipynb (default: all)")


def run(options: argparse.Namespace) -> int:
    """Render the report of every sample that was evaluated."""
    from harness.serialize import dump
    from scoring.render import render_case

    formats = tuple(dict.fromkeys(part.strip() for part in options.format.split(",") if part.strip()))
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise UsageError(f"format {', '.join(unknown) or 'missing'}: not known", f"known: {', '.join(FORMATS)}")
    result = run_of(options.run)
    cases = [case for case in result.cases if not case.error and options.case in (None, case.case)]
    if not cases:
        raise UsageError(f"run {result.run} has no case to report" + (f" named {options.case}" if options.case else ""), "see: assay run --help")
    options.to.mkdir(parents=True, exist_ok=True)
    written: dict[str, dict[str, str]] = {}
    for name, case in _named(cases):
        print(f"rendering {name}", file=sys.stderr)
        # The notebook reads this file again whenever somebody runs it.
        data = options.to / f"{name}.json"
        data.write_text(json.dumps(dump(replace(result, cases=(case,)))), encoding="utf-8")
        paths = render_case(data, case.case, options.to, formats, name=name)
        written[name] = {kind: str(path) for kind, path in paths.items()}
    if options.json:
        print(json.dumps({"run": result.run, "reports": written}))
    else:
        for name, paths_of in written.items():
            for kind, path in paths_of.items():
                print(f"{name} {kind}: {path}")
    return 0


def run_of(text: str | None) -> RunResult:
    """The run that `text` names: a file, or what the store has by name or label. Raises `UsageError`."""
    from harness.store import open_store
    from scoring.report import load_run

    if text is not None and Path(text).is_file():
        return load_run(text)
    with open_store() as store:
        return store.result(text)


def _named(cases: list[CaseResult]) -> Iterator[tuple[str, CaseResult]]:
    """Each case with a file's name of its own: the case's, and the sample where a case has several."""
    for case in cases:
        several = sum(other.case == case.case for other in cases) > 1
        words = [case.case, case.model, case.sample, *([str(case.attempt)] if case.attempt > 1 else [])] if several else [case.case]
        yield "--".join(_NOT_IN_NAMES.sub("-", word).strip("-.") or "x" for word in words), case
