"""The report as files: a page that loads nothing, a Markdown document, a notebook that keeps what it had."""

from __future__ import annotations

import html.parser
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from harness.errors import AssayError, UsageError
from harness.failures import FixSummary, Severity
from harness.results import CaseResult, RunResult
from harness.serialize import dump, load
from scoring import render
from scoring.plots import SEVERITY_COLOURS, SEVERITY_INK, failures_plot, gates_plot
from scoring.render import NOTEBOOK, markdown, render_case
from scoring.report import CaseReport, counts_frame, failures_frame, gates_frame, load_run, open_case
from scoring.rubric import load_rubric
from scoring.sections import section
from scoring.text import cell, code, fence, prose
from tests.unit.test_scoring_seed import seed_run

SCRIPT = "<script>alert('model')</script>"
CASE = "zero-trust-payments"


def write(run: RunResult, folder: Path) -> Path:
    file = folder / "result.json"
    file.write_text(json.dumps(dump(run)), encoding="utf-8")
    return file


def with_case(run: RunResult, **fields: object) -> RunResult:
    return replace(run, cases=(replace(run.cases[0], **fields),))


def hostile_run() -> RunResult:
    """The seed's run with markup wherever a model's text can get."""
    run = seed_run()
    first, *others = run.cases[0].failures
    hostile = replace(
        first,
        title=f"{SCRIPT} | a `tick` *star*",
        message=f"{SCRIPT}\n```\n# not a heading",
        root_cause=SCRIPT,
        symbols=(SCRIPT,),
        fix=FixSummary((SCRIPT,), 1, f"--- a\n+++ b\n-{SCRIPT}\n+```"),
        evidence=replace(first.evidence, note=SCRIPT),
    )
    gates = dict(run.cases[0].gates) | {f"ideal without {SCRIPT} $x_1$": {"synth": "fail"}}
    fixes = (replace(run.cases[0].fixes[0], title=SCRIPT), *run.cases[0].fixes[1:])
    return with_case(run, failures=(hostile, *others), title=SCRIPT, model=SCRIPT, gates=gates, fixes=fixes, inconclusive=(SCRIPT,))


