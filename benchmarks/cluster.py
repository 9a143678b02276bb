"""Prints what a cluster costs over `--jobs`, from one run on one machine: `python benchmarks/cluster.py [--samples N]`.

A Dask scheduler and two workers are started on loopback. The same samples are evaluated by two local threads and by the two
workers, both with every evaluation in their cache already, so that what is left is the way there and back. Local and cluster
take turns; the median of each counts. Nothing is kept in a store: that costs both the same (`benchmarks/store.py`).

Wall seconds flatter the cluster: two local threads share one interpreter lock, two workers and the client have one each. So CPU
seconds of all processes taken together are printed too; that difference is what a sample costs more, however many cores there are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from distributed import Client

from harness.batch import Silent
from harness.cache import GateCache
from harness.case import load_case
from harness.cluster import ClusterExecutor
from harness.cluster_travel import pack_evaluation, pack_sample, pack_tree
from harness.executors import Executor, LocalExecutor
from harness.store.plan import PlannedSample
from harness.work import Workplace, load_planned

ROOT = Path(__file__).resolve().parent.parent
CASE = ROOT / "cases" / "zero-trust-payments"
WORKPLACE = Workplace(("format", "lint"))
WORKERS = 2


def make_samples(folder: Path, count: int) -> list[PlannedSample]:
    """`count` responses to the bundled case, each another tree, all with its one ideal."""
    root = folder / "zero-trust-payments"
    for number in range(1, count + 1):
        response = root / "responses" / "benchmark" / str(number)
        shutil.copytree(CASE / "response", response)
        (response / "number.txt").write_text(f"{number}\n")
    for name in ("case.yaml", "PROMPT.md"):
        shutil.copy(CASE / name, root / name)
    shutil.copytree(CASE / "ideal", root / "ideal")
    return [PlannedSample(number, str(root), root.name, "benchmark", str(number + 1)) for number in range(count)]


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, psutil.Process, psutil.Process]]:
    """A scheduler with two workers of one thread each: its address, its process, and the parent of the workers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "ASSAY_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    common = ["--host", "127.0.0.1", "--no-dashboard"]
    workers = ["--nthreads", "1", "--nworkers", str(WORKERS), "--local-directory", str(folder)]
    commands = [["dask_scheduler", "--port", str(port), *common], ["dask_worker", address, *common, *workers]]
    none = subprocess.DEVNULL
    started = [
        subprocess.Popen([sys.executable, "-m", f"distributed.cli.{words[0]}", *words[1:]], env=environment, stdout=none, stderr=none) for words in commands
    ]
    try:
        with Client(address, set_as_default=False, timeout=60) as client:
            client.wait_for_workers(WORKERS, timeout=60)
        yield address, psutil.Process(started[0].pid), psutil.Process(started[1].pid)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def cpu_of(process: psutil.Process, *, family: bool = False) -> float:
    """CPU seconds so far of a process, and with `family` of all that it started and that still run."""
    return sum(sum(one.cpu_times()[:2]) for one in [process, *(process.children(recursive=True) if family else [])])


def evaluate_all(executor: Executor, samples: Sequence[PlannedSample]) -> float:
    """Seconds for all samples. Raises `RuntimeError` where one has no result: then nothing was measured."""
    started = time.perf_counter()
    errors = [evaluation.result.error for _, evaluation in executor.evaluate(samples, threading.Event(), Silent())]
    seconds = time.perf_counter() - started
    if len(errors) != len(samples) or any(errors):
        raise RuntimeError(f"{len(errors)} of {len(samples)} samples, errors: {set(errors)}")
    return seconds


def print_sizes(sample: PlannedSample, executor: Executor) -> None:
    """What one sample sends and gets, in bytes."""
    ((_, evaluation),) = executor.evaluate([sample], threading.Event(), Silent())
    case = load_planned(sample)
    sizes = {
        "response": pack_tree(case.response), "ideal (once for all samples)": pack_tree(case.ideal),
        "sample, with the prompt": pack_sample(sample, case), "result": pack_evaluation(evaluation),
    }  # fmt: skip
    plain = sum(map(len, case.response.files.values()))
    print(f"bytes that travel: {', '.join(f'{name} {len(packed):,}' for name, packed in sizes.items())} (the response is {plain:,} as files)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args(arguments)
    load_case(CASE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = make_samples(folder, options.samples)
        cache = GateCache(folder / "cache" / "gates")
        with cluster(folder) as (address, scheduler, workers), LocalExecutor(WORKPLACE, cache, WORKERS) as local, ClusterExecutor(address, WORKPLACE) as remote:
            print(f"{options.samples} samples, evaluated once so that they are in the cache: {evaluate_all(local, samples):.1f} s")
            evaluate_all(remote, samples)
            me, before = psutil.Process(), scheduler.memory_info().rss
            here: list[float] = []
            there: list[float] = []
            spent: dict[str, float] = dict.fromkeys(("local", "client", "scheduler", "workers"), 0.0)
            for _ in range(options.times):
                start = cpu_of(me)
                here.append(evaluate_all(local, samples))
                middle = cpu_of(me), cpu_of(scheduler), cpu_of(workers, family=True)
                there.append(evaluate_all(remote, samples))
                after = cpu_of(me), cpu_of(scheduler), cpu_of(workers, family=True)
                spent["local"] += middle[0] - start
                for name, one, other in zip(("client", "scheduler", "workers"), middle, after, strict=True):
                    spent[name] += other - one
            scheduler_memory = scheduler.memory_info().rss
            grown = scheduler_memory - before
            print_sizes(samples[0], local)
    a_sample = 1000 / options.samples
    mine, theirs = statistics.median(here) * a_sample, statistics.median(there) * a_sample
    done = options.samples * options.times
    print(f"local:   {mine:.2f} ms a sample ({', '.join(f'{one * a_sample:.2f}' for one in here)})")
    print(f"cluster: {theirs:.2f} ms a sample ({', '.join(f'{one * a_sample:.2f}' for one in there)})")
    print(f"overhead in wall time: {theirs - mine:.2f} ms a sample, {theirs / mine:.2f} times the local path")
    each = {name: 1000 * seconds / done for name, seconds in spent.items()}
    together = each["client"] + each["scheduler"] + each["workers"]
    print(f"CPU a sample: local {each['local']:.2f} ms; cluster {together:.2f} ms ({', '.join(f'{n} {each[n]:.2f}' for n in list(each)[1:])})")
    print(f"overhead in CPU time: {together - each['local']:.2f} ms a sample, {together / each['local']:.2f} times the local path")
    print(f"scheduler: {scheduler_memory / 1e6:.0f} MB, {grown / 1e6:.1f} MB more after {done} samples")


if __name__ == "__main__":
    main()
