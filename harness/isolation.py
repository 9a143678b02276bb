"""Isolation: the ideal with a single fix undone. What breaks then is what the fix is for.

Fixes that are expected to matter for nothing by themselves are undone together first; only where something breaks
then, they are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.diagnostics import Diagnostic
from harness.fixes import Comparison
from harness.gates.base import GateResult, Status
from harness.tree import Tree
from harness.variants import Variant, make_variant

Judge = Callable[[Tree, Sequence[str]], Mapping[str, GateResult]]
_VERDICTS = (Status.PASS, Status.FAIL)
_NOTHING: Mapping[str, str] = {}


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


def isolate(
    comparison: Comparison, fix: str, judge: Judge, control: Mapping[str, GateResult], order: Sequence[str], seen: Mapping[str, GateResult] | None = None
) -> Isolated:
    """Undo `fix` in the ideal, together with the fixes that need it, and see what that adds.

    `seen` are verdicts on the response of gates that see all of a tree at once: what they do not say of the
    response is no failure of it, only something that the experiment made.

    What the dependents' absence causes by itself is no effect of this fix; so the tree is compared with
    the ideal that lacks the dependents only. Without dependents that tree is the ideal itself.
    """
    return _isolate([fix], fix, comparison, judge, control, order, seen or {})


def isolate_together(
    comparison: Comparison,
    fixes: Sequence[str],
    judge: Judge,
    control: Mapping[str, GateResult],
    order: Sequence[str],
    seen: Mapping[str, GateResult] | None = None,
) -> tuple[Isolated, ...]:
    """Isolate each of `fixes`, as few times as possible: where undoing several at once breaks nothing, none of them does."""
    if not fixes:
        return ()
    one = _isolate(fixes, fixes[0], comparison, judge, control, order, seen or {})
    if len(fixes) == 1:
        return (one,)
    if not one.broken:
        return tuple(replace(one, fix=fix, together=tuple(fixes)) for fix in fixes)
    half = len(fixes) // 2
    return tuple(found for part in (fixes[:half], fixes[half:]) for found in isolate_together(comparison, part, judge, control, order, seen))


def _isolate(
    fixes: Sequence[str],
    name: str,
    comparison: Comparison,
    judge: Judge,
    control: Mapping[str, GateResult],
    order: Sequence[str],
    seen: Mapping[str, GateResult],
) -> Isolated:
    every = frozenset(comparison.fixes)
    undone = comparison.with_dependents(fixes)
    variant = make_variant(comparison, every - undone)
    results = judge(variant.tree, order)
    suspects = [
        name for name in order if visible(new_diagnostics(results.get(name), control.get(name), renamed=comparison.renamed), seen.get(name), comparison.renamed)
    ]
    baseline: Mapping[str, GateResult] = {}
    if suspects and undone != set(fixes):
        baseline = judge(make_variant(comparison, every - undone | set(fixes)).tree, suspects)
    broken = {}
    for gate in suspects:
        if fresh := visible(
            new_diagnostics(results[gate], control[gate], baseline.get(gate, control[gate]), renamed=comparison.renamed), seen.get(gate), comparison.renamed
        ):
            broken[gate] = fresh
    return Isolated(name, tuple(sorted(undone)), variant, broken, results)


def visible(diagnostics: tuple[Diagnostic, ...], seen: GateResult | None, renamed: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """Those of the `diagnostics` that the same gate says of the response too; all of them where it could not see everything.

    `renamed` maps the response's paths to the ideal's, for files that moved.
    """
    if seen is None or seen.status not in _VERDICTS or any("syntax" in diagnostic.code for diagnostic in seen.diagnostics):
        return diagnostics
    said = {same_place(diagnostic, renamed) for diagnostic in seen.diagnostics}
    return tuple(diagnostic for diagnostic in diagnostics if same_place(diagnostic, renamed) in said)


def new_diagnostics(result: GateResult | None, *baselines: GateResult | None, renamed: Mapping[str, str] = _NOTHING) -> tuple[Diagnostic, ...]:
    """What `result` says and none of the `baselines` does; nothing where a baseline has no verdict to compare with."""
    if result is None or result.status is not Status.FAIL:
        return ()
    if any(baseline is None or baseline.status not in _VERDICTS for baseline in baselines):
        return ()
    known = {same_place(diagnostic, renamed) for baseline in baselines if baseline for diagnostic in baseline.diagnostics}
    return tuple(diagnostic for diagnostic in result.diagnostics if same_place(diagnostic, renamed) not in known)


def same_place(diagnostic: Diagnostic, renamed: Mapping[str, str]) -> tuple[str, str, str, str]:
    """The diagnostic's identity with the ideal's path where it speaks of a file that moved."""
    gate, code, text, where = diagnostic.identity
    there = renamed.get(where, where)
    return gate, code, text.replace(where, there) if where else text, there
