"""Archives that keep one folder a task: metadata, a prompt, the model's answer as Markdown, and the code that was shipped."""

from __future__ import annotations

import argparse
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from harness.errors import CaseError, UsageError
from harness.importers.base import Draft, Task
from harness.importers.documents import Documents, find_title, is_document
from harness.importers.environment import needed_environment
from harness.importers.markdown import read_blocks
from harness.importers.metadata import read_metadata
from harness.importers.paths import is_test
from harness.importers.placing import Placement, Reference, place_blocks
from harness.importers.program import Completed, complete_ideal, complete_response, files_read_by, pytest_paths, python_sources
from harness.importers.refusals import why_unusable
from harness.importers.sources import read_source
from harness.tree import read_tree


@dataclass(frozen=True, slots=True)
class _Turn:
    """One answer of a conversation, with the files that its blocks are."""

    document: str
    text: str
    placement: Placement
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether it holds code for the platform at all."""
        return any(read_source(text).for_platform for path, text in self.placement.files.items() if path.endswith(".py") and not is_test(path))

    @property
    def complete(self) -> bool:
        """Whether it stands alone: whole code that defines a stack or builds the app, not a part that was cut off or mends an earlier turn."""
        sources = [read_source(text) for path, text in self.placement.files.items() if path.endswith(".py") and not is_test(path)]
        return self.usable and any(source.complete and (source.stacks or source.builds_app) for source in sources)


class MarkdownArchive:
    """`assay import markdown-archive SRC...`."""

    name = "markdown-archive"
    summary = "folders with metadata.json, lib/PROMPT.md, lib/MODEL_RESPONSE.md and the code that was shipped"
    example = "assay import markdown-archive archive/task-1 --to cases"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The folders, and the model's label where the metadata has none."""
        parser.add_argument("sources", nargs="+", type=Path, metavar="SRC", help="a task's folder, or a folder of such folders")
        parser.add_argument("--model", help="the model's label, where the metadata names none (default: unknown)")

    def tasks(self, options: argparse.Namespace) -> Iterable[Task]:
        """A task for each folder. Raises `UsageError` for a source that is not there or holds none."""
        return [
            Task(str(folder), _case_name(folder), functools.partial(draft_task, folder, options.model))
            for source in options.sources
            for folder in find_tasks(source)
        ]


def find_tasks(source: Path) -> list[Path]:
    """`source` itself where it is a task, else every folder in it, so that one that is no task is said to be none."""
    if not source.is_dir():
        raise UsageError(f"{source}: no such folder", "name a task's folder, or a folder of them")
    if _is_task(source):
        return [source]
    inside = sorted(folder for folder in source.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not any(_is_task(folder) for folder in inside):
        raise UsageError(f"{source}: holds no task", "a task's folder has a metadata.json, or a lib/ with PROMPT.md and MODEL_RESPONSE.md")
    return inside


def _is_task(folder: Path) -> bool:
    names = ("metadata.json", "lib/PROMPT.md", "lib/MODEL_RESPONSE.md", "PROMPT.md", "MODEL_RESPONSE.md")
    return any((folder / name).is_file() for name in names)


def _case_name(folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._")
    return name or "task"


def draft_task(folder: Path, model: str | None = None) -> Draft:
    """Read one task. Raises `CaseError` where it is of another platform, or no case can be made of it."""
    files = read_tree(folder, folder).files
    notes: list[str] = []
    metadata = read_metadata(files, notes)
    documents = Documents(files, notes)
    if not documents.responses:
        raise CaseError(f"{folder.name}: no MODEL_RESPONSE.md", "the model's answer is expected as lib/MODEL_RESPONSE.md")
    ideal = complete_ideal(_ideal_files(files, documents, folder.name, notes))
    turns = _read_turns(documents, ideal)
    turn = _choose_turn(turns)
    usable = turn.usable
    response = complete_response(_encoded(turn.placement.files), ideal) if usable else Completed({"RESPONSE.md": turn.text.encode()}, "", {})
    unplaced = tuple(replace(one, document=turn.document) for one in turn.placement.unplaced)
    provenance: dict[str, Any] = {"format": MarkdownArchive.name, "task": folder.name, "response": turn.document}
    if len(turns) > 1:
        provenance["turns"] = [one.document for one in turns]
    if not usable:
        provenance["no_usable_code"] = why_unusable(turn.text)
    provenance |= _kept(
        {
            "placed": {one.path: f"line {one.line}, by {one.by}" for one in turn.placement.placed} if usable else {},
            "replaced": [f"{one.path}: line {one.line}" for one in turn.placement.replaced],
            "supplied": dict(response.notes),
            "unplaced": [_kept(asdict(replace(one, document=""))) for one in unplaced],
            "ideal": dict(ideal.notes),
            "metadata": metadata.kept,
            "notes": [*notes, *turn.notes],
        }
    )
    return Draft(
        title=find_title(documents.prompt) or metadata.title or find_title(turn.text) or folder.name,
        model=model or metadata.model or "unknown",
        prompt=documents.prompt or "The prompt is not known.\n",
        response=response.files,
        ideal=ideal.files,
        tests=pytest_paths(ideal.files),
        tags=metadata.tags,
        env=needed_environment((ideal.files, ideal.script), (response.files, response.script)),
        expectations=_expectations(documents.failures, notes),
        provenance=provenance,
        unplaced=unplaced,
    )


def _ideal_files(files: Mapping[str, bytes], documents: Documents, name: str, notes: list[str]) -> dict[str, bytes]:
    """The code that was shipped; what IDEAL_RESPONSE.md holds only where nothing was."""
    code = [content for path, content in files.items() if path.endswith(".py")]
    read = {path for content in code for path in files_read_by(content, files)}
    shipped = {path: content for path, content in files.items() if not is_document(path) or path in read}
    if any(path.endswith(".py") and not is_test(path) for path in shipped):
        return shipped
    placement = place_blocks(read_blocks(documents.ideal), Reference())
    if not any(path.endswith(".py") for path in placement.files):
        raise CaseError(f"{name}: no code was shipped, and IDEAL_RESPONSE.md holds none", "a case needs the fixed code")
    notes.append("the ideal is the code in IDEAL_RESPONSE.md: none was shipped")
    return {**shipped, **_encoded(placement.files)}


def _read_turns(documents: Documents, ideal: Completed) -> list[_Turn]:
    reference = Reference(python_sources(ideal.files), frozenset(ideal.files), ideal.script)
    return [_read_turn(PurePosixPath(path).name, text, reference) for path, text in documents.responses]


def _read_turn(document: str, text: str, reference: Reference) -> _Turn:
    blocks = read_blocks(text)
    open_ended = tuple(f"{document}: the fence in line {block.line} is never closed; the block is read to the end" for block in blocks if not block.closed)
    return _Turn(document, text, place_blocks(blocks, reference), open_ended)


def _choose_turn(turns: Sequence[_Turn]) -> _Turn:
    """The last turn that stands alone; else the last with any usable code; else the last."""
    complete = [turn for turn in turns if turn.complete]
    usable = [turn for turn in turns if turn.usable]
    return (complete or usable or turns)[-1]


def _expectations(failures: str, notes: list[str]) -> tuple[Mapping[str, Any], ...]:
    if not failures.strip():
        return ()
    try:
        from harness.importers.claims import parse_claims
    except ImportError:
        notes.append("MODEL_FAILURES.md was not read: there is no reader of claims")
        return ()
    return tuple(parse_claims(failures))


def _encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {path: text.encode("utf-8", errors="replace") for path, text in files.items()}


def _kept(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {}, ())}
