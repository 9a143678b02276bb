"""Compares what people wrote down about a response with what running it showed."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.case import Case
from harness.failures import Failure
from harness.results import CaseResult
from scoring.claim_assign import Assigned, assign
from scoring.claim_limits import OMISSION, needed_by_nothing, undecidable
from scoring.claim_match import RARE, Grade, match
from scoring.claim_refute import contradiction, of_another_draft
from scoring.claim_text import code_line, listed
from scoring.claim_trace import ClaimTrace, FailureTrace

NO_OBJECTION = "no gate objected"
NO_CODE_RULE = "no-usable-code"


class ClaimStatus(enum.StrEnum):
    """What running the response says about a claim."""

    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"
    NOT_EXECUTABLE = "not executable"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a verdict is about; `severity` and `category` are the claim's own words, None where it has none."""

    title: str
    severity: str | None
    category: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one claim, with a sentence that explains it.

    `failures` are the ids that confirm it, the best match first. `undecided` marks a claim that something here
    could have confirmed, that nothing contradicts, and that no failure matches.
    """

    claim: Claim
    status: ClaimStatus
    reason: str
    failures: tuple[str, ...] = ()
    undecided: bool = False


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A failure that no claim covers."""

    id: str
    rule: str
    title: str
    severity: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Every claim of a case with its verdict, in the case's order, and the failures that nobody claimed."""

    case: str
    claims: tuple[Verdict, ...]
    unclaimed: tuple[Unclaimed, ...]

    def count(self, status: ClaimStatus, *, undecided: bool = False) -> int:
        """How many claims have this status; for `not executable`, those that are, or are not, undecided."""
        return sum(one.status is status and one.undecided is undecided for one in self.claims)


def audit_case(case: Case, result: CaseResult) -> Audit:
    """Give every claim of the case its verdict by what `result` holds. Reads files of the case; runs nothing, raises nothing."""
    claims = [ClaimTrace(claim, case.response, case.ideal) for claim in case.expectations]
    failures = [FailureTrace(failure, case.response) for failure in result.failures]
    refuted = [contradiction(claim, result) for claim in claims]
    pairs = {
        (number, other): found
        for number, claim in enumerate(claims)
        for other, failure in enumerate(failures)
        # What contradicts a claim goes before all that is no strong match.
        if (found := match(claim, failure)) and (found.grade is Grade.STRONG or not refuted[number])
    }
    matches = assign(pairs, len(claims), len(failures))
    verdicts = tuple(_judge(claim, why, found, result) for claim, why, found in zip(claims, refuted, matches, strict=True))
    covered = {name for verdict in verdicts for name in verdict.failures}
    unclaimed = tuple(Unclaimed(one.id, one.rule, one.title, str(one.severity)) for one in result.failures if one.id not in covered)
    return Audit(case.name, verdicts, unclaimed)


def audit_frame(audit: Audit) -> pd.DataFrame:
    """One row a claim, in the case's order.

    Columns: `case`; `title`, `severity` and `category` as the claim has them (missing where it has none); `status`
    (a `ClaimStatus` as text); `undecided` (bool: executable, not contradicted, and yet not confirmed); `failures`
    (how many confirm it); `ids` (their ids, joined by commas); `reason`.
    """
    columns = ["case", "title", "severity", "category", "status", "undecided", "failures", "ids", "reason"]
    rows = [
        (
            audit.case,
            one.claim.title,
            one.claim.severity,
            one.claim.category,
            str(one.status),
            one.undecided,
            len(one.failures),
            ", ".join(one.failures),
            one.reason,
        )
        for one in audit.claims
    ]
    return pd.DataFrame(rows, columns=columns).astype({"undecided": bool, "failures": int})


def dump_audit(audit: Audit) -> dict[str, Any]:
    """The audit as plain JSON data: what `assay audit --json` prints and a result keeps."""
    return {
        "case": audit.case,
        "claims": [
            {
                "title": one.claim.title,
                "severity": one.claim.severity,
                "category": one.claim.category,
                "status": str(one.status),
                "reason": one.reason,
                "failures": list(one.failures),
                "undecided": one.undecided,
            }
            for one in audit.claims
        ],
        "unclaimed": [{"id": one.id, "rule": one.rule, "title": one.title, "severity": one.severity} for one in audit.unclaimed],
    }


