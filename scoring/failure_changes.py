"""Failures of two runs, case by case and over all cases: what is new, gone, of another severity, and what is only flaky."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.failures import Severity
from scoring.comparison import FailureChange, Flaky, Total
from scoring.run_pairing import Codes, Pairing, UsedSamples, distinct
from scoring.statistics import adjust, sign_tests
from scoring.verdicts import PASS, Verdicts

_SEVERITIES = [str(severity) for severity in Severity]
_NONE = len(_SEVERITIES)
_SCORES = ("training_quality", "response_quality")


@dataclass(frozen=True)
class Failures:
    """The failures of the used samples of one side, one entry each: `row` (into the used samples), `kind` (into `Kinds`), `severity` (0 is the worst)."""

    row: Codes
    kind: Codes
    severity: Codes


@dataclass(frozen=True)
class Kinds:
    """The fingerprints of both runs, with what is the same for each: one row a fingerprint. `rule_code` numbers the rules of `rules`."""

    fingerprint: npt.NDArray[Any]
    rule: npt.NDArray[Any]
    symbol: npt.NDArray[Any]
    title: npt.NDArray[Any]
    rule_code: Codes
    rules: npt.NDArray[Any]


def code_failures(pairing: Pairing, base: pd.DataFrame, head: pd.DataFrame) -> tuple[Failures, Failures, Kinds]:
    """The failures of the used samples of both runs (from `store.failures`), in numbers."""
    rows = [
        pd.Index(side.ids).get_indexer(pd.Index(frame["sample_id"].to_numpy(dtype=np.int64))) for side, frame in ((pairing.base, base), (pairing.head, head))
    ]
    both = pd.concat([frame[["fingerprint", "rule", "symbol", "title", "severity"]] for frame in (base, head)], ignore_index=True)
    used = np.flatnonzero(np.concatenate(rows) >= 0)
    every = pd.factorize(both["fingerprint"])[0][used]
    codes, present = pd.factorize(every)
    first = np.full(len(present), len(both), dtype=np.int64)
    np.minimum.at(first, codes, used)
    severity_codes, severities = pd.factorize(both["severity"])
    ranks = np.array([*(_SEVERITIES.index(str(name)) for name in severities), _NONE], dtype=np.int64)[severity_codes[used]]
    about = both.iloc[first].fillna("")
    rule_codes, rules = pd.factorize(about["rule"], sort=True)
    texts = [about[name].to_numpy(dtype=object) for name in ("rule", "symbol", "title", "fingerprint")]
    kinds = Kinds(texts[3], texts[0], texts[1], texts[2], rule_codes.astype(np.int64), np.asarray(rules, dtype=object))
    kept = [row[row >= 0].astype(np.int64) for row in rows]
    middle = len(kept[0])
    return Failures(kept[0], codes[:middle].astype(np.int64), ranks[:middle]), Failures(kept[1], codes[middle:].astype(np.int64), ranks[middle:]), kinds


def failure_changes(pairing: Pairing, base: Failures, head: Failures, kinds: Kinds, flaky: Codes) -> tuple[FailureChange, ...]:
    """What is new, gone, worse or milder in each case, worst first. `flaky` holds the keys `unit * fingerprints + fingerprint` to leave out."""
    width = max(1, len(kinds.fingerprint))
    before, after = (_by_unit(side, failures, width) for side, failures in ((pairing.base, base), (pairing.head, head)))
    keys = distinct(np.concatenate([before[0], after[0]]))
    keys = keys[~np.isin(keys, flaky)]
    shares, worst = zip(*(_looked_up(keys, side) for side in (before, after)), strict=True)
    in_base, in_head = worst[0] < _NONE, worst[1] < _NONE
    change = np.select([~in_base, ~in_head, worst[1] < worst[0], worst[1] > worst[0]], ["new", "gone", "worse", "milder"], "")
    rows = np.flatnonzero(change != "")
    order = np.select([change[rows] == "new", change[rows] == "worse", change[rows] == "gone"], [0, 1, 2], 3)
    rows = rows[np.lexsort((keys[rows], np.minimum(worst[0], worst[1])[rows], order))]
    units, kind = keys[rows] // width, keys[rows] % width
    case, model = pairing.cases[units // len(pairing.models)], units % len(pairing.models)
    names = [np.array([pair[side] for pair in pairing.models], dtype=object)[model] for side in range(2)]
    severity = np.array([*_SEVERITIES, None], dtype=object)
    columns = (
        change[rows], case, names[0], names[1], kinds.fingerprint[kind], kinds.rule[kind], kinds.symbol[kind], kinds.title[kind],
        severity[worst[0][rows]], severity[worst[1][rows]], shares[0][rows], shares[1][rows],
    )  # fmt: skip
    return tuple(map(FailureChange, *(column.tolist() for column in columns)))


_ByUnit = tuple[Codes, npt.NDArray[np.float64], Codes]


def _by_unit(side: UsedSamples, failures: Failures, width: int) -> _ByUnit:
    """Keys `unit * width + fingerprint`, sorted; the share of the unit's samples that have it; its worst severity."""
    once, first = np.unique(failures.row * width + failures.kind, return_inverse=True)
    units = side.unit[once // width]
    keys, where = np.unique(units * width + once % width, return_inverse=True)
    shares = np.bincount(where, minlength=len(keys)) / np.bincount(side.unit)[keys // width]
    worst = np.full(len(keys), _NONE, dtype=np.int64)
    np.minimum.at(worst, where[first], failures.severity)
    return keys, shares, worst


def _looked_up(keys: Codes, side: _ByUnit) -> tuple[npt.NDArray[np.float64], Codes]:
    places = pd.Index(side[0]).get_indexer(pd.Index(keys))
    return np.append(side[1], 0.0)[places], np.append(side[2], _NONE)[places]


def totals(pairing: Pairing, base: Failures, head: Failures, kinds: Kinds, *, by_rule: bool) -> tuple[Total, ...]:
    """Each rule, or each fingerprint, over all cases, the smallest p first.

    A case's share is over all its samples, of whatever model: the cases are what the sign test counts.
    """
    codes, names = (kinds.rule_code, kinds.rules) if by_rule else (np.arange(len(kinds.fingerprint)), kinds.fingerprint)
    if not len(names):
        return ()
    titles = np.full(len(names), "", dtype=object) if by_rule else kinds.title
    width, size = len(names), len(pairing.cases)
    counted = [_by_case(side, codes[failures.kind], failures.row, width) for side, failures in ((pairing.base, base), (pairing.head, head))]
    keys = distinct(np.concatenate([counted[0][0], counted[1][0]]))
    shares, samples = [], []
    for side, (own, count) in zip((pairing.base, pairing.head), counted, strict=True):
        number = np.append(count, 0)[pd.Index(own).get_indexer(pd.Index(keys))]
        shares.append(number / np.bincount(side.case, minlength=size)[keys // width])
        samples.append(np.bincount(keys % width, weights=number, minlength=width).astype(np.int64))
    cases = len(np.unique(pairing.base.case))
    means = [np.bincount(keys % width, weights=share, minlength=width) / cases for share in shares]
    rise = shares[1] - shares[0]
    rose, fell = (np.bincount(keys[moved] % width, minlength=width) for moved in (rise > 1e-12, rise < -1e-12))
    p = sign_tests(rose, fell)
    order = np.lexsort((-np.maximum(samples[0], samples[1]), p))
    columns = (names, titles, samples[0], samples[1], means[0], means[1], rose, fell, p, adjust(p))
    return tuple(map(Total, *(column[order].tolist() for column in columns)))


def _by_case(side: UsedSamples, names: Codes, rows: Codes, width: int) -> tuple[Codes, Codes]:
    """Keys `case * width + name` and the number of samples of the case that have it."""
    once = distinct(rows * width + names)
    keys, count = np.unique(side.case[once // width] * width + once % width, return_counts=True)
    return keys, count.astype(np.int64)


@dataclass(frozen=True)
class FlakySide:
    """What is flaky on one side: the records; the keys `unit * fingerprints + fingerprint`; the keys `unit * gates + gate`, gates as in its verdicts."""

    records: tuple[Flaky, ...]
    failures: Codes
    gates: Codes


def find_flaky(name: str, side: UsedSamples, failures: Failures, kinds: Kinds, verdicts: Verdicts) -> FlakySide:
    """Where attempts of the same response and the same ideal disagree on a failure, on a gate's status or on a score."""
    empty = np.zeros(0, dtype=np.int64)
    inputs = [side.unit] + [pd.factorize(side.frame[column].fillna(""))[0] for column in ("sample", "response_digest", "ideal_digest")]
    group = _grouped(inputs)
    attempts = np.bincount(group)
    if not len(attempts) or attempts.max() < 2:
        return FlakySide((), empty, empty)
    example = np.zeros(len(attempts), dtype=np.int64)
    example[group] = np.arange(len(group))
    repeated = attempts > 1
    width = max(1, len(kinds.fingerprint))
    records: list[Flaky] = []

    once = distinct(failures.row * width + failures.kind)
    keys, seen = np.unique(group[once // width] * width + once % width, return_counts=True)
    some = repeated[keys // width] & (seen < attempts[keys // width])
    found, kind = keys[some] // width, keys[some] % width
    records += _records(name, side, example[found], "failure", kinds.fingerprint[kind], kinds.title[kind], seen[some], attempts[found])
    flaky_failures = distinct(side.unit[example[found]] * width + kind)

    flaky_gates = [empty]
    for column, gate in enumerate(verdicts.gates):
        status = verdicts.status[:, column].astype(np.int64)
        found = np.flatnonzero(_spread(status, group, len(attempts)) > 0)
        passing = np.bincount(group[status == PASS], minlength=len(attempts))[found]
        titles = np.full(len(found), gate, dtype=object)
        records += _records(name, side, example[found], "gate", titles, titles, passing, attempts[found])
        flaky_gates.append(np.unique(side.unit[example[found]] * len(verdicts.gates) + column))
    for score in _SCORES:
        values = np.round(np.nan_to_num(side.score(score), nan=-1.0), 9)
        found = np.flatnonzero(_spread(values, group, len(attempts)) > 0)
        different = np.bincount(np.unique(np.stack([group, pd.factorize(values)[0]]), axis=1)[0], minlength=len(attempts))[found]
        titles = np.full(len(found), score, dtype=object)
        records += _records(name, side, example[found], "score", titles, titles, different, attempts[found])
    return FlakySide(tuple(records), flaky_failures, np.unique(np.concatenate(flaky_gates)))


def _grouped(columns: list[Any]) -> Codes:
    """One number for each different combination."""
    group = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        group = pd.factorize(group * (int(column.max(initial=0)) + 1) + column)[0].astype(np.int64)
    return group


def _spread(values: npt.NDArray[Any], group: Codes, size: int) -> npt.NDArray[np.float64]:
    """Largest minus smallest value of each group."""
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    spread: npt.NDArray[np.float64] = high - low
    return spread


def _records(name: str, side: UsedSamples, rows: Codes, kind: str, what: Any, titles: Any, seen: Any, attempts: Any) -> Iterator[Flaky]:
    about = (side.frame[column].to_numpy(dtype=object)[rows].tolist() for column in ("case_name", "model", "sample"))
    for case, model, sample, one, title, count, total in zip(*about, what, titles, seen.tolist(), attempts.tolist(), strict=True):
        yield Flaky(name, case, model, sample, kind, one, title, count, total)
