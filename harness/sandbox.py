"""The one place that starts untrusted code.

Everything runs under bubblewrap: no network but a loopback of its own, the host's system folders
read-only, a private `/tmp` in memory, its own process, user and IPC namespaces, no capabilities, no
environment but what is handed in. The kernel limits processes, file size and memory per process; a
watch in `Running` limits wall time, output and the memory of all processes together.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import psutil

from harness.errors import HarnessFault, ToolMissing

INSTALL_HINT = "install it with: sudo apt-get install -y bubblewrap (or ask for --no-sandbox by name)"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "nsswitch.conf", "hosts", "localtime", "mime.types")
_FIRST_UID = 200_000
_UIDS = 60_000
_WATCH_SECONDS = 0.2
_commands = itertools.count()
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Mount:
    """A host folder or file shown inside at `target`, read-only unless `writable`."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """`wall` in seconds; `memory` (of all processes together, and of /tmp), `output` and `file_size` in bytes.

    `processes` counts threads too, as the kernel does.
    """

    wall: float = 60.0
    memory: int = 2 * 1024**3
    processes: int = 256
    output: int = 1024 * 1024
    file_size: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `env` is all the environment there is inside; `mounts` come on top of the read-only system.

    `user` is a number from `new_user`: commands that write to one folder have to be one user; 0 is a new one.
    """

    argv: tuple[str, ...]
    cwd: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()
    user: int = 0


@dataclass(frozen=True, slots=True)
class Completed:
    """How it ended. `stopped` is empty, or what limit ended it: `time`, `memory`, `processes` or `output`.

    `wall` and `cpu` are seconds, `peak_memory` the largest process in bytes.
    """

    exit_code: int
    stdout: bytes
    stderr: bytes
    stopped: str
    wall: float
    cpu: float
    peak_memory: int


class Running:
    """A started command. `stdin`, `stdout` and `stderr` are pipes; `finish` reads them to the end under the limits."""

    def __init__(self, popen: subprocess.Popen[bytes], limits: Limits, status_fd: int | None) -> None:
        self.popen = popen
        self.limits = limits
        self._status_fd = status_fd
        self.started = time.monotonic()

    def kill(self) -> None:
        """End the command and everything that it started."""
        # Not `Popen.kill`: it would take the exit status, and with it the record of what was used.
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.popen.pid, signal.SIGKILL)

    def finish(self, stdin: bytes = b"") -> Completed:
        """Feed `stdin`, collect the output, and wait; what goes over a limit is ended."""
        return self.finish_with(None, stdin)[0]

    def finish_with(self, extra_fd: int | None, stdin: bytes = b"") -> tuple[Completed, bytes]:
        """As `finish`, and also collect what arrives on the descriptor `extra_fd`, which is closed at the end."""
        pipes = {"stdout": bytearray(), "stderr": bytearray(), "extra": bytearray()}
        try:
            stopped = self._pump(stdin, pipes, extra_fd)
        finally:
            if extra_fd is not None:
                os.close(extra_fd)
        if stopped:
            self.kill()
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        cpu, peak = self._reap()
        completed = Completed(
            exit_code=self.popen.returncode,
            stdout=bytes(pipes["stdout"]),
            stderr=bytes(pipes["stderr"]),
            stopped=stopped,
            wall=time.monotonic() - self.started,
            cpu=cpu,
            peak_memory=peak,
        )
        return completed, bytes(pipes["extra"])

    def _reap(self) -> tuple[float, int]:
        """Wait for bubblewrap and for the first process inside, which it leaves to us; CPU seconds and peak bytes."""
        _, status, usage = os.wait4(self.popen.pid, 0)
        self.popen.returncode = os.waitstatus_to_exitcode(status)
        used = [usage]
        if self._status_fd is not None:
            with os.fdopen(self._status_fd) as lines:
                first = next((json.loads(line)["child-pid"] for line in lines if "child-pid" in line), None)
            self._status_fd = None
            if first is not None:
                with contextlib.suppress(ChildProcessError):
                    used.append(os.wait4(first, 0)[2])
        return sum(one.ru_utime + one.ru_stime for one in used), max(one.ru_maxrss for one in used) * 1024

    def _pump(self, stdin: bytes, pipes: dict[str, bytearray], extra_fd: int | None) -> str:
        assert self.popen.stdin and self.popen.stdout and self.popen.stderr
        if stdin:
            with contextlib.suppress(BrokenPipeError):
                self.popen.stdin.write(stdin)
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.close()
        with selectors.DefaultSelector() as selector:
            selector.register(self.popen.stdout, selectors.EVENT_READ, "stdout")
            selector.register(self.popen.stderr, selectors.EVENT_READ, "stderr")
            if extra_fd is not None:
                selector.register(extra_fd, selectors.EVENT_READ, "extra")
            next_watch = time.monotonic() + _WATCH_SECONDS
            while selector.get_map() or not self._ended():
                # Closed pipes are no end: a command may close its output and stay.
                for key, _ in selector.select(_WATCH_SECONDS) if selector.get_map() else ():
                    block = os.read(key.fd, 65_536)
                    if not block:
                        selector.unregister(key.fileobj)
                    pipes[key.data].extend(block)
                if not selector.get_map() and not self._ended():
                    time.sleep(0.002)
                if sum(map(len, pipes.values())) > self.limits.output:
                    return "output"
                if time.monotonic() >= next_watch:
                    if reason := self._over_limit():
                        return reason
                    next_watch = time.monotonic() + _WATCH_SECONDS
        return ""

    def _ended(self) -> bool:
        return os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def _over_limit(self) -> str:
        if time.monotonic() - self.started > self.limits.wall:
            return "time"
        memory = 0
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.popen.pid).children(recursive=True)
            if len(family) > self.limits.processes:
                return "processes"
            for process in family:
                with contextlib.suppress(psutil.Error):
                    memory += process.memory_info().rss
        return "memory" if memory > self.limits.memory else ""


