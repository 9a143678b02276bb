"""Runs inside the sandbox: keeps the provider and the emulated AWS running, and starts terraform on request.

usage: agent.py PROVIDER TERRAFORM ROOT

Requests and answers are JSON, one line each, on stdin and stdout; `harness/terraform/server.py` is the
other end and describes the fields. The first line says that the provider is ready.
"""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path, PurePosixPath
from typing import Any

from emulator import NEWS_PATH, RESET_PATH
from provider import Provider
from proxy import ProviderProxy

_LOGS = Path("/tmp")
_SOURCES = ("registry.terraform.io/hashicorp/aws", "registry.opentofu.org/hashicorp/aws")
_EMULATOR_SECONDS = 60
_OUTPUT_BYTES = 16 * 1024 * 1024
_INTERRUPT_SECONDS = 10
_ELAPSED = re.compile(r'"elapsed_seconds":(\d+)[^\n]*"type":"apply_progress"')
_TICKS = os.sysconf("SC_CLK_TCK")


class Emulator:
    """The emulated AWS. Its address is known from the start, its process begins with the first use."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """An empty account: a new one where somebody wrote to the last (a reset costs a second, for AWS's defaults)."""
        if self.process is None:
            script = Path(__file__).with_name("emulator.py")
            descriptor = self._socket.fileno()
            with (_LOGS / "emulator.log").open("wb") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-s", "-B", str(script), str(descriptor)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(descriptor,), env=os.environ | {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
                )  # fmt: skip
        elif json.loads(self._ask("GET", NEWS_PATH))["written"]:
            self._ask("POST", RESET_PATH)
        self._ask("GET", NEWS_PATH)

    def lacking(self) -> list[str]:
        """The operations that were asked for since `prepare` and that the emulator does not know."""
        return json.loads(self._ask("GET", NEWS_PATH))["lacking"]

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_EMULATOR_SECONDS)
        try:
            connection.request(method, path)
            return connection.getresponse().read()
        finally:
            connection.close()


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
        return max(map(float, _ELAPSED.findall(_start_of(self._output))), default=0.0)


class Agent:
    """One provider, one emulated AWS, one terraform at a time."""

    def __init__(self, provider: str, terraform: str, root: str) -> None:
        self._provider = provider
        self._terraform = terraform
        self._root = Path(root)
        self._emulator = Emulator()
        address = f"http://127.0.0.1:{self._emulator.port}"
        self._environment = dict(os.environ) | {"AWS_ENDPOINT_URL": address}
        self._numbers = itertools.count()
        self._proxy = ProviderProxy(self._start_provider)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run one terraform command in a fresh folder."""
        if not all(provider.alive for provider in self._proxy.providers):
            raise RuntimeError("the provider has ended")
        started, used = time.monotonic(), self._used()
        self._proxy.expect(request["types"])
        if request["emulator"]:
            self._emulator.prepare()
        try:
            for path, content in request["files"].items():
                self._write(path, base64.b64decode(content))
            folder = self._root / request["folder"]
            folder.mkdir(parents=True, exist_ok=True)
            ended = self._run(request["arguments"], folder, request["timeout"], request["patience"])
        finally:
            self._clear()
        if not all(provider.alive for provider in self._proxy.providers):
            raise RuntimeError("the provider ended while terraform ran")
        ended["lacking"] = self._emulator.lacking() if request["emulator"] and not ended["timed_out"] else []
        ended["cpu"] += self._used() - used
        ended["wall"] = time.monotonic() - started
        ended["resident"] = self._resident()
        return ended

    def _run(self, arguments: list[str], folder: Path, timeout: float, patience: float | None) -> dict[str, Any]:
        out, err = _LOGS / "terraform.out", _LOGS / "terraform.err"
        with out.open("wb") as stdout, err.open("wb") as stderr:
            process = subprocess.Popen(
                [self._terraform, *arguments], cwd=folder, env=self._terraform_environment(),
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True,
            )  # fmt: skip
            watch = Watch(process.pid, out, timeout, patience)
            _, status, usage = os.wait4(process.pid, 0)
            watch.stop()
            process.returncode = os.waitstatus_to_exitcode(status)
        return {
            "exit_code": process.returncode,
            "stdout": _start_of(out),
            "stderr": _start_of(err),
            "timed_out": watch.timed_out,
            "cpu": usage.ru_utime + usage.ru_stime,
            "peak_memory": usage.ru_maxrss * 1024,
        }

    def _terraform_environment(self) -> dict[str, str]:
        attach = {
            "Protocol": "grpc",
            "ProtocolVersion": self._proxy.protocol,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "tcp", "String": f"127.0.0.1:{self._proxy.port}"},
        }
        return self._environment | {"TF_REATTACH_PROVIDERS": json.dumps(dict.fromkeys(_SOURCES, attach))}

    def _start_provider(self) -> Provider:
        return Provider(self._provider, self._environment, _LOGS / f"provider-{next(self._numbers)}.log")

    def _write(self, path: str, content: bytes) -> None:
        relative = PurePosixPath(path)
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{path}: leaves the folder")
        target = self._root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def _clear(self) -> None:
        for entry in self._root.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()

    def _processes(self) -> list[int]:
        running = [provider.process.pid for provider in self._proxy.providers]
        return [os.getpid(), *running, *([self._emulator.process.pid] if self._emulator.process else [])]

    def _used(self) -> float:
        """CPU seconds of everything that stays, up to now."""
        return sum(_cpu_seconds(pid) for pid in self._processes())

    def _resident(self) -> dict[str, int]:
        """Peak bytes in memory of everything that stays, by what it is."""
        names = ["agent", *(f"provider-{number}" for number in range(len(self._proxy.providers))), "emulator"]
        return dict(zip(names, map(_peak_resident, self._processes()), strict=False))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak_resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _start_of(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_OUTPUT_BYTES).decode("utf-8", errors="replace")


def main(provider: str, terraform: str, root: str) -> None:
    """Answer requests until stdin ends; end at once when a server that everything needs has broken."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with (_LOGS / "agent.log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)

    def send(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        agent = Agent(provider, terraform, root)
        send({"ready": True})
        for line in sys.stdin:
            send(agent.answer(json.loads(line)))
    except Exception as error:
        # The other end tells the user, and starts anew.
        send({"fault": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
