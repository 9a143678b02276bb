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


def isolate(
    comparison: Comparison, fix: str, judge: Judge, control: Mapping[str, GateResult], order: Sequence[str], seen: Mapping[str, GateResult] | None = None
) -> Isolated:
    """Undo `fix` in the ideal, together with the fixes that need it, and see what that adds.

    `seen` are verdicts on the response of gates that see all of a tree at once: what they do not say of the
    response is no failure of it, only something that the experiment made.

    What the dependents' absence causes by itself is no effect of this fix; so the tree is compared with
    the ideal that lacks the dependents only. Without dependents that tree is the ideal itself.
    """
    every = frozenset(comparison.fixes)
    undone = comparison.with_dependents([fix])
    variant = make_variant(comparison, every - undone)
    results = judge(variant.tree, order)
    seen = seen or {}
    suspects = [name for name in order if visible(new_diagnostics(results.get(name), control.get(name)), seen.get(name))]
    baseline: Mapping[str, GateResult] = {}
    if suspects and undone != {fix}:
        baseline = judge(make_variant(comparison, every - undone | {fix}).tree, suspects)
    broken = {}
    for name in suspects:
        if fresh := visible(new_diagnostics(results[name], control[name], baseline.get(name, control[name])), seen.get(name)):
            broken[name] = fresh
    return Isolated(fix, tuple(sorted(undone)), variant, broken, results)


def visible(diagnostics: tuple[Diagnostic, ...], seen: GateResult | None) -> tuple[Diagnostic, ...]:
    """Those of the `diagnostics` that the same gate says of the response too; all of them where it could not see everything."""
    if seen is None or seen.status not in _VERDICTS or any("syntax" in diagnostic.code for diagnostic in seen.diagnostics):
        return diagnostics
    said = {diagnostic.identity for diagnostic in seen.diagnostics}
    return tuple(diagnostic for diagnostic in diagnostics if diagnostic.identity in said)


def new_diagnostics(result: GateResult | None, *baselines: GateResult | None) -> tuple[Diagnostic, ...]:
    """What `result` says and none of the `baselines` does; nothing where a baseline has no verdict to compare with."""
    if result is None or result.status is not Status.FAIL:
        return ()
    if any(baseline is None or baseline.status not in _VERDICTS for baseline in baselines):
        return ()
    known = {diagnostic.identity for baseline in baselines if baseline for diagnostic in baseline.diagnostics}
    return tuple(diagnostic for diagnostic in result.diagnostics if diagnostic.identity not in known)
