"""The gates in the order in which they are shown; plugins add theirs by the entry-point group `assay.gates`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from harness.errors import UsageError
from harness.gates.apply import ApplyGate
from harness.gates.architecture import ArchitectureGate
from harness.gates.base import Gate
from harness.gates.constraints import ConstraintsGate
from harness.gates.format import FormatGate
from harness.gates.intent import IntentGate
from harness.gates.lint import LintGate
from harness.gates.plan import PlanGate
from harness.gates.security import SecurityGate
from harness.gates.silent_drop import SilentDropGate
from harness.gates.synth import SynthGate
from harness.gates.tests import TestsGate
from harness.gates.types import TypesGate
from harness.gates.validate import ValidateGate

ENTRY_POINT_GROUP = "assay.gates"


def all_gates() -> tuple[Gate, ...]:
    """Every gate: ours, then the plugins', each checked when it is loaded. Raises `UsageError` for a plugin that is no gate."""
    gates: list[Gate] = [
        FormatGate(),
        LintGate(),
        TypesGate(),
        SynthGate(),
        SilentDropGate(),
        ValidateGate(),
        PlanGate(),
        ApplyGate(),
        ConstraintsGate(),
        IntentGate(),
        ArchitectureGate(),
        TestsGate(),
        SecurityGate(),
    ]
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        gate = point.load()()
        lacking = [name for name in ("name", "version", "needs", "missing", "key", "run") if not hasattr(gate, name)]
        if lacking:
            raise UsageError(f"the gate plugin {point.name} ({point.value}) lacks {', '.join(lacking)}", "see harness/gates/base.py for what a gate is")
        if gate.name in {known.name for known in gates}:
            raise UsageError(f"the gate plugin {point.name} takes the name {gate.name}, which is taken", "rename the plugin's gate")
        gates.append(gate)
    return tuple(gates)


def is_optional(gate: Gate) -> bool:
    """Whether a gate runs only where somebody asks for it: it costs minutes, or judges what not everybody wants judged."""
    return bool(getattr(gate, "optional", False))


def select_gates(names: Sequence[str] | None = None, also: Sequence[str] = ()) -> tuple[Gate, ...]:
    """The gates `names` and `also`, with those that they need, in the usual order.

    None for `names` means all that are not optional; `all` among the names means every gate there is.
    Raises `UsageError` for an unknown name.
    """
    gates = all_gates()
    known = {gate.name: gate for gate in gates}
    wanted: set[str] = set()
    waiting = [gate.name for gate in gates if not is_optional(gate)] if names is None else list(names)
    waiting += also
    if "all" in waiting:
        return gates
    while waiting:
        name = waiting.pop()
        if name not in known:
            raise UsageError(f"there is no gate {name}", f"known: {', '.join(known)}, and all")
        if name not in wanted:
            wanted.add(name)
            waiting += known[name].needs
    return tuple(gate for gate in gates if gate.name in wanted)
