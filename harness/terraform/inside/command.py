"""One terraform command inside the sandbox, watched while it runs."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OUTPUT_BYTES = 16 * 1024 * 1024
_INTERRUPT_SECONDS = 10
_ELAPSED = re.compile(r'"elapsed_seconds":(\d+)[^\n]*"type":"apply_progress"')


def run_command(terraform: str, step: Mapping[str, Any], folder: Path, environment: Mapping[str, str], logs: Path) -> dict[str, Any]:
    """Run `terraform ARGUMENTS` in `folder`; the answer's fields are those of `StepAnswer` in `harness/terraform/calls.py`.

    `logs` is a folder of this command's own.
    """
    started = time.monotonic()
    out, err = logs / "out", logs / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            [terraform, *step["arguments"]], cwd=folder, env=dict(environment),
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
        )  # fmt: skip
        watch = Watch(process.pid, out, step["timeout"], step["patience"])
        _, status, usage = os.wait4(process.pid, 0)
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
    kept = (folder / name for name in step["returns"])
    return {
        "exit_code": process.returncode,
        "stdout": _start_of(out).decode("utf-8", errors="replace"),
        "stderr": _start_of(err).decode("utf-8", errors="replace"),
        "timed_out": watch.timed_out,
        "files": {path.name: base64.b64encode(_start_of(path)).decode() for path in kept if path.is_file() and not path.is_symlink()},
        "wall": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak_memory": usage.ru_maxrss * 1024,
    }


class Watch:
    """Ends a terraform that takes too long.

    One operation (`elapsed_seconds` in terraform's JSON) that lasts longer than `patience` is interrupted,
    so that terraform still says what it knows of the rest; what lasts longer than `timeout` is killed.
    """

    def __init__(self, pid: int, output: Path, timeout: float, patience: float | None) -> None:
        self.timed_out = False
        self._pid = pid
        self._output = output
        self._deadline = time.monotonic() + timeout
        self._patience = patience
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The process has ended by itself or by us."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        interrupted = False
        while not self._ended.wait(min(1.0, max(0.0, self._deadline - time.monotonic()))):
            if time.monotonic() >= self._deadline:
                self.timed_out = True
                os.killpg(self._pid, signal.SIGKILL)
                return
            if not interrupted and self._patience is not None and self._longest() >= self._patience:
                interrupted = True
                self._deadline = min(self._deadline, time.monotonic() + _INTERRUPT_SECONDS)
                os.killpg(self._pid, signal.SIGINT)

    def _longest(self) -> float:
        return max(map(float, _ELAPSED.findall(_start_of(self._output).decode("utf-8", errors="replace"))), default=0.0)


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_OUTPUT_BYTES)
