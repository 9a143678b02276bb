"""`assay rules`: lists every rule, explains one, prints the tables of docs/rules.md."""

from __future__ import annotations

import argparse
import json

from rich.console import Console
from rich.table import Table

from harness.errors import UsageError

EXAMPLE = "assay rules show kms-logs-policy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("words", nargs="*", metavar="show ID | table", help="explain one rule with its examples, or print all rules as Markdown tables")
    parser.add_argument("--gate", help="only rules of this gate, such as constraints")


def run(options: argparse.Namespace) -> int:
    """List the rules, or explain one. Raises `UsageError` for an id or a gate that no rule has."""
    from scoring.rulebook import describe_rules
    from scoring.rules_page import as_text, explain, tables

    words = options.words
    if words == ["table"]:
        print(json.dumps(tables()) if options.json else tables())
        return 0
    if words:
        if len(words) > 2 or (len(words) == 2 and words[0] != "show") or words == ["show"]:
            raise UsageError(f"rules {' '.join(words)}: not understood", "write: assay rules, assay rules show ID, or assay rules table")
        described = explain(words[-1])
        print(json.dumps(described) if options.json else as_text(described))
        return 0
    rules = [rule for rule in describe_rules() if options.gate is None or options.gate in str(rule["gates"]).split(", ")]
    if not rules:
        raise UsageError(f"no rule belongs to a gate {options.gate}", "see: assay rules")
    if options.json:
        print(json.dumps(rules))
        return 0
    table = Table(box=None, pad_edge=False)
    for heading in ("rule", "gates", "category", "what"):
        table.add_column(heading, overflow="fold")
    for rule in rules:
        table.add_row(str(rule["id"]), str(rule["gates"]), str(rule["category"]), str(rule["title"]).replace("[", r"\["))
    Console(highlight=False).print(table)
    return 0
