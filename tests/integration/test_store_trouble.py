"""A disk that is full, a file that is locked, a server that goes away: a clear error or a retry, nothing lost, nothing half-written."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from harness.store import PlannedSample, Store, StoreError, open_store
from harness.store.plan import FINISHED, INTERRUPTED, RUNNING
from tests.postgresql import Server
from tests.results import make_failure, make_plan, make_result

ROOT = Path(__file__).resolve().parent.parent.parent
MANY = [PlannedSample(number, "/cases/a", f"case-{number}", "m") for number in range(400)]


def content(number: int) -> bytes:
    """Some 20 kB that do not compress."""
    return random.Random(number).randbytes(20_000)


def assert_whole(store: Store, run: str) -> int:
    """Every sample has all of its result, or nothing; how many have it."""
    samples = store.samples(run)
    done = set(samples.loc[samples["state"] == "done", "sample_id"])
    assert set(store.failures(run)["sample_id"]) == set(store.gate_results(run)["sample_id"]) == set(store.fixes(run)["sample_id"]) == done
    assert len(store.failures(run)) == len(store.fixes(run)) == len(done) and len(store.gate_results(run)) == 3 * len(done)
    assert {sample_id for sample_id, _ in store.case_results(run)} == done
    for sample_id in done:
        assert store.artefact_names(sample_id) == ["diff", "record"]
    assert store.query("select count(*) from artefacts where digest not in (select digest from sample_artefacts)").rows == [(0,)]
    return len(done)


def fill(store: Store, run: str) -> None:
    """Write what is missing."""
    with store.resume(run) as writer:
        for planned in writer.missing():
            writer.add(planned, make_result(planned, make_failure()), {"diff": content(planned.position)})
        writer.finish(FINISHED)


def in_process(code: str, *arguments: str) -> subprocess.Popen[str]:
    """Another Python that runs `code`; its lines can be read one by one."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=ROOT, text=True, **pipes)


WRITER = """
import sys, time
from harness.store import open_store
from tests.results import make_plan, make_result
store = open_store(sys.argv[1])
writer = store.start(make_plan())
first = writer.missing()[0]
writer.add(first, make_result(first))
print(writer.run.name, flush=True)
sys.stdin.readline()
"""


# several processes


def test_many_processes_open_a_new_store_at_once(place: str) -> None:
    code = "import sys; from harness.store import open_store; sys.stdin.readline(); store = open_store(sys.argv[1]); print(len(store.runs()))"
    openers = [in_process(code, place) for _ in range(4)]
    for one in openers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    answers = [one.communicate(timeout=120) for one in openers]
    assert [(out, error) for out, error in answers] == [("0\n", "")] * 4


def test_a_run_has_one_writer_and_a_killed_one_counts_as_interrupted(place: str) -> None:
    process = in_process(WRITER, place)
    try:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert name, process.communicate()[1]
        with open_store(place) as store:
            assert store.find_run(name).state == RUNNING and list(store.runs()["state"]) == [RUNNING]
            with pytest.raises(StoreError, match=f"run {name}: another process is writing it"):
                store.resume(name)
            process.kill()
            process.wait()
            deadline = time.monotonic() + 20
            while store.find_run(name).state == RUNNING and time.monotonic() < deadline:
                time.sleep(0.05)  # the server notices the end of a session a moment later
            assert store.find_run(name).state == INTERRUPTED and list(store.runs()["state"]) == [INTERRUPTED]
            with store.resume(name) as writer:
                assert len(writer.missing()) == 3
    finally:
        process.kill()
        process.communicate()


def test_asking_for_the_runs_never_gets_in_a_writers_way(place: str) -> None:
    code = "import sys; from harness.store import open_store; store = open_store(sys.argv[1]); print(flush=True)\nwhile True: store.runs()"
    with open_store(place) as store, store.start(make_plan()) as writer:
        watcher = in_process(code, place)
        try:
            assert watcher.stdout is not None and watcher.stdout.readline() == "\n"
            for _ in range(20):
                writer.close()
                writer = store.resume(writer.run.name)
            for planned in writer.missing():
                writer.add(planned, make_result(planned))
            assert watcher.poll() is None
        finally:
            watcher.kill()
            watcher.communicate()
            writer.close()


# killed


KILLED = """
import sys
from harness.store import open_store
from tests.integration.test_store_trouble import fill
with open_store(sys.argv[1]) as store:
    print(flush=True)
    fill(store, sys.argv[2])
"""


def test_a_writer_that_is_killed_leaves_whole_results_and_no_others(place: str) -> None:
    dice = random.Random(5)
    with open_store(place) as store:
        with store.start(make_plan(*MANY)) as writer:
            run = writer.run.name
        counts = []
        for _ in range(3):
            process = subprocess.Popen([sys.executable, "-c", KILLED, place, run], cwd=ROOT, stdout=subprocess.PIPE)
            assert process.stdout is not None and process.stdout.readline() == b"\n"
            time.sleep(dice.uniform(0.05, 0.6))
            process.kill()
            process.wait()
            counts.append(assert_whole(store, run))
        assert counts == sorted(counts)
        for _ in range(100):
            if store.find_run(run).state == INTERRUPTED:
                break
            time.sleep(0.1)  # the server takes a moment to see that the session has ended
        fill(store, run)
        assert assert_whole(store, run) == len(MANY) and store.find_run(run).state == FINISHED


