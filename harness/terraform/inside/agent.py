"""Runs inside the sandbox: keeps the provider and the emulated AWS running, and starts terraform on request.

usage: agent.py PROVIDER TERRAFORM ROOT BWRAP

`BWRAP` shields the commands of provisioners; empty where there is no sandbox at all.

Requests and answers are JSON, one line each, on stdin and stdout; `harness/terraform/server.py` is the
other end and describes the fields. The first line says that the provider is ready.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import http.client
import itertools
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

from clock import Nudge, nudged
from command import run_command
from emulator import NEWS_PATH, PASSWORD_HEADER, RESET_PATH
from provider import Provider
from proxy import ProviderProxy
from shield import PLACE

_LOGS = Path("/tmp")
_SOURCES = ("registry.terraform.io/hashicorp/aws", "registry.opentofu.org/hashicorp/aws")
_DESK = "cdktf.out/stacks/any"
"""Where the providers stand, below a folder of their own: as deep as a stack's folder below the root, so that `..` leads to the same files."""
_EMULATOR_SECONDS = 60
_RATE = 20
"""How many times as fast the provider's waits pass: what it waits 60 s for takes 3 s."""
_PR_SET_DUMPABLE = 4
_TICKS = os.sysconf("SC_CLK_TCK")


class Emulator:
    """The emulated AWS. Its address is known from the start, its process begins with the first use."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        # What a provisioner runs can ask the emulator as well, but for nothing of ours.
        self._password = secrets.token_hex(16)

    def prepare(self) -> None:
        """An empty account: a new one where somebody wrote to the last (a reset costs a second, for AWS's defaults)."""
        if self.process is None:
            script = Path(__file__).with_name("emulator.py")
            descriptor = self._socket.fileno()
            with (_LOGS / "emulator.log").open("wb") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-s", "-B", str(script), str(descriptor)],
                    stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=(descriptor,), env=os.environ | {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},
                )  # fmt: skip
            assert self.process.stdin
            self.process.stdin.write(self._password.encode())
            self.process.stdin.close()
        elif json.loads(self._ask("GET", NEWS_PATH))["written"]:
            self._ask("POST", RESET_PATH)
        self._ask("GET", NEWS_PATH)

    def lacking(self) -> list[str]:
        """The operations that were asked for since `prepare` and that the emulator does not know."""
        return json.loads(self._ask("GET", NEWS_PATH))["lacking"]

    def _ask(self, method: str, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_EMULATOR_SECONDS)
        try:
            connection.request(method, path, headers={PASSWORD_HEADER: self._password})
            return connection.getresponse().read()
        finally:
            connection.close()


