"""CONTRACT DRAFT (being implemented): the one place that starts untrusted code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Mount:
    """A host folder or file shown inside at `target`."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of wall time, bytes of memory and output, count of processes."""

    wall: float = 60.0
    memory: int = 2 * 1024**3
    processes: int = 256
    output: int = 1024 * 1024
    file_size: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `env` is all the environment there is inside; `mounts` come on top of the read-only system."""

    argv: tuple[str, ...]
    cwd: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Completed:
    """How it ended. `stopped` is empty, or why the sandbox ended it: `time`, `memory`, `processes`, `output`."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    stopped: str
    wall: float
    cpu: float
    peak_memory: int


class Sandbox:
    """Starts commands inside bubblewrap: no network but its own loopback, the host read-only, a private /tmp."""

    def run(self, command: Command, *, stdin: bytes = b"", pass_fds: tuple[int, ...] = ()) -> Completed:
        """Run to the end under the command's limits."""
        raise NotImplementedError

    def start(self, command: Command, *, pass_fds: tuple[int, ...] = ()):
        """Start and leave running: a `subprocess.Popen` whose stdin, stdout and stderr are pipes (no wall limit)."""
        raise NotImplementedError
