"""The lint gate: ruff's checks for errors that any Python project refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.case import CDKTF
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.gates.format import LINE_LENGTH
from harness.gates.static import NO_PYTHON, python_key, run_tool
from harness.session import Session

RULES = "E,F,W"
"""pycodestyle and pyflakes: what the seed calls missing blank lines, unused imports and line length."""


class LintGate:
    """Passes when ruff has no remark, with our rules and none of the tree's settings."""

    name = "lint"
    version = "1"
    needs: tuple[str, ...] = ()
    platforms = (CDKTF,)
    sees_all = True

    def missing(self, session: Session) -> str:
        """Ruff is a core dependency."""
        return ""

    def key(self, subject: Subject) -> str:
        """The Python files, the rules and the line length."""
        return python_key(subject, RULES, LINE_LENGTH)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a remark; symbols are what ruff puts in backticks."""
        if not subject.tree.python_files():
            return GateResult(self.name, Status.NOT_RUN, reason=NO_PYTHON, lasting=True)
        argv = ["check", "--isolated", "--no-cache", "--select", RULES, "--line-length", str(LINE_LENGTH), "--output-format", "json"]
        argv += ["--target-version", target_version(session.toolchain.versions["python"]), "--", *subject.tree.python_files()]
        output = run_tool(subject, session, "ruff", argv)
        try:
            remarks = json.loads(output.stdout)
        except ValueError as error:
            raise HarnessFault(f"ruff printed no JSON: {output.stderr.strip()[:200]}", "run `assay doctor`") from error
        if output.exit_code != 0 and not remarks:
            raise HarnessFault(f"ruff ended with {output.exit_code}: {output.stderr.strip()[:200]}", "run `assay doctor`")
        paths = subject.tree.python_files()
        problems = tuple(sorted((_diagnostic(remark, paths) for remark in remarks), key=lambda one: (one.locations, one.code)))
        return GateResult(self.name, Status.FAIL if problems else Status.PASS, problems, wall=output.wall, cpu=output.cpu)


def target_version(python: str) -> str:
    """Ruff's name for the Python that runs the tree: `3.11.7` is `py311`. Newer syntax is a syntax error there."""
    major, minor = python.split(".")[:2]
    return f"py{major}{minor}"


def _diagnostic(remark: Mapping[str, Any], paths: Sequence[str]) -> Diagnostic:
    # Ruff names files from the root of wherever it ran.
    path = max((path for path in paths if remark["filename"].endswith(f"/{path}")), key=len, default=remark["filename"])
    return Diagnostic(
        gate="lint",
        code=remark["code"] or "syntax-error",
        message=remark["message"],
        locations=(Location(path, remark["location"]["row"]),),
        symbols=tuple(re.findall(r"`([^`]+)`", remark["message"])),
    )
