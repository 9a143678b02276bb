"""Which samples of two runs can be held against each other, which are left out and why, and what else differs between the runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import UsageError
from scoring.comparison import Exclusion

Codes = npt.NDArray[np.int64]

_COLUMNS = ["sample_id", "case_name", "model", "sample", "state", "control", "training_quality", "response_quality", "response_digest", "ideal_digest"]


@dataclass(frozen=True)
class RunFrames:
    """A run as the store hands it out; `model` takes one model of it. `toolchain` is its fingerprint."""

    run: str
    label: str
    toolchain: str
    rubric: str
    samples: pd.DataFrame
    gate_results: pd.DataFrame
    failures: pd.DataFrame
    model: str | None = None


@dataclass(frozen=True)
class UsedSamples:
    """The samples of one side that are compared: their rows of the store's frame, with codes into `Pairing.cases` and `Pairing.models`.

    A unit is a case of one model; all arrays have the length of `frame`.
    """

    frame: pd.DataFrame
    case: Codes
    model: Codes
    unit: Codes

    @property
    def ids(self) -> Codes:
        """The store's sample ids."""
        return self.frame["sample_id"].to_numpy(dtype=np.int64)

    def score(self, name: str) -> npt.NDArray[np.float64]:
        """One of the two scores, NaN where there is none."""
        return self.frame[name].to_numpy(dtype=np.float64)


@dataclass(frozen=True)
class Pairing:
    """Both sides, with one code for what belongs together: `unit = case * len(models) + model`. `models` holds (in base, in head)."""

    base: UsedSamples
    head: UsedSamples
    cases: npt.NDArray[Any]
    models: tuple[tuple[str, str], ...]
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]

    @property
    def units(self) -> int:
        """One more than the largest unit."""
        return len(self.cases) * len(self.models)


def pair_runs(base: RunFrames, head: RunFrames) -> Pairing:
    """Pairs by case and model; by case alone where the runs have no model in common and each case has one model in each of them.

    Raises `UsageError` where nothing is left to compare, or a run does not have the model that was asked for.
    """
    frames = _by_case_alone(_of_model(base), _of_model(head))
    models = _pair_models(frames[0], frames[1], base.run, head.run)
    case_codes, cases = _shared_codes([frame["case_name"] for frame in frames])
    model_codes = [_positions(frame["model"], [pair[side] for pair in models]) for side, frame in enumerate(frames)]
    units = [np.where(model >= 0, case * len(models) + model, -1) for case, model in zip(case_codes, model_codes, strict=True)]
    usable = [_usable(frame) & (unit >= 0) for frame, unit in zip(frames, units, strict=True)]
    size = len(cases) * len(models)
    present = [_marked(unit[unit >= 0], size) for unit in units]
    judged = [_marked(unit[good], size) for unit, good in zip(units, usable, strict=True)]
    used = [good & judged[1 - side][np.maximum(unit, 0)] for side, (unit, good) in enumerate(zip(units, usable, strict=True))]
    exclusions = tuple(
        exclusion for side, name in enumerate(("base", "head")) for exclusion in _exclusions(name, frames[side], units[side], used[side], present[1 - side])
    )
    if not used[0].any():
        left = "; ".join(f"{one.side}: {one.samples} samples: {one.reason}" for one in exclusions)
        raise UsageError(f"the runs {base.run} and {head.run} have no case in common that can be compared ({left})", "compare runs over the same cases")
    sides = [UsedSamples(frames[side][used[side]], case_codes[side][used[side]], model_codes[side][used[side]], units[side][used[side]]) for side in range(2)]
    warnings = tuple(_warnings(base, head, sides[0], sides[1], models, size))
    return Pairing(sides[0], sides[1], cases, models, exclusions, warnings)


def _of_model(run: RunFrames) -> pd.DataFrame:
    if run.model is None:
        return run.samples[_COLUMNS]
    chosen = run.samples[_COLUMNS][(run.samples["model"] == run.model).to_numpy(dtype=bool)]
    if chosen.empty:
        known = ", ".join(sorted(map(str, run.samples["model"].unique())))
        raise UsageError(f"run {run.run} has no model {run.model!r}", f"its models: {known or 'none'}")
    return chosen


def _by_case_alone(base: pd.DataFrame, head: pd.DataFrame) -> list[pd.DataFrame]:
    """The frames, with one name for all models of a run where no model is in both and no case has two: then the cases alone say what belongs together."""
    frames = [base, head]
    if set(base["model"]) & set(head["model"]) or any(frame.groupby("case_name")["model"].nunique().gt(1).any() for frame in frames):
        return frames
    names = [sorted(map(str, frame["model"].unique())) for frame in frames]
    return [
        frame.assign(model=models[0] if len(models) == 1 else f"{len(models)} models") if models else frame for frame, models in zip(frames, names, strict=True)
    ]


