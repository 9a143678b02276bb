"""What makes `assay compare` fail: `regression`, `new-critical`, `score-drop=0.05`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.failures import Severity
from scoring.comparison import Comparison

KINDS = ("regression", "new-critical", "score-drop")
_REMEDY = "write regression, new-critical or score-drop=0.05 (a difference from 0 to 1)"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A kind of `KINDS`; `limit` is the allowed drop of the mean response quality, for `score-drop` only."""

    kind: str
    limit: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind}={self.limit:g}" if self.kind == "score-drop" else self.kind


@dataclass(frozen=True, slots=True)
class Crossed:
    """A threshold that was crossed, by what."""

    threshold: str
    by: str


def parse_thresholds(texts: Sequence[str]) -> tuple[Threshold, ...]:
    """What `--fail-on` was given, each text one threshold or several with commas between; twice the same is once. Raises `UsageError`."""
    words = [word.strip() for text in texts for word in text.split(",")]
    return tuple(dict.fromkeys(_parsed(word) for word in words))


def _parsed(word: str) -> Threshold:
    kind, given, number = word.partition("=")
    if kind not in KINDS:
        raise UsageError(f"--fail-on {word or 'nothing'}: not known", _REMEDY)
    if kind != "score-drop":
        if given:
            raise UsageError(f"--fail-on {word}: {kind} takes no number", _REMEDY)
        return Threshold(kind)
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if not 0.0 <= limit <= 1.0:
        raise UsageError(f"--fail-on {word}: {number or 'nothing'} is no difference of scores", _REMEDY)
    return Threshold(kind, limit)


def crossed(comparison: Comparison, thresholds: Sequence[Threshold]) -> tuple[Crossed, ...]:
    """Which of the thresholds the comparison crosses; flaky results cross none."""
    found = []
    for threshold in thresholds:
        if reasons := list(_REASONS[threshold.kind](comparison, threshold.limit)):
            found.append(Crossed(str(threshold), "; ".join(reasons)))
    return tuple(found)


def _regression(comparison: Comparison, _limit: float) -> Iterator[str]:
    for word, what in (("new", "new failures"), ("worse", "failures of a worse severity")):
        these = [one for one in comparison.changes if one.change == word]
        if these:
            yield f"{len(these)} {what}, such as {these[0].title} ({these[0].severity_after}) in {these[0].case}"
    if lost := comparison.gate_regressions:
        yield f"{len(lost)} gates that passed before, such as {lost[0].gate} in {lost[0].case}"


def _new_critical(comparison: Comparison, _limit: float) -> Iterator[str]:
    critical = [one for one in comparison.changes if one.change in ("new", "worse") and one.severity_after == Severity.CRITICAL]
    if critical:
        yield f"{len(critical)} critical failures that base does not have, such as {critical[0].title} in {critical[0].case}"


def _score_drop(comparison: Comparison, limit: float) -> Iterator[str]:
    for model in comparison.models:
        for score in model.scores:
            mean = score.difference.estimate.mean
            if score.score == "response_quality" and mean is not None and -mean > limit + 1e-12:
                yield f"the response quality of {model.title} fell by {-mean:.4g} (p = {score.difference.test.p:.3g})"


_REASONS = {"regression": _regression, "new-critical": _new_critical, "score-drop": _score_drop}
