"""`assay query`: asks the store in SQL."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from decimal import Decimal

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
        print(json.dumps([dict(zip(answer.columns, map(_plain, row), strict=True)) for row in answer.rows]))
    elif options.csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(answer.columns)
        writer.writerows([_plain(value) for value in row] for row in answer.rows)
    else:
        table = Table(box=None, pad_edge=False)
        for column in answer.columns:
            table.add_column(Text(column), overflow="fold")
        for row in answer.rows:
            table.add_row(*(Text("" if value is None else str(_plain(value))) for value in row))
        Console(highlight=False).print(table)
    if answer.more:
        print(f"assay: more than {options.limit} rows; the rest is left out (--limit)", file=sys.stderr)
    return 0


def _plain(value: object) -> str | int | float | bool | None:
    """The value as JSON has it, the same from both databases: bytes in hexadecimal digits, the exact numbers of PostgreSQL as floats."""
    if isinstance(value, (bytes, memoryview)):
        return value.hex()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
