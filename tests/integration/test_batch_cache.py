"""The cache under real runs: damaged in every way, and used by two processes at once."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch import PATIENCE, Bench, lines_of, write_case, write_plugin


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", write_plugin(tmp_path / "plugin"))


@pytest.fixture
def filled(bench: Bench, tmp_path: Path) -> tuple[Bench, Path, Path]:
    """A cache with what one case left: small entries in the index, and a large one in a file of its own. With the case and its counter."""
    counter = tmp_path / "counter"
    noise = "# " + os.urandom(60_000).hex() + "\n"  # the diff holds it, and cannot be made small
    case = write_case(tmp_path / "cases" / "one", {"response": f'FLAKY = "{counter}"\n'}, f"OK = True\n{noise}")
    assert bench.run(case, "--gates", "obedient")["cases"][0]["gates"]["response"] == {"obedient": "pass"}
    assert counter.read_text() == "x"
    assert list((bench.root / "cache" / "gates").rglob("*.val"))
    return bench, case, counter


def index_of(bench: Bench) -> Path:
    return bench.root / "cache" / "gates" / "cache.db"


def in_entries(bench: Bench, change: Callable[[bytes], bytes]) -> None:
    """Change all entries, wherever they are."""
    for file in (bench.root / "cache" / "gates").rglob("*.val"):
        file.write_bytes(change(file.read_bytes()))
    with sqlite3.connect(index_of(bench)) as index:
        for row, value in index.execute("SELECT rowid, value FROM Cache WHERE value IS NOT NULL").fetchall():
            index.execute("UPDATE Cache SET value = ? WHERE rowid = ?", (change(bytes(value)), row))
    index.close()


def as_pickle(bench: Bench) -> None:
    with sqlite3.connect(index_of(bench)) as index:
        index.execute("UPDATE Cache SET mode = 4, value = ?, filename = NULL", (b"cos\nsystem\n(S'touch pwned'\ntR.",))
    index.close()


def without_files(bench: Bench) -> None:
    files = list((bench.root / "cache" / "gates").rglob("*.val"))
    in_entries(bench, lambda value: b"")
    for file in files:
        file.unlink()
        file.mkdir()


def index_overwritten(bench: Bench, start: int) -> None:
    for side in index_of(bench).parent.glob("cache.db-*"):
        side.unlink()
    content = bytearray(index_of(bench).read_bytes())
    content[start:] = b"\xa5" * (len(content) - start)
    index_of(bench).write_bytes(content)


DAMAGES: dict[str, Callable[[Bench], None]] = {
    "the last byte of each entry is another": lambda bench: in_entries(bench, lambda value: value[:-1] + bytes([value[-1] ^ 1])),
    "a byte in the middle is another": lambda bench: in_entries(bench, lambda value: value[: len(value) // 2] + b"?" + value[len(value) // 2 + 1 :]),
    "each entry is cut off": lambda bench: in_entries(bench, lambda value: value[: len(value) // 2]),
    "each entry is empty": lambda bench: in_entries(bench, lambda value: b""),
    "entries are of another kind": as_pickle,
    "files of entries are folders": without_files,
    "the index is garbage": lambda bench: index_overwritten(bench, 0),
    "the index is garbage but for its head": lambda bench: index_overwritten(bench, 4096),
    "the index is half garbage": lambda bench: index_overwritten(bench, index_of(bench).stat().st_size // 2),
    "the index is empty": lambda bench: index_of(bench).write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_evaluated_again_and_never_trusted(filled: tuple[Bench, Path, Path], damage: str) -> None:
    bench, case, counter = filled
    DAMAGES[damage](bench)
    (result,) = bench.run(case, "--gates", "obedient")["cases"]
    asked = len(counter.read_text())
    assert asked > 1  # the gate was asked again, and its new answer is the one that counts
    assert result["gates"]["response"] == {"obedient": "fail"}
    assert not Path("pwned").exists()
    bench.assay("cache", "clear")
    assert json.loads(bench.assay("cache", "info", "--json").stdout)["entries"] == 0
    bench.run(case, "--gates", "obedient")
    again = len(counter.read_text())
    assert again > asked
    bench.run(case, "--gates", "obedient")
    assert len(counter.read_text()) == again


def test_a_cache_that_cannot_be_opened_is_said(bench: Bench, tmp_path: Path) -> None:
    case = write_case(tmp_path / "cases" / "one", {"response": "A = 1\n"})
    index_of(bench).mkdir(parents=True)
    for arguments in (("run", case, "--gates", "obedient"), ("cache", "info")):
        error = bench.assay(*arguments, code=3).stderr
        assert "cache" in error and "cannot be opened" in error and "ASSAY_CACHE" in error
    bench.run(case, "--gates", "obedient", "--no-cache")


def test_the_cache_is_shown_and_cleared(filled: tuple[Bench, Path, Path]) -> None:
    bench, _, _ = filled
    shown = json.loads(bench.assay("cache", "info", "--json").stdout)
    # Two verdicts of the one gate, and the whole evaluation.
    assert (shown["folder"], shown["entries"]) == (str(bench.root / "cache" / "gates"), 3)
    assert 0 < shown["bytes"] < shown["limit"]
    assert "entries: 3" in bench.assay("cache", "info").stdout
    assert "cleared: 3" in bench.assay("cache", "clear").stdout
    assert "entries: 0" in bench.assay("cache", "info").stdout


def test_two_processes_share_a_cache(bench: Bench, tmp_path: Path) -> None:
    """Both write the same entries at the same time; each comes to what one alone comes to, and a third finds all of it."""
    for number in range(12):
        write_case(tmp_path / "cases" / f"case{number:02}", {"response": f"FAIL = {number}\n"}, f"OK = {number}\n")
    arguments = ("run", tmp_path / "cases", "--gates", "obedient", "--json")
    both = [lines_of(tmp_path / name, arguments, bench) for name in ("one", "two")]
    assert [process.wait(PATIENCE) for process in both] == [0, 0]
    runs = [json.loads((tmp_path / name / "out").read_text())["cases"] for name in ("one", "two")]
    third = bench.run(tmp_path / "cases", "--gates", "obedient")["cases"]
    for cases in (*runs, third):
        assert [(case["case"], case["error"], len(case["failures"])) for case in cases] == [(f"case{number:02}", None, 1) for number in range(12)]
    # What was kept brings its seconds along: each of the third's results is that of one of the first two.
    assert all(case in (first, second) for case, first, second in zip(third, *runs, strict=True))