def load_audit(data: Mapping[str, Any]) -> Audit:
    """The audit that `dump_audit` made `data` from. Raises `KeyError` or `ValueError` for anything else."""
    claims = tuple(
        Verdict(
            Claim(one["title"], one["severity"], one["category"]), ClaimStatus(one["status"]), one["reason"], tuple(one["failures"]), bool(one["undecided"])
        )
        for one in data["claims"]
    )
    return Audit(data["case"], claims, tuple(Unclaimed(one["id"], one["rule"], one["title"], one["severity"]) for one in data["unclaimed"]))


def _judge(claim: ClaimTrace, refuted: str | None, matches: list[Assigned], result: CaseResult) -> Verdict:
    about = Claim(claim.title, _text(claim.claim, "severity"), _text(claim.claim, "category"))
    empty = next((one for one in result.failures if one.rule == NO_CODE_RULE or "contains no usable code" in one.message), None)
    if empty is not None:
        return _without_code(about, claim, empty, undecidable(claim, result))
    if matches:
        return Verdict(about, ClaimStatus.CONFIRMED, _because(matches, result), tuple(result.failures[one.failure].id for one in matches))
    if refuted:
        return Verdict(about, ClaimStatus.CONTRADICTED, refuted)
    if result.control != "ok":
        return Verdict(
            about, ClaimStatus.NOT_EXECUTABLE, f"the control is broken, so the response was not compared with it: {_first_line(result.control_cause)}"
        )
    if reason := undecidable(claim, result):
        return Verdict(about, ClaimStatus.NOT_EXECUTABLE, reason)
    if other := of_another_draft(claim):
        return Verdict(about, ClaimStatus.CONTRADICTED, other)
    return Verdict(about, ClaimStatus.NOT_EXECUTABLE, _no_objection(claim, result), undecided=True)


def _without_code(about: Claim, claim: ClaimTrace, empty: Failure, beyond: str | None) -> Verdict:
    """Where the response holds no code at all, a claim about its code is not true of it; that it is absent is what the failure says."""
    if claim.removed:
        return Verdict(about, ClaimStatus.CONTRADICTED, f"the code it describes is not in the response, which has no usable code ({empty.id})")
    if beyond and beyond != OMISSION:
        return Verdict(about, ClaimStatus.NOT_EXECUTABLE, beyond)
    if any(word in claim.title.lower() for word in ("missing", "incomplete", "no ", "wrong platform", "placeholder", "not implement")):
        return Verdict(about, ClaimStatus.CONFIRMED, f"{empty.id}: the response has no usable code, so this is missing with all the rest", (empty.id,))
    return Verdict(about, ClaimStatus.NOT_EXECUTABLE, f"the response has no usable code ({empty.id}), so there is nothing to run the claim on")


def _because(matches: list[Assigned], result: CaseResult) -> str:
    sentences = []
    for one in matches[:2]:
        name, shared = result.failures[one.failure].id, "; ".join(link.text for link in one.match.links[:4])
        sentences.append(f"{name} and this claim are what is left for each other, and share {shared}" if one.left_over else f"{name} shares {shared}")
    more = f"; so do {listed((result.failures[one.failure].id for one in matches[2:]), 5)}" if len(matches) > 2 else ""
    return ". ".join(sentences) + more


def _no_objection(claim: ClaimTrace, result: CaseResult) -> str:
    where = _place_of(claim)
    there = f"the code it describes is at {where}" if where else "nothing shows that it is untrue"
    hidden = "" if result.converged else "; the repair walk did not get through, so gates may not have seen it"
    needless = needed_by_nothing(claim, result)
    tried = f"; what it asks for is {listed(needless)}, which neither experiment needs" if needless else ""
    return f"{NO_OBJECTION}: {there}, and none of the {len(result.failures)} failures is about it{tried}{hidden}"


def _place_of(claim: ClaimTrace) -> str | None:
    """Where the response has a line that the claim calls wrong and that is rare enough to name a place; the claim's own files first."""
    counts = claim.counts
    wanted = {line for line in claim.removed if 0 < counts.get(line, 0) <= RARE}
    for path in sorted(claim.response.python_files() if wanted else (), key=lambda path: path not in claim.files):
        for number, line in enumerate(claim.response.files[path].decode("utf-8", "replace").splitlines(), 1):
            if code_line(line) in wanted:
                return f"{path}:{number}"
    return None


def _text(claim: Mapping[str, Any], name: str) -> str | None:
    value = claim.get(name)
    return value if isinstance(value, str) and value else None


def _first_line(text: str | None) -> str:
    return (text or "no reason given").strip().splitlines()[0]
