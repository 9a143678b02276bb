"""The types gate: a static type checker, reduced to the rules that stay silent on correct code."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.case import CDKTF
from harness.diagnostics import Diagnostic, Location
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.gates.static import NO_PYTHON, SOURCES, python_key, run_tool
from harness.session import Session

RULES = ("missing-argument", "missing-module-member", "too-many-positional-arguments", "unknown-argument", "unresolved-import", "unresolved-reference")
"""Of ty's rules, those that said nothing, or nearly nothing, on reference code; measured in benchmarks/types_rules.py.
`invalid-argument-type` fires more often on correct CDKTF code than on broken code and is left out."""

_UNREAD = ("invalid-syntax", "io")


class TypesGate:
    """Passes when ty has nothing to say under `RULES`."""

    name = "types"
    version = "1"
    needs: tuple[str, ...] = ()
    platforms = (CDKTF,)
    sees_all = True

    def missing(self, session: Session) -> str:
        """ty is a core dependency."""
        return ""

    def key(self, subject: Subject) -> str:
        """The Python files and the rules."""
        return python_key(subject, RULES)

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a finding; symbols are what ty puts in backticks."""
        if not subject.tree.python_files():
            return GateResult(self.name, Status.NOT_RUN, reason=NO_PYTHON, lasting=True)
        argv = ["check", "--output-format", "gitlab", "--exit-zero", "--python", str(session.toolchain.python), "--", *subject.tree.python_files()]
        output = run_tool(subject, session, "ty", argv)
        try:
            found = json.loads(output.stdout)
        except ValueError as error:
            raise HarnessFault(f"ty printed no JSON: {output.stderr.strip()[:300]}", "run `assay doctor`") from error
        if output.exit_code != 0:
            raise HarnessFault(f"ty ended with {output.exit_code}: {output.stderr.strip()[:300]}", "run `assay doctor`")
        problems = _sorted(found, RULES)
        unread = _sorted(found, _UNREAD)
        if unread and not problems:
            # Nothing was found in a file that was not read: no verdict. Lint and synth say what is wrong with it.
            place = unread[0].locations[0]
            reason = f"{place.file}:{place.line} is not Python: {unread[0].message}"
            return GateResult(self.name, Status.NOT_RUN, reason=reason, wall=output.wall, cpu=output.cpu, lasting=True)
        return GateResult(self.name, Status.FAIL if problems else Status.PASS, problems, wall=output.wall, cpu=output.cpu)


def _sorted(found: Sequence[Mapping[str, Any]], names: Collection[str]) -> tuple[Diagnostic, ...]:
    return tuple(sorted((_diagnostic(one) for one in found if one["check_name"] in names), key=lambda one: (one.locations, one.code)))


def _diagnostic(one: Mapping[str, Any]) -> Diagnostic:
    place = one["location"]
    line = place["lines"]["begin"] if "lines" in place else place["positions"]["begin"]["line"]
    path = place["path"].removeprefix(SOURCES + "/").removeprefix("./")
    message = re.sub(rf"^{re.escape(one['check_name'])}: ", "", one["description"])
    return Diagnostic("types", one["check_name"], message, (Location(path, line),), symbols=tuple(re.findall(r"`([^`]+)`", message)))
