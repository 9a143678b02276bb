"""What is kept: gate results by content, and runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cache import GateCache
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault, UsageError
from harness.gates.base import GateResult, Status
from harness.runner import GateRunner
from harness.store import PlannedSample, RunPlan, Store, StoreError, open_store
from harness.tree import Tree
from harness.work import failed_case

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


@pytest.fixture
def store(tmp_path: Path):
    with open_store(tmp_path / "store.sqlite3") as opened:
        yield opened


def plan(*names: str) -> RunPlan:
    samples = tuple(PlannedSample(position, "/nowhere", name, "model") for position, name in enumerate(names))
    return RunPlan("nightly", {"python": "3"}, "tools", "1", "code", {"plan": "no terraform"}, {"gates": [], "repeat": 1, "sandboxed": True}, samples)


def test_every_sample_is_kept_the_moment_it_is_added(store: Store, tmp_path: Path) -> None:
    with store.start(plan("a", "b", "c")) as writer:
        for number, planned in enumerate(writer.missing()):
            writer.add(planned, failed_case(planned.case, "broken"))
            with open_store(tmp_path / "store.sqlite3") as another:
                assert [case.case for case in another.result().cases] == ["a", "b", "c"][: number + 1]
    assert store.result().holes == {"plan": "no terraform"}


def test_a_run_that_its_process_left_is_interrupted_and_goes_on_with_what_is_missing(store: Store) -> None:
    with store.start(plan("a", "b")) as writer:
        writer.add(writer.missing()[0], failed_case("a", "broken"))
        with pytest.raises(StoreError, match="another process is writing it"):
            store.resume("nightly")
    assert store.find_run().state == "interrupted"
    with store.resume("nightly") as writer:
        assert [planned.case for planned in writer.missing()] == ["b"]
        writer.add(writer.missing()[0], failed_case("b", "broken"))
        writer.finish("finished")
    assert (store.find_run().state, len(store.samples())) == ("finished", 2)


def test_the_newest_run_is_found_and_a_wrong_name_is_said(store: Store) -> None:
    with pytest.raises(UsageError, match="no run yet"):
        store.find_run()
    with store.start(plan("a")) as writer:
        name = writer.run.name
    assert {store.find_run(text).name for text in (None, name, name[:12], "nightly")} == {name}
    with pytest.raises(UsageError, match="no run 'named-so'"):
        store.find_run("named-so")


@pytest.mark.parametrize("damage", ["flipped", "truncated", "another key's"])
def test_a_byte_that_changed_makes_an_entry_worthless(cache: GateCache, damage: str) -> None:
    cache.put_bytes("key", b"what was kept")
    cache.put_bytes("other", b"something else")
    entry = cache._entries.get("key")
    changed = {"flipped": entry[:-1] + bytes([entry[-1] ^ 1]), "truncated": entry[:-3], "another key's": cache._entries.get("other")}
    cache._entries.set("key", changed[damage])
    assert cache.get_bytes("key") is None
    assert cache.get_bytes("other") == b"something else"


def test_a_cache_whose_index_is_garbage_is_begun_anew(tmp_path: Path) -> None:
    first = GateCache(tmp_path / "gates")
    first.put("key", RESULT)
    first.close()
    for file in (tmp_path / "gates").glob("cache.db*"):
        file.unlink()
    (tmp_path / "gates" / "cache.db").write_bytes(b"no database " * 1000)
    again = GateCache(tmp_path / "gates")
    assert again.get("key") is None
    again.put("key", RESULT)
    assert again.get("key") == RESULT
    again.close()