class Elements(html.parser.HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    return render_case(write(seed_run(), folder), CASE, folder / "out")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    return render_case(write(hostile_run(), folder), CASE, folder)


def report_of(run: RunResult) -> CaseReport:
    return CaseReport(run, run.cases[0], load_rubric())


def test_a_run_survives_its_json() -> None:
    assert load(json.loads(json.dumps(dump(seed_run())))) == seed_run()


@pytest.mark.parametrize(
    ("content", "said"),
    [("[]", "schema None"), ('{"schema": 99}', "schema 99"), ('{"schema": 1}', "required field missing"), ("{", "Expecting")],
)
def test_what_is_no_run_is_refused_with_its_file(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_run(file)
    assert str(file) in caught.value.message and said in caught.value.message


def test_a_case_that_the_run_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no case nope"):
        open_case(write(seed_run(), tmp_path), "nope")
    with pytest.raises(UsageError, match="pdf"):
        render_case(write(seed_run(), tmp_path), CASE, tmp_path, ("pdf",))


def test_the_frames_hold_every_failure_and_every_verdict() -> None:
    report = report_of(seed_run())
    assert len(failures_frame(report)) == 10
    assert counts_frame(report).to_numpy().sum() == 10
    assert counts_frame(report).loc["CDKTF API Usage", "critical"] == 4
    assert gates_frame(report).loc["ideal without retention", "validate"] == "fail"
    assert list(gates_frame(report).columns[:2]) == ["synth", "validate"]


def test_markdown_has_the_sections_of_the_seed() -> None:
    text = markdown(report_of(seed_run()))
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "Summary",
        "Critical Failures",
        "High Failures",
        "Medium Failures",
        "Summary of Fixes by Category",
        "Training Quality Score Justification",
        "Holes",
        "Key Learnings for Model Training",
        "How this was measured",
    ]
    assert "**Total Failures**: 4 Critical, 4 High, 2 Medium" in text
    assert "6.5 / 10 = 0.65." in text
    assert len(re.findall(r"^### \d+\. ", text, re.MULTILINE)) == 10
    for part in ("**Issue**", "**Fix**", "**Root Cause**", "**Impact**", "**Documentation**", "- Repair walk:", "- Isolation:"):
        assert text.count(part) == 10, part


def test_markdown_says_what_could_not_be_judged() -> None:
    text = markdown(report_of(seed_run()))
    holes = text.partition("## Holes")[2].partition("##")[0]
    assert "gate apply: not asked for" in holes
    assert "gate types, ideal: inconclusive: the checker crashed" in holes
    assert "synth failed" in holes


def test_a_gate_that_the_ideal_fails_for_the_same_says_so_beside_its_status(tmp_path: Path) -> None:
    run = seed_run()
    ideal = run.cases[0].gates["ideal"] | {"lint": "fail"}
    report = report_of(with_case(run, gates=run.cases[0].gates | {"ideal": ideal}, shared=("lint",)))
    assert "| lint | fail, only for what the ideal has too | fail |" in markdown(report)
    assert "| format | fail | pass |" in markdown(report)
    assert "lint (0.5) fail, only for what the ideal has too; " in str(section("score", report).data)
    assert gates_frame(report).loc["response", "lint"] == "fail"


def test_a_broken_control_and_a_clean_response_are_reported_as_such() -> None:
    broken = with_case(seed_run(()), control="broken", control_cause="synth: boom", score=None)
    text = markdown(report_of(broken))
    assert "**The control is broken**: synth: boom" in text and "There is no score" in text
    clean = markdown(report_of(seed_run(())))
    assert "**0 failures**" in clean and "0 / 10 = 0." in clean and "Critical Failures" not in clean


def test_more_than_the_budget_is_said_to_be_capped() -> None:
    run = seed_run()
    many = tuple(replace(run.cases[0].failures[0], id=f"F{number}", severity=Severity.CRITICAL) for number in range(12))
    assert "12 / 10 = 1.2, capped at 1." in markdown(report_of(seed_run(many)))


def test_another_version_of_the_rubric_is_a_hole() -> None:
    report = report_of(replace(seed_run(), rubric="0"))
    assert [hole.why for hole in report.holes if hole.what == "rubric"]


def test_text_of_a_model_stays_text_in_markdown() -> None:
    assert prose(f"a | b {SCRIPT} __init__ my_name\n# x") == r"a \| b &lt;script>alert('model')&lt;/script> \__init_\_ my_name # x"
    assert cell("a|b\nc") == r"a\|b c"
    assert code("a `b` c") == "``a `b` c``"
    assert fence("```\ncode\n````", "text") == "`````text\n```\ncode\n````\n`````"
    document = markdown(report_of(hostile_run()))
    outside = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$|(`+)[^`].*?\2", "", document, flags=re.MULTILINE | re.DOTALL)
    assert "<script" not in outside and "# not a heading" not in outside


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head() -> None:
    for table in re.findall(r"(?:^\|.*\|$\n?)+", markdown(report_of(hostile_run())), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.strip().splitlines()}
        assert len(widths) == 1, table


def test_the_page_loads_nothing_and_runs_nothing(rendered: dict[str, Path]) -> None:
    page = rendered["html"].read_text(encoding="utf-8")
    elements = Elements(page).found
    assert not [tag for tag, _ in elements if tag in ("script", "iframe", "object", "embed")]
    loaded = [values.get("src") or "" for _, values in elements if "src" in values] + [values.get("href") or "" for tag, values in elements if tag == "link"]
    assert loaded and all(source.startswith("data:") for source in loaded)
    assert not re.search(r"@import|url\((?!['\"]?data:)", page)
    assert [name for _, values in elements for name in values if name.startswith("on")] == []


def test_the_page_shows_results_and_no_code(rendered: dict[str, Path]) -> None:
    page = rendered["html"].read_text(encoding="utf-8")
    assert "<title>Zero-trust payment processing: failure analysis</title>" in page
    assert "open_case" not in page and "result_file" not in page
    ids = [values["id"] for _, values in Elements(page).found if "id" in values]
    assert [name for name in ids if name in {f"F{number}" for number in range(1, 11)}] == [f"F{number}" for number in range(1, 11)]
    assert len(ids) == len(set(ids))
    images = [values for tag, values in Elements(page).found if tag == "img"]
    assert len(images) == 2 and all(values.get("alt") for values in images)
    assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_text_of_a_model_stays_text_in_html(hostile: dict[str, Path]) -> None:
    page = hostile["html"].read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(") >= 5


def test_the_notebook_defines_nothing_and_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [one for one in notebook.cells if one.cell_type == "code"]
    assert [one.metadata.get("tags") for one in cells if one.metadata.get("tags")] == [["parameters"]]
    for one in cells:
        assert not one.outputs and one.execution_count is None
        assert not re.search(r"^\s*(def|class|for|while|if)\b|lambda", one.source, re.MULTILINE)


def test_the_executed_notebook_is_one_that_opens_again(rendered: dict[str, Path]) -> None:
    notebook = nbformat.read(rendered["ipynb"], as_version=4)
    nbformat.validate(notebook)
    cells = [one for one in notebook.cells if one.cell_type == "code"]
    assert all(one.execution_count for one in cells)
    assert not [output for one in cells for output in one.outputs if output.output_type in ("stream", "error")]


def test_a_failing_cell_is_named_and_the_notebook_keeps_what_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    broken = next(one for one in notebook.cells if one.id == "score")
    broken.source = "1 / 0"
    template = tmp_path / "broken.ipynb"
    nbformat.write(notebook, template)
    monkeypatch.setattr(render, "NOTEBOOK", template)
    with pytest.raises(AssayError, match=r"cell score \(1 / 0\): ZeroDivisionError") as caught:
        render_case(write(seed_run(), tmp_path), CASE, tmp_path / "out", ("html",))
    kept = nbformat.read(tmp_path / "out" / f"{CASE}.ipynb", as_version=4)
    assert any("data" in output for one in kept.cells if one.cell_type == "code" for output in one.outputs)
    assert str(tmp_path / "out" / f"{CASE}.ipynb") in caught.value.remedy


def test_only_what_was_asked_for_is_written(tmp_path: Path) -> None:
    written = render_case(write(seed_run(), tmp_path), CASE, tmp_path / "out", ("md",))
    assert list(written) == ["md"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{CASE}.md"]


def test_a_case_s_name_never_leaves_the_folder(tmp_path: Path) -> None:
    run = with_case(seed_run(), case="../../etc/x y")
    (written,) = render_case(write(run, tmp_path), "../../etc/x y", tmp_path / "out", ("md",)).values()
    assert written.parent == tmp_path / "out" and written.name == "etc-x-y.md"


def test_pictures_are_drawn_for_any_case() -> None:
    for run in (seed_run(), seed_run(()), hostile_run(), with_case(seed_run(()), gates={}, reasons={})):
        for picture in (failures_plot(report_of(run)), gates_plot(report_of(run))):
            assert picture.png.startswith(b"\x89PNG") and picture.alt


def test_severities_can_be_read_and_told_apart_without_colour() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    shades = {severity: luminance(SEVERITY_COLOURS[severity]) for severity in Severity}
    for worse, better in pairwise(Severity):
        assert shades[better] - shades[worse] > 0.1, "each severity is clearly lighter than the worse one"
    for severity in Severity:
        light, dark = sorted((shades[severity], luminance(SEVERITY_INK[severity])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, severity


def test_a_case_without_a_measurement_of_time_still_has_a_report() -> None:
    bare: CaseResult = replace(seed_run().cases[0], seconds={}, resources=0, reasons={})
    assert "0.0 s on the clock" in markdown(report_of(replace(seed_run(), cases=(bare,))))
