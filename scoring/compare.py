"""Two runs -> what changed, with statistics. Pure: from the store's DataFrames to a `Comparison`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scoring.comparison import Comparison, GateChange, GateRegression, ModelChange, PassAtKChange, ScoreChange, Side
from scoring.failure_changes import code_failures, failure_changes, find_flaky, totals
from scoring.pass_at_k import model_pass_at_k
from scoring.run_pairing import Codes, Pairing, RunFrames, UsedSamples, pair_runs
from scoring.statistics import ALPHA, Floats, PairedDifference, adjust, clustered_mean, mcnemar, paired_difference, sign_flip_test
from scoring.verdicts import Verdicts, response_verdicts

SCORES = ("training_quality", "response_quality")


def compare_runs(base: RunFrames, head: RunFrames) -> Comparison:
    """Everything that changed from `base` to `head`. Raises `UsageError` where they have nothing in common."""
    pairing = pair_runs(base, head)
    verdicts = [response_verdicts(run.gate_results, side.ids) for run, side in ((base, pairing.base), (head, pairing.head))]
    before, after, kinds = code_failures(pairing, base.failures, head.failures)
    flaky = [
        find_flaky(name, side, failures, kinds, judged)
        for name, side, failures, judged in (("base", pairing.base, before, verdicts[0]), ("head", pairing.head, after, verdicts[1]))
    ]
    unsteady = np.union1d(flaky[0].failures, flaky[1].failures)
    shaky = [
        {(int(key) // len(judged.gates), judged.gates[int(key) % len(judged.gates)]) for key in one.gates} for one, judged in zip(flaky, verdicts, strict=True)
    ]
    one_sided = _one_sided_gates(verdicts[0], verdicts[1])
    return Comparison(
        _side(base, pairing.base),
        _side(head, pairing.head),
        pairing.exclusions,
        pairing.warnings + one_sided,
        _models(pairing, verdicts[0], verdicts[1]),
        failure_changes(pairing, before, after, kinds, unsteady),
        _gate_regressions(pairing, verdicts[0], verdicts[1], shaky[0] | shaky[1]),
        flaky[0].records + flaky[1].records,
        totals(pairing, before, after, kinds, by_rule=True),
        totals(pairing, before, after, kinds, by_rule=False),
    )


def _side(run: RunFrames, used: UsedSamples) -> Side:
    return Side(run.run, run.label, run.model, run.toolchain, run.rubric, len(used.frame), len(np.unique(used.case)))


def _one_sided_gates(before: Verdicts, after: Verdicts) -> tuple[str, ...]:
    only = {"base": sorted(set(before.gates) - set(after.gates)), "head": sorted(set(after.gates) - set(before.gates))}
    return tuple(f"only {side} has the gates {', '.join(gates)}: they are not compared" for side, gates in only.items() if gates)


def _models(pairing: Pairing, before: Verdicts, after: Verdicts) -> tuple[ModelChange, ...]:
    rows = [[np.flatnonzero(side.model == code) for side in (pairing.base, pairing.head)] for code in range(len(pairing.models))]
    kept = [code for code in range(len(pairing.models)) if len(rows[code][0])]
    gates = {code: _gates(pairing, before, after, rows[code][0], rows[code][1]) for code in kept}
    # One family: who looks for the gate that changed looks through the gates of all models.
    adjusted = iter(adjust([gate.test.p for code in kept for gate in gates[code]]).tolist())
    changes = []
    for code in kept:
        own, other = rows[code]
        scores = tuple(_score(pairing, name, own, other) for name in SCORES)
        cases = len(np.unique(pairing.base.case[own]))
        corrected = tuple(GateChange(one.gate, one.before, one.after, one.gained, one.lost, one.test, next(adjusted)) for one in gates[code])
        changes.append(ModelChange(*pairing.models[code], cases, scores, corrected, _pass_at_k(pairing, before, after, own, other)))
    return tuple(changes)


def _case_means(values: npt.NDArray[np.float64], cases: Codes, size: int) -> Floats:
    """The mean of each case's values, NaN where it has none; NaN values are left out."""
    there = ~np.isnan(values)
    counts = np.bincount(cases[there], minlength=size)
    sums = np.bincount(cases[there], weights=values[there], minlength=size)
    means: Floats = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means


