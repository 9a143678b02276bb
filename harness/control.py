"""Why an ideal cannot serve as the control: a broken control says nothing about its response, but has a cause of its own."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.diagnostics import Diagnostic
from harness.gates.base import GateResult, Status
from harness.tree import Tree

CONTROL_GATES = ("synth", "validate", "plan")
"""Gates that the ideal has to pass for the pair to say anything about the response."""

_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_FILE = re.compile(
    r"No such file or directory|ENOENT|no such file|no file exists|cannot find the (?:file|path)|Cannot find asset|does not exist at path", re.IGNORECASE
)
_OUTSIDE = re.compile(
    r"Unable to locate credentials|NoCredentials|'pip', 'install'|pip3? install|npm (?:ci|install)|docker|Name or service not known|"
    r"Temporary failure in name resolution|Network is unreachable|Connection refused|Could not connect to the endpoint",
    re.IGNORECASE,
)
_OTHER_PROVIDER = re.compile(r"cdktf_cdktf_provider_(?!aws\b)\w+|provider registry\.terraform\.io/|uses the provider ")
_OTHER_BINDINGS = re.compile(r"cannot import name '\w+' from '(?:cdktf|constructs|cdktf_cdktf_provider_aws)\b|module 'cdktf_cdktf_provider_aws")


class ControlKind(enum.StrEnum):
    """What kind of thing keeps an ideal from being the control."""

    MISSING_FILE = "missing file"
    MISSING_PACKAGE = "missing third-party package"
    OTHER_PROVIDER = "other provider"
    TOOLCHAIN = "toolchain"
    OWN_MISTAKE = "mistake of the ideal"


@dataclass(frozen=True, slots=True)
class BrokenControl:
    """The gate that the ideal does not pass, what it says, and the kind of cause."""

    kind: ControlKind
    gate: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.gate}: {self.message}"


def find_broken_control(control: Mapping[str, GateResult], ideal: Tree) -> BrokenControl | None:
    """Why the ideal cannot serve as the control; None where it can.

    A gate after synth that could not run, or has no verdict, is a hole and no cause.
    """
    for name in CONTROL_GATES:
        result = control.get(name)
        if result is None or result.status is Status.PASS:
            continue
        if result.status is Status.FAIL:
            first = result.diagnostics[0]
            return BrokenControl(_kind(first, ideal), name, first.message)
        if name == "synth":
            return BrokenControl(ControlKind.TOOLCHAIN, name, result.reason)
    return None


def _kind(diagnostic: Diagnostic, ideal: Tree) -> ControlKind:
    text = f"{diagnostic.code}: {diagnostic.message}"
    missing = _NO_MODULE.search(text)
    if _OTHER_PROVIDER.search(text):
        return ControlKind.OTHER_PROVIDER
    if missing:
        top = missing[1].split(".")[0]
        own = top == "imports" or any(path == f"{top}.py" or path.startswith(f"{top}/") or f"/{top}/" in path for path in ideal)
        return ControlKind.MISSING_FILE if own else ControlKind.MISSING_PACKAGE
    if _OUTSIDE.search(text) or _OTHER_BINDINGS.search(text) or diagnostic.code.endswith("-limit"):
        return ControlKind.TOOLCHAIN
    if _NO_FILE.search(text) or diagnostic.code in ("FileNotFoundError", "entry-missing", "app-missing"):
        return ControlKind.MISSING_FILE
    return ControlKind.OWN_MISTAKE