# a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_told_and_with_room_the_run_goes_on(small_disk: Path) -> None:
    with open_store(small_disk / "store.sqlite3") as store:
        with store.start(make_plan(*MANY)) as writer:
            run = writer.run.name
        with pytest.raises(StoreError, match="the disk is full") as full:
            fill(store, run)
        assert "assay run --resume" in full.value.remedy
        there = assert_whole(store, run)
        assert 0 < there < len(MANY)
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        fill(store, run)
        assert assert_whole(store, run) == len(MANY)


def test_a_new_store_on_a_full_disk_is_told_and_opens_once_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError):
        while True:
            file.write(b"\0" * 4096)
    with pytest.raises(StoreError, match="disk"):
        open_store(small_disk / "store.sqlite3")
    ballast.unlink()
    with open_store(small_disk / "store.sqlite3") as store:
        assert len(store.runs()) == 0


def test_a_database_that_may_grow_no_further_is_told(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite3") as store:
        with store.start(make_plan(*MANY)) as writer:
            run = writer.run.name

        @event.listens_for(store._engine, "begin")
        def limit(connection: object) -> None:
            connection.connection.driver_connection.execute("PRAGMA max_page_count = 400")  # type: ignore[attr-defined]

        with pytest.raises(StoreError, match="the disk is full"):
            fill(store, run)
        there = assert_whole(store, run)
        event.remove(store._engine, "begin", limit)
        store._engine.dispose()
        fill(store, run)
        assert there < assert_whole(store, run) == len(MANY)


# a lock


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A store, and another program's connection that holds it locked."""
    monkeypatch.setenv("ASSAY_STORE_PATIENCE", "1")
    file = tmp_path / "store.sqlite3"
    open_store(file).close()
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    yield file, holder
    holder.close()


def test_a_locked_file_is_told_after_a_while_and_can_be_read_meanwhile(locked: tuple[Path, sqlite3.Connection]) -> None:
    file, holder = locked
    with open_store(file) as store:
        assert len(store.runs()) == 0
        with pytest.raises(StoreError, match="another program holds it locked"):
            store.start(make_plan())
        holder.execute("ROLLBACK")
        store.start(make_plan()).close()
        assert len(store.runs()) == 1


def test_a_writer_waits_for_a_lock_that_ends(locked: tuple[Path, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_STORE_PATIENCE", "30")
    file, holder = locked
    timer = threading.Timer(1, lambda: holder.execute("ROLLBACK"))
    timer.start()
    with open_store(file) as store, store.start(make_plan()) as writer:
        assert len(writer.missing()) == 4
    timer.join()


# a server that goes away


@pytest.fixture
def served(postgresql: Server) -> Iterator[tuple[Server, str]]:
    """A server that may be stopped, and a new database on it."""
    yield postgresql, postgresql.database()
    if not (postgresql.data / "postmaster.pid").exists():
        postgresql.start()


def test_a_server_that_comes_back_has_everything_once(served: tuple[Server, str]) -> None:
    server, url = served
    with open_store(url) as store, store.start(make_plan(*MANY[:60])) as writer:
        for planned in writer.missing():
            if planned.position in (5, 30):
                server.stop()
                timer = threading.Timer(1, server.start)
                timer.start()
            writer.add(planned, make_result(planned, make_failure()), {"diff": content(planned.position)})
            if planned.position in (5, 30):
                timer.join()
        writer.finish(FINISHED)
        assert assert_whole(store, writer.run.name) == 60
        assert store.find_run(writer.run.name).state == FINISHED


def test_a_result_whose_commit_was_not_confirmed_is_there_once(served: tuple[Server, str]) -> None:
    server, url = served
    with open_store(url) as store, store.start(make_plan()) as writer:
        planned = writer.missing()[0]
        cut = iter([True])

        original = store._engine.dialect.do_commit

        def commit_unheard(connection: object) -> None:
            original(connection)  # type: ignore[arg-type]
            if next(cut, False):
                server.stop()
                server.start()
                connection.execute("SELECT 1")  # type: ignore[attr-defined]

        store._engine.dialect.do_commit = commit_unheard  # type: ignore[method-assign,assignment]
        writer.add(planned, make_result(planned, make_failure()), {"diff": b""})
        assert next(cut, None) is None and assert_whole(store, writer.run.name) == 1


def test_a_server_that_stays_away_is_told_after_the_patience(served: tuple[Server, str], monkeypatch: pytest.MonkeyPatch) -> None:
    server, url = served
    monkeypatch.setenv("ASSAY_STORE_PATIENCE", "1.5")
    with open_store(url) as store:
        writer = store.start(make_plan())
        planned = writer.missing()[0]
        server.stop()
        with pytest.raises(StoreError, match="the server cannot be reached") as gone:
            writer.add(planned, make_result(planned))
        assert "assay run --resume" in gone.value.remedy
        for ask in (store.runs, store.find_run, store.result, lambda: store.query("select 1"), lambda: store.resume("x"), lambda: open_store(url)):
            with pytest.raises(StoreError, match="the server cannot be reached"):
                ask()  # type: ignore[operator]
        server.start()
        writer.add(planned, make_result(planned))
        writer.close()
        assert len(store.result().cases) == 1


def test_a_writer_gives_way_to_another_that_resumed_while_the_server_was_away(served: tuple[Server, str]) -> None:
    server, url = served
    with open_store(url) as store, open_store(url) as other:
        writer = store.start(make_plan())
        first, second, *_ = writer.missing()
        server.stop()
        server.start()
        with other.resume(writer.run.name) as resumed:
            with pytest.raises(StoreError, match="another process writes it now"):
                writer.add(first, make_result(first))
            resumed.add(first, make_result(first, title="the other's"))
        writer.add(second, make_result(second))
        assert [one.title for one in store.result().cases] == ["the other's", "a title"]
        writer.close()
