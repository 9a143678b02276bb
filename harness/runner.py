"""Runs gates on trees, each judgement once: in memory within a run, and in a cache on disk across runs."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from harness.cache import GateCache
from harness.case import Case
from harness.errors import HarnessFault
from harness.gates.base import Gate, GateResult, Status, Subject, not_applicable
from harness.session import Session
from harness.tree import Tree

Progress = Callable[[str], None]


@dataclass
class GateRunner:
    """Judges trees of one case. Safe to call from several threads; a judgement that is under way is waited for."""

    case: Case
    session: Session
    gates: Sequence[Gate]
    disk: GateCache | None = None
    _known: dict[str, Future[GateResult]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    spent: dict[str, float] = field(default_factory=lambda: {"wall": 0.0, "cpu": 0.0})
    """Seconds that gates took in this run, without what came out of the cache."""

    lasts: bool = True
    """Whether all answers so far would be the same in another run."""

    @property
    def names(self) -> list[str]:
        """The gates' names in the order in which they were handed in."""
        return [gate.name for gate in self.gates]

    def judge(self, tree: Tree, names: Sequence[str] | None = None) -> dict[str, GateResult]:
        """The verdicts on `tree` of the gates `names` (all by default), and of what they need."""
        results: dict[str, GateResult] = {}
        for name in self.names if names is None else names:
            self._judge_one(tree, name, results)
        return results

    def _judge_one(self, tree: Tree, name: str, results: dict[str, GateResult]) -> GateResult:
        if name in results:
            return results[name]
        gate = next(gate for gate in self.gates if gate.name == name)
        if reason := not_applicable(gate, self.case):
            results[name] = GateResult(name, Status.NOT_RUN, reason=reason)
            return results[name]
        for need in gate.needs:
            if self._judge_one(tree, need, results).status is not Status.PASS:
                results[name] = GateResult(name, Status.NOT_RUN, reason=f"{need} did not pass", blocked_by=need)
                return results[name]
        control = self._control(gate) if getattr(gate, "compares", False) else {}
        results[name] = self._known_or_run(gate, Subject(self.case, tree, dict(results), control))
        return results[name]

    def _control(self, gate: Gate) -> dict[str, GateResult]:
        """What the gates that `gate` needs say of the ideal."""
        results: dict[str, GateResult] = {}
        for need in gate.needs:
            self._judge_one(self.case.ideal, need, results)
        return results

    def _known_or_run(self, gate: Gate, subject: Subject) -> GateResult:
        if reason := gate.missing(self.session):
            return GateResult(gate.name, Status.NOT_RUN, reason=reason)
        key = self._key(gate, subject)
        with self._lock:
            future = self._known.get(key)
            mine = future is None
            if future is None:
                future = self._known[key] = Future()
        if mine:
            try:
                future.set_result(self._from_disk_or_run(gate, subject, key))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def _from_disk_or_run(self, gate: Gate, subject: Subject, key: str) -> GateResult:
        if self.disk is not None and (kept := self.disk.get(key)) is not None:
            return kept
        try:
            result = gate.run(subject, self.session)
        except HarnessFault as fault:
            # Trouble of ours is never the subject's failure, and never worth remembering.
            self.lasts = False
            return GateResult(gate.name, Status.INCONCLUSIVE, reason=f"harness: {fault.message}")
        with self._lock:
            self.spent["wall"] += result.wall
            self.spent["cpu"] += result.cpu
            self.lasts = self.lasts and result.lasts
        if self.disk is not None and result.lasts:
            self.disk.put(key, result)
        return result

    def _key(self, gate: Gate, subject: Subject) -> str:
        parts = (gate.name, gate.version, gate.key(subject), self.session.toolchain.fingerprint, source_digest())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def without_verdict(result: GateResult, reason: str) -> GateResult:
    """The same gate, not run for `reason`."""
    return replace(result, status=Status.NOT_RUN, diagnostics=(), reason=reason)


@cache
def source_digest() -> str:
    """A digest of Assay's own code below `harness`: what an older version judged is judged again."""
    total = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.js"), *root.rglob("*.toml"), *root.rglob("*.yaml")]):
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def failing(results: Mapping[str, GateResult], order: Sequence[str]) -> list[str]:
    """The gates that fail, in `order`."""
    return [name for name in order if name in results and results[name].status is Status.FAIL]
