"""The repair walk: from the response, mend the first thing that fails, see what it hid, and go on.

Each step takes the first failing diagnostic that the ideal does not have, finds the smallest set of fixes
that cures it (see `cure`), and applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.cure import Search, Trial, quick_explain
from harness.diagnostics import Diagnostic
from harness.experiment import VERDICTS, Experiment, new_diagnostics
from harness.fixes import Comparison
from harness.gates.base import GateResult, Status
from harness.variants import Variant, make_variant

_COMPLETING = 4
_SPARING = 10
"""At most so many trees are judged to find out which serving fixes are not needed."""
NO_USABLE_CODE = "no-usable-code"
"""The code of the one diagnostic that only the whole ideal cures."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `gate` said `diagnostic`, and `fixes` cured it, of which `culprits` are what the others only serve.

    `cured` is everything that the same gate said before and no longer says after. `everything` says that nothing
    less than all that was left helped. `completing` are fixes that cure nothing the response has: without them the cure
    itself would leave something behind that a later reader of the stacks minds (a rule taken out, and not put elsewhere).
    """

    number: int
    gate: str
    diagnostic: Diagnostic
    variant: Variant
    fixes: frozenset[str]
    culprits: tuple[str, ...]
    cured: tuple[Diagnostic, ...]
    everything: bool = False
    completing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Walk:
    """All steps; `converged` where the last tree passes what the ideal passes. `unused` fixes were never needed.

    `results` is what the gates said of that last tree: the ideal with all unused fixes undone at once.
    """

    steps: tuple[Step, ...]
    converged: bool
    unused: tuple[str, ...]
    results: Mapping[str, GateResult]


def walk(experiment: Experiment, taken: Callable[[Step], None] = lambda step: None) -> Walk:
    """Repair the response step by step, gate after gate, until it passes what the ideal passes.

    `taken` is called with every step as soon as it is taken.
    """
    comparison = experiment.comparison
    applied: frozenset[str] = frozenset()
    steps: list[Step] = []
    through = False
    start = 0
    while not through:
        variant = make_variant(comparison, applied)
        position = _first_refusing(experiment, variant, start)
        if position is None and start:
            # A fix may have brought back what an earlier gate refuses: only now are all of them asked again.
            start = 0
            continue
        if position is None:
            through = True
            break
        step = _take_step(experiment, len(steps) + 1, experiment.judged[position], variant)
        if step is None:
            break
        start = position
        applied |= step.fixes
        steps.append(step)
        taken(step)
    if through:
        steps, applied = _spare(experiment, steps, applied)
    results = experiment.judge(make_variant(comparison, applied).tree, experiment.judged)
    # No verdict where the ideal has one is no proof that the tree is as good.
    open_questions = any(results[name].status is Status.INCONCLUSIVE for name in experiment.judged)
    unused = tuple(fix for fix in comparison.fixes if fix not in applied)
    return Walk(tuple(steps), through and not open_questions, unused, results)


def _first_refusing(experiment: Experiment, variant: Variant, start: int = 0) -> int | None:
    """The position of the first gate, from `start` on, that says something of the tree that is the response's own.

    A gate without a verdict (no test to run, a hole of the emulator) has nothing to say against the tree; where it is
    an earlier gate that now refuses the tree, that one is meant.
    """
    judged = experiment.judged
    for position in range(start, len(judged)):
        results = experiment.judge(variant.tree, [judged[position]])
        refusing = [judged.index(name) for name, result in results.items() if name in judged and experiment.fresh(result)]
        if refusing:
            return min(refusing)
    return None


def _take_step(experiment: Experiment, number: int, gate: str, variant: Variant) -> Step | None:
    """Cure the first thing that the gate says; None where nothing does."""
    comparison = experiment.comparison
    result = experiment.judge(variant.tree, [gate])[gate]
    found = experiment.fresh(result)
    remaining = frozenset(comparison.fixes) - variant.applied
    if found[0].code == NO_USABLE_CODE:
        cure: frozenset[str] | None = remaining  # there is nothing to mend a part of
    else:
        cure = Search(experiment, gate, found[0], Trial(variant, result)).run()
    if not cure:
        return None
    completing = _completion(experiment, gate, found[0], variant, cure) if cure != remaining else frozenset()
    culprits = _culprits(comparison, cure)
    cure |= completing
    after = experiment.judge(make_variant(comparison, variant.applied | cure).tree, [gate]).get(gate)
    left = {diagnostic.identity for diagnostic in new_diagnostics(after, experiment.control[gate], renamed=comparison.renamed)}
    cured = tuple(diagnostic for diagnostic in found if diagnostic.identity not in left)
    return Step(number, gate, found[0], variant, cure, culprits, cured, everything=cure == remaining and len(cure) > 1, completing=completing)


def _completion(experiment: Experiment, gate: str, diagnostic: Diagnostic, before: Variant, cure: frozenset[str]) -> frozenset[str]:
    """What has to join a cure so that it takes nothing away without its replacement; nothing where that cannot be told.

    Where a derived gate had its say on the tree before and says something new of the tree after, the cure brought that, and not the response.
    """
    comparison = experiment.comparison
    names = [name for name in experiment.derived if name in experiment.judged and name != gate]
    said = experiment.judge(before.tree, names)
    more: frozenset[str] = frozenset()
    for _ in range(_COMPLETING):
        after = make_variant(comparison, before.applied | cure | more)
        results = experiment.judge(after.tree, names)
        harm = next(((name, new[0]) for name in names if (new := experiment.fresh(results[name], said[name]))), None)
        if harm is None:
            break
        name, trouble = harm
        found = Search(experiment, name, trouble, Trial(after, results[name])).run()
        if not found:
            break
        more |= found
    if not more:
        return more
    last = experiment.judge(make_variant(comparison, before.applied | cure | more).tree, [gate])[gate]
    cured = last.status in VERDICTS and all(one.identity != diagnostic.identity for one in last.diagnostics)
    return more if cured else frozenset()


def _spare(experiment: Experiment, steps: list[Step], applied: frozenset[str]) -> tuple[list[Step], frozenset[str]]:
    """The walk without the fixes that only served others and turn out not to be needed.

    Names are read, not executed, so a need may be one that this program never runs into; a tree that gets through
    every gate without it shows that.
    """
    culprits = {fix for step in steps for fix in step.culprits}
    serving = [fix for fix in experiment.comparison.fixes if fix in applied and fix not in culprits]
    if not serving or any(step.everything for step in steps):
        return steps, applied
    tries = 0

    def passes(part: Sequence[str]) -> bool:
        nonlocal tries
        tries += 1
        return _first_refusing(experiment, make_variant(experiment.comparison, culprits | set(part))) is None

    needed = set() if passes([]) else set(quick_explain(serving, passes, lambda: tries < _SPARING))
    kept = applied - (set(serving) - needed)
    return [replace(step, fixes=step.fixes & kept) for step in steps], kept


def _culprits(comparison: Comparison, cure: frozenset[str]) -> tuple[str, ...]:
    """The fixes of a cure that no other fix of it needs."""
    needed = {need for fix in cure for need in comparison.with_needs([fix]) - {fix}}
    return tuple(fix for fix in comparison.fixes if fix in cure and fix not in needed)
