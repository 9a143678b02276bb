"""Two trees that lie there already, made into a case."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from harness.errors import CaseError, UsageError
from harness.importers.base import Draft, Task
from harness.importers.environment import needed_environment
from harness.importers.program import app_script, complete_ideal, complete_response, pytest_paths
from harness.tree import read_tree


class Pair:
    """`assay import pair RESPONSE_DIR IDEAL_DIR --name NAME`."""

    name = "pair"
    summary = "a case from two folders: what the model wrote, and the fixed code"
    example = "assay import pair response ideal --name my-case --to cases"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The two folders, and what nothing in them tells."""
        parser.add_argument("response", type=Path, metavar="RESPONSE_DIR", help="what the model wrote")
        parser.add_argument("ideal", type=Path, metavar="IDEAL_DIR", help="the fixed code")
        parser.add_argument("--name", required=True, help="the case's name")
        parser.add_argument("--prompt", type=Path, metavar="FILE", help="the prompt that the model was given")
        parser.add_argument("--model", default="unknown", help="the model's label (default: unknown)")

    def tasks(self, options: argparse.Namespace) -> Iterable[Task]:
        """One task. Raises `UsageError` where a folder is not there."""
        for folder in (options.response, options.ideal):
            if not folder.is_dir():
                raise UsageError(f"{folder}: no such folder", "name the folder that holds the tree")
        return [Task(str(options.response), options.name, lambda: _draft(options))]


def _draft(options: argparse.Namespace) -> Draft:
    ideal = complete_ideal(read_tree(options.ideal, options.ideal).files)
    written = read_tree(options.response, options.response).files
    # Only what says how to start may be missing from a pair; binary files lie in both trees or were left out on purpose.
    response = written if app_script(written) in written else complete_response(written, ideal).files
    notes = dict.fromkeys(sorted(response.keys() - written.keys()), "the ideal's")
    return Draft(
        title=options.name.replace("-", " ").replace("_", " ").strip().capitalize() or options.name,
        model=options.model,
        prompt=_prompt(options.prompt),
        response=response,
        ideal=ideal.files,
        tests=pytest_paths(ideal.files),
        env=needed_environment((ideal.files, ideal.script), (response, app_script(response))),
        provenance={"format": "pair", "supplied": notes, "notes": [f"{path}: {note}" for path, note in ideal.notes.items()]},
    )


def _prompt(path: Path | None) -> str:
    if path is None:
        return "The prompt is not known.\n"
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise CaseError(f"{path}: the prompt cannot be read: {error.strerror}", "name a readable file") from error
