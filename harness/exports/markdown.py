"""Markdown: a run at a glance, for the job page of a CI server."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from harness.exports.base import Sample, Source, Written, titles
from harness.exports.text import one_line
from harness.failures import Severity

ROWS, RULES, REMARKS = 300, 10, 50
"""How many samples, rules and remarks of each kind are shown; with cells of limited length this stays below the 1 MiB at which GitHub cuts a summary."""

_LONGEST = 120
_SPECIAL = re.compile(r"[\\`*_\[\](){}<>&|~#!@$:^=+\"']")
_WEB = re.compile(r"\bwww\.", re.IGNORECASE)
_RANK = {str(severity): rank for rank, severity in enumerate(Severity)}


class Markdown:
    """Tables of samples and rules, and what could not be judged."""

    name = "markdown"
    summary = "Markdown: a summary for the job page of a CI server"
    example = 'assay export markdown --to - >> "$GITHUB_STEP_SUMMARY"'

    def write(self, source: Source, out: TextIO) -> Written:
        """Write the summary. Only the worst `ROWS` samples are shown, in the run's order, and how many are not."""
        tally, title = _Tally(), titles(source.keys)
        for number, sample in enumerate(source.samples()):
            tally.add(number, sample, title(sample.key))
        out.writelines(line + "\n" for line in _lines(source, tally))
        return Written({"samples": tally.samples, "rows": len(tally.rows), "failures": sum(tally.severities.values())})


def cell(text: str, longest: int = _LONGEST) -> str:
    """Text for a cell or a paragraph of GitHub's Markdown, shown as it is: on one line, at most `longest` characters of it, with no markup,
    HTML, link, mention or cell border of its own. What could be one is a numeric character reference."""
    escaped = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", one_line(text, longest))
    return _WEB.sub(lambda found: found[0].replace(".", "&#46;"), escaped)


@dataclass
class _Tally:
    """What the summary needs of the samples, of bounded size but for the names of rules."""

    rows: list[tuple[tuple[int, ...], int, str]] = field(default_factory=list)
    samples: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    rule_samples: Counter[str] = field(default_factory=Counter)
    rule_severity: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    inconclusive: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, number: int, sample: Sample, title: str) -> None:
        """Count one sample in."""
        result = sample.result
        self.samples += 1
        counts = Counter(str(failure.severity) for failure in result.failures)
        self.severities.update(counts)
        self.rules.update(failure.rule for failure in result.failures)
        self.rule_samples.update({failure.rule for failure in result.failures})
        for failure in result.failures:
            worst = self.rule_severity.setdefault(failure.rule, str(failure.severity))
            self.rule_severity[failure.rule] = min(worst, str(failure.severity), key=_RANK.__getitem__)
        if result.error:
            self._remark("errors", f"{cell(title)}: {cell(result.error)}")
        elif result.control_cause:
            self._remark("broken", f"{cell(title)}: {cell(result.control_cause)}")
        for what in result.inconclusive:
            self._remark("inconclusive", f"{cell(title)}: {cell(what)}")
        badness = (bool(result.error), *(counts[str(severity)] for severity in Severity), result.control != "ok")
        row = (tuple(map(int, badness)), -number, _row(sample, title, counts))
        if len(self.rows) < ROWS:
            heapq.heappush(self.rows, row)
        else:
            heapq.heappushpop(self.rows, row)

    def _remark(self, kind: str, text: str) -> None:
        known: list[str] = getattr(self, kind)
        if len(known) < REMARKS:
            known.append(text)
        else:
            self.left_out[kind] += 1


def _row(sample: Sample, title: str, counts: Counter[str]) -> str:
    result = sample.result
    numbers = ["" if result.error else str(counts[str(severity)]) for severity in Severity]
    scores = [f"{result.score.training_quality:.2f} {cell(result.score.band)}", f"{result.score.response_quality:.2f}"] if result.score else ["", ""]
    return _cells([cell(title), cell(result.model), *numbers, *scores, "error" if result.error else cell(result.control)])


def _lines(source: Source, tally: _Tally) -> Iterator[str]:
    header = source.header
    yield f"## Assay: {cell(header.label or header.run)}"
    yield ""
    counted = ", ".join(f"{tally.severities[str(severity)]} {severity}" for severity in Severity)
    planned = f" of {len(source.keys)}" if len(source.keys) > tally.samples else ""
    yield f"Run {cell(header.run)}: {tally.samples}{planned} samples, {sum(tally.severities.values())} failures ({counted}). Rubric {cell(header.rubric)}."
    yield ""
    yield from _table(["case", "model", *map(str, Severity), "training quality", "response quality", "control"], _shown(tally), "-" * 2 + ":" * 6)
    if tally.samples > len(tally.rows):
        yield f"{tally.samples - len(tally.rows)} more samples are left out; those shown have the most severe failures."
        yield ""
    if tally.rules:
        yield "### Top rules"
        yield ""
        ranked = sorted(tally.rules, key=lambda rule: (-tally.rules[rule], _RANK[tally.rule_severity[rule]], rule))
        rows = [[cell(rule), tally.rule_severity[rule], str(tally.rules[rule]), str(tally.rule_samples[rule])] for rule in ranked[:RULES]]
        yield from _table(["rule", "worst", "failures", "samples"], map(_cells, rows), "--::")
        if len(ranked) > RULES:
            yield f"{len(ranked) - RULES} more rules are left out."
            yield ""
    yield from _list("Errors", tally.errors, tally.left_out["errors"])
    yield from _list("Broken controls", tally.broken, tally.left_out["broken"])
    holes = [f"{cell(gate)} was not run: {cell(reason)}" for gate, reason in header.holes.items()]
    yield from _list("Holes", holes[:REMARKS], len(holes[REMARKS:]))
    yield from _list("Inconclusive", tally.inconclusive, tally.left_out["inconclusive"])


def _shown(tally: _Tally) -> Iterable[str]:
    return (row for _, _, row in sorted(tally.rows, key=lambda row: -row[1]))


def _table(headings: Sequence[str], rows: Iterable[str], columns: str) -> Iterator[str]:
    """A table; `columns` has a colon for each column of numbers, which stand right; what is missing at its end is text."""
    yield _cells(headings)
    yield _cells(["--:" if kind == ":" else "---" for kind in columns.ljust(len(headings), "-")])
    yield from rows
    yield ""


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _list(heading: str, items: Sequence[str], left_out: int) -> Iterator[str]:
    if items:
        yield f"### {heading}"
        yield ""
        yield from (f"- {item}" for item in items)
        if left_out:
            yield f"- {left_out} more are left out."
        yield ""