@dataclass(frozen=True)
class Sandbox:
    """Starts commands under `bwrap`; `bwrap` is None only where `--no-sandbox` was asked for by name."""

    bwrap: Path | None

    def run(self, command: Command, *, stdin: bytes = b"", pass_fds: tuple[int, ...] = ()) -> Completed:
        """Run to the end under the command's limits."""
        return self.start(command, pass_fds=pass_fds).finish(stdin)

    def start(self, command: Command, *, pass_fds: tuple[int, ...] = ()) -> Running:
        """Start and leave running; the caller talks to the pipes and ends it with `kill` or `finish`.

        File descriptors in `pass_fds` keep their numbers inside.
        """
        for mount in command.mounts:
            if mount.writable and os.geteuid() == 0:
                _open_to_all(mount.source)
        if self.bwrap is None:
            command = _in_place(command)
        status_read, status_write = os.pipe() if self.bwrap else (None, None)
        argv = self._argv(command, status_write)
        try:
            popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=pass_fds if status_write is None else (*pass_fds, status_write),
                env=dict(command.env),
                cwd=None if self.bwrap else command.cwd,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise HarnessFault(f"{argv[0]}: cannot be started", "run `assay doctor` to see which tool is missing") from error
        finally:
            if status_write is not None:
                os.close(status_write)
        return Running(popen, command.limits, status_read)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A host folder that can be mounted writable; removed at the end, whatever was left in it."""
        outer = Path(tempfile.mkdtemp(prefix="assay-"))
        outer.chmod(0o711)
        inner = Path(tempfile.mkdtemp(dir=outer))
        inner.chmod(0o755)
        try:
            yield inner
        finally:
            shutil.rmtree(outer, onerror=_force_remove)

    def works(self) -> str:
        """Empty when a command really runs inside; otherwise what went wrong."""
        if self.bwrap is None:
            return ""
        done = self.run(Command(("true",), env={"PATH": "/usr/bin:/bin"}, limits=Limits(wall=10)))
        return "" if done.exit_code == 0 else done.stderr.decode(errors="replace").strip() or f"exit code {done.exit_code}"

    def _argv(self, command: Command, status_fd: int | None) -> list[str]:
        limits = command.limits
        prlimit = ["prlimit", f"--nproc={limits.processes}", f"--fsize={limits.file_size}", f"--data={limits.memory}", "--core=0"]
        if self.bwrap is None:
            return [*prlimit[:1], *prlimit[2:], "--", *command.argv]
        argv = [str(self.bwrap), "--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-net"]
        argv += ["--unshare-uts", "--unshare-cgroup-try", "--hostname", "assay", "--json-status-fd", str(status_fd)]
        argv += ["--perms", "0755", "--dir", "/etc", *_system_mounts(), "--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/dev/shm"]
        argv += ["--perms", "1777", "--size", str(limits.memory), "--tmpfs", "/tmp"]
        drop: list[str] = []
        if os.geteuid() == 0:
            # A limit on processes does not bind root, whatever its namespace; a user of its own does.
            uid = str(command.user or new_user())
            drop = ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"]
        else:
            argv += ["--unshare-user"]
        for parent in _parents(mount.target for mount in command.mounts):
            argv += ["--perms", "0755", "--dir", parent]
        for mount in command.mounts:
            argv += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.target]
        return [*argv, "--remount-ro", "/", "--chdir", command.cwd, "--", *drop, *prlimit, "--", *command.argv]


def new_user() -> int:
    """A user that no other command has; it counts only where Assay itself runs as root."""
    return _FIRST_UID + (os.getpid() * 64 + next(_commands)) % _UIDS


def open_sandbox(bwrap: Path | None, *, allow_none: bool = False) -> Sandbox:
    """A sandbox that was tried once. Raises `ToolMissing` with the line that installs it where it does not work."""
    if allow_none:
        return Sandbox(None)
    if bwrap is None:
        raise ToolMissing("bubblewrap (bwrap) is not on this machine; untrusted code does not run without it", INSTALL_HINT)
    # Bubblewrap leaves before the first process inside it is waited for; as its reaper we learn what it used.
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    sandbox = Sandbox(bwrap)
    if problem := sandbox.works():
        raise ToolMissing(
            f"bubblewrap does not work on this machine: {problem}",
            "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), or ask for --no-sandbox by name",
        )
    return sandbox


def _in_place(command: Command) -> Command:
    """The command without a sandbox: what would be mounted is named by its place on the host instead."""
    places = sorted(((mount.target, str(mount.source)) for mount in command.mounts), key=lambda pair: -len(pair[0]))

    def translate(text: str) -> str:
        for target, source in places:
            if text == target or text.startswith(target + "/"):
                return source + text[len(target) :]
        return text

    return replace(
        command,
        argv=tuple(translate(word) for word in command.argv),
        cwd=translate(command.cwd),
        env={name: translate(value) for name, value in command.env.items()},
    )


def _parents(targets: Iterable[str]) -> list[str]:
    """The folders above all targets, outermost first: bubblewrap would make them readable by its own user only."""
    found = {str(parent) for target in targets for parent in PurePosixPath(target).parents}
    return sorted(path for path in found if path not in ("/", "/tmp", "/etc") and not path.startswith(("/usr", "/dev", "/proc")))


def _system_mounts() -> list[str]:
    argv: list[str] = []
    for folder in _SYSTEM:
        path = Path(folder)
        if path.is_symlink():
            argv += ["--symlink", os.readlink(path), folder]
        elif path.is_dir():
            argv += ["--ro-bind", folder, folder]
    for name in _ETC:
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return argv


def _open_to_all(root: Path) -> None:
    """Let the sandbox's own user write below `root`; only needed where Assay itself runs as root."""
    root.chmod(0o777)
    for folder, subfolders, names in os.walk(root):
        for name in subfolders:
            os.chmod(os.path.join(folder, name), 0o777)
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode | 0o666)


def _force_remove(function: object, path: str, error: object) -> None:
    """Remove what untrusted code made unreadable."""
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), 0o700)
        os.chmod(path, 0o700)
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.unlink(path)
