"""A real Dask scheduler with workers on loopback, all children of the test's process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client

HELD_BACK = """
import os, pathlib, signal, time
from harness import work

# Dask may load this twice in one process.
evaluate = getattr(work.Worker, "without_holding_back", work.Worker.evaluate)
work.Worker.without_holding_back = evaluate
marks = pathlib.Path(os.environ["ASSAY_TEST_MARKS"])

def held_back(self, planned, load, jobs, progress):
    progress("held back")
    (marks / f"{planned.case}-{os.getpid()}").touch()
    if planned.case == "deadly":
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    if planned.case == "bottomless":
        return held_back(self, planned, load, jobs, progress)
    while (marks / "wait").exists():
        time.sleep(0.02)
    return evaluate(self, planned, load, jobs, progress)

work.Worker.evaluate = held_back
"""
"""Loaded by workers of these tests (`dask worker --preload`): marks what begins where, waits where asked to, dies of one case."""


@dataclass
class Cluster:
    """A scheduler and its workers, all children of this process."""

    folder: Path
    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one worker of one thread; it dies for good when it is killed, unless `--nanny` is among the options."""
        marks = self.folder / "marks"
        marks.mkdir(exist_ok=True)
        preload = self.folder / "held_back.py"
        preload.write_text(HELD_BACK)
        fixed = ["--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--preload", str(preload), "--local-directory", str(self.folder)]
        nanny = [] if "--nanny" in options else ["--no-nanny"]
        own = {"ASSAY_CACHE": str(self.folder / f"cache{len(self.workers)}"), "ASSAY_TEST_MARKS": str(marks)}
        worker = start(self.folder / f"worker{len(self.workers)}.log", "worker", self.address, *fixed, *nanny, *options, **own, **environment)
        self.workers.append(worker)
        return worker

    def wait_for(self, workers: int) -> None:
        """Until so many workers are there."""
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)

    def hold(self) -> Path:
        """Let samples wait where they begin, until the file that is returned is removed."""
        file = self.folder / "marks" / "wait"
        file.touch()
        return file

    def begun(self, process: int | None = None) -> set[str]:
        """The cases that workers have begun, or one of them."""
        marks = [file.name.rsplit("-", 1) for file in (self.folder / "marks").glob("*-*")]
        return {case for case, pid in marks if process is None or int(pid) == process}


def start(log: Path, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    """A Dask process with a process group of its own, its output in `log`."""
    root = str(Path(__file__).resolve().parent.parent)
    variables = {**os.environ, "PYTHONPATH": root, "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False", **environment}
    with log.open("wb") as output:
        command = [sys.executable, "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        return subprocess.Popen(command, stdout=output, stderr=output, env=variables, start_new_session=True)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    folder.mkdir()
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    scheduler = start(folder / "scheduler.log", "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    cluster = Cluster(folder, address, scheduler)
    try:
        yield cluster
    finally:
        for process in [*cluster.workers, scheduler]:
            end(process)
