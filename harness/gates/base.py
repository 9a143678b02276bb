"""What a gate is, and what it answers."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from harness.diagnostics import Diagnostic

if TYPE_CHECKING:
    from harness.case import Case
    from harness.session import Session
    from harness.tree import Tree


class Status(enum.StrEnum):
    """The verdict of one gate on one tree."""

    PASS = "pass"
    FAIL = "fail"
    NOT_RUN = "not run"
    INCONCLUSIVE = "inconclusive"


class Lasting(str):
    """A reason for no verdict that follows from the subject and the toolchain alone: asked again, the gate would give it again.

    Any other reason may be one of the moment (a time limit, a process that was killed, a full disk), so that is what
    one counts as that a gate has not marked.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's answer: a `FAIL` has at least one diagnostic, `NOT_RUN` and `INCONCLUSIVE` a reason.

    `lasting` is the gate's own word on whether it would answer the same again, so that the answer may be kept; None
    leaves it to the status: a verdict lasts, and what is none does not.

    `output` is what later gates build on (synth: the synthesized stacks and the map from construct path
    to source line). `wall` and `cpu` are seconds; a result read from the cache keeps the ones it cost.
    """

    gate: str
    status: Status
    diagnostics: tuple[Diagnostic, ...] = ()
    reason: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float = 0.0
    lasting: bool | None = None
    blocked_by: str = ""
    """The gate that this one needs and that did not pass, where it was not run for that."""

    @property
    def lasts(self) -> bool:
        """Whether the answer may be kept for another run."""
        return self.status in (Status.PASS, Status.FAIL) if self.lasting is None else self.lasting

    def __post_init__(self) -> None:
        if self.status is Status.FAIL and not self.diagnostics:
            raise ValueError(f"gate {self.gate} failed without saying why")
        if self.status in (Status.NOT_RUN, Status.INCONCLUSIVE) and not self.reason:
            raise ValueError(f"gate {self.gate} is {self.status} without a reason")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a gate judges: one variant's tree, the case it belongs to, and what earlier gates answered.

    `control` is what those earlier gates say of the ideal, for gates that compare with it.
    """

    case: Case
    tree: Tree
    earlier: Mapping[str, GateResult]
    control: Mapping[str, GateResult] = field(default_factory=dict)

    def stacks(self) -> Mapping[str, Any]:
        """The synthesized stacks by name, each the parsed `cdk.tf.json`; empty before synth has passed."""
        return self.earlier["synth"].output.get("stacks", {}) if "synth" in self.earlier else {}


class Gate(Protocol):
    """One check. Gates are stateless; whatever lives longer than a call belongs to the session."""

    name: str
    version: str
    """Changes when the same tree may get another answer; part of every cache key."""
    needs: tuple[str, ...]
    """Gates that have to pass on this tree before this one can say anything."""

    # A gate may also have `sees_all = True`: it reports everything at once, however broken the tree is;
    # `optional = True`: it runs only where somebody asks for it; `compares = True`: it is told what the
    # gates that it needs say of the ideal; `platforms = ("cdktf",)`: it judges cases of these platforms only;
    # `derived = True`: it judges what another gate made, within milliseconds, so that every step can ask it;
    # and `applies(case)`: why it has nothing to judge in a case, empty where it has.

    def missing(self, session: Session) -> str:
        """Why this gate cannot run here at all, with the remedy; empty when it can."""
        ...

    def key(self, subject: Subject) -> str:
        """A digest of all of the subject that the answer depends on."""
        ...

    def run(self, subject: Subject, session: Session) -> GateResult:
        """Judge the subject. Raises `HarnessFault` for trouble that is not the subject's."""
        ...


def not_applicable(gate: Gate, case: Case) -> str:
    """Why the gate has nothing to judge in this case, whatever its trees hold; empty where it has."""
    platforms = getattr(gate, "platforms", None)
    if platforms is not None and case.platform not in platforms:
        return f"{gate.name} judges {', '.join(platforms)} cases, and this is a {case.platform} one"
    applies = getattr(gate, "applies", None)
    return str(applies(case)) if applies else ""
