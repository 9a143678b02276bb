"""The outside of the terraform server: starts the agent in the sandbox and asks it, one command at a time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import selectors
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessFault
from harness.sandbox import Command, Limits, Mount, Running, Sandbox
from harness.session import Session
from harness.synth.kernel import CASE_ROOT
from harness.synth.launcher import python_mounts
from harness.terraform.calls import SeriesAnswer, TerraformAnswer, TerraformCall, TerraformSeries, read_answer, single_answer
from harness.toolchain import Toolchain

_SERVICE = "terraform"
_ANSWERS = "terraform answers"
AGENT = "/assay"
_START_SECONDS = 120
_GRACE_SECONDS = 30
_LIMITS = Limits(memory=4 * 1024**3, processes=1024, file_size=256 * 1024**2)
_ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "CHECKPOINT_DISABLE": "1",
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "GRPC_ENABLE_FORK_SUPPORT": "0",
    "AWS_ACCESS_KEY_ID": "assay",
    "AWS_SECRET_ACCESS_KEY": "assay",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""All that terraform, the provider and the emulator get to see, beside PATH: nothing of the host's, no real credentials."""


class TerraformServer:
    """A context manager. Raises `HarnessFault` where the server does not start, or dies; it is of no use afterwards.

    Safe to call from several threads; one series runs at a time.
    """

    def __init__(self, toolchain: Toolchain, sandbox: Sandbox) -> None:
        self._toolchain = toolchain
        self._sandbox = sandbox
        self._stack = contextlib.ExitStack()
        self._running: Running | None = None
        self._received = bytearray()
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        try:
            folder = self._stack.enter_context(self._sandbox.scratch())
            self._running = self._start(self._command(folder))
            self._receive(_START_SECONDS)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything inside; harmless when repeated."""
        if self._running is not None:
            self._running.kill()
            self._running.finish()
            self._running = None
        self._ended.set()
        self._stack.close()

    def ask(self, series: TerraformSeries) -> SeriesAnswer:
        """Run the series. After one that ran out of time the server is closed: nobody knows what the provider still does."""
        with self._lock:
            answer = self._ask(series.request(), series.seconds)
            if answer.timed_out:
                self.close()
            return answer

    def call(self, call: TerraformCall) -> TerraformAnswer:
        """Run one command; see `ask`."""
        return single_answer(self.ask(call.series()))

    @property
    def running(self) -> bool:
        """Whether it can be asked."""
        return self._running is not None

    @property
    def pid(self) -> int | None:
        """The process that everything inside descends from; None where the server has ended."""
        return self._running.popen.pid if self._running else None

    def _start(self, command: Command) -> Running:
        """Start from a thread that lives as long as the server: the kernel ends the sandbox with the thread that started it, and
        the threads that ask come and go with each case."""
        started: Future[Running] = Future()

        def run() -> None:
            try:
                started.set_result(self._sandbox.start(command))
            except BaseException as error:
                started.set_exception(error)
            self._ended.wait()

        threading.Thread(target=run, name="terraform server", daemon=True).start()
        return started.result()

    def _ask(self, request: str, timeout: float) -> SeriesAnswer:
        if self._running is None or self._running.popen.stdin is None:
            raise HarnessFault("the terraform server has ended", "run again; `assay doctor` says whether terraform works here")
        try:
            self._running.popen.stdin.write(request.encode() + b"\n")
            self._running.popen.stdin.flush()
            fields = self._receive(timeout + _GRACE_SECONDS)
        except BrokenPipeError as error:
            self.close()
            raise HarnessFault("the terraform server died", "run again; `assay doctor` says whether terraform works here") from error
        return read_answer(fields)

    def _receive(self, seconds: float) -> dict[str, Any]:
        """The next line of the agent, which has `seconds` to write it."""
        assert self._running and self._running.popen.stdout
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._running.popen.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                block = b""
                if selector.select(max(0.0, deadline - time.monotonic())):
                    block = os.read(self._running.popen.stdout.fileno(), 1 << 20)
                if not block:
                    raise self._fault("did not answer in time" if time.monotonic() >= deadline else "died")
                self._received += block
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received = bytearray(rest)
        fields: dict[str, Any] = json.loads(line)
        if "fault" in fields:
            raise self._fault(f"failed: {fields['fault']}")
        return fields

    def _fault(self, what: str) -> HarnessFault:
        said = b""
        if self._running is not None:
            self._running.kill()
            said = self._running.finish().stderr
            self._running = None
        self.close()
        tail = said.decode(errors="replace").strip()[-400:]
        return HarnessFault(f"the terraform server {what}" + (f": {tail}" if tail else ""), "run again; `assay doctor` says whether terraform works here")

    def _command(self, folder: Path) -> Command:
        terraform, provider, python, bwrap = self._toolchain.terraform, self._toolchain.provider, self._toolchain.python, self._sandbox.bwrap
        if terraform is None or provider is None:
            raise HarnessFault("terraform or its provider is missing", "run `assay doctor`")
        inside = Path(str(resources.files("harness.terraform") / "inside"))
        mounts = [*python_mounts(self._toolchain), Mount(inside, AGENT), Mount(folder, CASE_ROOT, writable=True)]
        mounts += [
            Mount(tool, str(tool))
            for tool in (terraform.resolve(), provider.resolve(), *([bwrap.resolve()] if bwrap else []))
            if not tool.is_relative_to("/usr")
        ]
        return Command(
            argv=(
                str(python),
                "-s",
                "-B",
                f"{AGENT}/agent.py",
                str(provider.resolve()),
                str(terraform.resolve()),
                CASE_ROOT,
                str(bwrap.resolve()) if bwrap else "",
            ),
            cwd="/tmp",
            env={"PATH": f"{python.parent}:/usr/bin:/bin", **_ENVIRONMENT},
            mounts=tuple(mounts),
            limits=_LIMITS,
        )


class Answers:
    """What was answered before in this session: it survives a server that is started anew. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: dict[str, SeriesAnswer] = {}
        self._busy: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._known.clear()

    def get(self, series: TerraformSeries, ask: Callable[[TerraformSeries], SeriesAnswer]) -> SeriesAnswer:
        """The answer to the series: from memory at no cost, else by `ask`; who asks the same meanwhile waits for it."""
        digest = hashlib.sha256(series.request().encode()).hexdigest()
        with self._lock:
            busy = self._busy.setdefault(digest, threading.Lock())
        with busy:
            if known := self._known.get(digest):
                return replace(known, wall=0.0, cpu=0.0)
            answer = ask(series)
            if not answer.timed_out:
                self._known[digest] = answer
            return answer


def ask_terraform(session: Session, series: TerraformSeries) -> SeriesAnswer:
    """Ask the session's server, started on first use; a server that breaks is started once more."""
    answers: Answers = session.service(_ANSWERS, Answers)
    return answers.get(series, lambda series: _ask_server(session, series))


def call_terraform(session: Session, call: TerraformCall) -> TerraformAnswer:
    """Ask for a single command; see `ask_terraform`."""
    return single_answer(ask_terraform(session, call.series()))


def _ask_server(session: Session, series: TerraformSeries) -> SeriesAnswer:
    for attempt in (1, 2):
        server: TerraformServer = session.service(_SERVICE, lambda: TerraformServer(session.toolchain, session.sandbox))
        try:
            answer = server.ask(series)
        except HarnessFault:
            session.discard(_SERVICE)
            if attempt == 2:
                raise
        else:
            if not server.running:
                session.discard(_SERVICE)
            return answer
    raise AssertionError("unreachable")
