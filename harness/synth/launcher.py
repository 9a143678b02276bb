"""Runs a tree's program, or its tests, with the fast kernel; one call, two sandboxes, one answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from harness.sandbox import Command, Completed, Limits, Mount, Sandbox, new_user
from harness.synth.kernel import CASE_ROOT, STAND_INS, KernelFiles, KernelReport, prepare_kernel, start_kernel
from harness.synth.produced import collect
from harness.toolchain import Toolchain
from harness.tree import Tree

_LAZY_PACKAGES = "cdktf_cdktf_provider_aws"
_INSIDE = "/assay"


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """How a program of a tree ended.

    `stacks` holds the JSON text of each stack that the kernel wrote: the only proof of a synthesis.
    `failed` is the construct whose values could not be resolved, where it failed at one. `report` is what
    the program's own process said of itself (see `inside/subject.py`), None where it said nothing. `cpu`
    is seconds over both sandboxes, `peak_memory` the larger of the two in bytes. `produced` are the files
    that the tree did not have before (see `produced.py`).
    """

    stacks: Mapping[str, str]
    failed: str | None
    report: Mapping[str, Any] | None
    completed: Completed
    cpu: float
    peak_memory: int
    produced: Mapping[str, bytes | None]


def run_program(tree: Tree, arguments: tuple[str, ...], environment: Mapping[str, str], toolchain: Toolchain, sandbox: Sandbox, limits: Limits) -> ProgramRun:
    """Run `arguments` (`run SCRIPT ...` or `pytest PATH...`) on a fresh copy of `tree`."""
    files = prepare_kernel(toolchain)
    user = new_user()  # program and kernel both write to the tree
    with sandbox.scratch() as folder:
        tree.write(folder)
        with start_kernel(toolchain, sandbox, files, folder, user) as (kernel_fd, kernel):
            report_read, report_write = os.pipe()
            command = _command(arguments, environment, toolchain, files, folder, limits, user, kernel_fd, report_write)
            running = sandbox.start(command, pass_fds=(kernel_fd, report_write))
            kernel.hand_over()
            os.close(report_write)
            # The report is small enough for a pipe only most of the time, so it is read while the program runs.
            completed, text = running.finish_with(report_read)
            seen = kernel.read()
        produced = collect(folder, tree, seen.stacks.values())
    return _join(seen, completed, text, produced)


def prime(toolchain: Toolchain, sandbox: Sandbox) -> None:
    """Fill V8's code cache by one small synthesis; done once for a toolchain, harmless when repeated."""
    files = prepare_kernel(toolchain)
    if files.primed:
        return
    script = resources.files("harness.synth").joinpath("priming_stack.py").read_bytes()
    run_program(Tree({"main.py": script}), ("run", "main.py"), {}, toolchain, sandbox, Limits(wall=120))
    (files.root / "primed").touch()


def python_mounts(toolchain: Toolchain) -> tuple[Mount, ...]:
    """The toolchain's Python inside: its environment, and the installation that the environment was made from."""
    prefixes = dict.fromkeys([toolchain.python.parent.parent, toolchain.python.resolve().parent.parent])
    return tuple(Mount(prefix, str(prefix)) for prefix in prefixes if not prefix.is_relative_to("/usr"))


def _command(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    toolchain: Toolchain,
    files: KernelFiles,
    folder: Path,
    limits: Limits,
    user: int,
    kernel_fd: int,
    report_fd: int,
) -> Command:
    inside = Path(str(resources.files("harness.synth") / "inside"))
    return Command(
        argv=(
            str(toolchain.python),
            "-s",
            "-P",
            "-B",
            f"{_INSIDE}/subject.py",
            CASE_ROOT,
            STAND_INS,
            str(kernel_fd),
            str(report_fd),
            _LAZY_PACKAGES,
            *arguments,
        ),
        cwd=CASE_ROOT,
        env={
            "PATH": f"{toolchain.python.parent}:/usr/bin:/bin",
            "HOME": "/tmp",
            "LANG": "C.UTF-8",
            "USER": "assay",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **environment,
        },
        mounts=(*python_mounts(toolchain), Mount(inside, _INSIDE), Mount(files.stand_ins, STAND_INS), Mount(folder, CASE_ROOT, writable=True)),
        limits=limits,
        user=user,
    )


def _join(seen: KernelReport, completed: Completed, text: bytes, produced: Mapping[str, bytes | None]) -> ProgramRun:
    try:
        report = json.loads(text) if text else None
    except ValueError:
        report = None
    return ProgramRun(
        stacks=seen.stacks,
        failed=seen.failed,
        report=report,
        completed=completed,
        cpu=completed.cpu + seen.cpu,
        peak_memory=max(completed.peak_memory, seen.peak_memory),
        produced=produced,
    )
