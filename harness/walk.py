"""The repair walk: from the response, mend the first thing that fails, see what it hid, and go on.

Each step takes the first failing diagnostic that the ideal does not have, finds the smallest set of fixes
that cures it, and applies it. Fixes are tried by how near they are to what the diagnostic names; where no
single one helps, a set that does is made smaller by delta debugging (Zeller and Hildebrandt, "Simplifying
and Isolating Failure-Inducing Input", IEEE TSE 28(2), 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.diagnostics import Diagnostic
from harness.fixes import FORMAT, Comparison
from harness.gates.base import GateResult, Status
from harness.isolation import new_diagnostics, visible
from harness.tree import Tree
from harness.variants import Variant, make_variant

JudgeSome = Callable[[Tree, Sequence[str]], Mapping[str, GateResult]]
_SINGLE_TRIES = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `gate` said `diagnostic`, and `fixes` cured it, of which `culprits` are what the others only serve.

    `cured` is everything that the same gate said before and no longer says after.
    """

    number: int
    gate: str
    diagnostic: Diagnostic
    variant: Variant
    fixes: frozenset[str]
    culprits: tuple[str, ...]
    cured: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """All steps; `converged` where the last tree passes what the ideal passes. `unused` fixes were never needed."""

    steps: tuple[Step, ...]
    converged: bool
    unused: tuple[str, ...]


def walk(
    comparison: Comparison, judge: JudgeSome, control: Mapping[str, GateResult], order: Sequence[str], seen: Mapping[str, GateResult] | None = None
) -> Walk:
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
        found = visible(new_diagnostics(result, control[gate]), seen.get(gate))
        if not found:
            if result.status not in (Status.PASS, Status.FAIL) and result.status is not control[gate].status:
                break
            position += 1
            if position == len(judged):
                # A fix may have brought back what an earlier gate refuses: only now are all of them asked again.
                position = _first_refusing(judge, variant.tree, judged, control, seen)
            continue
        remaining = [fix for fix in comparison.fixes if fix not in applied]
        cure = _smallest_cure(comparison, judge, control, gate, found[0], variant, remaining)
        if cure is None:
            break
        applied |= cure
        after = new_diagnostics(judge(make_variant(comparison, applied).tree, [gate]).get(gate), control[gate])
        left = {diagnostic.identity for diagnostic in after}
        cured = tuple(diagnostic for diagnostic in found if diagnostic.identity not in left)
        steps.append(Step(len(steps) + 1, gate, found[0], variant, cure, _culprits(comparison, cure), cured))
    return Walk(tuple(steps), position >= len(judged), tuple(fix for fix in comparison.fixes if fix not in applied))


def _first_refusing(judge: JudgeSome, tree: Tree, judged: Sequence[str], control: Mapping[str, GateResult], seen: Mapping[str, GateResult]) -> int:
    results = judge(tree, judged)

    def refuses(name: str) -> bool:
        result = results[name]
        if result.status is Status.FAIL:
            return bool(visible(new_diagnostics(result, control[name]), seen.get(name)))
        return result.status is not Status.PASS and result.status is not control[name].status

    return next((number for number, name in enumerate(judged) if refuses(name)), len(judged))


def _smallest_cure(
    comparison: Comparison,
    judge: JudgeSome,
    control: Mapping[str, GateResult],
    gate: str,
    diagnostic: Diagnostic,
    variant: Variant,
    remaining: Sequence[str],
) -> frozenset[str] | None:
    """The smallest set of the `remaining` fixes that makes `gate` stop saying `diagnostic`; None where nothing does."""

    def cures(fixes: Iterable[str]) -> bool:
        wanted = variant.applied | comparison.with_needs(fixes)
        result = judge(make_variant(comparison, wanted).tree, [gate]).get(gate)
        if result is None or result.status not in (Status.PASS, Status.FAIL):
            return False
        return diagnostic.identity not in {other.identity for other in result.diagnostics}

    pool: list[str] = []
    for tier in rank(comparison, diagnostic, variant, remaining):
        for fix in tier[:_SINGLE_TRIES]:
            if cures([fix]):
                return _minimal_needs(comparison, [fix], variant)
        pool += tier
        if len(pool) > 1 and cures(pool):
            return _minimal_needs(comparison, minimise(pool, cures), variant)
    return None


def _minimal_needs(comparison: Comparison, fixes: Iterable[str], variant: Variant) -> frozenset[str]:
    return comparison.with_needs(fixes) - variant.applied


def minimise(candidates: Sequence[str], cures: Callable[[Sequence[str]], bool]) -> list[str]:
    """The ddmin algorithm: a part of `candidates` that cures, and from which nothing can be left out alone."""
    current, parts = list(candidates), 2
    while len(current) > 1:
        size = max(len(current) // parts, 1)
        chunks = [current[start : start + size] for start in range(0, len(current), size)]
        smaller = next((chunk for chunk in chunks if len(chunks) > 1 and cures(chunk)), None)
        if smaller is not None:
            current, parts = smaller, 2
            continue
        rest = next((others for chunk in reversed(chunks) if (others := [fix for fix in current if fix not in chunk]) and cures(others)), None)
        if rest is not None:
            current, parts = rest, max(parts - 1, 2)
        elif size == 1:
            break
        else:
            parts = min(parts * 2, len(current))
    return current


def rank(comparison: Comparison, diagnostic: Diagnostic, variant: Variant, remaining: Sequence[str]) -> list[list[str]]:
    """The remaining fixes in tiers, nearest to the diagnostic first: on its lines, with its symbols, in its files, the rest."""
    hit: dict[int, int] = {}
    for depth, place in enumerate(diagnostic.locations):
        edit = variant.origin(place).edit
        if edit is not None:
            hit.setdefault(edit, depth)
    whole_files = {edit.path: edit.index for edit in comparison.edits if edit.leaf is None}
    for depth, place in enumerate(diagnostic.locations):
        if place.file in whole_files:
            hit.setdefault(whole_files[place.file], depth)
    files = [place.file for place in diagnostic.locations]

    def distance(fix: str) -> tuple[int, int, int, int]:
        if fix == FORMAT:
            return (0, 0, 0, 0) if diagnostic.gate in ("format",) else (9, 0, 0, 0)
        edits = comparison.edits_of(fix)
        on_line = min((hit[edit.index] for edit in edits if edit.index in hit), default=99)
        mentions = sum(symbol in edit.response_text + edit.ideal_text for symbol in diagnostic.symbols for edit in edits)
        near = min((abs(edit.response_line - place.line) for edit in edits for place in diagnostic.locations if place.file == edit.path), default=9_999)
        in_file = min((files.index(edit.path) for edit in edits if edit.path in files), default=99)
        if on_line < 99:
            return (1, on_line, -mentions, near)
        if mentions:
            return (2, in_file, -mentions, near)
        return (3, in_file, near, 0) if in_file < 99 else (4, 0, 0, 0)

    position = {fix: number for number, fix in enumerate(comparison.fixes)}
    tiers: dict[int, list[str]] = {}
    for fix in sorted(remaining, key=lambda fix: (*distance(fix), position[fix])):
        tiers.setdefault(distance(fix)[0], []).append(fix)
    return [tiers[tier] for tier in sorted(tiers)]


def _culprits(comparison: Comparison, cure: frozenset[str]) -> tuple[str, ...]:
    """The fixes of a cure that no other fix of it needs."""
    needed = {need for fix in cure for need in comparison.with_needs([fix]) - {fix}}
    return tuple(fix for fix in comparison.fixes if fix in cure and fix not in needed)
