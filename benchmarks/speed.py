"""Prints what Assay costs, as ratios measured in one run: `python benchmarks/speed.py [CASE]` (or `make bench`).

Synthesis: CPU seconds of one variant, isolated, against a plain `python tap.py`, alternating, median of each.
The whole case: wall seconds with a cold and with a warm cache. Memory: the peak outside the provider.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from harness.cache import GateCache
from harness.case import Case, load_case
from harness.evaluate import evaluate
from harness.sandbox import Command, Limits, Mount, Sandbox, new_user, open_sandbox
from harness.session import Session
from harness.synth.kernel import CASE_ROOT
from harness.synth.launcher import prime, python_mounts, run_program
from harness.toolchain import Toolchain, find_toolchain

ROUNDS = 3
PLAIN_USER = new_user()  # one user, so that jsii takes the package cache for its own
PLAIN_LIMITS = Limits(wall=600, memory=4 * 1024**3, file_size=1024**3)


def plain_cpu(case: Case, toolchain: Toolchain, sandbox: Sandbox, home: Path) -> float:
    """CPU seconds of `python tap.py` with nothing of ours; `home` keeps jsii's own package cache between rounds."""
    with sandbox.scratch() as folder:
        case.ideal.write(folder)
        command = Command(
            argv=(str(toolchain.python), *case.entry[1:]),
            cwd=CASE_ROOT,
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "JSII_NODE": str(toolchain.node), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": "/home/jsii"},
            mounts=(*python_mounts(toolchain), Mount(folder, CASE_ROOT, writable=True), Mount(home, "/home/jsii", writable=True)),
            limits=PLAIN_LIMITS,
            user=PLAIN_USER,
        )
        done = sandbox.run(command)
    if done.exit_code != 0:
        raise SystemExit(f"the plain run failed: {done.stderr.decode()[-500:]}")
    return done.cpu


def fast_cpu(case: Case, toolchain: Toolchain, sandbox: Sandbox) -> float:
    """CPU seconds of the same synthesis by Assay: both sandboxes, Node included."""
    done = run_program(case.ideal, ("run", *case.entry[1:]), case.env, toolchain, sandbox, Limits())
    if not done.stacks:
        raise SystemExit(f"the fast run failed: {done.completed.stderr.decode()[-500:]}")
    return done.cpu


class MemoryWatch:
    """Samples the resident memory of this process and all that it started, the provider apart."""

    def __init__(self) -> None:
        self.peak = self.provider = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process(os.getpid())
        while not self._stop.wait(0.1):
            total = provider = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    # Proportional size: pages that several processes share count once.
                    size = process.memory_full_info().pss
                    if "terraform-provider" in process.name():
                        provider += size
                    else:
                        total += size
                except psutil.Error:
                    continue
            self.peak, self.provider = max(self.peak, total), max(self.provider, provider)


def whole_case(case: Case, toolchain: Toolchain, sandbox: Sandbox, jobs: int) -> dict[str, float]:
    """Wall seconds with a cold and with a warm cache, and the peak memory in MB, with `jobs` gates at a time."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        cache = GateCache(Path(folder))
        for label in ("cold", "warm"):
            started = time.monotonic()
            with MemoryWatch() as memory, Session(toolchain, sandbox) as session:
                result = evaluate(case, session, cache=cache, jobs=jobs)
            figures[label] = time.monotonic() - started
            if label == "cold":
                figures |= {"peak": memory.peak / 1e6, "provider": memory.provider / 1e6, "failures": len(result.failures)}
        cache.close()
    return figures


def main() -> None:
    """Measure and print."""
    root = Path(__file__).resolve().parent.parent
    case = load_case(Path(sys.argv[1]) if len(sys.argv) > 1 else root / "cases" / "zero-trust-payments")
    toolchain = find_toolchain()
    sandbox = open_sandbox(toolchain.bwrap)
    prime(toolchain, sandbox)
    with sandbox.scratch() as home:
        plain_cpu(case, toolchain, sandbox, home)  # unpacks the packages once, as a plain run does
        rounds = [(plain_cpu(case, toolchain, sandbox, home), fast_cpu(case, toolchain, sandbox)) for _ in range(ROUNDS)]
    plain, fast = (statistics.median(column) for column in zip(*rounds, strict=True))
    two, one = (whole_case(case, toolchain, sandbox, jobs) for jobs in (2, 1))
    table = Table("what", "measured", "bar", title=f"{case.name}, {os.cpu_count()} cores")
    table.add_row("plain `python tap.py`, CPU", f"{plain:.2f} s", "")
    table.add_row("synth of one variant, isolated, CPU", f"{fast:.2f} s", "")
    table.add_row("ratio", f"{plain / fast:.1f} times less", "at least 12")
    table.add_row("whole case, cold cache, two gates at a time", f"{two['cold']:.1f} s", "at most 90 s")
    table.add_row("whole case, cold cache, one gate at a time", f"{one['cold']:.1f} s", "")
    table.add_row("whole case, warm cache", f"{two['warm']:.1f} s", "at most 3 s")
    table.add_row("peak memory of one worker (one gate at a time) outside the provider", f"{one['peak']:.0f} MB", "at most 600 MB")
    table.add_row("the same with two gates at a time", f"{two['peak']:.0f} MB", "")
    table.add_row("peak memory of the provider", f"{one['provider']:.0f} MB", "")
    table.add_row("failures found", f"{two['failures']:.0f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
