"""What an exporter is given, and what it is. A new format is one new module and one line in `registry.py`, or a plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO, TypeGuard

from harness.failures import Category, Severity
from harness.results import CaseResult
from harness.store.plan import SampleKey

if TYPE_CHECKING:
    import pandas as pd

RESPONSE_TREE, IDEAL_TREE = "tree/response", "tree/ideal"
"""Names of the artefacts that hold the two trees as a JSON object: path to text, or to {"base64": ...} for bytes that are no UTF-8."""


@dataclass(frozen=True, slots=True)
class RunHeader:
    """A run without its results. `started` is ISO 8601 with its zone; `holes` maps gates that could not run on the machine to the reason."""

    run: str
    label: str
    started: str
    toolchain: Mapping[str, str]
    rubric: str
    holes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample's result. `artefact` gives the bytes of what was kept under a name, None where nothing was."""

    result: CaseResult
    artefact: Callable[[str], bytes | None] = lambda name: None

    @property
    def key(self) -> SampleKey:
        """Names the sample within its run."""
        return key_of(self.result)


@dataclass(frozen=True, slots=True)
class RuleText:
    """What is known of a classification rule before it fires. `severity` is None where the gate that breaks decides."""

    id: str
    title: str
    description: str
    lesson: str
    documentation: str
    category: Category
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A run as exporters read it: sample by sample, so that it never has to fit into memory.

    `keys` names all samples that are planned, with or without a result; `samples` starts a pass over the results, in order, and may be
    called again. `frame` gives one of the store's tables by name (docs/exports.md), of this run alone. `rule` knows the
    rules of this version, `training_values` what each category of a result's failures is worth for training, `folder` where the
    response lies that was judged, relative to where the cases lie; `missing` is how many planned samples have no result.
    """

    header: RunHeader
    keys: Sequence[SampleKey]
    samples: Callable[[], Iterator[Sample]]
    frame: Callable[[str], pd.DataFrame]
    folder: Callable[[CaseResult], str]
    rule: Callable[[str], RuleText | None] = lambda rule_id: None
    training_values: Callable[[CaseResult], Mapping[Category, Severity]] = lambda result: {}
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What an export holds: how many of each thing, and what the reader should know, such as what was left out."""

    counts: Mapping[str, int]
    remarks: tuple[str, ...] = field(default=())


class FileExporter(Protocol):
    """A format that is one text. `example` is a whole command."""

    name: str
    summary: str
    example: str

    def write(self, source: Source, out: TextIO) -> Written:
        """Write the run to `out`, in one go from its beginning."""


class FolderExporter(Protocol):
    """A format that is a folder. `files` are the paths, relative to it, that it may write: a folder with anything else in it is not replaced."""

    name: str
    summary: str
    example: str
    files: tuple[str, ...]

    def write_folder(self, source: Source, folder: Path) -> Written:
        """Write the run into `folder`, which is there and empty. Raises `UsageError` where the run has nothing for this format."""


Exporter = FileExporter | FolderExporter


def is_folder(exporter: Exporter) -> TypeGuard[FolderExporter]:
    """Whether a format is a folder; else it is one text."""
    return hasattr(exporter, "write_folder")


def is_file(exporter: Exporter) -> TypeGuard[FileExporter]:
    """Whether a format is one text; else it is a folder."""
    return not is_folder(exporter)


def key_of(result: CaseResult) -> SampleKey:
    """What names a result within its run."""
    return SampleKey(result.case, result.model, result.sample, result.attempt)


def titles(keys: Sequence[SampleKey]) -> Callable[[SampleKey], str]:
    """How samples are called where people read: CASE, or CASE[MODEL#SAMPLE] where the case has several in the run, with the attempt where it has several."""
    responses: dict[str, set[tuple[str, str]]] = {}
    for key in keys:
        responses.setdefault(key.case, set()).add((key.model, key.sample))
    repeated = {key[:3] for key in keys if key.attempt > 1}

    def title(key: SampleKey) -> str:
        several = f"[{key.model}#{key.sample}]" if len(responses.get(key.case, ())) > 1 else ""
        return key.case + several + (f" attempt {key.attempt}" if key[:3] in repeated else "")

    return title
