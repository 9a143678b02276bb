"""What is kept: gate results by content, and runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.batch import failed_case
from harness.cache import GateCache
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault, UsageError
from harness.gates.base import GateResult, Status
from harness.runner import GateRunner
from harness.store import find_run, read_run, start_run
from harness.tree import Tree

RESULT = GateResult(
    "synth",
    Status.FAIL,
    (Diagnostic("synth", "NameError", "name 'x' is not defined", (Location("a.py", 3),), symbols=("x",)),),
    output={"lines": {"s": ["a.py", 1]}},
)


@pytest.fixture
def cache(tmp_path: Path):
    opened = GateCache(tmp_path / "gates")
    yield opened
    opened.close()


def test_a_result_comes_back_as_it_was(cache: GateCache) -> None:
    cache.put("key", RESULT)
    assert cache.get("key") == RESULT
    assert cache.get("another") is None


@pytest.mark.parametrize("damage", ["{", "null", "[]", '{"gate": "synth"}', '{"gate": "synth", "status": "splendid"}', '{"gate": "synth", "status": "fail"}'])
def test_an_entry_that_is_damaged_is_not_trusted(cache: GateCache, damage: str) -> None:
    cache._entries.set("key", damage)
    assert cache.get("key") is None


def test_clearing_forgets_everything(cache: GateCache) -> None:
    cache.put("key", RESULT)
    assert cache.info()["entries"] == 1
    assert cache.clear() == 1
    assert cache.get("key") is None


class CountingGate:
    """A gate that says what it is told to, and counts how often it is asked."""

    name, version, needs = "counting", "1", ()

    def __init__(self, answer: GateResult | Exception) -> None:
        self.answer, self.asked = answer, 0

    def missing(self, session: object) -> str:
        return ""

    def key(self, subject) -> str:
        return subject.tree.digest

    def run(self, subject, session: object) -> GateResult:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class OnlyFingerprint:
    """As much of a session as the runner needs for its keys."""

    class toolchain:
        fingerprint = "tools"


def test_a_tree_is_judged_once_and_another_tree_again(cache: GateCache) -> None:
    gate = CountingGate(GateResult("counting", Status.PASS))
    runner = GateRunner(None, OnlyFingerprint, [gate], cache)  # type: ignore[arg-type]
    for content in (b"1", b"1", b"2"):
        assert runner.judge(Tree({"a": content}))["counting"].status is Status.PASS
    assert gate.asked == 2
    again = CountingGate(GateResult("counting", Status.PASS))
    GateRunner(None, OnlyFingerprint, [again], cache).judge(Tree({"a": b"1"}))  # type: ignore[arg-type]
    assert again.asked == 0


def test_trouble_of_ours_is_inconclusive_and_not_remembered(cache: GateCache) -> None:
    for _ in range(2):
        gate = CountingGate(HarnessFault("the emulator fell over", "start again"))
        result = GateRunner(None, OnlyFingerprint, [gate], cache).judge(Tree({"a": b"1"}))["counting"]  # type: ignore[arg-type]
        assert (result.status, gate.asked) == (Status.INCONCLUSIVE, 1)
        assert "the emulator fell over" in result.reason


def test_every_case_is_on_disk_the_moment_it_is_added(tmp_path: Path) -> None:
    run = start_run({"python": "3"}, "1", {"plan": "no terraform"}, tmp_path)
    for number in range(3):
        run.add(failed_case(f"case{number}", "broken"))
        assert [case.case for case in read_run(run.file).cases] == [f"case{done}" for done in range(number + 1)]
    assert read_run(run.file).holes == {"plan": "no terraform"}
    assert [path.name for path in run.folder.iterdir()] == ["result.json"]


def test_the_newest_run_is_found_and_a_wrong_name_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run yet"):
        find_run(None, tmp_path)
    run = start_run({}, "1", {}, tmp_path)
    assert find_run(None, tmp_path) == run.file
    assert find_run(run.result.run, tmp_path) == run.file
    assert find_run(str(run.folder), tmp_path) == run.file
    with pytest.raises(UsageError, match="no run named-so"):
        find_run("named-so", tmp_path)


def test_a_run_of_another_schema_is_refused(tmp_path: Path) -> None:
    run = start_run({}, "1", {}, tmp_path)
    content = json.loads(run.file.read_text())
    run.file.write_text(json.dumps({**content, "schema": 99}))
    with pytest.raises(UsageError, match="not the result of a run"):
        read_run(run.file)
