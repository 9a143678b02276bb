"""The silent-drop gate: what the code gave to cdktf against what arrived in the synthesized stacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from harness.case import CDKTF
from harness.diagnostics import Diagnostic, Location
from harness.gates.base import GateResult, Status, Subject
from harness.gates.program import subject_key
from harness.session import Session
from harness.silent_drop.arrived import read_arrivals
from harness.silent_drop.given import read_given
from harness.silent_drop.losses import GATE, Evidence, changed_ids, dropped_keys, late_attributes, misplaced_overrides
from harness.silent_drop.operations import operations_on_tokens
from harness.silent_drop.source import Sources

_KINDS: tuple[Callable[[Evidence], Iterator[Diagnostic]], ...] = (dropped_keys, operations_on_tokens, misplaced_overrides, late_attributes, changed_ids)


class SilentDropGate:
    """Passes when everything that the program said arrived.

    cdktf accepts some mistakes without a word: synthesis succeeds, and what was meant is not in the stack.
    """

    name = GATE
    version = "1"
    needs: tuple[str, ...] = ("synth",)
    derived = True
    platforms = (CDKTF,)

    def missing(self, session: Session) -> str:
        """The gate needs nothing but what synth recorded."""
        return ""

    def key(self, subject: Subject) -> str:
        """The tree, which places are looked up in, and what synth made of it."""
        synth = subject.earlier["synth"].output
        return subject_key(subject, synth.get("stacks"), synth.get("given"), synth.get("lines"))

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a loss, by place. Inconclusive where the record cannot be read, which only a program can do that writes it itself."""
        started, busy = time.monotonic(), time.thread_time()
        synth = subject.earlier["synth"].output
        if "given" not in synth:
            reason = "no program constructed these stacks, so nothing was given that could get lost"
            return GateResult(self.name, Status.NOT_RUN, reason=reason, lasting=True)
        try:
            given = read_given(synth["given"])
            lines = {str(path): Location(str(file), int(line)) for path, (file, line) in synth["lines"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"what the program gave was not recorded as it should be: {error!r}"
            return GateResult(self.name, Status.INCONCLUSIVE, reason=reason, lasting=True)
        arrivals = read_arrivals(subject.stacks())
        evidence = Evidence(given, subject.stacks(), arrivals, lines, Sources(subject.tree), session.toolchain.site_packages)
        found = sorted((one for kind in _KINDS for one in kind(evidence)), key=lambda one: (one.locations, one.code, one.message))
        status = Status.FAIL if found else Status.PASS
        return GateResult(self.name, status, tuple(found), wall=time.monotonic() - started, cpu=time.thread_time() - busy)