def _score(pairing: Pairing, name: str, own: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> ScoreChange:
    values = [pairing.base.score(name)[own], pairing.head.score(name)[other]]
    cases = [pairing.base.case[own], pairing.head.case[other]]
    means = [_case_means(numbers, codes, len(pairing.cases)) for numbers, codes in zip(values, cases, strict=True)]
    difference = paired_difference(means[0], means[1])
    return ScoreChange(name, clustered_mean(values[0], cases[0]), clustered_mean(values[1], cases[1]), difference, score_verdict(name, difference))


def score_verdict(name: str, difference: PairedDifference) -> str:
    """Which way a score went, for the model: a higher training quality means more to learn from the pair, so the response is worse."""
    mean = difference.estimate.mean
    if mean is None:
        return "no score to compare"
    if abs(mean) < 1e-12:
        return "unchanged"
    worse = (mean > 0) == (name == "training_quality")
    if difference.test.p >= ALPHA:
        return "not told apart from chance" + (", looks worse" if worse else ", looks better")
    return "the responses are worse" if worse else "the responses are better"


def _gates(pairing: Pairing, before: Verdicts, after: Verdicts, own: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> tuple[GateChange, ...]:
    size, changes = len(pairing.cases), []
    cases = [pairing.base.case[own], pairing.head.case[other]]
    for gate in before.gates:
        if gate not in after.gates:
            continue
        passed = [_shares(before.column(gate)[own]), _shares(after.column(gate)[other])]
        rates = [_case_means(numbers, codes, size) for numbers, codes in zip(passed, cases, strict=True)]
        both = ~np.isnan(rates[0]) & ~np.isnan(rates[1])
        if not both.any():
            continue
        estimates = [clustered_mean(np.where(both[codes], numbers, np.nan), codes) for numbers, codes in zip(passed, cases, strict=True)]
        rise = (rates[1] - rates[0])[both]
        gained, lost = int(np.count_nonzero(rise > 1e-12)), int(np.count_nonzero(rise < -1e-12))
        single = all(estimate.samples == estimate.clusters for estimate in estimates)
        test = mcnemar(gained, lost) if single else sign_flip_test(rise)
        changes.append(GateChange(gate, estimates[0], estimates[1], gained, lost, test, test.p))
    return tuple(changes)


def _shares(passed: npt.NDArray[np.int8]) -> Floats:
    numbers: Floats = np.where(passed >= 0, passed, np.nan).astype(np.float64)
    return numbers


def _pass_at_k(pairing: Pairing, before: Verdicts, after: Verdicts, own: npt.NDArray[np.intp], other: npt.NDArray[np.intp]) -> tuple[PassAtKChange, ...]:
    found = []
    for side, verdicts, rows in ((pairing.base, before, own), (pairing.head, after, other)):
        rates = model_pass_at_k("", side.case[rows], side.frame["sample"].iloc[rows], verdicts, rows)
        found.append({(rate.gate, rate.k): rate.estimate for rate in rates})
    return tuple(PassAtKChange(gate, k, found[0].get((gate, k)), found[1].get((gate, k))) for gate, k in sorted({*found[0], *found[1]}))


def _gate_regressions(pairing: Pairing, before: Verdicts, after: Verdicts, flaky: set[tuple[int, str]]) -> tuple[GateRegression, ...]:
    """Gates that pass on every sample of a case in base and fail, not only because an earlier gate did, on one in head."""
    size, found = pairing.units, []
    for gate in before.gates:
        if gate not in after.gates:
            continue
        was, now = before.column(gate), after.column(gate)
        samples = np.bincount(pairing.base.unit, minlength=size)
        passing = np.bincount(pairing.base.unit[was == 1], minlength=size)
        failing = np.bincount(pairing.head.unit[(now == 0) & ~after.blocked[:, after.gates.index(gate)]], minlength=size)
        judged = np.bincount(pairing.head.unit[now >= 0], minlength=size)
        for unit in np.flatnonzero((samples > 0) & (passing == samples) & (failing > 0)).tolist():
            if (unit, gate) not in flaky:
                case, model = divmod(unit, len(pairing.models))
                found.append(GateRegression(str(pairing.cases[case]), *pairing.models[model], gate, int(failing[unit]), int(judged[unit])))
    return tuple(found)
