"""The outside of the reader of `.tf` files: one sandboxed process for a session, because the grammar takes a second to load."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import threading
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessFault
from harness.sandbox import Command, Limits, Mount, Running, Sandbox
from harness.session import Session
from harness.synth.launcher import python_mounts
from harness.toolchain import Toolchain

_SERVICE = "hcl"
_INSIDE = "/assay"
_SECONDS = 30.0
_ANSWER_BYTES = 64 * 1024**2
_LIMITS = Limits(memory=1024**3, processes=64)


class HclReader:
    """A context manager. Safe to call from several threads; of no use after a fault."""

    def __init__(self, toolchain: Toolchain, sandbox: Sandbox) -> None:
        self._toolchain = toolchain
        self._sandbox = sandbox
        self._running: Running | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        inside = Path(str(resources.files("harness.hcl") / "inside"))
        python = self._toolchain.python
        self._running = self._sandbox.start(
            Command(
                argv=(str(python), "-s", "-B", f"{_INSIDE}/reader.py"),
                cwd="/tmp",
                env={"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"},
                mounts=(*python_mounts(self._toolchain), Mount(inside, _INSIDE)),
                limits=_LIMITS,
            )
        )
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; harmless when repeated."""
        if self._running is not None:
            self._running.kill()
            self._running.finish()
            self._running = None

    def read(self, files: Mapping[str, str]) -> dict[str, Any]:
        """By path, `{"body": ...}` or `{"error": ..., "line": ...}`. Raises `HarnessFault` where there is no answer in time."""
        with self._lock:
            if self._running is None or self._running.popen.stdin is None or self._running.popen.stdout is None:
                raise HarnessFault("the reader of .tf files has ended", "run again")
            try:
                self._running.popen.stdin.write(json.dumps(files).encode() + b"\n")
                self._running.popen.stdin.flush()
                answer: dict[str, Any] = json.loads(self._receive(self._running.popen.stdout.fileno()))
            except (BrokenPipeError, ValueError) as error:
                raise self._fault("died") from error
            return answer

    def _receive(self, descriptor: int) -> bytes:
        received, deadline = bytearray(), time.monotonic() + _SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not received.endswith(b"\n"):
                left = deadline - time.monotonic()
                block = os.read(descriptor, 1 << 20) if left > 0 and selector.select(left) else b""
                if not block:
                    raise self._fault("died" if left > 0 and time.monotonic() < deadline else f"did not read the files within {_SECONDS:.0f} s")
                received += block
                if len(received) > _ANSWER_BYTES:
                    raise self._fault("gave an answer that is too large")
        return bytes(received)

    def _fault(self, what: str) -> HarnessFault:
        said = b""
        if self._running is not None:
            with contextlib.suppress(OSError):
                self._running.kill()
            said = self._running.finish().stderr
            self._running = None
        tail = said.decode(errors="replace").strip()[-300:]
        return HarnessFault(f"the reader of .tf files {what}" + (f": {tail}" if tail else ""), "install the pinned dependencies again: make setup")


def read_hcl(session: Session, files: Mapping[str, str]) -> dict[str, Any]:
    """Ask the session's reader, started on first use; one that broke is forgotten, so that the next tree gets a new one."""
    reader: HclReader = session.service(_SERVICE, lambda: HclReader(session.toolchain, session.sandbox))
    try:
        return reader.read(files)
    except HarnessFault:
        session.discard(_SERVICE)
        raise
