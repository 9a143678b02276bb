"""From findings to failures: each gets its rule, its texts and its severity; those of one cause become one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category, Evidence, Failure, FixSummary, IsolationEvidence, Severity
from scoring.rubric import Rubric, rank
from scoring.rulebook import UNCLASSIFIED, all_rules
from scoring.rules.base import Merge, Names, Rule, combine, common_names, first_line

if TYPE_CHECKING:
    from harness.attribution import Finding

_TITLE_LENGTH = 140
_NAMES_IN_TITLE = 2
_NAMES_IN_TEXT = 6
_MESSAGES_SHOWN = 12
_PATHS = re.compile(r"(?:/[\w.@+-]+)+/?")
_TOKENS = re.compile(r"\$\{[^}]*\}|#?\{?TfToken\[[^\]]*\]\}?|TOKEN\[[^\]]*\]")
_NUMBERS = re.compile(r"\d+")
_SPACE = re.compile(r"\s+")
_LAST = 1 << 30


@dataclass(frozen=True, slots=True)
class _Classified:
    """A finding with the rule that knows it (None where none does), for one of its diagnostics."""

    finding: Finding
    diagnostic: Diagnostic
    rule: Rule | None
    names: Names

    @property
    def gate(self) -> str:
        """The gate whose breaking says how bad it is: isolation's, which is free of other failures, but the walk's where the
        finding is what the response itself did not get past there."""
        evidence, telling = self.finding.evidence, self.finding.diagnostic.gate
        if evidence.walk and (evidence.isolation is None or telling == evidence.walk.gate):
            return evidence.walk.gate
        return evidence.isolation.gate if evidence.isolation else telling

    @property
    def rule_id(self) -> str:
        return self.rule.id if self.rule else f"{UNCLASSIFIED}{self.diagnostic.gate}"

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.rule.symbols_of(self.names, self.diagnostic) if self.rule else self.diagnostic.symbols

    @property
    def cause(self) -> tuple[object, ...]:
        """Findings that share it are one failure."""
        if self.rule is None:
            return (self.rule_id, self.diagnostic.code, normalise(self.diagnostic.message))
        return (self.rule.id,) if self.rule.merge is Merge.PER_RULE else (self.rule.id, self.symbols)

    @property
    def step(self) -> int:
        walk = self.finding.evidence.walk
        return walk.step if walk else _LAST


def classify(findings: Iterable[Finding], rubric: Rubric) -> tuple[Failure, ...]:
    """The failures behind the findings, worst first, then in the order in which the walk met them; ids F1, F2, ..."""
    groups: dict[tuple[object, ...], list[_Classified]] = {}
    for finding in findings:
        one = _recognise(finding)
        groups.setdefault(one.cause, []).append(one)
    judged = []
    for members in groups.values():
        members.sort(key=lambda one: (rank(_severity([one], rubric)), one.step, one.finding.locations[:1]))
        failure = _failure(members, rubric)
        judged.append(((rank(failure.severity), min(one.step for one in members), failure.locations[:1], failure.rule), failure))
    ordered = [failure for _, failure in sorted(judged, key=lambda pair: pair[0])]
    return tuple(replace(failure, id=f"F{number}") for number, failure in enumerate(ordered, 1))


def count_unclassified(failures: Iterable[Failure]) -> int:
    """How many failures no rule knows."""
    return sum(failure.rule.startswith(UNCLASSIFIED) for failure in failures)


def normalise(message: str) -> str:
    """A message without what differs between runs of the same mistake: paths, tokens, line numbers and other numbers."""
    text = _NUMBERS.sub("#", _PATHS.sub("<path>", _TOKENS.sub("<token>", message)))
    return _SPACE.sub(" ", text).strip()


def _recognise(finding: Finding) -> _Classified:
    # The telling diagnostic comes first; only where no rule knows it do the others get a say.
    for diagnostic in (finding.diagnostic, *finding.others):
        for rule in all_rules():
            names = rule.match(diagnostic, finding)
            if names is not None:
                return _Classified(finding, diagnostic, rule, names)
    return _Classified(finding, finding.diagnostic, None, common_names(finding.diagnostic))


def _failure(members: Sequence[_Classified], rubric: Rubric) -> Failure:
    """One failure of findings that have one cause; the first is the most telling."""
    first, rule = members[0], members[0].rule
    symbols = tuple(dict.fromkeys(symbol for one in members for symbol in one.symbols))
    title, category, root_cause, impact, documentation = _texts(members, rubric)
    return Failure(
        id="",
        fingerprint=_fingerprint(members, symbols),
        rule=first.rule_id,
        title=title,
        severity=rule.severity if rule and rule.severity else _severity(members, rubric),
        category=category,
        message=_message(members),
        locations=tuple(sorted({place for one in members for place in one.finding.locations})),
        symbols=symbols,
        fix=_fix(members),
        evidence=_evidence(members),
        root_cause=root_cause,
        impact=impact,
        documentation=documentation,
    )


def _texts(members: Sequence[_Classified], rubric: Rubric) -> tuple[str, Category, str, str, str]:
    first, rule = members[0], members[0].rule
    if rule is None:
        summary = first_line(first.diagnostic.message)
        return (
            _shorten(f"{first.diagnostic.code}: {summary}" if first.diagnostic.code not in ("", summary) else summary),
            rubric.category_of(first.gate),
            f"No rule knows this diagnostic of the {first.gate} gate yet; the fix below is what cures it.",
            f"The {first.gate} gate does not pass.",
            "",
        )
    several = [one.names for one in members]
    brief, full = combine(several, _NAMES_IN_TITLE), combine(several, _NAMES_IN_TEXT)
    # A link has to lead somewhere, so it is filled in from one finding and never from a list of names.
    link = rule.documentation.format_map(first.names)
    return _shorten(rule.title.format_map(brief)), rule.category, rule.root_cause.format_map(full), rule.impact.format_map(full), link


def _severity(members: Sequence[_Classified], rubric: Rubric) -> Severity:
    gates = [one.gate for one in members]
    also = [gate for one in members if one.finding.evidence.isolation for gate in one.finding.evidence.isolation.also]
    remarks = sum(1 + len(one.finding.others) for one in members)
    if remarks == 1 and not also:
        return rubric.single_remark_severity.get(gates[0], rubric.severity_of(gates[0]))
    return min((rubric.severity_of(gate) for gate in gates), key=rank)


def _message(members: Sequence[_Classified]) -> str:
    """What the tool said, every different thing once. The other diagnostics count where they are remarks of the same kind."""
    said = [one.diagnostic.message for one in members]
    if members[0].rule and members[0].rule.merge is Merge.PER_RULE:
        said = [_located(diagnostic) for one in members for diagnostic in (one.finding.diagnostic, *one.finding.others)]
    different = list(dict.fromkeys(said))
    more = len(different) - _MESSAGES_SHOWN
    return "\n".join(different[:_MESSAGES_SHOWN]) + (f"\nand {more} more" if more > 0 else "")


def _located(diagnostic: Diagnostic) -> str:
    if diagnostic.gate not in ("lint", "format") or not diagnostic.locations:
        return diagnostic.message
    place = diagnostic.locations[0]
    return f"{place.file}:{place.line}: {diagnostic.code} {diagnostic.message}"


def _fix(members: Sequence[_Classified]) -> FixSummary:
    different = {one.finding.fix.ids: one.finding.fix for one in members}
    return FixSummary(
        ids=tuple(dict.fromkeys(fix for ids in different for fix in ids)),
        statements=sum(fix.statements for fix in different.values()),
        diff="\n".join(dict.fromkeys(fix.diff.rstrip("\n") for fix in different.values() if fix.diff)) + "\n",
        largest=max((fix.largest for fix in different.values()), default=0),
    )


def _evidence(members: Sequence[_Classified]) -> Evidence:
    walks = [one.finding.evidence.walk for one in members if one.finding.evidence.walk]
    isolations = [one.finding.evidence.isolation for one in members if one.finding.evidence.isolation]
    walk = min(walks, key=lambda walk: walk.step) if walks else None
    isolation = None
    if isolations:
        also = tuple(dict.fromkeys(gate for one in isolations for gate in one.also))
        undone = tuple(dict.fromkeys(fix for one in isolations for fix in one.undone))
        isolation = IsolationEvidence(isolations[0].gate, isolations[0].message, also, undone)
    notes = dict.fromkeys(one.finding.evidence.note for one in members if one.finding.evidence.note)
    return Evidence(walk, isolation, "" if walk and isolation else "; ".join(notes))


def _fingerprint(members: Sequence[_Classified], symbols: Iterable[str]) -> str:
    """What the failure is called in every run and for every model.

    Where a rule makes one failure of everything it finds, no single message stands for it, so the rule and the
    symbols do.
    """
    merged = members[0].rule is not None and members[0].rule.merge is Merge.PER_RULE
    said = [] if merged else sorted({normalise(one.diagnostic.message) for one in members})
    return hashlib.sha256("\n".join([members[0].rule_id, *sorted(symbols), *said]).encode()).hexdigest()[:12]


def _shorten(text: str) -> str:
    return text if len(text) <= _TITLE_LENGTH else text[: _TITLE_LENGTH - 1].rstrip() + "…"
