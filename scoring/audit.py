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
from scoring.claim_match import RARE, Link, match
from scoring.claim_refute import contradiction, undecidable
from scoring.claim_text import code_line, listed
from scoring.claim_trace import ClaimTrace, FailureTrace, count_lines

NO_OBJECTION = "no gate objected"
NO_CODE_RULE = "no-usable-code"

_Match = tuple[tuple[Link, ...], Failure]


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
    failures = [FailureTrace(failure, case.response) for failure in result.failures]
    verdicts = tuple(_judge(ClaimTrace(claim, case.response, case.ideal), failures, result) for claim in case.expectations)
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


def _judge(claim: ClaimTrace, failures: list[FailureTrace], result: CaseResult) -> Verdict:
    about = Claim(claim.title, _text(claim.claim, "severity"), _text(claim.claim, "category"))
    empty = next((one.failure for one in failures if one.failure.rule == NO_CODE_RULE or "contains no usable code" in one.failure.message), None)
    if empty is not None:
        return _without_code(about, claim, empty)
    matches, certain = _best([(links, one.failure) for one in failures if (links := match(claim, one))])
    refuted = contradiction(claim)
    if matches and (certain or not refuted):
        return Verdict(about, ClaimStatus.CONFIRMED, _because(matches), tuple(failure.id for _, failure in matches))
    if refuted:
        return Verdict(about, ClaimStatus.CONTRADICTED, refuted)
    if result.control != "ok":
        return Verdict(
            about, ClaimStatus.NOT_EXECUTABLE, f"the control is broken, so the response was not compared with it: {_first_line(result.control_cause)}"
        )
    if reason := undecidable(claim):
        return Verdict(about, ClaimStatus.NOT_EXECUTABLE, reason)
    return Verdict(about, ClaimStatus.NOT_EXECUTABLE, _no_objection(claim, result), undecided=True)


def _best(matches: list[_Match]) -> tuple[list[_Match], bool]:
    """The matches that count, and whether they are strong: weak ones only where there is no strong one, and then those with most links."""
    strong = [one for one in matches if any(link.strong for link in one[0])]
    if strong:
        return sorted(strong, key=lambda one: -len(one[0])), True
    most = max((len(links) for links, _ in matches), default=0)
    return [one for one in matches if len(one[0]) == most], False


def _without_code(about: Claim, claim: ClaimTrace, empty: Failure) -> Verdict:
    """Where the response holds no code at all, a claim about its code is not true of it; that it is absent is what the failure says."""
    if claim.removed:
        return Verdict(about, ClaimStatus.CONTRADICTED, f"the code it describes is not in the response, which has no usable code ({empty.id})")
    if any(word in claim.title.lower() for word in ("missing", "incomplete", "no ", "wrong platform", "placeholder", "not implement")):
        return Verdict(about, ClaimStatus.CONFIRMED, f"{empty.id}: the response has no usable code, so this is missing with all the rest", (empty.id,))
    return Verdict(about, ClaimStatus.NOT_EXECUTABLE, f"the response has no usable code ({empty.id}), so there is nothing to run the claim on")


def _because(matches: list[_Match]) -> str:
    sentences = [f"{failure.id} shares {'; '.join(link.text for link in links[:4])}" for links, failure in matches[:2]]
    more = f"; so do {listed((failure.id for _, failure in matches[2:]), 5)}" if len(matches) > 2 else ""
    return ". ".join(sentences) + more


def _no_objection(claim: ClaimTrace, result: CaseResult) -> str:
    where = _place_of(claim)
    there = f"the code it describes is at {where}" if where else "nothing shows that it is untrue"
    hidden = "" if result.converged else "; the repair walk did not get through, so gates may not have seen it"
    return f"{NO_OBJECTION}: {there}, and none of the {len(result.failures)} failures is about it{hidden}"


def _place_of(claim: ClaimTrace) -> str | None:
    """Where the response has a line that the claim calls wrong and that is rare enough to name a place; the claim's own files first."""
    counts = count_lines(claim.response)
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
