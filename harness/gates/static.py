"""What the gates that only read the code have in common: the sources in a folder, and a tool run over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import HarnessFault
from harness.gates.base import Subject
from harness.sandbox import Command, Limits, Mount
from harness.session import Session
from harness.synth.launcher import python_mounts
from harness.tree import Tree

SOURCES = "/sources"
_LIMITS = Limits(wall=60, output=16 * 1024**2)


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool printed, and what it took in seconds."""

    exit_code: int
    stdout: str
    stderr: str
    wall: float
    cpu: float


def run_tool(subject: Subject, session: Session, tool: str, argv: Sequence[str]) -> ToolOutput:
    """Run `tool` with `argv` in a folder that holds the subject's Python files and nothing else.

    The tools read the code and never run it; no setting of the tree reaches them. Raises `HarnessFault`.
    """
    sources = Tree({path: subject.tree.files[path] for path in subject.tree.python_files()})
    with session.sandbox.scratch() as folder:
        sources.write(folder)
        command = Command(
            argv=(str(session.toolchain.executable(tool)), *argv),
            cwd=SOURCES,
            env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "NO_COLOR": "1"},
            mounts=(*python_mounts(session.toolchain), Mount(folder, SOURCES)),
            limits=_LIMITS,
        )
        done = session.sandbox.run(command)
    if done.stopped:
        raise HarnessFault(f"{tool} went over its limit of {done.stopped} on this tree", "run `assay doctor`")
    return ToolOutput(done.exit_code, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"), done.wall, done.cpu)


def python_key(subject: Subject, *extra: object) -> str:
    """A digest of the Python files and the gate's settings."""
    total = hashlib.sha256(json.dumps(extra, default=str).encode())
    for path in subject.tree.python_files():
        total.update(path.encode() + b"\0" + hashlib.sha256(subject.tree.files[path]).digest())
    return total.hexdigest()


NO_PYTHON = "the tree has no Python file"
