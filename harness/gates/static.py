"""What the gates that only read the code have in common: the sources in a folder, and a tool run over it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessFault
from harness.gates.base import Subject

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool printed, and what it took in seconds of wall time."""

    exit_code: int
    stdout: str
    stderr: str
    wall: float


def run_tool(subject: Subject, argv: Sequence[str], tool: Path) -> ToolOutput:
    """Run `tool` with `argv` in a folder that holds the subject's Python files and nothing else.

    The tools read the code and never run it; no setting of the tree reaches them. Raises `HarnessFault`.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        for path in subject.tree.python_files():
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(subject.tree.files[path])
        try:
            done = subprocess.run(
                [str(tool), *argv], cwd=folder, capture_output=True, text=True, errors="replace", timeout=_SECONDS,
                env={"PATH": "/usr/bin:/bin", "HOME": folder, "NO_COLOR": "1", "RUFF_NO_CACHE": "true"},
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise HarnessFault(f"{tool.name} did not run: {error}", "run `assay doctor`") from error
    return ToolOutput(done.returncode, done.stdout, done.stderr, time.monotonic() - started)


def python_key(subject: Subject, *extra: object) -> str:
    """A digest of the Python files and the gate's settings."""
    total = hashlib.sha256(json.dumps(extra, default=str).encode())
    for path in subject.tree.python_files():
        total.update(path.encode() + b"\0" + hashlib.sha256(subject.tree.files[path]).digest())
    return total.hexdigest()


NO_PYTHON = "the tree has no Python file"
