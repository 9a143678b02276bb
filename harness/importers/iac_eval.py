"""The table in which the IaC-Eval benchmark is published: a prompt, a policy over the plan, and a reference configuration a row."""

from __future__ import annotations

import argparse
import csv
import functools
import io
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.case import TERRAFORM
from harness.errors import CaseError, UsageError
from harness.importers.base import Draft, Task
from harness.tree import read_tree

PROMPT, POLICY, REFERENCE = "Prompt", "Rego intent", "Reference output"
RESOURCE, DIFFICULTY, INTENT = "Resource", "Difficulty", "Intent"
"""The published columns. The first three make a case; the others go into its tags and its provenance."""

_NEEDED = (PROMPT, POLICY, REFERENCE)
_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
_LANGUAGES = ("hcl", "terraform", "tf", "json", "")
_BLOCK = re.compile(r"^\s*(?:resource|data|provider|terraform|variable|module|locals|output)\b[^=\n]*\{", re.MULTILINE)
_NAMES = ("{row:03d}", "{row}", "row-{row:03d}", "row-{row}", "iac-eval-{row:03d}")
_MAIN = "main.tf"
_NO_RESPONSE = "No response was given to the importer."


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: `number` counts from 1, without the table's head."""

    number: int
    fields: Mapping[str, str]

    def text(self, column: str) -> str:
        """The cell, without the blanks around it; empty where the table has none."""
        return (self.fields.get(column) or "").strip()


class IacEval:
    """`assay import iac-eval CSV`."""

    name = "iac-eval"
    summary = "the IaC-Eval benchmark's table: a Terraform case with its policy for each row"
    example = "assay import iac-eval data.csv --responses answers --model some-model --to cases"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The table, and where the model's answers are."""
        parser.add_argument("table", type=Path, metavar="CSV", help="the published table, or one with a model's answers in a column")
        parser.add_argument("--responses", type=Path, metavar="DIR", help="the model's answers, named by row: 001.tf, 001.md or 001/")
        parser.add_argument("--column", metavar="NAME", help="the column with the model's answers, such as 'LLM Output #0'")
        parser.add_argument("--model", default="unknown", help="the model's label (default: unknown)")
        parser.add_argument("--rows", type=_numbers, metavar="N,N-M", help="only these rows, counted from 1 (default: all)")

    def tasks(self, options: argparse.Namespace) -> Iterable[Task]:
        """A task for each row. Raises `UsageError` for a table that cannot be read or lacks a column."""
        rows = read_table(options.table)
        if options.column and options.column not in rows[0].fields:
            raise UsageError(f"{options.table}: has no column {options.column!r}", f"its columns: {', '.join(rows[0].fields)}")
        if options.responses and not options.responses.is_dir():
            raise UsageError(f"{options.responses}: no such folder", "name the folder that holds the model's answers")
        if options.responses and options.column:
            raise UsageError("--responses and --column exclude each other", "say where the answers are: in a folder, or in a column of the table")
        wanted = [row for row in rows if options.rows is None or row.number in options.rows]
        if not wanted:
            raise UsageError(f"{options.table}: has none of these rows", f"it has {len(rows)}")
        return [Task(f"{options.table}:{row.number}", f"iac-eval-{row.number:03d}", functools.partial(draft_row, row, options)) for row in wanted]


def _numbers(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if span is None or int(span[2] or span[1]) > 1_000_000:
            raise argparse.ArgumentTypeError(f"{part!r} is no row, and no range of rows such as 3-10")
        found.update(range(int(span[1]), int(span[2] or span[1]) + 1))
    return frozenset(found)


def read_table(path: Path) -> list[_Row]:
    """The rows of the table. Raises `UsageError` where it is none, or lacks a column that a case needs."""
    if not path.is_file():
        raise UsageError(f"{path}: no such file", "name the table, such as data.csv")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})", "save the table as UTF-8") from error
    csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        lacking = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
        if lacking:
            raise UsageError(f"{path}: has no column {', '.join(lacking)}", f"an IaC-Eval table has {', '.join(_NEEDED)}")
        rows = [_Row(number, {str(name): value for name, value in row.items() if isinstance(value, str)}) for number, row in enumerate(reader, start=1)]
    except csv.Error as error:
        raise UsageError(f"{path}: not a table of comma-separated values: {error}", "save it as CSV") from error
    if not rows:
        raise UsageError(f"{path}: has no rows", "an IaC-Eval table has one row a task")
    return rows


