"""What was wrong with a response: classified failures with their evidence."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harness.diagnostics import Location


class Severity(enum.StrEnum):
    """How bad, measured by the gate that breaks; worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Category(enum.StrEnum):
    """What kind of mistake it is."""

    CDKTF_API = "cdktf-api"
    AWS_CONSTRAINT = "aws-constraint"
    ARCHITECTURE = "architecture"
    TESTING = "testing"
    CODE_QUALITY = "code-quality"
    SECURITY = "security"
    PYTHON = "python"
    PACKAGING = "packaging"
    TERRAFORM = "terraform"


@dataclass(frozen=True, slots=True)
class FixSummary:
    """The fix that cures a failure: its ids, its size in statements, and a unified diff from response to ideal.

    A failure with several places has a fix for each of them; `largest` is the size of the largest of those.
    """

    ids: tuple[str, ...]
    statements: int
    diff: str
    largest: int = 0


@dataclass(frozen=True, slots=True)
class WalkEvidence:
    """The repair walk's experiment: at `step` (from 1) `gate` said `message`, and the fix cured it."""

    gate: str
    step: int
    message: str


@dataclass(frozen=True, slots=True)
class IsolationEvidence:
    """The isolation experiment: the ideal without this fix breaks at `gate` with `message`.

    `also` names the other gates that broke too; `undone` the fixes that had to be undone with it
    because they build on it.
    """

    gate: str
    message: str
    also: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both experiments; at least one of them is there, and `note` says why where the other is not."""

    walk: WalkEvidence | None = None
    isolation: IsolationEvidence | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One cause of failure. `locations` are lines of the response; `fingerprint` is stable across runs and models."""

    id: str
    fingerprint: str
    rule: str
    title: str
    severity: Severity
    category: Category
    message: str
    locations: tuple[Location, ...]
    symbols: tuple[str, ...]
    fix: FixSummary
    evidence: Evidence
    root_cause: str
    impact: str
    documentation: str
