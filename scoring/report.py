"""What a report on one case shows, as data: loaded, counted and laid out, but not yet drawn."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import UsageError
from harness.failures import Failure, Severity
from harness.gates.base import Status
from harness.results import CaseResult, RunResult
from harness.serialize import load
from scoring.audit import Audit, load_audit
from scoring.rubric import Rubric, load_rubric
from scoring.rulebook import UNCLASSIFIED, find_rule
from scoring.score import CategoryValue, category_values, severity_counts


@dataclass(frozen=True, slots=True)
class Hole:
    """Something that the report cannot say anything about, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case of a run, with the rubric that explains its scores."""

    run: RunResult
    case: CaseResult
    rubric: Rubric

    @property
    def counts(self) -> dict[Severity, int]:
        """Failures by severity, worst first, none left out."""
        return severity_counts(self.case.failures)

    @property
    def categories(self) -> tuple[CategoryValue, ...]:
        """Categories with their failures and training values, the most valuable first."""
        return category_values(self.case.failures, self.rubric)

    @property
    def weights(self) -> tuple[tuple[Severity, int, float], ...]:
        """The terms of training quality: severity, how many, what one weighs."""
        return tuple((severity, count, self.rubric.severity_weight[severity]) for severity, count in self.counts.items() if count)

    @property
    def total_weight(self) -> float:
        """What the failures weigh together, before the budget caps it."""
        return sum(count * weight for _, count, weight in self.weights)

    @property
    def gates(self) -> tuple[str, ...]:
        """Every gate that any variant was judged by, in the rubric's order, then the plugins'."""
        seen = dict.fromkeys(gate for statuses in self.case.gates.values() for gate in statuses)
        return (*(gate for gate in self.rubric.gate_order if gate in seen), *(gate for gate in seen if gate not in self.rubric.gate_order))

    @property
    def lessons(self) -> tuple[str, ...]:
        """What the rules that fired teach, the worst failure's first."""
        rules = (find_rule(failure.rule) for failure in self.case.failures)
        return tuple(dict.fromkeys(rule.lesson.format_map({}) for rule in rules if rule))

    @property
    def audit(self) -> Audit | None:
        """People's claims and what running the code says about each; None where the case has none."""
        return load_audit(self.case.audit) if self.case.audit else None

    @property
    def experiments(self) -> str:
        """How far the repair walk and isolation agree on the fixes."""
        counts = Counter(fix.agreement for fix in self.case.fixes)
        used = sum(fix.step is not None for fix in self.case.fixes)
        return (
            f"The repair walk applied {used} of {len(self.case.fixes)} fixes. On {counts['agree']} of all fixes both experiments agree; "
            f"{counts['serves']} only serve others; {counts['walk only']} cured a step though the ideal does without them, "
            f"and {counts['isolation only']} break the ideal though the walk did without them."
        )

    @property
    def holes(self) -> tuple[Hole, ...]:
        """What is missing from the picture: gates that could not run, inconclusive ones, and failures that no rule knows."""
        holes = [Hole(f"gate {gate}", reason) for gate, reason in self.run.holes.items()]
        holes += [Hole(what, why) for what, why in _unjudged(self.case)]
        holes += [Hole(one.id, f"no rule knows: {one.title}") for one in self.case.failures if one.rule.startswith(UNCLASSIFIED)]
        if self.case.control_cause:
            holes.append(Hole("control", f"the ideal itself is broken: {self.case.control_cause}"))
        elif not self.case.converged:
            holes.append(Hole("repair walk", "did not reach what the ideal passes, so failures may still be hidden"))
        if self.run.rubric != self.rubric.version:
            holes.append(Hole("rubric", f"the run was judged by version {self.run.rubric}, the arithmetic here is version {self.rubric.version}'s"))
        return tuple(holes)

    def verdict(self, gate: str) -> str:
        """What a gate says of the response, and whether the ideal fails it for the same; empty where it was not asked."""
        status = self.case.gates.get("response", {}).get(gate, "")
        return f"{status}, only for what the ideal has too" if gate in self.case.shared else status

    def failures_of(self, severity: Severity) -> tuple[Failure, ...]:
        """The failures of one severity, in the report's order."""
        return tuple(failure for failure in self.case.failures if failure.severity is severity)


def load_run(path: Path | str) -> RunResult:
    """The run in a result file. Raises `UsageError` where the file cannot be read or holds no run."""
    try:
        return load(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not the result of a run: {error}", "name the result.json that `assay run` wrote") from error


def open_case(result_file: Path | str, case_name: str) -> CaseReport:
    """The report's data for one case of a run. Raises `UsageError` where the run has no such case."""
    run = load_run(result_file)
    case = next((case for case in run.cases if case.case == case_name), None)
    if case is None:
        known = ", ".join(case.case for case in run.cases) or "none"
        raise UsageError(f"{result_file}: run {run.run} has no case {case_name}", f"its cases: {known}")
    return CaseReport(run, case, load_rubric())


def failures_frame(report: CaseReport) -> pd.DataFrame:
    """One row a failure."""
    columns = ["id", "severity", "category", "rule", "title", "places", "gate", "step", "statements"]
    rows = [
        (
            one.id,
            str(one.severity),
            report.rubric.category_label[one.category],
            one.rule,
            one.title,
            ", ".join(f"{place.file}:{place.line}" for place in one.locations),
            one.evidence.isolation.gate if one.evidence.isolation else "",
            one.evidence.walk.step if one.evidence.walk else None,
            one.fix.statements,
        )
        for one in report.case.failures
    ]
    return pd.DataFrame(rows, columns=columns).astype({"step": "Int64"}).set_index("id")


def counts_frame(report: CaseReport) -> pd.DataFrame:
    """How many failures each category (rows, most valuable first) has of each severity (columns, worst first)."""
    rows = {
        report.rubric.category_label[value.category]: {str(level): count for level, count in severity_counts(value.failures).items()}
        for value in report.categories
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=[str(severity) for severity in Severity])


def gates_frame(report: CaseReport) -> pd.DataFrame:
    """The status of each gate (columns) on each variant (rows); empty where a gate was not asked."""
    return pd.DataFrame.from_dict(report.case.gates, orient="index", columns=list(report.gates)).fillna("")


def _unjudged(case: CaseResult) -> list[tuple[str, str]]:
    """Gates without a verdict, with the reason; variants that share gate, status and reason are named once."""
    variants: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for variant, statuses in case.gates.items():
        for gate, status in statuses.items():
            # A verdict with a reason says what it covers.
            # On other variants a gate is not run only because an earlier one failed, which is what was to be shown.
            reason = case.reasons.get(variant, {}).get(gate, "" if status in (Status.PASS, Status.FAIL) else "no reason given")
            if status == Status.INCONCLUSIVE or (reason and variant in ("response", "ideal")):
                variants[gate, status, reason].append(variant)
    return [(f"gate {gate}, {_listed(names)}", f"{status}: {reason}") for (gate, status, reason), names in variants.items()]


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} other variants"
