"""`assay run`: evaluates cases, shows how it goes on, resumes what was interrupted."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from harness.commands.arguments import names, positive
from harness.commands.progress import open_display
from harness.errors import UsageError
from harness.failures import Severity
from harness.results import CaseResult
from harness.serialize import dump
from harness.store import RunInfo, Store, open_store
from harness.store.plan import DONE, ERROR, FINISHED

if TYPE_CHECKING:
    import pandas as pd

EXAMPLE = "assay run cases --model gpt-x --label nightly --jobs 2"
EXIT_OK, EXIT_FINDINGS, EXIT_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130
_SHOWN = 20
"""With more samples than these the terminal gets a summary; `assay show` has the rest."""


def add_arguments(run: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    run.add_argument("cases", nargs="*", type=Path, metavar="CASE", help="a case folder, or a folder of cases")
    run.add_argument("--resume", metavar="RUN", help="go on with a run that was interrupted: only what has no result yet is evaluated")
    run.add_argument("--model", type=names, action="extend", default=[], help="only responses of this model; a case that has but one response/ counts as its")
    run.add_argument("--label", default="", help="what to call the run, such as nightly; many runs may share a label")
    run.add_argument("--repeat", type=positive, default=1, help="evaluate each response so often, without the cache, to find results that differ (default: 1)")
    run.add_argument("--jobs", type=positive, default=2, help="cases, or gates of a single case, at work at the same time (default: 2)")
    run.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="evaluate on the Dask cluster of this scheduler instead of on this machine")
    run.add_argument("--gates", type=names, help="only these gates, and what they need, such as synth,validate (default: all that are not optional)")
    run.add_argument("--with", dest="also", type=names, default=[], metavar="GATES", help="these optional gates too, such as apply,security; all for every one")
    run.add_argument("--fail-on", choices=[str(severity) for severity in Severity], help="exit with 1 when a failure is this bad or worse")
    run.add_argument("--no-cache", action="store_true", help="judge everything again, and keep nothing in the cache")
    run.add_argument("--no-sandbox", action="store_true", help="run untrusted code without bubblewrap; only for code you trust")


def run(options: argparse.Namespace) -> int:
    """Evaluate, print, and say with the exit code how it went; see `harness.cli.main`."""
    from harness.batch import RunOptions, resume_run, run_cases
    from harness.cache import GateCache
    from harness.planning import find_cases

    if bool(options.cases) == bool(options.resume):
        raise UsageError("name cases to run, or a run to resume" if not options.cases else "a resumed run has its cases already", f"such as: {EXAMPLE}")
    cache = None if options.no_cache else GateCache()
    with _ended_at_once(), open_store() as store:
        with open_display() as display:
            if options.resume:
                finished = resume_run(options.resume, store, cache=cache, jobs=options.jobs, scheduler=options.scheduler, listener=display)
            else:
                chosen = RunOptions(options.gates, options.also, options.model, options.label, options.repeat, not options.no_sandbox)
                finished = run_cases(find_cases(options.cases), store, chosen, cache=cache, jobs=options.jobs, scheduler=options.scheduler, listener=display)
        samples, failures = store.samples(finished.name), store.failures(finished.name)
        if options.json:
            print(json.dumps(dump(store.result(finished.name))))
        else:
            _print_run(store, finished, samples, failures)
            print(f"kept as run {finished.name} in {store.place}")
    if finished.state != FINISHED:
        print(f"assay: run {finished.name} was interrupted; go on with: assay run --resume {finished.name}", file=sys.stderr)
        return EXIT_INTERRUPTED
    return exit_code(samples, failures, options.fail_on)


def exit_code(samples: pd.DataFrame, failures: pd.DataFrame, threshold: str | None) -> int:
    """2 where a sample could not be evaluated, 1 where a failure is as bad as `threshold`, else 0."""
    if (samples["state"] == ERROR).any():
        return EXIT_INPUT
    bad = [] if threshold is None else list(map(str, Severity))[: list(Severity).index(Severity(threshold)) + 1]
    return EXIT_FINDINGS if failures["severity"].isin(bad).any() else EXIT_OK


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """The second Ctrl-C: threads cannot be ended from outside, but the process can; the sandboxes end with it."""
    try:
        yield
    except KeyboardInterrupt:
        print("assay: given up; the results that there are, are kept: see assay runs, and go on with assay run --resume RUN", file=sys.stderr, flush=True)
        os._exit(EXIT_INTERRUPTED)


def _print_run(store: Store, run: RunInfo, samples: pd.DataFrame, failures: pd.DataFrame) -> None:
    console = Console(highlight=False)
    if len(samples) <= _SHOWN:
        for _, case in store.case_results(run.name):
            print_case(console, case)
    else:
        _print_summary(console, run, samples, failures)
    for gate, reason in run.holes.items():
        console.print(f"hole: {gate} was not run: {reason}", style="yellow", markup=False, soft_wrap=True)


def _print_summary(console: Console, run: RunInfo, samples: pd.DataFrame, failures: pd.DataFrame) -> None:
    counts = failures["severity"].value_counts()
    console.print(f"{len(samples)} samples, " + ", ".join(f"{counts.get(str(severity), 0)} {severity}" for severity in Severity), style="bold")
    failed = samples[samples["state"] == ERROR]
    for row in failed.head(_SHOWN).to_dict("records"):
        console.print(f"error: {row['case_name']}: {row['error']}", style="red", markup=False, soft_wrap=True)
    if len(failed) > _SHOWN:
        console.print(f"error: {len(failed) - _SHOWN} more")
    broken = samples[(samples["state"] == DONE) & (samples["control"] == "broken")]["case_name"].unique()
    if len(broken):
        console.print(f"broken control in {len(broken)} cases: {', '.join(broken[:_SHOWN])}", style="yellow", markup=False, soft_wrap=True)
    console.print(f"each sample: assay show {run.name}", markup=False)


def print_case(console: Console, case: CaseResult) -> None:
    """One sample: what was found, worst first."""
    name = case.case + (f" [{case.model} #{case.sample}]" if case.sample != "1" else "") + (f" (attempt {case.attempt})" if case.attempt > 1 else "")
    if case.error:
        console.print(f"{name}: {case.error}", style="red", markup=False, soft_wrap=True)
        return
    score = "no score: the control is broken" if case.score is None else f"training quality {case.score.training_quality:.2f} ({case.score.band})"
    console.print(f"{name}: {len(case.failures)} failures, {score}, {case.seconds['wall']:.1f} s", style="bold", markup=False, soft_wrap=True)
    if case.control_cause:
        console.print(f"  broken control: {case.control_cause}", style="yellow", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "severity", "category", "where", "what"):
        table.add_column(heading, overflow="fold")
    for failure in case.failures:
        where = f"{failure.locations[0].file}:{failure.locations[0].line}" if failure.locations else ""
        more = f" (+{len(failure.locations) - 1})" if len(failure.locations) > 1 else ""
        table.add_row(failure.id, str(failure.severity), str(failure.category), where + more, failure.title.replace("[", r"\["))
    console.print(table)
