"""The pictures of a report, drawn by matplotlib. Colours are chosen here and nowhere else."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.failures import Severity
from harness.gates.base import Status
from scoring.report import CaseReport, counts_frame, gates_frame

# The hues are those of Okabe and Ito ("Color Universal Design", 2008), which people with any colour vision can tell
# apart. The worse, the darker, so that the order survives a grey printer.
SEVERITY_COLOURS = {Severity.CRITICAL: "#b04a00", Severity.HIGH: "#e69f00", Severity.MEDIUM: "#90ccf2", Severity.LOW: "#dde4e8"}
SEVERITY_INK = {Severity.CRITICAL: "#ffffff", Severity.HIGH: "#1c2126", Severity.MEDIUM: "#1c2126", Severity.LOW: "#1c2126"}
STATUS_COLOURS = {Status.PASS: "#cfe9df", Status.FAIL: "#b04a00", Status.NOT_RUN: "#eceff2", Status.INCONCLUSIVE: "#f0e442"}
STATUS_MARKS = {Status.PASS: "✓", Status.FAIL: "✗", Status.NOT_RUN: "–", Status.INCONCLUSIVE: "?"}
_INK, _FAINT = "#1c2126", "#5b6670"
_RESOLUTION = 160
_LABEL_LENGTH = 56


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for a notebook: a PNG with a text for people who cannot see it."""

    png: bytes
    alt: str
    width: int

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, str], dict[str, Any]]:
        """What Jupyter shows: the image, at half its pixels so that it stays sharp, and its alternative text."""
        data = {"image/png": base64.b64encode(self.png).decode(), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt, "width": self.width}}


def failures_plot(report: CaseReport) -> Picture:
    """Failures by category, stacked by severity."""
    counts = counts_frame(report)
    figure = Figure(figsize=(7.2, 1.1 + 0.42 * max(len(counts), 1)))
    axes = figure.add_subplot()
    start = [0] * len(counts)
    for severity in Severity:
        values = counts[str(severity)].tolist()
        if not any(values):
            continue
        bars = axes.barh(counts.index, values, left=start, color=SEVERITY_COLOURS[severity], edgecolor="white", label=str(severity))
        axes.bar_label(bars, [str(value) if value else "" for value in values], label_type="center", color=SEVERITY_INK[severity])
        start = [left + value for left, value in zip(start, values, strict=True)]
    axes.set_xlim(0, max(start, default=1) + 0.2)
    axes.invert_yaxis()
    axes.set_xticks([])
    _bare(axes)
    if counts.size:
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(Severity), frameon=False, labelcolor=_INK)
    rows = (f"{category}: " + ", ".join(f"{n} {level}" for level, n in row.items() if n) for category, row in counts.iterrows())
    return _picture(figure, "Failures by category and severity. " + "; ".join(rows))


def gates_plot(report: CaseReport) -> Picture:
    """The gate-by-variant matrix: one row a variant, one column a gate. Every cell carries a mark beside its colour."""
    frame = gates_frame(report)
    rows, columns = frame.shape
    figure = Figure(figsize=(3.4 + 0.68 * max(columns, 1), 0.9 + 0.3 * max(rows, 1)))
    axes = figure.add_subplot()
    for row, statuses in enumerate(frame.itertuples(index=False)):
        for column, status in enumerate(statuses):
            _cell(axes, column, row, str(status))
    axes.set_xlim(-0.5, max(columns, 1) - 0.5)
    axes.set_ylim(max(rows, 1) - 0.5, -0.5)
    axes.set_xticks(range(columns), list(frame.columns))
    axes.set_yticks(range(rows), [_short(_label(report, str(name))) for name in frame.index])
    axes.xaxis.tick_top()
    _bare(axes)
    axes.set_xlabel("   ".join(f"{mark} {status}" for status, mark in STATUS_MARKS.items()), fontsize=9, color=_FAINT)
    axes.xaxis.set_label_position("bottom")
    failed = (f"{name}: " + (", ".join(row.index[row == Status.FAIL]) or "none") for name, row in frame.iterrows())
    return _picture(figure, "Gates that fail, by variant. " + "; ".join(failed))


def _cell(axes: Axes, column: int, row: int, status: str) -> None:
    if status not in set(Status):
        return
    known = Status(status)
    axes.barh(row, 0.94, left=column - 0.47, height=0.86, color=STATUS_COLOURS[known])
    ink = "#ffffff" if known is Status.FAIL else _INK
    axes.text(column, row, STATUS_MARKS[known], ha="center", va="center", color=ink, fontsize=10)


def _bare(axes: Axes) -> None:
    axes.tick_params(length=0, labelcolor=_INK)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _label(report: CaseReport, variant: str) -> str:
    """A variant's name, with the rule of the failure that its fix cures; a fix that only serves others cures none."""
    fix = next((one.id for one in report.case.fixes if one.load_bearing and variant.endswith(f" without {one.id}")), None)
    rule = next((failure.rule for failure in report.case.failures if fix in failure.fix.ids), None)
    return f"{variant} ({rule})" if rule else variant


def _short(label: str) -> str:
    # matplotlib reads text between dollar signs as mathematics, and variants are named by what a model wrote.
    label = label.replace("$", r"\$")
    return label if len(label) <= _LABEL_LENGTH else label[: _LABEL_LENGTH - 1] + "…"


def _picture(figure: Figure, alt: str) -> Picture:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_RESOLUTION, bbox_inches="tight", facecolor="white", metadata={"Software": None})
    png = buffer.getvalue()
    # The width stands in the PNG's header, bytes 16 to 19.
    return Picture(png, alt, int.from_bytes(png[16:20], "big") // 2)
