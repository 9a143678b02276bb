"""The smallest set of fixes that cures one diagnostic.

Fixes are tried by how near they are to what the diagnostic names. A fix that cures it and breaks something of its
own (its statement relies on another one) is followed: the nearest fix for the new trouble joins it, and so on. Where
no such chain helps, a growing pool of the nearest fixes is applied until one helps, and that pool is made smaller by
QuickXplain (Junker, "QUICKXPLAIN: Preferred Explanations and Relaxations for Over-Constrained Problems", AAAI 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.diagnostics import Diagnostic
from harness.experiment import VERDICTS, Experiment
from harness.gates.base import GateResult, Status
from harness.ranking import IN_FILE, Nearness, telling_words
from harness.variants import Variant, make_variant

_STARTS = 6
_CHAIN = 6
_FOLLOWING = 2
_OTHERS = 3
_POOL = 4
_TRIES = {"synth": 40}
_FEWER_TRIES = 16
_SMALL = 3
_SPARING = 12


@dataclass(frozen=True, slots=True)
class Trial:
    """A variant with what its gate said."""

    variant: Variant
    result: GateResult


class Search:
    """Looks for the cure of `diagnostic`, which `gate` says of `variant` and not of the ideal."""

    def __init__(self, experiment: Experiment, gate: str, diagnostic: Diagnostic, before: Trial) -> None:
        self.comparison = experiment.comparison
        self.judge = experiment.judge
        self.gate = gate
        self.diagnostic = diagnostic
        self.before = before
        self.known = frozenset(one.identity for one in experiment.control[gate].diagnostics)
        self.tries = 0
        self._trials: dict[frozenset[str], Trial] = {}

    def run(self) -> frozenset[str] | None:
        """The fixes to apply, with all that they need; None where not even all of them help."""
        applied = self.before.variant.applied
        remaining = [fix for fix in self.comparison.fixes if fix not in applied]
        ranked = Nearness(self.comparison, self.diagnostic, self.before.variant).rank(remaining)
        symptom: frozenset[str] | None = None
        others = 0
        for fix in ranked[:_STARTS]:
            chain = self._chain(fix)
            if chain is None:
                continue
            if self._matters(fix):
                return self._spare_needs(chain) - applied
            # The ideal does without this fix, so it may only have moved the symptom; a fix that matters is the cause.
            symptom = chain if symptom is None else symptom
            others += 1
            if others == _OTHERS:
                break
        found = symptom or self._from_pool(ranked)
        return None if found is None else self._spare_needs(found) - applied

    def _matters(self, fix: str) -> bool:
        """Whether the gate objects to the ideal without `fix` and what builds on it; isolation asks the same later."""
        without = frozenset(self.comparison.fixes) - self.comparison.with_dependents([fix])
        result = self._first_verdict(make_variant(self.comparison, without))
        return any(one.identity not in self.known for one in result.diagnostics)

    def _spare_needs(self, chosen: frozenset[str]) -> frozenset[str]:
        """A cure of many statements without those of its needs that it can do without: names are read, not executed,
        so a need may be one that this program never runs into. Only a program that gets through the gate shows that."""
        applied = self.before.variant.applied
        fixes = sorted(chosen - applied, key=list(self.comparison.fixes).index)
        if len(fixes) < 2 or self.comparison.statements(fixes) <= _SMALL or self._try(chosen).result.status is not Status.PASS:
            return chosen
        allowed = self.tries + _SPARING

        def accepts(part: Iterable[str]) -> bool:
            trial = self._try(applied | frozenset(part))
            return trial.result.status is Status.PASS and trial.result.gate == self.gate

        nearness = Nearness(self.comparison, self.diagnostic, self.before.variant)
        return applied | frozenset(quick_explain(nearness.rank(fixes), accepts, lambda: self.tries < allowed))

    def _chain(self, start: str) -> frozenset[str] | None:
        """`start`, and what has to come with it so that it brings no trouble of its own; None where that leads nowhere."""
        members = [start]
        trial = self._try(self._with_needs(members))
        if not self._cures(trial):
            return None
        while (trouble := self._own_trouble(trial)) is not None:
            following = None if len(members) >= _CHAIN else self._follow(members, trial, trouble)
            if following is None:
                return None
            members, trial = following
        return self._shorten(members)

    def _follow(self, members: list[str], trial: Trial, trouble: Diagnostic) -> tuple[list[str], Trial] | None:
        """The members with the fix that ends the trouble; None where none of the nearest does."""
        chosen = trial.variant.applied
        nearness = Nearness(self.comparison, trouble, trial.variant)
        for fix in nearness.rank(fix for fix in self.comparison.fixes if fix not in chosen)[:_FOLLOWING]:
            if nearness.of(fix)[0] > IN_FILE:
                break
            longer = [*members, fix]
            next_trial = self._try(self._with_needs(longer))
            if self._cures(next_trial) and trouble.identity not in {one.identity for one in next_trial.result.diagnostics}:
                return longer, next_trial
        return None

    def _shorten(self, members: Sequence[str]) -> frozenset[str]:
        """The chain without the members that it can do without."""
        kept = list(members)
        for member in members[:-1]:
            fewer = [fix for fix in kept if fix != member]
            if fewer and self.accepts(fewer):
                kept = fewer
        return self._with_needs(kept)

    def _from_pool(self, ranked: Sequence[str]) -> frozenset[str] | None:
        size = _POOL
        while not self.accepts(ranked[:size]):
            if size >= len(ranked):
                return None
            size *= 3
        needed = quick_explain(ranked[:size], self.accepts, lambda: self.tries < _TRIES.get(self.gate, _FEWER_TRIES))
        return self._with_needs(needed)

    def accepts(self, fixes: Iterable[str]) -> bool:
        """Whether the fixes cure the diagnostic and bring no trouble of their own."""
        return self._accepts(self._with_needs(fixes))

    def _accepts(self, chosen: frozenset[str]) -> bool:
        trial = self._try(chosen)
        return self._cures(trial) and self._own_trouble(trial) is None

    def _with_needs(self, fixes: Iterable[str]) -> frozenset[str]:
        return self.before.variant.applied | self.comparison.with_needs(fixes)

    def _try(self, chosen: frozenset[str]) -> Trial:
        if chosen not in self._trials:
            self.tries += 1
            variant = make_variant(self.comparison, chosen)
            self._trials[chosen] = Trial(variant, self._first_verdict(variant))
        return self._trials[chosen]

    def _first_verdict(self, variant: Variant) -> GateResult:
        """What the gate says, or, where an earlier gate that it needs fails now, what that one says."""
        results = self.judge(variant.tree, [self.gate])
        result = results[self.gate]
        if result.status is Status.NOT_RUN:
            return next((other for other in results.values() if other.status is Status.FAIL), result)
        return result

    def _cures(self, trial: Trial) -> bool:
        if trial.result.status not in VERDICTS:
            return False
        return self.diagnostic.identity not in {other.identity for other in trial.result.diagnostics}

    def _own_trouble(self, trial: Trial) -> Diagnostic | None:
        """The first thing that is said now, was not said before, and comes from the fixes rather than from the response."""
        said_before = {one.identity for one in self.before.result.diagnostics} | self.known
        fresh = [one for one in trial.result.diagnostics if one.identity not in said_before]
        if not fresh:
            return None
        if trial.result.gate != self.gate:
            return fresh[0]
        if self.gate != "synth":
            here = {one.address for one in self.before.result.diagnostics}
            # A provider stops at the first mistake of a resource; the next one of the same resource was hidden.
            return next((one for one in fresh if one.address not in here), None)
        return fresh[0] if self._comes_from(fresh[0], trial) or self._went_back(trial) else None

    def _comes_from(self, diagnostic: Diagnostic, trial: Trial) -> bool:
        fixes = trial.variant.applied - self.before.variant.applied
        edits = {index for fix in fixes for index in self.comparison.fixes[fix].edits}
        if diagnostic.locations:
            origin = trial.variant.origin(diagnostic.locations[0])
            if origin.edit in edits:
                return True
        words = set(telling_words(diagnostic)[:2])
        touched = {symbol.name for index in edits for symbol in self.comparison.edits[index].before.defines - self.comparison.edits[index].after.defines} | {
            symbol.name for index in edits for symbol in self.comparison.edits[index].after.required - self.comparison.edits[index].before.required
        }
        return bool(words & touched)

    def _went_back(self, trial: Trial) -> bool:
        """Whether the program now stops before it has made as many constructs as it did before."""
        made, made_before = (len(result.output.get("lines", ())) for result in (trial.result, self.before.result))
        return made < made_before


def quick_explain(candidates: Sequence[str], accepts: Callable[[Sequence[str]], bool], may_try: Callable[[], bool]) -> list[str]:
    """A part of `candidates` that is accepted and from which nothing can be left out; earlier candidates are preferred.

    `candidates` as a whole are accepted. Where `may_try` says no, what is not yet decided is kept.
    """

    def explain(background: list[str], changed: bool, rest: list[str]) -> list[str]:
        if changed and may_try() and background and accepts(background):
            return []
        if len(rest) == 1 or not may_try():
            return rest
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        from_second = explain(background + first, bool(first), second)
        from_first = explain(background + from_second, bool(from_second), first)
        return from_first + from_second

    return explain([], False, list(candidates))
