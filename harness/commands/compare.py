"""`assay compare BASE HEAD`: what changed between two runs, with statistics, and an exit code for CI."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.store import Store, open_store

if TYPE_CHECKING:
    from scoring.run_pairing import RunFrames

EXAMPLE = "assay compare nightly-base nightly --fail-on regression,score-drop=0.05"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes, beside the `--json` that every command has."""
    parser.add_argument("base", metavar="BASE", help="the run to compare with: a name, its beginning, or a label (its newest run); RUN:MODEL takes one model")
    parser.add_argument("head", metavar="HEAD", help="the run to judge, named in the same way")
    parser.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="THRESHOLDS",
        help="exit with 1 on any of regression, new-critical, score-drop=0.05 (the mean response quality falls by more); repeat it, or use commas",
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown, as without --json; for job pages that ask for it by name")


def run(options: argparse.Namespace) -> int:
    """Compare and print. 1 where a threshold of `--fail-on` is crossed, else 0.

    Raises `UsageError` for an unknown run, model or threshold, and for runs without a case in common.
    """
    from scoring.compare import compare_runs
    from scoring.compare_text import as_text
    from scoring.comparison import dump_comparison
    from scoring.thresholds import crossed, parse_thresholds

    thresholds = parse_thresholds(options.fail_on)
    if options.json and options.markdown:
        raise UsageError("--json and --markdown exclude each other", "leave one of them out")
    with open_store() as store:
        comparison = compare_runs(read_frames(store, options.base), read_frames(store, options.head))
    crossings = crossed(comparison, thresholds)
    if options.json:
        print(json.dumps({**dump_comparison(comparison), "crossed": [asdict(one) for one in crossings]}))
    else:
        print(as_text(comparison, crossings), end="")
    return 1 if crossings else 0


def read_frames(store: Store, text: str) -> RunFrames:
    """The run that `text` names, or, for RUN:MODEL, one model of it. Raises `UsageError` where the store has no such run.

    A text that names a run as a whole is never taken apart, so a label may have a colon.
    """
    from scoring.run_pairing import RunFrames

    model: str | None = None
    try:
        found = store.find_run(text)
    except UsageError:
        name, colon, model = text.partition(":")
        if not colon or not name or not model:
            raise
        found = store.find_run(name)
    return RunFrames(
        run=found.name,
        label=found.label,
        toolchain=found.toolchain_fingerprint,
        rubric=found.rubric,
        samples=store.samples(found.name),
        gate_results=store.gate_results(found.name, variants=("response", "ideal")),
        failures=store.failures(found.name),
        model=model,
    )
