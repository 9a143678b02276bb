"""What stands for synthesis where there is nothing to synthesize: reading a plain Terraform configuration."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.hcl.configuration import STACK, block_lines, build_stack, source_files
from harness.hcl.reading import read_hcl
from harness.session import Session
from harness.terraform.judge import missing_tools, terraform_call
from harness.terraform.messages import StackView, read_diagnostic, validate_errors
from harness.terraform.server import call_terraform

_GATE = "synth"
_SECONDS = 30.0
_FORMATTER = ("fmt", "-check", "-list=false", "-no-color")
_SAID = re.compile(r"^Error: (.+)\n\n  on (.+) line (\d+)", re.MULTILINE)


def read_configuration(subject: Subject, session: Session) -> GateResult:
    """The configuration as one stack, as synth has it: `stacks`, and `lines` by address. Fails for a syntax error, as terraform reports it.

    Inconclusive where terraform reads a file that python-hcl2 does not. Raises `HarnessFault`.
    """
    started = time.monotonic()
    paths = source_files(subject.tree)
    texts: dict[str, str] = {}
    for path in paths:
        try:
            texts[path] = subject.tree.text(path)
        except UnicodeDecodeError as error:
            return _failed(Diagnostic(_GATE, "not-utf8", f"{path}: not UTF-8 ({error.reason})", (Location(path, 1),), symbols=(path,)), started)
    bodies: dict[str, Any] = {path: _read_json(text) for path, text in texts.items() if path.endswith(".json")}
    native = {path: text for path, text in texts.items() if path not in bodies}
    bodies |= read_hcl(session, native) if native else {}
    if problem := _syntax_error(subject, session, bodies):
        return _failed(problem, started)
    unread = [f"{path}:{body['line']}: {body['error']}" for path, body in bodies.items() if "error" in body]
    if unread:
        reason = f"terraform reads what python-hcl2 does not: {unread[0]}"
        return GateResult(_GATE, Status.INCONCLUSIVE, reason=reason, wall=time.monotonic() - started, lasting=True)
    stack = build_stack({path: bodies[path]["body"] for path in paths})
    if not stack:
        return _failed(Diagnostic(_GATE, "no-usable-code", "the response contains no usable code: its .tf files are empty", (Location(paths[0], 1),)), started)
    lines = {address: list(place) for address, place in block_lines(subject.tree).items()}
    return GateResult(_GATE, Status.PASS, output={"stacks": {STACK: stack}, "lines": lines, "produced": {}}, wall=time.monotonic() - started)


def _failed(problem: Diagnostic, started: float) -> GateResult:
    return GateResult(_GATE, Status.FAIL, (problem,), output={"stacks": {}, "lines": {}, "produced": {}}, wall=time.monotonic() - started)


def _read_json(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {"error": f"not JSON: {error}", "line": getattr(error, "lineno", 1)}
    return {"body": body} if isinstance(body, dict) else {"error": "not a JSON object", "line": 1}


def _syntax_error(subject: Subject, session: Session, bodies: dict[str, Any]) -> Diagnostic | None:
    """The first syntax error, in the order of files and lines; None where there is none.

    `terraform fmt` says which errors are about syntax, `terraform validate` says them in full. Without terraform the reader's word counts.
    """
    if missing_tools(session):
        return next((_own(path, body) for path, body in bodies.items() if "error" in body), None)
    formatted = call_terraform(session, terraform_call(STACK, {}, subject, _FORMATTER, timeout=_SECONDS))
    places = {(file, int(line), summary) for summary, file, line in _SAID.findall(formatted.stderr)}
    broken_json = {path for path, body in bodies.items() if path.endswith(".json") and "error" in body}
    if not places and not broken_json:
        return None
    validated = call_terraform(session, terraform_call(STACK, {}, subject, ("validate", "-json"), timeout=_SECONDS))
    found = []
    for said in validate_errors(validated):
        spot = said.get("range") or {}
        file, line = str(spot.get("filename")), int((spot.get("start") or {}).get("line") or 1)
        if (file, line, said["summary"]) in places or file in broken_json:
            found.append((file, line, said))
    if found:
        file, _, said = min(found, key=lambda one: one[:2])
        problem = read_diagnostic(_GATE, said, StackView({}, {}))
        return replace(problem, message=f"{file}: {problem.message}")
    # Such a file may be one that validate does not read, such as variables for another environment.
    return next((_own(path, body) for path, body in bodies.items() if "error" in body), None)


def _own(path: str, body: dict[str, Any]) -> Diagnostic:
    return Diagnostic(_GATE, "syntax-error", f"{path}: {body['error']}", (Location(path, body["line"]),), symbols=(path,))
