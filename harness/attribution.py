"""Joins the two experiments: every fix that something breaks without becomes a finding with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from harness.diagnostics import Diagnostic, Location
from harness.edits import Edit
from harness.failures import Evidence, FixSummary, IsolationEvidence, WalkEvidence
from harness.fixes import FORMAT, Comparison
from harness.isolation import Isolated
from harness.ranking import telling_words
from harness.symbols import Symbol
from harness.variants import Variant, diff
from harness.walk import Step, Walk


@dataclass(frozen=True, slots=True)
class Finding:
    """One load-bearing fix and what breaks without it; what classification works on.

    `diagnostic` is the telling one: of isolation where there is one, else of the walk; `others` are further
    diagnostics of the same gate. `locations` are lines of the response. `added_parameters` are parameters
    that the fix adds to functions, as `TapStack.environment_suffix`.
    """

    diagnostic: Diagnostic
    others: tuple[Diagnostic, ...]
    locations: tuple[Location, ...]
    fix: FixSummary
    evidence: Evidence
    files: tuple[str, ...]
    added_parameters: tuple[str, ...]
    response_statements: tuple[str, ...]
    ideal_statements: tuple[str, ...]


def attribute(comparison: Comparison, repair: Walk, isolated: Iterable[Isolated], order: Sequence[str], derived: Sequence[str] = ()) -> tuple[Finding, ...]:
    """One finding for each fix that isolation shows to be load-bearing, and for each step that only the walk shows.

    `order` are the gates, the one that counts first in front; `derived` those of them that an experiment calls so.
    """
    by_fix = {one.fix: _of_the_response(one, repair, order) for one in isolated}
    # A completing fix is a part of another one's cure; the response has nothing of what its absence would break.
    completing = {fix for step in repair.steps for fix in step.completing}
    load_bearing = {fix for fix, one in by_fix.items() if one.broken and not (fix in completing and next(iter(one.broken)) in derived)}
    step_of = {fix: step for step in repair.steps for fix in _accused(step, by_fix, load_bearing)}
    needless = frozenset(repair.unused) if repair.converged else frozenset()
    others = load_bearing | needless
    by_walk: dict[int, tuple[str, ...]] = {}
    for step in repair.steps:
        accused = _accused(step, by_fix, load_bearing)
        if all(_breaks_later(by_fix[fix], step, order) for fix in accused if fix in load_bearing):
            by_walk[step.number] = accused
    shown = {fix for accused in by_walk.values() for fix in accused}
    findings = [_from_isolation(comparison, by_fix[fix], step_of.get(fix), repair, others) for fix in comparison.fixes if fix in load_bearing - shown]
    for step in repair.steps:
        if step.number in by_walk:
            accused = by_walk[step.number]
            alone = next((by_fix[fix] for fix in accused if fix in load_bearing), None)
            findings.append(_from_walk(comparison, step, accused, alone, others))
    return tuple(findings)


def _breaks_later(one: Isolated, step: Step, order: Sequence[str]) -> bool:
    """Whether the ideal without the fix gets through the gate at which the response, without it, did not.

    The ideal may no longer run that code; what the response did is what counts, and the later gate is one more proof.
    """
    first = next(iter(one.broken))
    return first in order and step.gate in order and order.index(first) > order.index(step.gate)


_ONE_AT_A_TIME = "synth"
"""A program stops at its first error, so whatever follows while that is mended belongs to it."""


def _of_the_response(one: Isolated, repair: Walk, order: Sequence[str]) -> Isolated:
    """What undoing a fix broke, without gates that the response got through before the walk applied the fix.

    There, the ideal fails without the fix only because other fixes are there: the response has no such failure.
    """
    step = next((step for step in repair.steps if one.fix in step.fixes), None)
    if step is None or step.gate not in order:
        return one
    start = order.index(step.gate)
    return replace(one, broken={gate: said for gate, said in one.broken.items() if gate not in order or order.index(gate) >= start})


def _accused(step: Step, by_fix: Mapping[str, Isolated], load_bearing: set[str]) -> tuple[str, ...]:
    """Which of a step's fixes its diagnostic belongs to: those whose absence says the same, else those that need the rest."""

    def says_the_same(fix: str) -> bool:
        return any(
            (other.code, other.symbols[:1], other.address) == (step.diagnostic.code, step.diagnostic.symbols[:1], step.diagnostic.address)
            for other in by_fix[fix].broken.get(step.gate, ())
        )

    alike = tuple(fix for fix in step.fixes if fix in load_bearing and says_the_same(fix))
    if alike or step.gate == _ONE_AT_A_TIME:
        return tuple(sorted(alike)) or step.culprits
    # Terraform lists what it finds, so a culprit that it says something else without is another failure's.
    return tuple(fix for fix in step.culprits if not (fix in load_bearing and by_fix[fix].broken.get(step.gate))) or step.culprits


def _from_isolation(comparison: Comparison, one: Isolated, step: Step | None, repair: Walk, apart: Set[str]) -> Finding:
    gate, diagnostics = next(iter(one.broken.items()))
    others = tuple(name for name in one.broken if name != gate)
    evidence = Evidence(
        walk=WalkEvidence(step.gate, step.number, step.diagnostic.message) if step else None,
        isolation=IsolationEvidence(gate, diagnostics[0].message, others, one.undone),
        note="" if step else _why_no_step(one.fix, repair),
    )
    return _finding(comparison, diagnostics, one.variant, [one.fix], evidence, apart, step.completing if step else ())


def _why_no_step(fix: str, repair: Walk) -> str:
    for step in repair.steps:
        if fix in step.fixes:
            return f"the walk applied it in step {step.number} together with what it cured there"
    return "the walk reached what the ideal passes without it"


