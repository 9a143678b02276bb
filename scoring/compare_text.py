"""A comparison as Markdown, which a terminal shows as well as a job page does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scoring.comparison import Comparison, FailureChange, ModelChange, Total
from scoring.statistics import TARGET_EFFECT, Estimate
from scoring.thresholds import Crossed

SHOWN = 20
"""Rows of a list that are printed; the JSON has them all."""

_LABELS = {"training_quality": "training quality (up is worse)", "response_quality": "response quality (down is worse)"}


def as_text(comparison: Comparison, crossings: Sequence[Crossed] = ()) -> str:
    """The whole comparison as Markdown, the verdict first."""
    base, head = comparison.base, comparison.head
    count = {word: sum(one.change == word for one in comparison.changes) for word in ("new", "gone", "worse", "milder")}
    lines = [
        f"# {head.run} against {base.run}",
        "",
        f"{base.cases} cases, {base.samples} samples before and {head.samples} after. Failures: "
        + ", ".join(f"{number} {word}" for word, number in count.items())
        + f"; {len(comparison.gate_regressions)} gates no longer pass; {len(comparison.flaky)} flaky results.",
        "",
        *(f"- **Crossed {one.threshold}**: {_safe(one.by)}" for one in crossings),
        *(f"- Warning: {_safe(warning)}." for warning in comparison.warnings),
        *(f"- Left out of {one.side}: {one.samples} samples ({_names(one.cases)}): {one.reason}." for one in comparison.exclusions),
    ]
    for model in comparison.models:
        lines += _model(model)
    lines += _listed("Failures that changed", ("change", "severity", "case", "failure", "before", "after"), [_change(one) for one in comparison.changes])
    lost = [(one.gate, one.case, f"{one.failing} of {one.samples}") for one in comparison.gate_regressions]
    lines += _listed("Gates that passed before", ("gate", "case", "fails now"), lost)
    flaky = [(one.side, one.case, one.sample, one.kind, one.title, f"{one.seen} of {one.attempts}") for one in comparison.flaky]
    lines += _listed("Flaky: the same inputs, different results (not counted above)", ("run", "case", "sample", "kind", "what", "seen"), flaky)
    headings = ("", "before", "after", "cases up", "cases down", "p", "adjusted")
    lines += _listed("Rules over all cases", ("rule", *headings[1:]), [_total(one, one.name) for one in _moved(comparison.rules)])
    fingerprints = [_total(one, f"{one.title} ({one.name})") for one in _moved(comparison.fingerprints)]
    lines += _listed("Failures over all cases", ("failure", *headings[1:]), fingerprints)
    return "\n".join(lines).rstrip() + "\n"


def _model(model: ModelChange) -> Iterator[str]:
    yield from ("", f"## {_safe(model.title)}: {model.cases} cases", "")
    rows = []
    for score in model.scores:
        difference = score.difference
        rows.append((_LABELS[score.score], interval(score.before), interval(score.after), interval(difference.estimate, signed=True),
                     p_value(difference.test.p), score.verdict))  # fmt: skip
    yield from _table(("score", "before", "after", "difference", "p", "verdict"), rows)
    yield ""
    for score in model.scores:
        difference = score.difference
        if difference.detectable is None or difference.cases_for_target is None:
            yield f"{score.score}: the differences of the cases have no spread, so nothing can be said of what could be detected."
        else:
            yield (
                f"{score.score}: {difference.estimate.samples} cases detect a difference of {difference.detectable:.3f}; "
                f"for {TARGET_EFFECT:g} it takes {difference.cases_for_target}. Test: {difference.test.method}."
            )
    if any(score.before.clusters < 2 for score in model.scores):
        yield "One case alone gives no interval."
    gates = [
        (one.gate, interval(one.before), interval(one.after), str(one.gained), str(one.lost), p_value(one.test.p), p_value(one.adjusted), one.test.method)
        for one in model.gates
    ]
    yield from _listed("Gates", ("gate", "pass rate before", "after", "cases up", "cases down", "p", "adjusted", "test"), gates, limit=len(gates))
    rates = [(one.gate, str(one.k), _rate(one.before), _rate(one.after)) for one in model.pass_at_k if one.k > 1]
    yield from _listed("pass@k", ("gate", "k", "before", "after"), rates, limit=len(rates))


def interval(estimate: Estimate, *, signed: bool = False) -> str:
    """`0.65 [0.60, 0.70]`; without an interval where there is none."""
    sign = "+" if signed else ""
    if estimate.mean is None:
        return "none"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.mean:{sign}.3f}"
    return f"{estimate.mean:{sign}.3f} [{estimate.low:{sign}.3f}, {estimate.high:{sign}.3f}]"


def p_value(p: float) -> str:
    """Three decimals, and no 0."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _rate(estimate: Estimate | None) -> str:
    return "none" if estimate is None else interval(estimate)


def _change(one: FailureChange) -> tuple[str, ...]:
    severity = one.severity_after or one.severity_before or ""
    if one.change in ("worse", "milder"):
        severity = f"{one.severity_before} to {one.severity_after}"
    return one.change, severity, one.case, one.title, f"{one.before:.0%}", f"{one.after:.0%}"


def _moved(all_of_them: Iterable[Total]) -> list[Total]:
    return [one for one in all_of_them if one.rose or one.fell]


def _total(one: Total, name: str) -> tuple[str, ...]:
    return name, f"{one.before:.1%}", f"{one.after:.1%}", str(one.rose), str(one.fell), p_value(one.p), p_value(one.adjusted)


def _names(names: Sequence[str]) -> str:
    return _safe(", ".join(names[:3])) + (f" and {len(names) - 3} more cases" if len(names) > 3 else "")


def _listed(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], limit: int = SHOWN) -> list[str]:
    if not rows:
        return []
    more = [f"and {len(rows) - limit} more; --json prints all"] if len(rows) > limit else []
    return ["", f"### {title}", "", *_table(headings, rows[:limit]), *(["", *more] if more else [])]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table whose columns also line up as plain text."""
    cells = [[_safe(cell).replace("|", "\\|") for cell in row] for row in (headings, *rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(headings))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells]
    return [lines[0], "| " + " | ".join("-" * width for width in widths) + " |", *lines[1:]]


def _safe(text: str) -> str:
    """One line: what a case or a tool is called comes from other people."""
    return " ".join(text.split())