def _pair_models(base: pd.DataFrame, head: pd.DataFrame, base_run: str, head_run: str) -> tuple[tuple[str, str], ...]:
    before, after = (sorted(map(str, frame["model"].unique())) for frame in (base, head))
    common = sorted(set(before) & set(after))
    if common:
        return tuple((model, model) for model in common)
    if len(before) == len(after) == 1:
        return ((before[0], after[0]),)
    raise UsageError(
        f"the runs {base_run} ({', '.join(before) or 'no sample'}) and {head_run} ({', '.join(after) or 'no sample'}) have no model in common",
        "choose one of each: assay compare BASE:MODEL HEAD:MODEL",
    )


def _shared_codes(columns: list[pd.Series[Any]]) -> tuple[list[Codes], npt.NDArray[Any]]:
    """One numbering, in alphabetical order, for both runs."""
    codes, names = pd.factorize(pd.concat(columns, ignore_index=True), sort=True)
    first = len(columns[0])
    return [codes[:first].astype(np.int64), codes[first:].astype(np.int64)], np.asarray(names, dtype=object)


def _positions(column: pd.Series[Any], names: list[str]) -> Codes:
    codes, found = pd.factorize(column)
    position = {name: place for place, name in enumerate(names)}
    return np.array([*(position.get(str(name), -1) for name in found), -1], dtype=np.int64)[codes]


def _usable(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return ((frame["state"] == "done") & (frame["control"] == "ok")).fillna(False).to_numpy(dtype=bool)


def distinct(keys: Codes) -> Codes:
    """The different keys, sorted. On large arrays of large numbers several times faster than the table that `np.unique` fills."""
    ordered = np.sort(keys)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _marked(units: Codes, size: int) -> npt.NDArray[np.bool_]:
    return np.bincount(units, minlength=size) > 0


def _exclusions(side: str, frame: pd.DataFrame, unit: Codes, used: npt.NDArray[np.bool_], elsewhere: npt.NDArray[np.bool_]) -> Iterator[Exclusion]:
    """Every sample that is not used gets the first reason that holds."""
    state = frame["state"].fillna("").to_numpy(dtype=object)
    broken = (frame["control"] != "ok").fillna(True).to_numpy(dtype=bool)
    other = "head" if side == "base" else "base"
    reasons = (
        (f"{other} does not have the model", unit < 0),
        (f"{other} does not have the case", ~elsewhere[np.maximum(unit, 0)]),
        ("Assay could not evaluate it", state == "error"),
        ("it was not evaluated yet", state != "done"),
        ("the control is broken", broken),
        (f"{other} has no usable sample of the case", np.ones(len(frame), dtype=bool)),
    )
    left = ~used
    for reason, holds in reasons:
        rows = left & holds
        left &= ~holds
        if rows.any():
            yield Exclusion(side, reason, int(rows.sum()), tuple(sorted(map(str, frame["case_name"][rows].unique()))))


def _warnings(base: RunFrames, head: RunFrames, before: UsedSamples, after: UsedSamples, models: tuple[tuple[str, str], ...], size: int) -> Iterator[str]:
    if base.toolchain != head.toolchain:
        yield f"the toolchains differ ({base.toolchain[:12]} and {head.toolchain[:12]}): a difference may be the tools' and not the model's"
    if base.rubric != head.rubric:
        yield f"the rubrics differ (version {base.rubric} and {head.rubric}): scores and severities do not mean the same"
    if ideals := _differing(before, after, "ideal_digest", size):
        yield f"the ideal differs in {ideals} cases: their failures and scores are held against another fix"
    units = int(np.count_nonzero(_marked(before.unit, size)))
    responses = _differing(before, after, "response_digest", size)
    if responses and all(first == second for first, second in models):
        yield f"the responses differ in {responses} of {units} cases of the same model: a difference may be the model's or chance between its answers"
    counts = [np.bincount(side.unit, minlength=size) for side in (before, after)]
    if unequal := int(np.count_nonzero(counts[0] != counts[1])):
        yield f"the number of samples differs in {unequal} of {units} cases: the side with more has more chances to show a rare failure"


def _differing(before: UsedSamples, after: UsedSamples, column: str, size: int) -> int:
    """The number of units whose sets of digests differ; unknown (empty) digests are not held against anybody."""
    codes, digests = pd.factorize(pd.concat([before.frame[column], after.frame[column]], ignore_index=True).fillna(""))
    known = np.array([*(bool(digest) for digest in digests), False])[codes]
    first = len(before.frame)
    keys = [distinct((unit * (len(digests) + 1) + code)[there]) for unit, code, there in (
        (before.unit, codes[:first], known[:first]), (after.unit, codes[first:], known[first:]))]  # fmt: skip
    told = _marked(before.unit[known[:first]], size) & _marked(after.unit[known[first:]], size)
    units = distinct(np.setxor1d(keys[0], keys[1], assume_unique=True) // (len(digests) + 1))
    return int(np.count_nonzero(told[units]))
