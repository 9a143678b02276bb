"""What a run is going to do, and where it stands: the values that the store takes in and hands out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

RUNNING, FINISHED, INTERRUPTED = "running", "finished", "interrupted"
PLANNED, DONE, ERROR = "planned", "done", "error"


class SampleKey(NamedTuple):
    """What names a sample within a run."""

    case: str
    model: str
    sample: str
    attempt: int


@dataclass(frozen=True, slots=True)
class PlannedSample:
    """One evaluation to make: the response `sample` of `model` to the case in `folder`. `position` orders a run's samples."""

    position: int
    folder: str
    case: str
    model: str
    sample: str = "1"
    attempt: int = 1

    @property
    def key(self) -> SampleKey:
        """Names it within its run."""
        return SampleKey(self.case, self.model, self.sample, self.attempt)

    @property
    def title(self) -> str:
        """The case, and what tells the sample from others of that case."""
        return self.case + (f" #{self.sample}" if self.sample != "1" else "") + (f" (attempt {self.attempt})" if self.attempt > 1 else "")


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A run before its first result. `settings` are JSON data that a resumed run needs again; `code` is the digest of Assay's own code."""

    label: str
    toolchain: Mapping[str, str]
    toolchain_fingerprint: str
    rubric: str
    code: str
    holes: Mapping[str, str]
    settings: Mapping[str, Any]
    samples: tuple[PlannedSample, ...]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as the store knows it; `started` and `ended` in UTC."""

    id: int
    name: str
    label: str
    started: datetime
    ended: datetime | None
    state: str
    toolchain: Mapping[str, str]
    toolchain_fingerprint: str
    rubric: str
    code: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    holes: Mapping[str, str] = field(default_factory=dict)
