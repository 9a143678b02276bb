"""The sections of a report as HTML, for a notebook to show."""

from __future__ import annotations

from IPython.display import HTML

from harness.failures import Severity
from scoring.plots import SEVERITY_COLOURS, SEVERITY_INK
from scoring.report import CaseReport
from scoring.text import templates


def section(name: str, report: CaseReport, **values: object) -> HTML:
    """The section that `templates/sections/<name>.html.j2` lays out."""
    template = templates().get_template(f"sections/{name}.html.j2")
    text = template.render(report=report, case=report.case, run=report.run, rubric=report.rubric, Severity=Severity, **values)
    return HTML(text)  # type: ignore[no-untyped-call]  # IPython has no annotations here


def failures_section(report: CaseReport, severity: str) -> HTML:
    """The failures of one severity, each with its proof."""
    return section("failures", report, severity=Severity(severity), numbers=_numbers(report))


def style() -> str:
    """The style sheet of the exported page: the layout, and the colours of severities as variables."""
    colours = "".join(f"--{severity}: {SEVERITY_COLOURS[severity]}; --on-{severity}: {SEVERITY_INK[severity]}; " for severity in Severity)
    css = templates().get_template("report.css").render()
    return f":root {{ {colours}}}\n{css}"


def _numbers(report: CaseReport) -> dict[str, int]:
    return {failure.id: number for number, failure in enumerate(report.case.failures, 1)}
