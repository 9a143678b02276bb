"""The constraints gate: every rule over the graph of the synthesized stacks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator

from harness.constraints.base import Rule, Violation, all_rules
from harness.constraints.graph import ResourceGraph, build_graphs
from harness.errors import HarnessFault
from harness.gates.base import GateResult, Status, Subject
from harness.gates.graph_findings import as_diagnostic, source_lines
from harness.session import Session
from harness.terraform.stacks import produced_files


class ConstraintsGate:
    """Passes when no rule finds a violation."""

    name = "constraints"
    version = "2"
    needs: tuple[str, ...] = ("synth",)
    derived = True

    def missing(self, session: Session) -> str:
        """The rules need nothing but the synthesized stacks."""
        return ""

    def key(self, subject: Subject) -> str:
        """The stacks, the lines they come from, and the rules."""
        parts = [subject.stacks(), source_lines(subject), sorted(_files(subject)), [(rule.id, rule.version) for rule in all_rules()]]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def run(self, subject: Subject, session: Session) -> GateResult:
        """One diagnostic a violation, in the order of rules. Raises `HarnessFault` for a rule that breaks."""
        started, busy = time.monotonic(), time.thread_time()
        lines = source_lines(subject)
        graphs = build_graphs(subject.stacks(), _files(subject))
        problems = tuple(
            as_diagnostic(self.name, rule.id, rule.title, found, lines) for rule in all_rules() for graph in graphs for found in _check(rule, graph)
        )
        status = Status.FAIL if problems else Status.PASS
        return GateResult(self.name, status, problems, wall=time.monotonic() - started, cpu=time.thread_time() - busy)


def _files(subject: Subject) -> frozenset[str]:
    """What lies in the tree once it was synthesized."""
    return frozenset(subject.tree.files) | frozenset(produced_files(subject))


def _check(rule: Rule, graph: ResourceGraph) -> Iterator[Violation]:
    try:
        yield from rule.check(graph)
    except Exception as error:
        # A rule may come from a plugin; its mistakes are never the subject's.
        raise HarnessFault(f"the rule {rule.id} broke on the stack {graph.stack}: {error!r}", "report it to the rule's author") from error
