"""The format gate: ruff's formatter would leave every file as it is."""

from __future__ import annotations

import re

from harness.case import CDKTF
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.gates.static import NO_PYTHON, python_key, run_tool
from harness.session import Session

LINE_LENGTH = 120
"""Long enough for generated names; what the bundled cases' projects use."""
_HUNK = re.compile(r"^@@ -(\d+)", re.MULTILINE)


class FormatGate:
    """Passes when `ruff format --check` does, with ruff's own settings and none of the tree's."""

    name = "format"
    version = "1"
    needs: tuple[str, ...] = ()
    platforms = (CDKTF,)
    sees_all = True

    def missing(self, session: Session) -> str:
        """Ruff is a core dependency."""
        return ""

    def key(self, subject: Subject) -> str:
        """The Python files and the line length."""
        return python_key(subject, LINE_LENGTH)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a file that the formatter would change, at the first line that it would change."""
        if not subject.tree.python_files():
            return GateResult(self.name, Status.NOT_RUN, reason=NO_PYTHON, lasting=True)
        argv = ["format", "--diff", "--isolated", "--no-cache", "--line-length", str(LINE_LENGTH), "--", *subject.tree.python_files()]
        output = run_tool(subject, session, "ruff", argv)
        problems = [*_changed(output.stdout), *_unreadable(output.stderr)]
        if output.exit_code != 0 and not problems:
            # A tool that fails without a word that we understand has not judged anything.
            raise HarnessFault(f"ruff ended with {output.exit_code}: {output.stderr.strip()[:200]}", "run `assay doctor`")
        return GateResult(self.name, Status.FAIL if problems else Status.PASS, tuple(problems), wall=output.wall, cpu=output.cpu)


def _changed(text: str) -> list[Diagnostic]:
    found = []
    for part in re.split(r"^--- ", text, flags=re.MULTILINE)[1:]:
        path = part.splitlines()[0].strip()
        lines = part.splitlines(keepends=True)
        found.append(Diagnostic("format", "unformatted", f"{path} would be reformatted", (Location(path, _first_change(lines)),), detail="--- " + part[:4000]))
    return found


def _first_change(lines: list[str]) -> int:
    """The line, on the old side, of the first change in a unified diff."""
    line = 1
    for text in lines:
        if match := _HUNK.match(text):
            line = int(match.group(1))
        elif text.startswith(("-", "+")) and not text.startswith(("---", "+++")):
            return max(line, 1)
        elif text.startswith(" "):
            line += 1
    return 1


def _unreadable(text: str) -> list[Diagnostic]:
    found = []
    for line in text.splitlines():
        if match := re.match(r"error: Failed to (?:parse|format|read) (.+?\.py)(?::(\d+))?(?::\d+)?: ?(.*)", line):
            path, number, reason = match.group(1), int(match.group(2) or 1), match.group(3)
            found.append(Diagnostic("format", "unreadable", f"{path} cannot be formatted: {reason}", (Location(path, number),)))
    return found
