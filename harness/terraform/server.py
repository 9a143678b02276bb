"""The outside of the terraform server: starts the agent in the sandbox and asks it, one command at a time."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import selectors
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

from harness.errors import HarnessFault
from harness.sandbox import Command, Limits, Mount, Running, Sandbox
from harness.session import Session
from harness.synth.kernel import CASE_ROOT
from harness.synth.launcher import python_mounts
from harness.toolchain import Toolchain

_SERVICE = "terraform"
_AGENT = "/assay"
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


@dataclass(frozen=True, slots=True)
class TerraformCall:
    """One terraform command in a fresh folder.

    `files` are written below the folder that a tree has during synth, `folder` is where terraform starts.
    `types` are the names under `resource` and `data` that the configuration uses (the provider then
    answers with these types only; None for all). `emulator` says whether AWS is needed; the account is
    empty each time. `timeout` is in seconds; so is `patience`: where one resource or data source takes
    longer (terraform reports that in `-json` output only), terraform is interrupted and says what it knows.
    """

    arguments: tuple[str, ...]
    files: Mapping[str, bytes]
    folder: str
    types: Mapping[str, tuple[str, ...]] | None = None
    emulator: bool = False
    timeout: float = 60.0
    patience: float | None = None

    def request(self) -> str:
        """The line that the agent reads."""
        files = {path: base64.b64encode(content).decode() for path, content in sorted(self.files.items())}
        fields = {"arguments": self.arguments, "files": files, "folder": self.folder, "types": self.types}
        return json.dumps(fields | {"emulator": self.emulator, "timeout": self.timeout, "patience": self.patience}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class TerraformAnswer:
    """How a command ended. `lacking` names the AWS operations that the emulator does not know.

    `wall` and `cpu` are seconds, `cpu` with what provider and emulator did for it; `peak_memory` is
    terraform's, `resident` the peak of each process that stays, in bytes.
    """

    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool
    lacking: tuple[str, ...]
    wall: float
    cpu: float
    peak_memory: int
    resident: Mapping[str, int]


class TerraformServer:
    """A context manager. Raises `HarnessFault` where the server does not start, or dies; it is of no use afterwards.

    A command that was asked before is answered from memory, at no cost. Safe to call from several threads.
    """

    def __init__(self, toolchain: Toolchain, sandbox: Sandbox) -> None:
        self._toolchain = toolchain
        self._sandbox = sandbox
        self._stack = contextlib.ExitStack()
        self._running: Running | None = None
        self._received = bytearray()
        self._answered: dict[str, TerraformAnswer] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        try:
            folder = self._stack.enter_context(self._sandbox.scratch())
            self._running = self._sandbox.start(self._command(folder))
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
        self._stack.close()

    def call(self, call: TerraformCall) -> TerraformAnswer:
        """Run one command. After one that ran out of time the server is closed: nobody knows what the provider still does."""
        request = call.request()
        digest = hashlib.sha256(request.encode()).hexdigest()
        with self._lock:
            if known := self._answered.get(digest):
                return replace(known, wall=0.0, cpu=0.0)
            answer = self._ask(request, call.timeout)
            if answer.timed_out:
                self.close()
            else:
                self._answered[digest] = answer
            return answer

    @property
    def running(self) -> bool:
        """Whether it can be asked."""
        return self._running is not None

    def _ask(self, request: str, timeout: float) -> TerraformAnswer:
        if self._running is None or self._running.popen.stdin is None:
            raise HarnessFault("the terraform server has ended", "run again; `assay doctor` says whether terraform works here")
        try:
            self._running.popen.stdin.write(request.encode() + b"\n")
            self._running.popen.stdin.flush()
            fields = self._receive(timeout + _GRACE_SECONDS)
        except BrokenPipeError as error:
            self.close()
            raise HarnessFault("the terraform server died", "run again; `assay doctor` says whether terraform works here") from error
        fields["lacking"] = tuple(fields["lacking"])
        return TerraformAnswer(**fields)

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
        terraform, provider, python = self._toolchain.terraform, self._toolchain.provider, self._toolchain.python
        if terraform is None or provider is None:
            raise HarnessFault("terraform or its provider is missing", "run `assay doctor`")
        inside = Path(str(resources.files("harness.terraform") / "inside"))
        mounts = [*python_mounts(self._toolchain), Mount(inside, _AGENT), Mount(folder, CASE_ROOT, writable=True)]
        mounts += [Mount(tool, str(tool)) for tool in (terraform.resolve(), provider.resolve()) if not tool.is_relative_to("/usr")]
        return Command(
            argv=(str(python), "-s", "-B", f"{_AGENT}/agent.py", str(provider.resolve()), str(terraform.resolve()), CASE_ROOT),
            cwd="/tmp",
            env={"PATH": f"{python.parent}:/usr/bin:/bin", **_ENVIRONMENT},
            mounts=tuple(mounts),
            limits=_LIMITS,
        )


def call_terraform(session: Session, call: TerraformCall) -> TerraformAnswer:
    """Ask the session's server, started on first use; a server that breaks is started once more."""
    for attempt in (1, 2):
        server: TerraformServer = session.service(_SERVICE, lambda: TerraformServer(session.toolchain, session.sandbox))
        try:
            answer = server.call(call)
        except HarnessFault:
            session.discard(_SERVICE)
            if attempt == 2:
                raise
        else:
            if not server.running:
                session.discard(_SERVICE)
            return answer
    raise AssertionError("unreachable")
