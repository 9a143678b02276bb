"""Renders the report of one case: an executed notebook, one self-contained HTML page, and a Markdown document."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import nbformat
import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from harness.errors import HarnessFault, UsageError
from harness.failures import Severity
from scoring.report import CaseReport, open_case
from scoring.sections import style
from scoring.text import TEMPLATES, templates

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "case_report.ipynb"
FORMATS = ("html", "md", "ipynb")

_CELL_TIMEOUT = 120
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


class _ThisInterpreter(AsyncKernelManager):
    """Starts the kernel with the Python that runs now.

    A kernel that is looked up by name may belong to another environment: a user's own `python3` kernel comes
    before that of the virtual environment.
    """

    @property
    def kernel_spec(self) -> KernelSpec:
        # A report leaves nothing in the user's history, and the kernel's remarks are not the user's concern.
        arguments = ["--HistoryManager.enabled=False", "--log-level=ERROR"]
        # From a clone that is not installed, the kernel finds the project by its path.
        return KernelSpec(**get_kernel_dict(arguments), env={"PYTHONPATH": str(ROOT), "PYDEVD_DISABLE_FILE_VALIDATION": "1"})


def render_case(
    result_file: Path, case_name: str, out_dir: Path, formats: Collection[str] = FORMATS, *, name: str | None = None, progress_bar: bool = False
) -> dict[str, Path]:
    """Write the report of a case into `out_dir`; returns the files by format. `name` is what they are called, by default the case's.

    HTML is made from the executed notebook, which therefore stays beside it. Raises `UsageError` for a format, a
    file or a case that is not there, and `HarnessFault` where a cell of the notebook fails; the notebook then holds
    everything up to that cell.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise UsageError(f"format {', '.join(unknown) or 'missing'}: not known", f"known: {', '.join(FORMATS)}")
    report = open_case(result_file, case_name)
    out_dir.mkdir(parents=True, exist_ok=True)
    stem = out_dir / (_NOT_IN_NAMES.sub("-", name or case_name).strip("-.") or "case")
    written = {}
    if "md" in formats:
        written["md"] = stem.with_name(f"{stem.name}.md")
        written["md"].write_text(markdown(report), encoding="utf-8")
    if "html" in formats or "ipynb" in formats:
        written["ipynb"] = stem.with_name(f"{stem.name}.ipynb")
        executed = _execute(Path(result_file).resolve(), case_name, written["ipynb"], progress_bar)
        if "html" in formats:
            written["html"] = stem.with_name(f"{stem.name}.html")
            written["html"].write_text(page(executed, report.case.title), encoding="utf-8")
    return written


def markdown(report: CaseReport) -> str:
    """The report as a Markdown document with the sections that analysts write by hand today."""
    numbers = {failure.id: number for number, failure in enumerate(report.case.failures, 1)}
    text = (
        templates()
        .get_template("case_report.md.j2")
        .render(report=report, case=report.case, run=report.run, rubric=report.rubric, Severity=Severity, numbers=numbers)
    )
    return text.rstrip() + "\n"


def page(notebook: NotebookNode, title: str) -> str:
    """An executed notebook as one HTML page that loads nothing: no scripts, no fonts, images inline, no code cells."""
    config = Config()
    config.HTMLExporter.exclude_input = True
    config.HTMLExporter.exclude_input_prompt = True
    config.HTMLExporter.exclude_output_prompt = True
    config.HTMLExporter.exclude_anchor_links = True
    exporter = HTMLExporter(config=config, template_name="case_report", extra_template_basedirs=[str(TEMPLATES / "nbconvert")])
    resources = {"report_title": f"{title}: failure analysis", "report_style": style()}
    body, _ = exporter.from_notebook_node(notebook, resources=resources)
    return str(body)


def _execute(result_file: Path, case_name: str, output: Path, progress_bar: bool) -> NotebookNode:
    try:
        return papermill.execute_notebook(
            NOTEBOOK,
            output,
            parameters={"result_file": str(result_file), "case_name": case_name},
            kernel_name="python3",
            kernel_manager_class=_ThisInterpreter,
            progress_bar=progress_bar,
            execution_timeout=_CELL_TIMEOUT,
        )
    except PapermillExecutionError as error:
        raise HarnessFault(
            f"the report of {case_name} stopped in cell {_cell_name(output, error)}: {error.ename}: {error.evalue}",
            f"open {output} to see how far it got",
        ) from error


def _cell_name(output: Path, error: PapermillExecutionError) -> str:
    """The failed cell's id and first line. Papermill's number counts its own banners, so the source is what identifies it."""
    first = error.source.strip().splitlines()[0] if error.source.strip() else ""
    cells = nbformat.read(output, as_version=4).cells
    name = next((cell.get("id", "") for cell in cells if cell.source == error.source), "")
    return f"{name} ({first})" if name else first
