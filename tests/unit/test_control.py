"""A broken control is told by its cause."""

from __future__ import annotations

import pytest

from harness.control import ControlKind, find_broken_control
from harness.diagnostics import Diagnostic
from harness.gates.base import GateResult, Status
from harness.tree import Tree

IDEAL = Tree({"tap.py": b"", "lib/stack.py": b""})


def _failing(gate: str, code: str, message: str) -> dict[str, GateResult]:
    passed = {} if gate == "synth" else {"synth": GateResult("synth", Status.PASS)}
    return {**passed, gate: GateResult(gate, Status.FAIL, (Diagnostic(gate, code, message),))}


@pytest.mark.parametrize(
    ("gate", "code", "message", "kind"),
    [
        ("synth", "ModuleNotFoundError", "No module named 'lib.network'", ControlKind.MISSING_FILE),
        ("synth", "ModuleNotFoundError", "No module named 'imports'", ControlKind.MISSING_FILE),
        ("synth", "RuntimeError", "ENOENT: no such file or directory, stat '/case/function.zip'", ControlKind.MISSING_FILE),
        ("synth", "ModuleNotFoundError", "No module named 'netaddr'", ControlKind.MISSING_PACKAGE),
        ("synth", "ModuleNotFoundError", "No module named 'cdktf_cdktf_provider_random'", ControlKind.OTHER_PROVIDER),
        ("synth", "NoCredentialsError", "Unable to locate credentials", ControlKind.TOOLCHAIN),
        ("synth", "CalledProcessError", "Command '['pip', 'install', '-r', 'x']' returned non-zero exit status 1.", ControlKind.TOOLCHAIN),
        ("synth", "ImportError", "cannot import name 'Eip' from 'cdktf_cdktf_provider_aws.eip' (x)", ControlKind.TOOLCHAIN),
        ("synth", "time-limit", "the program did not end within 30 s and was stopped", ControlKind.TOOLCHAIN),
        ("synth", "TypeError", "Stack.__init__() got an unexpected keyword argument 'x'", ControlKind.OWN_MISTAKE),
        (
            "validate",
            "Error in function call",
            'Call to function "filebase64sha256" failed: open /case/x.zip: no such file or directory.',
            ControlKind.MISSING_FILE,
        ),
        ("validate", "expected", "expected retention_in_days to be one of [1 3 5], got 4", ControlKind.OWN_MISTAKE),
    ],
)
def test_the_cause_of_a_broken_control(gate: str, code: str, message: str, kind: ControlKind) -> None:
    broken = find_broken_control(_failing(gate, code, message), IDEAL)
    assert broken is not None
    assert (broken.kind, broken.gate) == (kind, gate)
    assert message in str(broken)


def test_a_gate_without_a_verdict_breaks_no_control_but_synth_does() -> None:
    passed = GateResult("synth", Status.PASS)
    assert find_broken_control({"synth": passed, "validate": GateResult("validate", Status.INCONCLUSIVE, reason="another provider")}, IDEAL) is None
    assert find_broken_control({"synth": passed, "plan": GateResult("plan", Status.NOT_RUN, reason="no terraform")}, IDEAL) is None
    broken = find_broken_control({"synth": GateResult("synth", Status.INCONCLUSIVE, reason="harness: no memory")}, IDEAL)
    assert broken is not None and broken.kind is ControlKind.TOOLCHAIN
