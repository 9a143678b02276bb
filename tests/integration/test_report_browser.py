"""The report in a real browser: no error on the console, nothing wider than the screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness.serialize import dump
from scoring.render import render_case
from tests.unit.test_scoring_seed import seed_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: sudo apt-get install -y chromium"),
]
_QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"]


def browse(page: Path, profile: Path, *options: str) -> tuple[str, list[str]]:
    """Open `page`; returns the document after its scripts ran, and what was said on the console."""
    argv = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", *_QUIET, "--enable-logging=stderr", f"--user-data-dir={profile}"]
    done = subprocess.run([*argv, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-500:]
    return done.stdout, re.findall(r"CONSOLE[^\n]*", done.stderr)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    run = seed_run()
    (folder / "result.json").write_text(json.dumps(dump(run)))
    return render_case(folder / "result.json", run.cases[0].case, folder, ("html",))["html"]


def test_the_console_is_read_at_all(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<script>console.error('seen'); missing()</script>")
    _, said = browse(page, tmp_path / "profile")
    assert len(said) == 2
    assert "seen" in said[0]


def test_the_report_opens_without_a_word_on_the_console(report: Path, tmp_path: Path) -> None:
    document, said = browse(report, tmp_path / "profile")
    assert said == []
    assert "Training quality" in document
    assert document.count("<img") + document.count("<svg") >= 2


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_wider_than_the_screen(report: Path, tmp_path: Path, width: int) -> None:
    # A frame of the width, because headless Chromium has a smallest window of its own.
    measure = (
        f"<iframe id='f' src='{report.as_uri()}' style='width:{width}px;height:800px'></iframe><script>"
        "document.getElementById('f').onload = e => document.title = e.target.contentDocument.documentElement.scrollWidth</script>"
    )
    page = tmp_path / "frame.html"
    page.write_text(measure)
    document, _ = browse(page, tmp_path / "profile", "--allow-file-access-from-files", "--virtual-time-budget=5000")
    found = re.search(r"<title>(\d+)</title>", document)
    assert found, document[:500]
    assert int(found.group(1)) <= width
