"""Isolation: the ideal with a single fix undone. What breaks then is what the fix is for.

Fixes that are expected to matter for nothing by themselves are undone together first; only where something breaks
then, they are told apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.diagnostics import Diagnostic
from harness.experiment import Experiment
from harness.gates.base import GateResult
from harness.variants import Variant, make_variant


@dataclass(frozen=True, slots=True)
class Isolated:
    """What undoing `fix` broke. `undone` are all fixes undone: those that build on it cannot stay without it.

    `broken` maps each gate that says something new to what it says, in the order of the gates, so the first
    one is the measured severity; empty where the fix is not load-bearing. `results` are all verdicts. `together`
    names the fixes that were undone at once with this one, where that broke nothing.
    """

    fix: str
    undone: tuple[str, ...]
    variant: Variant
    broken: Mapping[str, tuple[Diagnostic, ...]]
    results: Mapping[str, GateResult]
    together: tuple[str, ...] = ()


def isolate(experiment: Experiment, fix: str) -> Isolated:
    """Undo `fix` in the ideal, together with the fixes that need it, and see what that adds.

    What the dependents' absence causes by itself is no effect of this fix; so the tree is compared with
    the ideal that lacks the dependents only. Without dependents that tree is the ideal itself.
    """
    return _isolate(experiment, [fix])


def isolate_remarks(experiment: Experiment, fixes: Sequence[str]) -> tuple[Isolated, ...]:
    """Isolate each of `fixes`, which cured remarks of gates that only read the code.

    Undone all at once they show whether any other gate minds; where none does, each is undone for the readers alone.
    """
    readers = [name for name in experiment.order if name in experiment.seen]
    others = [name for name in experiment.order if name not in readers]
    if len(fixes) > 1 and not any(gate in others for gate in _isolate(experiment, fixes, others).broken):
        return tuple(_isolate(experiment, [fix], readers) for fix in fixes)
    return tuple(isolate(experiment, fix) for fix in fixes)


def isolate_together(experiment: Experiment, fixes: Sequence[str]) -> tuple[Isolated, ...]:
    """Isolate each of `fixes`, as few times as possible: where undoing several at once breaks nothing, none of them does."""
    if not fixes:
        return ()
    one = _isolate(experiment, fixes)
    if len(fixes) == 1:
        return (one,)
    if not one.broken:
        return tuple(replace(one, fix=fix, together=tuple(fixes)) for fix in fixes)
    half = len(fixes) // 2
    return (*isolate_together(experiment, fixes[:half]), *isolate_together(experiment, fixes[half:]))


def _isolate(experiment: Experiment, fixes: Sequence[str], order: Sequence[str] | None = None) -> Isolated:
    order = experiment.order if order is None else order
    comparison = experiment.comparison
    every = frozenset(comparison.fixes)
    undone = comparison.with_dependents(fixes)
    variant = make_variant(comparison, every - undone)
    results = experiment.judge(variant.tree, order)
    suspects = [name for name in order if experiment.fresh(results.get(name))]
    baseline: Mapping[str, GateResult] = {}
    if suspects and undone != set(fixes):
        baseline = experiment.judge(make_variant(comparison, every - undone | set(fixes)).tree, suspects)
    broken = {gate: fresh for gate in suspects if (fresh := experiment.fresh(results[gate], baseline.get(gate)))}
    return Isolated(fixes[0], tuple(sorted(undone)), variant, broken, results)
