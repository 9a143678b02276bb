"""What an importer is: something that finds tasks of a foreign format and drafts a case from each."""

from __future__ import annotations

import argparse
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.case import CDKTF


class ImportStatus(enum.StrEnum):
    """How the import of one task ended."""

    IMPORTED = "imported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A code block that became no file, and `reason` why: a person can find it by heading and line (from 1)."""

    heading: str
    line: int
    language: str
    first_line: str
    reason: str
    document: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A case before it is written. Trees map relative POSIX paths to contents, as `policies` does within their folder;
    `provenance` goes into case.yaml as it is."""

    title: str
    model: str
    prompt: str
    response: Mapping[str, bytes]
    ideal: Mapping[str, bytes]
    tests: tuple[str, ...] = ("tests",)
    tags: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    expectations: tuple[Mapping[str, Any], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    unplaced: tuple[Unplaced, ...] = ()
    platform: str = CDKTF
    language: str = "python"
    policies: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """One case to come: `source` as a person named it, the case's `name`, and `draft`, which raises `AssayError` or `OSError`."""

    source: str
    name: str
    draft: Callable[[], Draft]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task; `case` is the folder, empty where it failed."""

    source: str
    case: str
    status: ImportStatus
    reason: str = ""
    unplaced: tuple[Unplaced, ...] = ()


class Importer(Protocol):
    """One foreign format. Stateless: everything it is told comes from the command line's options."""

    name: str
    """The word after `assay import`."""
    summary: str
    """One line for `--help`."""
    example: str
    """A command line that parses, for `--help`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare what this format needs beyond `--to`, `--force` and `--json`."""
        ...

    def tasks(self, options: argparse.Namespace) -> Iterable[Task]:
        """The tasks that the options name. Raises `UsageError` where they name none."""
        ...
