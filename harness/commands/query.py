"""`assay query`: asks the store in SQL."""

from __future__ import annotations

import argparse
import csv
import json
import sys

from rich.console import Console
from rich.table import Table

from harness.commands.arguments import positive
from harness.errors import UsageError

EXAMPLE = "assay query \"select model, count(*) from failure_rows where symbol = 'S3BucketVersioning' group by model\""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "sql", help="one SELECT; sample_rows, gate_rows and failure_rows have everything in one row (docs/store.md); - reads it from standard input"
    )
    parser.add_argument("--limit", type=positive, default=1000, help="at most so many rows (default: 1000)")
    parser.add_argument("--csv", action="store_true", help="print CSV instead of a table")


def run(options: argparse.Namespace) -> int:
    """Print the answer. Raises `UsageError` where the query is refused."""
    from harness.store import open_store

    sql = sys.stdin.read() if options.sql == "-" else options.sql
    if not sql.strip():
        raise UsageError("the query is empty", f"such as: {EXAMPLE}")
    with open_store() as store:
        answer = store.query(sql, options.limit)
    if options.json:
        print(json.dumps([dict(zip(answer.columns, row, strict=True)) for row in answer.rows], default=_plain))
    elif options.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows(answer.rows)
    else:
        table = Table(box=None, pad_edge=False)
        for column in answer.columns:
            table.add_column(column.replace("[", r"\["), overflow="fold")
        for row in answer.rows:
            table.add_row(*("" if value is None else str(value).replace("[", r"\[") for value in row))
        Console(highlight=False).print(table)
    if answer.more:
        print(f"assay: more than {options.limit} rows; the rest is left out (--limit)", file=sys.stderr)
    return 0


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, (bytes, memoryview)) else str(value)
