"""The tests gate: the tree's own tests, run by pytest with the fast kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.case import CDKTF
from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.gates.program import TEST_LIMITS, stopped_diagnostic, subject_key, tail, unique
from harness.session import Session
from harness.synth.launcher import prime, run_program

_NO_TESTS_COLLECTED = 5


class TestsGate:
    """Passes when at least one test ran and none failed; a tree without tests is not judged."""

    __test__ = False  # pytest takes classes named Test* for tests
    name = "tests"
    version = "2"
    needs: tuple[str, ...] = ("synth",)
    platforms = (CDKTF,)

    def missing(self, session: Session) -> str:
        """Tests need nothing beyond the core dependencies."""
        return ""

    def key(self, subject: Subject) -> str:
        """The tree, its environment and the paths that pytest is given."""
        return subject_key(subject, subject.case.tests, TEST_LIMITS)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """Output: `passed` and `failed`, counts of tests."""
        paths = tuple(path for path in subject.case.tests if any(name == path or name.startswith(path.rstrip("/") + "/") for name in subject.tree))
        if not paths:
            return GateResult(self.name, Status.NOT_RUN, reason="the tree has no tests", lasting=True)
        prime(session.toolchain, session.sandbox)
        done = run_program(subject.tree, ("pytest", *paths), subject.case.env, session.toolchain, session.sandbox, TEST_LIMITS)
        tests = (done.report or {}).get("tests")
        wall, cpu = done.completed.wall, done.cpu
        if done.completed.stopped:
            problems: tuple[Diagnostic, ...] = (stopped_diagnostic(self.name, done.completed, TEST_LIMITS, paths[0]),)
        elif tests is None:
            message = f"pytest ended with exit code {done.completed.exit_code} and without a report"
            problems = (Diagnostic(self.name, "no-report", message, (Location(paths[0], 1),), detail=tail(done.completed.stderr)),)
        elif tests["exit_code"] == _NO_TESTS_COLLECTED:
            return GateResult(self.name, Status.NOT_RUN, reason="pytest found no test in " + ", ".join(paths), wall=wall, cpu=cpu, lasting=True)
        else:
            problems = tuple(self._diagnostic(record) for record in tests["records"] if record["outcome"] in ("failed", "error"))
            if not problems and tests["exit_code"] != 0:
                message = f"pytest ended with exit code {tests['exit_code']}"
                problems = (Diagnostic(self.name, "exit-code", message, (Location(paths[0], 1),), detail=tail(done.completed.stdout)),)
        passed = sum(record["outcome"] == "passed" for record in (tests or {}).get("records", ()))
        return GateResult(self.name, Status.FAIL if problems else Status.PASS, problems, output={"passed": passed, "failed": len(problems)}, wall=wall, cpu=cpu)

    def _diagnostic(self, record: Mapping[str, Any]) -> Diagnostic:
        frames = [Location(place["file"], place["line"]) for place in record["frames"]]
        own = [place for place in frames if place.file == record["file"]]
        message = _telling_line(record["message"]) or record["outcome"]
        kind = message.split(":")[0] if ":" in message and message.split(":")[0].isidentifier() else "AssertionError"
        return Diagnostic(
            gate=self.name,
            code=kind,
            message=f"{record['test']}: {message}",
            locations=unique([*own[-1:], *reversed(frames)]) or (Location(record["file"], record["line"]),),
            symbols=(record["test"].split("::")[-1],),
            detail=record["message"][:4000],
        )


def _telling_line(text: str) -> str:
    """The line that says what was wrong: the first one, or, of a file that cannot even be imported, the error itself."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    if lines and lines[0].startswith(("ImportError while importing", "ModuleNotFoundError while importing")) and errors:
        return errors[-1]
    return lines[0] if lines else ""
