"""`assay export`: a run in a format that other tools read."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.exports.base import Exporter, FileExporter, RuleText, Source, Written, is_file, is_folder
from harness.exports.registry import all_exporters
from harness.exports.source import of_store, response_folders
from harness.exports.writing import replacing_file, replacing_folder
from harness.failures import Category, Severity
from harness.results import CaseResult
from harness.store import open_store

if TYPE_CHECKING:
    from scoring.rubric import Rubric

EXAMPLE = "assay export sarif nightly --to assay.sarif"
STANDARD_OUTPUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes, beside the `--json` that every command has."""
    exporters = {exporter.name: exporter for exporter in all_exporters()}
    parser.add_argument("format", metavar="FORMAT", choices=list(exporters), help="; ".join(f"{name}: {one.summary}" for name, one in exporters.items()))
    parser.add_argument("run", nargs="?", metavar="RUN", help="a run by its name, the beginning of its name, or its label (default: the newest)")
    parser.add_argument(
        "--to", required=True, metavar="PATH", help="the file or folder to write, replaced where it is there; - prints a format that is one text"
    )
    parser.add_argument("--prefix", default="", metavar="DIR", help="where the cases lie in the repository that shows findings at lines (sarif), such as cases")


def run(options: argparse.Namespace) -> int:
    """Write the export, and on the standard error what was left out of it. Raises `UsageError` for what cannot be exported or written."""
    exporter = next(one for one in all_exporters() if one.name == options.format)
    if options.to == STANDARD_OUTPUT and options.json:
        raise UsageError("--to - prints the export, and --json what was written", "use one of them")
    if Path(options.prefix).is_absolute() or ".." in Path(options.prefix).parts:
        raise UsageError(f"--prefix {options.prefix}: leaves the repository", "name the cases' folder as seen from the repository's root, such as cases")
    with open_store() as store:
        source = of_store(store, options.run)
        folder = response_folders(Path(options.prefix).as_posix() if options.prefix else "")
        source = replace(source, folder=folder, rule=rule_text, training_values=training_values)
        written = export(exporter, source, options.to)
    if source.missing:
        written = replace(written, remarks=(f"the run is not finished: {source.missing} of its samples have no result yet", *written.remarks))
    for remark in written.remarks:
        print(f"{options.format}: {remark}", file=sys.stderr)
    if options.json:
        said = {"format": options.format, "run": source.header.run, "to": options.to, "written": dict(written.counts), "remarks": list(written.remarks)}
        print(json.dumps(said))
    elif options.to != STANDARD_OUTPUT:
        print(f"{options.to}: " + ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in written.counts.items()))
    return 0


def export(exporter: Exporter, source: Source, to: str) -> Written:
    """Write `source` in a format to a file or a folder, or, for `-`, to the standard output. What was at `to` is replaced as a whole, or stays."""
    if is_folder(exporter):
        if to == STANDARD_OUTPUT:
            raise UsageError(f"{exporter.name} is a folder and cannot be printed", "name a folder with --to")
        with replacing_folder(Path(to), exporter.files) as folder:
            return exporter.write_folder(source, folder)
    assert is_file(exporter)
    return _write_text(exporter, source, to)


def _write_text(exporter: FileExporter, source: Source, to: str) -> Written:
    if to != STANDARD_OUTPUT:
        with replacing_file(Path(to)) as out:
            return exporter.write(source, out)
    # The same bytes as in a file, whatever the locale says.
    sys.stdout.flush()
    printed = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="")
    try:
        written = exporter.write(source, printed)
        printed.flush()
        return written
    except BrokenPipeError:
        # Whoever reads the output has seen enough; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Written({})
    finally:
        printed.detach()


def rule_text(rule_id: str) -> RuleText | None:
    """What this version's rules say of themselves; None for a rule that it does not have, or for what no rule knew."""
    from scoring.rulebook import find_rule
    from scoring.rules.base import PROVIDER_DOCS, RESOURCE_DOCS

    rule = find_rule(rule_id)
    if rule is None:
        return None
    documentation = PROVIDER_DOCS if rule.documentation == RESOURCE_DOCS else rule.documentation.partition("{")[0]
    return RuleText(rule.id, rule.title, rule.root_cause, rule.lesson.format_map({}), documentation, rule.category, rule.severity)


def training_values(result: CaseResult) -> Mapping[Category, Severity]:
    """What each category of a sample's failures is worth for training, by the rubric of this version."""
    from scoring.score import category_values

    return {one.category: one.value for one in category_values(result.failures, _rubric())}


@cache
def _rubric() -> Rubric:
    """Read once for all samples: parsing it takes longer than everything else about a sample."""
    from scoring.rubric import load_rubric

    return load_rubric()
