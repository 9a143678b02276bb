"""Runs one command of a provisioner in a sandbox inside the sandbox.

usage: shield.py ADDRESS [--set NAME=VALUE]... [--settings JSON] -- INTERPRETER... COMMAND

Terraform starts this in place of the interpreter that the provisioner asks for. The command gets processes, a network and a
/tmp of its own and a read-only file system, so that it can reach neither terraform, the provider, the agent nor what they
write. Of the world it has what it would have of AWS: a port on which this process answers, and hands on to the emulator. The
case's files are its own copy; what it made of them is taken over when all its processes are gone, but nothing that terraform reads.

What became of it is one line in a file that the command cannot see (`RECORD`). Where the command could not be run as it was
meant (a program, a network that nobody has here), terraform is told that it went well, so that the rest is deployed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLACE = "ASSAY_SHIELD"
"""The variable in which the agent says where things are. Terraform hands it on; the provisioner's own `environment` cannot change it, since
that comes as arguments."""
RECORD = ".assay-provisioners"
_PROTECTED = re.compile(r"(?:^|/)(?:\.assay|\.terraform|terraform\.tfstate|errored\.tfstate)|\.tf(?:\.json)?$|\.tfvars(?:\.json)?$|\.plan$", re.IGNORECASE)
"""What terraform reads or writes itself: nothing of it is shown to a command but the configuration, and nothing of it taken over."""
_HIDDEN = re.compile(r"^(?:\.assay|\.terraform|terraform\.tfstate|errored\.tfstate)|\.plan$", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"(?:PATH|HOME|LANG|AWS_\w+)\Z")
_TAKEN_OVER = 128 * 1024 * 1024
_TEMPORARY = 512 * 1024 * 1024
_TAIL = 16 * 1024
_ATTEMPTS = 3
_NAMED = 3
_SERVER_FAILURE = b"\x81\x82"
"""The second two bytes of an answer in the domain name system: a response, with the code for a failure that may be gone later."""
_NOT_FOUND = re.compile(r": (?:line )?\d+: ([\w./+-]+): (?:command )?not found\b(?!:)|([\w./+-]+): command not found\b(?!:)|command not found: ([\w./+-]+)")
"""As dash, bash and zsh say it, and nothing else that was not found."""
_NO_PROGRAM = re.compile(r"No such file or directory: '([^'/\s]+)'|exec: \"([^\"/\s]+)\": executable file not found|env: [‘'`]?([\w.+-]+)['’]?: No such file")
_NO_NETWORK = re.compile(r"[Nn]etwork is unreachable|ENETUNREACH|[Cc]annot connect to the Docker daemon")


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are: bubblewrap, the case's root, the stack's folder in it, the folder that the provider stands in, the emulator's port."""

    bwrap: str
    root: str
    folder: str
    desk: str
    port: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Exit code, the last of what was said, the program that could not be started, and the machines whose addresses were asked for."""

    code: int
    tail: str
    absent: str
    asked: tuple[str, ...]


class ShieldError(Exception):
    """The sandbox could not be made; the command was not run."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; the exit code that terraform gets."""
    place = Place(**json.loads(os.environ[PLACE]))
    address, environment, command = _read(arguments)
    environment = {name: value for name, value in os.environ.items() if _ENVIRONMENT.match(name)} | environment
    record: dict[str, Any] = {"address": address}
    try:
        with tempfile.TemporaryDirectory(prefix="provisioner-", ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / "case"
            before = _copied(Path(place.root), copy)
            ended = _shielded(place, copy, environment, command)
            code, lacks = ended.code, _lacking(ended, environment, place.root)
            record |= {"exit_code": code, **lacks}
            _take_over(copy, before, place)
    except ShieldError as error:
        code, lacks = 0, {"shield": str(error)[-300:]}
        record |= lacks
    with (Path(place.root) / place.folder / RECORD).open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    return 0 if lacks else code


def _read(arguments: Sequence[str]) -> tuple[str, dict[str, str], list[str]]:
    address, *rest = arguments
    environment: dict[str, str] = {}
    while rest and rest[0] != "--":
        kind, value, *rest = rest
        if kind == "--set":
            name, _, text = value.partition("=")
            environment[name] = text
        else:
            environment |= {name: _text(one) for name, one in (json.loads(value) or {}).items() if one is not None}
    return address, environment, rest[1:]


def _text(value: Any) -> str:
    """A value as terraform turns it into text."""
    return value if isinstance(value, str) else json.dumps(value)


def _shielded(place: Place, copy: Path, environment: Mapping[str, str], command: Sequence[str]) -> Ended:
    """Run the command to its end. Raises `ShieldError`."""
    said = ""
    for _ in range(_ATTEMPTS):
        ours, theirs = socket.socketpair()
        inner = [sys.executable, "-E", "-s", "-B", str(Path(__file__).with_name("shielded.py")), str(theirs.fileno()), str(place.port)]
        with ours, theirs:
            process = subprocess.Popen(
                [*_sandbox(place, copy), "--", *inner, json.dumps(dict(environment)), "--", *command], env={"PATH": os.defpath}, pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            theirs.close()
            # These sockets were made in the command's network, and are served from here, where the emulator is.
            descriptors = socket.recv_fds(ours, 1, 2)[1]
            if len(descriptors) == 2:
                listening, names = (socket.socket(fileno=descriptor) for descriptor in descriptors)
                asked: list[str] = []
                threading.Thread(target=_serve, args=(listening, place.port), daemon=True).start()
                threading.Thread(target=_answer_names, args=(names, asked), daemon=True).start()
                tail = _passed_on(process)
                return Ended(process.wait(), tail, ours.recv(1024).decode(errors="replace"), tuple(dict.fromkeys(asked)))
            said = process.communicate()[0].decode(errors="replace").strip()
    raise ShieldError(said or "bubblewrap does not start inside the sandbox")


def _sandbox(place: Place, copy: Path) -> list[str]:
    words = [place.bwrap, "--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    words += ["--ro-bind", "/", "/", "--size", str(_TEMPORARY), "--perms", "1777", "--tmpfs", "/tmp", "--dev-bind", "/dev", "/dev", "--tmpfs", "/dev/shm"]
    words += ["--cap-add", "CAP_NET_BIND_SERVICE"]
    words += ["--bind", str(copy), place.root, *_processes(), "--chdir", os.getcwd()]
    return words


def _processes() -> list[str]:
    """A /proc of its own, where the kernel allows one. Where Assay runs as root it does not, since bubblewrap has covered a part of the outer one:
    then that is shown, without the processes that matter."""
    if not any(line.split()[4].startswith("/proc/") for line in Path("/proc/self/mountinfo").read_text().splitlines()):
        return ["--proc", "/proc"]
    parents = dict(_parents())
    shown = os.getpid()
    above = [shown]
    while shown := parents.get(shown, 0):
        above.append(shown)
    # Not those that terraform started: other commands come and go while this is put together.
    beside = [pid for pid, parent in parents.items() if parent in above[2:]]
    return ["--ro-bind", "/proc", "/proc", *(word for pid in sorted({*above, *beside}) for word in ("--tmpfs", f"/proc/{pid}"))]


def _parents() -> Iterator[tuple[int, int]]:
    """Each process with its parent."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry), int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1])


def _passed_on(process: subprocess.Popen[bytes]) -> str:
    """Hand what the command says to terraform; the last of it."""
    assert process.stdout
    tail = b""
    while block := os.read(process.stdout.fileno(), 65536):
        tail = (tail + block)[-_TAIL:]
        with contextlib.suppress(OSError):
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()
    return tail.decode(errors="replace")


def _serve(listening: socket.socket, port: int) -> None:
    """Hand every connection on to the emulator."""
    with contextlib.suppress(OSError):
        while True:
            near = listening.accept()[0]
            try:
                far = socket.create_connection(("127.0.0.1", port))
            except OSError:
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _answer_names(names: socket.socket, asked: list[str]) -> None:
    """Say at once of every machine that its address cannot be found out now, and remember its name."""
    with contextlib.suppress(OSError):
        while True:
            question, sender = names.recvfrom(4096)
            labels, at = [], 12
            while at < len(question) and question[at]:
                labels.append(question[at + 1 : at + 1 + question[at]].decode("ascii", errors="replace"))
                at += 1 + question[at]
            if len(question) > 12:
                # A name without a dot is that of this machine.
                asked += [".".join(labels)[:255]] if len(labels) > 1 and len(asked) < _TAIL else []
                names.sendto(question[:2] + _SERVER_FAILURE + question[4:], sender)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _lacking(ended: Ended, environment: Mapping[str, str], root: str) -> dict[str, str]:
    """What the command asked for and nobody has here: `tool` or `network`; empty where it went well, or failed by itself."""
    if ended.code == 0:
        return {}
    path = environment.get("PATH", os.defpath)
    said = [*_NOT_FOUND.findall(ended.tail), *_NO_PROGRAM.findall(ended.tail)]
    mentioned = [ended.absent] if ended.absent else [name for found in said for name in found if name]
    for name in mentioned:
        if _is_outside(name, root) and shutil.which(name, path=path) is None:
            return {"tool": name}
    if ended.asked:
        return {"network": ", ".join(ended.asked[:_NAMED])}
    return {"network": found[0]} if (found := _NO_NETWORK.search(ended.tail)) else {}


def _is_outside(name: str, root: str) -> bool:
    """Whether a program is one of the machine: what has a path in the case, or a relative one, the case should have brought."""
    return "/" not in name or (name.startswith("/") and not name.startswith((f"{root}/", "/tmp/")))


def _copied(root: Path, copy: Path) -> dict[str, tuple[int, int]]:
    """Copy the case, without what is terraform's; the sign of each file by its path, to see later which changed."""
    shutil.copytree(root, copy, symlinks=True, ignore=lambda _, names: [name for name in names if _HIDDEN.search(name)])
    signs = {}
    for path, at in _files(copy):
        # A tree knows nothing of permissions: a script says by its first line that it is to be run.
        with at.open("rb") as file:
            script = file.read(2) == b"#!"
        at.chmod(0o755 if script else 0o644)
        signs[path] = _sign(at)
    return signs


def _files(copy: Path) -> Iterator[tuple[str, Path]]:
    """The plain files, by path."""
    for folder, _, names in os.walk(copy):
        for name in names:
            at = Path(folder, name)
            with contextlib.suppress(OSError):
                if stat.S_ISREG(at.lstat().st_mode):
                    yield str(at.relative_to(copy)), at


def _sign(at: Path) -> tuple[int, int]:
    found = at.lstat()
    return found.st_mtime_ns, found.st_size


def _take_over(copy: Path, before: Mapping[str, tuple[int, int]], place: Place) -> None:
    """Take over the files that the command wrote: no links, nothing that terraform reads, and not more than there is room for."""
    room = _TAKEN_OVER
    for folder, names, _ in os.walk(copy):
        for name in names:
            at = Path(folder, name)
            path = str(at.relative_to(copy))
            if not at.is_symlink() and not _PROTECTED.search(path):
                with contextlib.suppress(OSError):
                    (Path(place.root) / path).mkdir(parents=True, exist_ok=True)
    for path, at in _files(copy):
        if before.get(path) == _sign(at) or _PROTECTED.search(path) or (room := room - at.lstat().st_size) < 0:
            continue
        with contextlib.suppress(OSError):
            target = Path(place.root) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # Whole at every moment: terraform may be reading it.
            part = target.with_name(f".assay-{os.getpid()}")
            shutil.copyfile(at, part, follow_symlinks=False)
            os.replace(part, target)
    # The provider reads files from a folder of its own, which showed what there was at the start.
    for entry in (Path(place.root) / place.folder).iterdir():
        with contextlib.suppress(FileExistsError):
            (Path(place.desk) / entry.name).symlink_to(entry)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
