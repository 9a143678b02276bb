"""Tells the errors that are about the account, the emulator or the machine from those that are about the code.

What is listed here is never a failure and never a pass: the gate is inconclusive, with the reason given. It is a lasting
reason where the stack and the toolchain decide it, and none where another run may go another way.
"""

from __future__ import annotations

import re

from harness.diagnostics import Diagnostic
from harness.gates.base import Lasting
from harness.terraform.inside.emulator import MARKER

_LACKING = re.compile(rf"{MARKER}: ([\w.-]+):(.+?) is not emulated")
_OPERATION = re.compile(r"operation error ([\w ]+): (\w+)")
_ASSET = re.compile(r"(?:open |no file exists at \"?|\()\.?/?(assets/[^\s\":)]+)")
_NOTHING_FOUND = re.compile(
    r"couldn't find resource|empty result|no matching|not found|no results|does ?n[o']t exist|NoSuch|NotFound|Unable to find remote state"
    r"|too many results|multiple [\w ]+ matched|operation error|api error|Unable to access object",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(r"no such host|connection refused|dial tcp|network is unreachable|i/o timeout")
_CREDENTIALS = re.compile(
    r"shared config profile|AWS account ID not allowed|No valid credential sources|Error retrieving .*credentials|source_profile|\bSSO\b",
    re.IGNORECASE,
)
_INTERRUPTED = re.compile(r"operation canceled|context canceled|request canceled|execution halted", re.IGNORECASE)
_FULL = re.compile(r"no space left on device|cannot allocate memory|too many open files|disk quota exceeded", re.IGNORECASE)
_MOMENT = re.compile(
    rf"{_INTERRUPTED.pattern}|{_FULL.pattern}|timeout while|timed out|i/o timeout|Client\.Timeout|deadline exceeded|retry quota"
    r"|request send failed|broken pipe|unexpected EOF|connection reset|^(?!.*\blookup ).*connection refused",
    re.IGNORECASE | re.DOTALL,
)
"""Time that ran out, and what a process says when another one is gone. No name can be looked up in the sandbox, ever."""
_VARIABLE = re.compile(r'variable "([^"]+)" is not set')


def validate_hole(said: Diagnostic) -> str:
    """Why an error of validate is not the code's; empty where it is."""
    if _FULL.search(said.message):
        return f"the machine has no room left for terraform: {said.code}"
    if asset := _ASSET.search(said.message):
        return Lasting(f"the asset {asset[1]} is not handed on by synth")
    return ""


def plan_hole(said: Diagnostic) -> str:
    """Why an error of plan is not the code's; empty where it is."""
    if _INTERRUPTED.search(said.message):
        return "terraform was interrupted"
    return validate_hole(said) or marked(_emulator_hole(said) or _machine_hole(said) or _account_hole(said), said)


def marked(reason: str, said: Diagnostic) -> str:
    """A reason why an error is not the code's, as a lasting one where the error is none of the moment."""
    return Lasting(reason) if reason and not _MOMENT.search(said.message) else reason


def _emulator_hole(said: Diagnostic) -> str:
    if MARKER not in said.message:
        return ""
    lacking, operation = _LACKING.search(said.message), _OPERATION.search(said.message)
    service = lacking[1] if lacking else operation[1].lower() if operation else "aws"
    name = operation[2] if operation else lacking[2] if lacking else "an operation"
    return f"emulator lacks {service}:{name}"


def _machine_hole(said: Diagnostic) -> str:
    if said.code == "No value for required variable":
        name = _VARIABLE.search(said.message)
        return f"the variable {name[1] if name else ''} has no value here"
    if (said.address or "provider").startswith("provider") and _CREDENTIALS.search(said.message):
        return f"the provider's credentials exist elsewhere only: {said.code}"
    if _UNREACHABLE.search(said.message):
        return f"{said.address or 'the provider'} asks for something outside the emulated AWS: {said.code}"
    return ""


def _account_hole(said: Diagnostic) -> str:
    """A data source that finds nothing, in an account where nothing is, says nothing about the code."""
    if said.address and said.address.startswith("data.") and _NOTHING_FOUND.search(said.message):
        return f"{said.address} looks for something that an empty account does not have: {said.code}"
    return ""
