"""`assay runs`: lists the runs in the store."""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.commands.arguments import positive
from harness.failures import Severity

EXAMPLE = "assay runs --label nightly --limit 10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--label", help="only runs that are called so")
    parser.add_argument("--limit", type=positive, default=20, help="at most so many, the newest (default: 20)")


def run(options: argparse.Namespace) -> int:
    """List runs, newest first."""
    from harness.store import open_store

    with open_store() as store:
        frame = store.runs(options.label, options.limit)
        place = store.place
    if options.json:
        print(frame.to_json(orient="records", date_format="iso") if len(frame) else json.dumps([]))
        return 0
    if frame.empty:
        print(f"no runs in {place}" + (f" with the label {options.label}" if options.label else "") + "; make one with: assay run cases/zero-trust-payments")
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("run", "label", "state", "models"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("run", "state"))
    for heading in ("done", "err", "crit", "high", "med", "low"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in frame.to_dict("records"):
        ended = row["done"] + row["errors"]
        counts = [str(row[str(severity)]) for severity in Severity]
        samples = f"{ended}" + (f" of {row['samples']}" if ended < row["samples"] else "")
        # Names of many models would leave no room for the rest; --json has them.
        models = row["models"] if row["models"].count(",") < 2 else f"{row['models'].count(',') + 1} models"
        table.add_row(row["run"], Text(row["label"]), row["state"], Text(models), samples, str(row["errors"]), *counts)
    Console(highlight=False).print(table)
    return 0