def _from_walk(comparison: Comparison, step: Step, accused: Sequence[str], alone: Isolated | None, others: Set[str]) -> Finding:
    isolation = None
    note = "undone alone in the ideal it breaks no gate that can be compared; the walk's evidence stands alone"
    if step.everything:
        note = "nothing less than the whole ideal cures it; the ideal without all of that is the response"
    elif alone is not None:
        gate, diagnostics = next(iter(alone.broken.items()))
        isolation = IsolationEvidence(gate, diagnostics[0].message, tuple(name for name in alone.broken if name != gate), alone.undone)
        note = f"the response fails {step.gate} without it; the ideal, which no longer comes to this code there, fails {gate}"
    evidence = Evidence(walk=WalkEvidence(step.gate, step.number, step.diagnostic.message), isolation=isolation, note=note)
    return _finding(comparison, (step.diagnostic,), step.variant, accused, evidence, others, step.completing)


def _finding(
    comparison: Comparison,
    diagnostics: Sequence[Diagnostic],
    variant: Variant,
    fixes: Sequence[str],
    evidence: Evidence,
    others: Set[str],
    completing: Iterable[str],
) -> Finding:
    # What a fix needs, and what breaks nothing by itself, belongs to the cure: it is there for this.
    serving = _serving(comparison, fixes, others)
    cure = sorted({*fixes, *serving, *completing}, key=list(comparison.fixes).index)
    edits = [edit for fix in fixes for edit in comparison.edits_of(fix)]
    all_edits = [edit for fix in cure for edit in comparison.edits_of(fix)]
    return Finding(
        diagnostic=diagnostics[0],
        others=tuple(diagnostics[1:]),
        locations=locate(comparison, diagnostics[0], variant, fixes),
        fix=summarise_fixes(comparison, cure),
        evidence=evidence,
        files=tuple(dict.fromkeys(path for edit in edits for path in (edit.path, edit.response_path) if path))
        or tuple(sorted({place.file for place in diagnostics[0].locations})),
        added_parameters=tuple(sorted(_added_parameters(all_edits))),
        response_statements=tuple(edit.response_text for edit in edits if edit.response_text),
        ideal_statements=tuple(edit.ideal_text for edit in edits if edit.ideal_text),
    )


def summarise_fixes(comparison: Comparison, fixes: Iterable[str]) -> FixSummary:
    """The fixes together: each statement counted once, one diff for all."""
    ids = sorted(set(fixes), key=list(comparison.fixes).index)
    size = comparison.statements(ids)
    return FixSummary(tuple(ids), size, diff(comparison, ids), size)


def _serving(comparison: Comparison, fixes: Sequence[str], others: Set[str]) -> set[str]:
    """The needs of `fixes`, and theirs in turn, without `others`: those that are load-bearing for something else, and
    those that the walk got through without."""
    found: set[str] = set()
    waiting = list(fixes)
    while waiting:
        for need in comparison.fixes[waiting.pop()].needs - others - found:
            found.add(need)
            waiting.append(need)
    return found


def _added_parameters(edits: Iterable[Edit]) -> set[str]:
    def parameters(symbols: Iterable[Symbol]) -> set[str]:
        return {f"{symbol.owner}.{symbol.name}" for symbol in symbols if symbol.kind == "parameter"}

    return {name for edit in edits for name in parameters(edit.after.defines) - parameters(edit.before.defines)}


def locate(comparison: Comparison, diagnostic: Diagnostic, variant: Variant, fixes: Sequence[str]) -> tuple[Location, ...]:
    """Where in the response the mistake stands: the diagnostic's own line where that lies in the fix, else the line
    of the fix that names what the diagnostic is about, else the fix's first line."""
    if FORMAT in fixes:
        return tuple(_in_response(variant, place) for place in diagnostic.locations)
    edits = [edit for fix in fixes for edit in comparison.edits_of(fix)]
    indexes = {edit.index for edit in edits}
    words = telling_words(diagnostic)
    for place in diagnostic.locations:
        origin = variant.origin(place)
        if origin.edit in indexes:
            return (_in_response(variant, place),)
        inside = [edit for edit in edits if edit.leaf is not None and (edit.pair, edit.leaf) == origin.statement and edit.response_part.strip()]
        if inside:
            # The tool points to the statement; which of its arguments is meant, the fix knows.
            best = next((edit for word in words for edit in inside if word in edit.response_part), inside[0])
            return (Location(best.response_path, best.response_line),)
    for symbol in diagnostic.symbols:
        for edit in edits:
            # A part is only some of its statement's lines; the rest of the statement is not what the fix exchanges.
            text, lead = (edit.response_text, _lead(edit.response_text)) if edit.hole is None else (edit.response_part, 0)
            for offset, line in enumerate(text.splitlines()):
                if symbol in line:
                    return (Location(edit.response_path, edit.response_line - lead + offset),)
    there = [place for place in diagnostic.locations if (variant.origin(place).file or place.file) in comparison.response]
    if there and not any(edit.response_path in comparison.response for edit in edits):
        # The fix brings files that the response lacks: what needs them is the place.
        return (_in_response(variant, there[0]),)
    # A statement that the response has says more than the place where one is missing, and code more than its imports.
    edits.sort(key=lambda edit: (not edit.response_text.strip(), edit.response_text.lstrip().startswith(("import ", "from "))))
    return tuple(Location(edit.response_path, edit.response_line) for edit in edits[:1])


def _in_response(variant: Variant, place: Location) -> Location:
    origin = variant.origin(place)
    return Location(origin.file or place.file, origin.line)


def _lead(text: str) -> int:
    """Blank and comment lines above the statement."""
    count = 0
    for line in text.splitlines():
        if line.strip() and not line.strip().startswith("#"):
            break
        count += 1
    return count
