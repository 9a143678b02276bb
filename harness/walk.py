"""The repair walk: from the response, mend the first thing that fails, see what it hid, and go on.

Each step takes the first failing diagnostic that the ideal does not have, finds the smallest set of fixes
that cures it (see `cure`), and applies it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.cure import Search, Trial, quick_explain
from harness.diagnostics import Diagnostic
from harness.fixes import Comparison
from harness.gates.base import GateResult, Status
from harness.isolation import Judge, new_diagnostics, visible
from harness.variants import Variant, make_variant

_SPARING = 10
"""At most so many trees are judged to find out which serving fixes are not needed."""
NO_USABLE_CODE = "no-usable-code"
"""The code of the one diagnostic that only the whole ideal cures."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `gate` said `diagnostic`, and `fixes` cured it, of which `culprits` are what the others only serve.

    `cured` is everything that the same gate said before and no longer says after. `everything` says that nothing
    less than all that was left helped.
    """

    number: int
    gate: str
    diagnostic: Diagnostic
    variant: Variant
    fixes: frozenset[str]
    culprits: tuple[str, ...]
    cured: tuple[Diagnostic, ...]
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Walk:
    """All steps; `converged` where the last tree passes what the ideal passes. `unused` fixes were never needed.

    `final` is that last tree, and `results` what the gates said of it.
    """

    steps: tuple[Step, ...]
    converged: bool
    unused: tuple[str, ...]
    final: Variant | None = None
    results: Mapping[str, GateResult] | None = None


def walk(comparison: Comparison, judge: Judge, control: Mapping[str, GateResult], order: Sequence[str], seen: Mapping[str, GateResult] | None = None) -> Walk:
    """Repair the response step by step, gate after gate in `order`, until it passes what the ideal passes.

    `seen` is as in `isolate`: a remark that half a repair brings about is no failure of the response.
    """
    seen = seen or {}
    judged = [name for name in order if name in control and control[name].status in (Status.PASS, Status.FAIL)]
    applied: frozenset[str] = frozenset()
    steps: list[Step] = []
    position = 0
    while position < len(judged):
        gate = judged[position]
        variant = make_variant(comparison, applied)
        result = judge(variant.tree, [gate])[gate]
        found = visible(new_diagnostics(result, control[gate], renamed=comparison.renamed), seen.get(gate), comparison.renamed)
        if not found:
            # A gate without a verdict (no test to run, a hole of the emulator) has nothing to say against the tree.
            position += 1
            if position == len(judged):
                # A fix may have brought back what an earlier gate refuses: only now are all of them asked again.
                position = _first_refusing(comparison, judge, variant, judged, control, seen)
            continue
        remaining = frozenset(comparison.fixes) - applied
        if found[0].code == NO_USABLE_CODE:
            cure: frozenset[str] | None = remaining  # there is nothing to mend a part of
        else:
            known = frozenset(one.identity for one in control[gate].diagnostics)
            cure = Search(comparison, judge, gate, found[0], Trial(variant, result), known).run()
        if not cure:
            break
        everything = cure == remaining and len(cure) > 1
        applied |= cure
        after = new_diagnostics(judge(make_variant(comparison, applied).tree, [gate]).get(gate), control[gate], renamed=comparison.renamed)
        left = {diagnostic.identity for diagnostic in after}
        cured = tuple(diagnostic for diagnostic in found if diagnostic.identity not in left)
        steps.append(Step(len(steps) + 1, gate, found[0], variant, cure, _culprits(comparison, cure), cured, everything))
    if position >= len(judged):
        steps, applied = _spare(comparison, judge, control, judged, seen, steps, applied)
    final = make_variant(comparison, applied)
    results = judge(final.tree, judged)
    # No verdict where the ideal has one is no proof that the tree is as good.
    open_questions = any(results[name].status is Status.INCONCLUSIVE for name in judged)
    unused = tuple(fix for fix in comparison.fixes if fix not in applied)
    return Walk(tuple(steps), position >= len(judged) and not open_questions, unused, final, results)


def _spare(
    comparison: Comparison,
    judge: Judge,
    control: Mapping[str, GateResult],
    judged: Sequence[str],
    seen: Mapping[str, GateResult],
    steps: list[Step],
    applied: frozenset[str],
) -> tuple[list[Step], frozenset[str]]:
    """The walk without the fixes that only served others and turn out not to be needed.

    Names are read, not executed, so a need may be one that this program never runs into; a tree that gets through
    every gate without it shows that.
    """
    culprits = {fix for step in steps for fix in step.culprits}
    serving = [fix for fix in comparison.fixes if fix in applied and fix not in culprits]
    if not serving or any(step.everything for step in steps):
        return steps, applied
    tries = 0

    def passes(part: Sequence[str]) -> bool:
        nonlocal tries
        tries += 1
        return _first_refusing(comparison, judge, make_variant(comparison, culprits | set(part)), judged, control, seen) == len(judged)

    needed = set() if passes([]) else set(quick_explain(serving, passes, lambda: tries < _SPARING))
    kept = applied - (set(serving) - needed)
    return [replace(step, fixes=step.fixes & kept) for step in steps], kept


def _first_refusing(
    comparison: Comparison, judge: Judge, variant: Variant, judged: Sequence[str], control: Mapping[str, GateResult], seen: Mapping[str, GateResult]
) -> int:
    results = judge(variant.tree, judged)

    def refuses(name: str) -> bool:
        result = results[name]
        if result.status is Status.FAIL:
            return bool(visible(new_diagnostics(result, control[name], renamed=comparison.renamed), seen.get(name), comparison.renamed))
        return False

    return next((number for number, name in enumerate(judged) if refuses(name)), len(judged))


def _culprits(comparison: Comparison, cure: frozenset[str]) -> tuple[str, ...]:
    """The fixes of a cure that no other fix of it needs."""
    needed = {need for fix in cure for need in comparison.with_needs([fix]) - {fix}}
    return tuple(fix for fix in comparison.fixes if fix in cure and fix not in needed)