class Agent:
    """One provider, one emulated AWS, one request at a time."""

    def __init__(self, provider: str, terraform: str, root: str, bwrap: str) -> None:
        self._provider = provider
        self._terraform = terraform
        self._root = Path(root)
        self._bwrap = bwrap
        self._desks = Path(tempfile.mkdtemp(dir=_LOGS))
        self._desk = self._desks / _DESK
        self._desk.mkdir(parents=True)
        self._emulator = Emulator()
        address = f"http://127.0.0.1:{self._emulator.port}"
        self._environment = dict(os.environ) | {"AWS_ENDPOINT_URL": address}
        self._numbers = itertools.count()
        self._proxy = ProviderProxy(self._start_provider)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run the rounds of commands in fresh folders, all of them in one account; those of one round at the same time."""
        self._check("the provider has ended")
        started, used = time.monotonic(), self._used()
        if request["emulator"]:
            self._emulator.prepare()
        rounds: list[dict[str, Any]] = []
        codes: dict[tuple[int, str], int] = {}
        try:
            for path, content in request["files"].items():
                self._write(path, base64.b64decode(content))
            self._lay_out([step["folder"] for steps in request["rounds"] for step in steps])
            for number, steps in enumerate(request["rounds"]):
                with nudged(self._nudges):
                    answers = self._round(steps, codes)
                codes |= {(number, step["folder"]): answer["exit_code"] for step, answer in zip(steps, answers, strict=True) if answer}
                late = any(answer and answer["timed_out"] for answer in answers)
                rounds.append({"answers": answers, "lacking": self._emulator.lacking() if request["emulator"] and not late else []})
                if late:
                    break
                self._check("the provider ended while terraform ran")
        finally:
            self._clear()
        commands = sum(answer["cpu"] for done in rounds for answer in done["answers"] if answer)
        return {"rounds": rounds, "cpu": self._used() - used + commands, "wall": time.monotonic() - started, "resident": self._resident()}

    def _check(self, problem: str) -> None:
        if not all(provider.alive for provider in self._proxy.providers):
            raise RuntimeError(problem)

    def _round(self, steps: list[dict[str, Any]], codes: dict[tuple[int, str], int]) -> list[dict[str, Any] | None]:
        """The answers of the steps; None for one that an earlier exit code, by round and folder, rules out."""
        due = [step["when"] is None or codes.get((step["when"][0], step["folder"])) == step["when"][1] for step in steps]
        self._proxy.expect(_all_types([step["types"] for step, is_due in zip(steps, due, strict=True) if is_due]))
        with ThreadPoolExecutor(max(len(steps), 1)) as pool:
            running = [pool.submit(self._run, step) if is_due else None for step, is_due in zip(steps, due, strict=True)]
            return [future and future.result() for future in running]

    def _run(self, step: dict[str, Any]) -> dict[str, Any]:
        folder = self._root / step["folder"]
        with tempfile.TemporaryDirectory(dir=_LOGS) as logs:
            return run_command(self._terraform, step, folder, self._terraform_environment() | self._place(step["folder"]), Path(logs))

    def _terraform_environment(self) -> dict[str, str]:
        attach = {
            "Protocol": "grpc",
            "ProtocolVersion": self._proxy.protocol,
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "tcp", "String": f"127.0.0.1:{self._proxy.port}"},
        }
        return self._environment | {"TF_REATTACH_PROVIDERS": json.dumps(dict.fromkeys(_SOURCES, attach))}

    def _place(self, folder: str) -> dict[str, str]:
        """What a provisioner's command is started with."""
        place = {"bwrap": self._bwrap, "root": str(self._root), "folder": folder, "desk": str(self._desk), "port": self._emulator.port}
        return {PLACE: json.dumps(place)}

    def _start_provider(self) -> Provider:
        return Provider(self._provider, self._environment, _LOGS / f"provider-{next(self._numbers)}.log", self._desk, _RATE)

    def _nudges(self) -> list[Nudge]:
        return [provider.nudge for provider in list(self._proxy.providers) if provider.nudge]

    def _write(self, path: str, content: bytes) -> None:
        relative = PurePosixPath(path)
        if relative.is_absolute() or ".." in relative.parts:
            raise ValueError(f"{path}: leaves the folder")
        target = self._root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def _lay_out(self, folders: list[str]) -> None:
        """Make the folders, and show the providers what is in them: a provider reads a Lambda's archive by its path relative to
        the stack's folder, where terraform would have started it."""
        shown: list[tuple[Path, Path]] = []
        for name in dict.fromkeys(folders):
            folder = self._root / name
            folder.mkdir(parents=True, exist_ok=True)
            shown += [(entry, self._desk) for entry in folder.iterdir()]
        for above in self._above():
            there = self._root / above.relative_to(self._desks)
            shown += [(entry, above) for entry in (there.iterdir() if there.is_dir() else ())]
        for entry, place in shown:
            with contextlib.suppress(FileExistsError):
                (place / entry.name).symlink_to(entry)

    def _above(self) -> list[Path]:
        return [folder for folder in self._desk.parents if folder.is_relative_to(self._desks)]

    def _clear(self) -> None:
        for entry in [*self._root.iterdir(), *(entry for place in (*self._above(), self._desk) for entry in place.iterdir())]:
            if not self._desk.is_relative_to(entry):
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


def _all_types(wanted: list[dict[str, list[str]] | None]) -> dict[str, list[str]] | None:
    """What several configurations use together; None where one of them may use anything."""
    if any(types is None for types in wanted):
        return None
    return {kind: sorted({name for types in wanted if types for name in types[kind]}) for kind in ("resource", "data")}


def main(provider: str, terraform: str, root: str, bwrap: str = "") -> None:
    """Answer requests until stdin ends; end at once when a server that everything needs has broken."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with (_LOGS / "agent.log").open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)

    def send(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    # What runs inside as the same user shall not look into this process, nor write to its descriptors.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        agent = Agent(provider, terraform, root, bwrap)
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
