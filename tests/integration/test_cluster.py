"""A real Dask scheduler and real workers on loopback: the same results as on one machine, whoever dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.batch import RunOptions, Silent, resume_run, run_cases
from harness.cache import GateCache
from harness.errors import UsageError
from harness.results import CaseResult
from harness.store import RunInfo, open_store
from harness.store.plan import FINISHED, INTERRUPTED, PlannedSample

pytest.importorskip("distributed")

from distributed import Client

from harness.cluster import ClusterExecutor
from harness.cluster_members import ClusterError
from harness.work import Workplace
from tests.dask_cluster import Cluster, end, free_port, running

pytestmark = pytest.mark.slow

OPTIONS = RunOptions(gates=("format", "lint"), label="cluster")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    with running(tmp_path / "cluster") as one:
        yield one


@pytest.fixture
def cases(make_case: Callable[..., Path]) -> list[Path]:
    """Eight small cases; the first four have the same ideal, one cannot be read."""
    made = []
    for number in range(8):
        ideal = {"tap.py": f"x = {max(number, 3)}\nprint(x)\n", "bytes.bin": b"\xff\x00\xfe"}
        response = {"tap.py": f"import os\nx={number}\nprint(undefined_{number})\n", "bytes.bin": b"\xff\x00"}
        made.append(make_case(response, ideal, f"case-{number}", title=f"Case {number}"))
    (made[5] / "case.yaml").write_text("title: [")
    return made


class Ears(Silent):
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.begun_cases: list[str] = []
        self.ended_cases: list[str] = []
        self.steps: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def begun(self, planned: PlannedSample) -> None:
        self.begun_cases.append(planned.case)

    def step(self, planned: PlannedSample, text: str) -> None:
        assert planned.case in self.begun_cases
        self.steps.append(text)

    def ended(self, planned: PlannedSample, result: CaseResult) -> None:
        self.ended_cases.append(planned.case)


def outcome(store_file: Path, run: str) -> tuple[list[CaseResult], dict[str, bytes], str]:
    """Everything of a run but its seconds: results, artefacts, toolchain."""
    with open_store(store_file) as store:
        results = [replace(result, seconds={}) for result in store.result(run).cases]
        samples = list(store.samples(run)["sample_id"])
        artefacts = {
            f"{number} {name}": store.artefact(one, name) for number, one in enumerate(samples) for name in store.artefact_names(one) if name != "record"
        }
        return results, artefacts, store.find_run(run).toolchain_fingerprint


def run_here(folder: Path, cases: Sequence[Path], options: RunOptions = OPTIONS) -> tuple[list[CaseResult], dict[str, bytes], str]:
    """The run on this machine."""
    with open_store(folder / "local.sqlite3") as store:
        name = run_cases(cases, store, options, jobs=2).name
    return outcome(folder / "local.sqlite3", name)


def run_there(folder: Path, cases: Sequence[Path], cluster: Cluster, ears: Ears, options: RunOptions = OPTIONS, *, cached: bool = False) -> RunInfo:
    """The run on the cluster."""
    cache = GateCache(folder / "unused") if cached else None
    with open_store(folder / "cluster.sqlite3") as store:
        return run_cases(cases, store, options, cache=cache, scheduler=cluster.address, listener=ears)


def in_background(work: Callable[[], RunInfo]) -> tuple[threading.Thread, list[RunInfo | Exception]]:
    """`work` in a thread, and where its result will be."""
    ended: list[RunInfo | Exception] = []

    def run() -> None:
        try:
            ended.append(work())
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, ended


def until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for something that is going to happen."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def test_results_are_those_of_this_machine_though_a_worker_is_killed(tmp_path: Path, cluster: Cluster, cases: list[Path]) -> None:
    options = replace(OPTIONS, repeat=2)
    expected = run_here(tmp_path, cases, options)
    first, _ = cluster.add(), cluster.add()
    cluster.wait_for(2)
    wait, ears = cluster.hold(), Ears()
    thread, ended = in_background(lambda: run_there(tmp_path, cases, cluster, ears, options))
    until(lambda: bool(cluster.begun(first.pid)) and len(cluster.begun()) >= 1, "both workers begin")
    os.kill(first.pid, signal.SIGKILL)
    wait.unlink()
    thread.join(120)
    assert isinstance(ended[0], RunInfo), ended
    assert ended[0].state == FINISHED
    assert outcome(tmp_path / "cluster.sqlite3", ended[0].name) == expected
    assert sorted(ears.ended_cases) == sorted(2 * [case.name for case in cases])
    assert len(ears.begun_cases) == len([name for name in ears.ended_cases if name != "case-5"])
    assert "held back" in ears.steps
    assert any("not YAML" in (result.error or "") for result in expected[0])


def test_a_worker_keeps_its_own_cache(tmp_path: Path, cluster: Cluster, cases: list[Path]) -> None:
    cluster.add()
    cluster.wait_for(1)
    runs = [run_there(tmp_path, cases[:2], cluster, Ears(), cached=True).name for _ in range(2)]
    first, second = (outcome(tmp_path / "cluster.sqlite3", run) for run in runs)
    assert first == second
    with open_store(tmp_path / "cluster.sqlite3") as store:
        seconds = [[result.seconds for result in store.result(run).cases] for run in runs]
    assert seconds[0] == seconds[1]  # the second time nothing was evaluated
    assert list((cluster.folder / "cache0").rglob("*.db"))


def test_a_lone_worker_that_its_nanny_starts_again_goes_on(tmp_path: Path, cluster: Cluster, cases: list[Path]) -> None:
    cluster.add("--nanny")
    cluster.wait_for(1)
    wait = cluster.hold()
    thread, ended = in_background(lambda: run_there(tmp_path, cases[:4], cluster, Ears()))
    until(lambda: bool(cluster.begun()), "a sample begins")
    (victim,) = (file.name.rsplit("-", 1)[1] for file in (cluster.folder / "marks").glob("*-*"))
    os.kill(int(victim), signal.SIGKILL)
    wait.unlink()
    thread.join(120)
    assert isinstance(ended[0], RunInfo), ended
    assert outcome(tmp_path / "cluster.sqlite3", ended[0].name) == run_here(tmp_path, cases[:4])


def test_a_sample_that_kills_every_worker_is_recorded_as_that(tmp_path: Path, cluster: Cluster, cases: list[Path], make_case: Callable[..., Path]) -> None:
    deadly = make_case({"tap.py": "x=1\n"}, {"tap.py": "x = 1\n"}, "deadly")
    cluster.add("--nanny", "--nworkers", "2")
    cluster.wait_for(2)
    run = run_there(tmp_path, [*cases[:2], deadly, *cases[2:4]], cluster, Ears())
    results, _, _ = outcome(tmp_path / "cluster.sqlite3", run.name)
    errors = {result.case: result.error for result in results}
    assert "workers died while they evaluated this sample" in (errors.pop("deadly") or "")
    assert errors == dict.fromkeys([f"case-{number}" for number in range(4)])


def test_a_run_that_no_worker_can_go_on_with_does_not_wait_for_ever(tmp_path: Path, cluster: Cluster, cases: list[Path]) -> None:
    first = cluster.add()
    cluster.wait_for(1)
    wait, ears = cluster.hold(), Ears()
    planned = [PlannedSample(number, str(case), case.name, "m") for number, case in enumerate(cases[:2])]
    with ClusterExecutor(cluster.address, Workplace(("format",), use_cache=False), patience=4) as executor:

        def replace_the_worker() -> None:
            until(lambda: bool(cluster.begun()), "a sample begins")
            end(first)
            cluster.add("--name", "odd", ASSAY_TERRAFORM=fake_terraform(tmp_path))
            wait.unlink()

        threading.Thread(target=replace_the_worker, daemon=True).start()
        with pytest.raises(ClusterError, match="none came within 4 s") as given_up:
            list(executor.evaluate(planned, threading.Event(), ears))
    assert "--resume" in given_up.value.remedy
    assert any("no worker is left" in note for note in ears.notes)


def fake_terraform(folder: Path) -> str:
    """Something that says it is another version."""
    path = folder / "terraform"
    path.write_text('#!/bin/sh\necho \'{"terraform_version": "0.0.7"}\'\n')
    path.chmod(0o755)
    return str(path)


def test_workers_that_differ_are_refused_by_name_at_once_and_when_they_join(tmp_path: Path, cluster: Cluster, cases: list[Path]) -> None:
    other = fake_terraform(tmp_path)
    cluster.add(), cluster.add()
    early = cluster.add("--name", "odd", ASSAY_TERRAFORM=other)
    cluster.wait_for(3)
    wait, ears = cluster.hold(), Ears()
    thread, ended = in_background(lambda: run_there(tmp_path, cases, cluster, ears))
    until(lambda: bool(cluster.begun()), "a sample begins")
    late = cluster.add("--name", "tardy", ASSAY_TERRAFORM=other)
    welcome = cluster.add("--name", "welcome")
    until(lambda: len(ears.notes) >= 2 or not thread.is_alive(), "the late worker is refused")
    until(lambda: bool(cluster.begun(welcome.pid)) or not thread.is_alive(), "a like worker that joins takes part")
    wait.unlink()
    thread.join(120)
    assert isinstance(ended[0], RunInfo), ended
    assert cluster.begun(early.pid) == cluster.begun(late.pid) == set()
    assert sorted(note.split(" (")[0] for note in ears.notes) == ["worker refused: odd", "worker refused: tardy"]
    assert all("terraform 0.0.7 instead of" in note for note in ears.notes)
    assert outcome(tmp_path / "cluster.sqlite3", ended[0].name) == run_here(tmp_path, cases)


def test_workers_of_two_kinds_without_a_majority_are_an_error(tmp_path: Path, cluster: Cluster) -> None:
    cluster.add(), cluster.add("--name", "odd", ASSAY_TERRAFORM=fake_terraform(tmp_path))
    cluster.wait_for(2)
    with pytest.raises(ClusterError, match="none are in the majority"), ClusterExecutor(cluster.address, Workplace(("format",))):
        pass


def test_a_cluster_where_no_worker_has_the_tools_is_an_error(cluster: Cluster, tmp_path: Path) -> None:
    cluster.add(PATH=str(tmp_path))
    cluster.wait_for(1)
    with pytest.raises(ClusterError, match=r"no worker can evaluate anything: .*(bubblewrap|bwrap)"), ClusterExecutor(cluster.address, Workplace(("synth",))):
        pass


def test_the_scheduler_that_goes_away_leaves_a_run_that_can_be_resumed(tmp_path: Path, cluster: Cluster, cases: list[Path]) -> None:
    cluster.add(), cluster.add()
    cluster.wait_for(2)
    wait = cluster.hold()
    thread, ended = in_background(lambda: run_there(tmp_path, cases, cluster, Ears()))
    until(lambda: bool(cluster.begun()), "a sample begins")
    end(cluster.scheduler)
    thread.join(60)
    assert isinstance(ended[0], ClusterError), ended
    assert "was lost" in ended[0].message and "--resume" in ended[0].remedy
    wait.unlink()
    with open_store(tmp_path / "cluster.sqlite3") as store:
        assert store.find_run().state == INTERRUPTED
        with running(tmp_path / "another") as other:
            other.add()
            other.wait_for(1)
            resumed = resume_run(store.find_run().name, store, scheduler=other.address)
        assert resumed.state == FINISHED
    assert outcome(tmp_path / "cluster.sqlite3", resumed.name) == run_here(tmp_path, cases)


def test_after_a_stop_what_has_begun_is_gathered_and_nothing_else(cluster: Cluster, cases: list[Path]) -> None:
    cluster.add()
    cluster.wait_for(1)
    wait, ears, stop = cluster.hold(), Ears(), threading.Event()
    planned = [PlannedSample(number, str(case), case.name, "m") for number, case in enumerate(cases[:4])]
    with ClusterExecutor(cluster.address, Workplace(("format",), use_cache=False)) as executor:

        def stop_then_go_on() -> None:
            until(lambda: bool(ears.begun_cases), "a sample begins")
            stop.set()
            time.sleep(1)
            wait.unlink()

        threading.Thread(target=stop_then_go_on, daemon=True).start()
        done = [one.case for one, _ in executor.evaluate(planned, stop, ears)]
        assert done == ears.begun_cases and len(done) == 1
        assert len(list(executor.evaluate(planned, threading.Event(), ears))) == 4  # and the cluster is none the worse for it


def test_a_client_that_was_killed_leaves_nothing_behind_for_long(cluster: Cluster) -> None:
    cluster.add()
    cluster.wait_for(1)
    code = (
        "import os, sys\nfrom harness.cluster import ClusterExecutor\nfrom harness.work import Workplace\n"
        "ClusterExecutor(sys.argv[1], Workplace(('format',))).__enter__()\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, cluster.address], check=False, cwd=Path(__file__).resolve().parent.parent.parent)

    def plugins() -> list[str]:
        with Client(cluster.address, set_as_default=False) as client:
            return [name for names in client.run(lambda dask_worker: list(dask_worker.plugins)).values() for name in names if name.startswith("assay")]

    assert len(plugins()) == 1
    until(lambda: _opened_and_closed(cluster.address) and not plugins(), "the next client clears up")


def _opened_and_closed(address: str) -> bool:
    with ClusterExecutor(address, Workplace(("format",))) as executor:
        return bool(executor.fingerprint)


@pytest.mark.parametrize(
    ("address", "what"),
    [("tcp://127.0.0.1:{port}", "no Dask scheduler answers"), ("nonsense://somewhere", "no Dask scheduler answers"), ("", "no Dask scheduler answers")],
)
def test_an_address_without_a_scheduler_is_a_clear_error(address: str, what: str, tmp_path: Path, cases: list[Path]) -> None:
    place = address.format(port=free_port())
    with open_store(tmp_path / "s.sqlite3") as store:
        with pytest.raises(ClusterError, match=what) as refused:
            run_cases(cases, store, OPTIONS, scheduler=place)
        assert "dask scheduler" in refused.value.remedy
        with pytest.raises(UsageError, match="there is no run yet"):
            store.find_run()


def test_what_is_no_scheduler_is_a_clear_error() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        with pytest.raises(ClusterError, match="no Dask scheduler answers"), ClusterExecutor(f"tcp://127.0.0.1:{one.getsockname()[1]}", Workplace(("format",))):
            pass
