"""Isolation: the ideal with a single fix undone. What breaks then is what the fix is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.diagnostics import Diagnostic
from harness.fixes import Comparison
from harness.gates.base import GateResult, Status
from harness.tree import Tree
from harness.variants import Variant, make_variant

Judge = Callable[[Tree, Sequence[str]], Mapping[str, GateResult]]
_VERDICTS = (Status.PASS, Status.FAIL)


@dataclass(frozen=True, slots=True)
class Isolated:
    """What undoing `fix` broke. `undone` are all fixes undone: those that build on it cannot stay without it.

    `broken` maps each gate that says something new to what it says, in the order of the gates, so the first
    one is the measured severity; empty where the fix is not load-bearing. `results` are all verdicts.
    """

    fix: str
    undone: tuple[str, ...]
    variant: Variant
    broken: Mapping[str, tuple[Diagnostic, ...]]
    results: Mapping[str, GateResult]


def isolate(comparison: Comparison, fix: str, judge: Judge, control: Mapping[str, GateResult], order: Sequence[str]) -> Isolated:
    """Undo `fix` in the ideal, together with the fixes that need it, and see what that adds.

    What the dependents' absence causes by itself is no effect of this fix; so the tree is compared with
    the ideal that lacks the dependents only. Without dependents that tree is the ideal itself.
    """
    every = frozenset(comparison.fixes)
    undone = comparison.with_dependents([fix])
    variant = make_variant(comparison, every - undone)
    results = judge(variant.tree, order)
    suspects = [name for name in order if new_diagnostics(results.get(name), control.get(name))]
    baseline: Mapping[str, GateResult] = {}
    if suspects and undone != {fix}:
        baseline = judge(make_variant(comparison, every - undone | {fix}).tree, suspects)
    broken = {}
    for name in suspects:
        if fresh := new_diagnostics(results[name], control[name], baseline.get(name, control[name])):
            broken[name] = fresh
    return Isolated(fix, tuple(sorted(undone)), variant, broken, results)


def new_diagnostics(result: GateResult | None, *baselines: GateResult | None) -> tuple[Diagnostic, ...]:
    """What `result` says and none of the `baselines` does; nothing where a baseline has no verdict to compare with."""
    if result is None or result.status is not Status.FAIL:
        return ()
    if any(baseline is None or baseline.status not in _VERDICTS for baseline in baselines):
        return ()
    known = {diagnostic.identity for baseline in baselines if baseline for diagnostic in baseline.diagnostics}
    return tuple(diagnostic for diagnostic in result.diagnostics if diagnostic.identity not in known)