def draft_row(row: _Row, options: argparse.Namespace) -> Draft:
    """One row as a case. Raises `CaseError` where a cell that a case needs is empty or holds something else."""
    for column in _NEEDED:
        if not row.text(column):
            raise CaseError(f"row {row.number}: the column {column} is empty", "fill it in, or leave the row out with --rows")
    if "package" not in row.text(POLICY):
        raise CaseError(f"row {row.number}: the column {POLICY} holds no Rego policy", "a policy begins with its package")
    if not _BLOCK.search(row.text(REFERENCE)):
        raise CaseError(f"row {row.number}: the column {REFERENCE} holds no Terraform block", "the reference is a configuration in HCL")
    response, reason = _response(row, options)
    difficulty, resources = row.text(DIFFICULTY), [name.strip() for name in row.text(RESOURCE).split(",") if name.strip()]
    provenance: dict[str, object] = {"format": IacEval.name, "row": row.number, "resources": resources, "difficulty": difficulty, "intent": row.text(INTENT)}
    return Draft(
        title=_title(row.text(PROMPT)),
        model=options.model,
        prompt=row.text(PROMPT) + "\n",
        response=response,
        ideal={_MAIN: _encoded(row.text(REFERENCE))},
        tests=(),
        tags=("iac-eval", *([f"difficulty-{difficulty}"] if difficulty else []), *dict.fromkeys(resources)),
        provenance={name: value for name, value in provenance.items() if value} | ({"no_usable_code": reason} if reason else {}),
        platform=TERRAFORM,
        language="hcl",
        policies={"intent.rego": _encoded(row.text(POLICY))},
    )


def _title(prompt: str) -> str:
    first = " ".join(prompt.split())
    return first if len(first) <= 120 else first[:117].rsplit(" ", 1)[0] + " ..."


def _encoded(text: str) -> bytes:
    return (text.replace("\r\n", "\n").rstrip("\n") + "\n").encode("utf-8", errors="replace")


def _response(row: _Row, options: argparse.Namespace) -> tuple[Mapping[str, bytes], str]:
    """The response's tree, and why it holds no code where it holds none."""
    if options.responses:
        found = _answer_of(options.responses, row.number)
        if found is None:
            return {"RESPONSE.md": _encoded(_NO_RESPONSE)}, f"{options.responses} holds no answer to row {row.number}"
        if found.is_dir():
            return _folder(found, row.number)
        text = found.read_bytes().decode("utf-8", errors="replace")
        return ({_MAIN: _encoded(text)}, "") if found.suffix == ".tf" else _from_text(text)
    if options.column:
        return _from_text(row.fields.get(options.column) or "")
    return {"RESPONSE.md": _encoded(_NO_RESPONSE)}, "no response was given to the importer"


def _answer_of(folder: Path, number: int) -> Path | None:
    names = [name.format(row=number) for name in _NAMES]
    candidates = [folder / (name + suffix) for name in names for suffix in (".tf", ".md", ".txt", "")]
    return next((one for one in candidates if one.is_file() or one.is_dir()), None)


def _folder(folder: Path, number: int) -> tuple[Mapping[str, bytes], str]:
    files = read_tree(folder, folder).files
    return files, "" if any(path.endswith((".tf", ".tf.json")) and "/" not in path for path in files) else f"the answer to row {number} has no .tf file"


def _from_text(text: str) -> tuple[Mapping[str, bytes], str]:
    """An answer in Markdown: the blocks that are Terraform, one after the other; or bare code."""
    blocks = [body for language, body in _FENCE.findall(text) if language.lower() in _LANGUAGES and _BLOCK.search(body)]
    code = "\n".join(blocks) if blocks else "" if "```" in text else text
    if _BLOCK.search(code):
        return {_MAIN: _encoded(code)}, ""
    return {"RESPONSE.md": _encoded(text or _NO_RESPONSE)}, "the answer holds no Terraform block" if text.strip() else "the answer is empty"
