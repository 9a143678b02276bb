"""pass@k: the chance that at least one of k responses of a model passes a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from scoring.statistics import Estimate, Floats, clustered_mean
from scoring.verdicts import Verdicts, response_verdicts

USUAL_K = (1, 2, 5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class PassAtK:
    """pass@k of one gate and model: the mean over the cases that have at least `k` responses with a verdict, with its interval."""

    model: str
    gate: str
    k: int
    estimate: Estimate


def pass_at_k(responses: npt.ArrayLike, passing: npt.ArrayLike, k: int) -> Floats:
    """`1 - C(n - c, k) / C(n, k)` for each of n `responses` with c `passing` (same shape, 0 <= c <= n): the unbiased estimator of
    Chen et al., "Evaluating Large Language Models Trained on Code" (2021), section 2.1. NaN where there are fewer than `k` responses.

    Raises `ValueError` where `k` is less than 1.
    """
    if k < 1:
        raise ValueError(f"pass@k needs a k of at least 1, not {k}")
    total, good = np.asarray(responses, dtype=np.float64), np.asarray(passing, dtype=np.float64)
    none_passes = np.ones(np.broadcast(total, good).shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        for drawn in range(k):
            none_passes = none_passes * np.maximum(total - good - drawn, 0.0) / (total - drawn)
    share: Floats = np.where(total >= k, 1.0 - none_passes, np.nan)
    return share


def run_pass_at_k(samples: pd.DataFrame, gate_results: pd.DataFrame, ks: Sequence[int] | None = None) -> tuple[PassAtK, ...]:
    """pass@k per model, gate and k of one run, from `store.samples` and `store.gate_results`.

    Samples without a result, or with a broken control, do not count. `ks` are by default the usual ones that the run has
    enough samples for, and the largest number of samples of a case. A response that was evaluated several times passes where it passes each time.
    """
    usable = samples[((samples["state"] == "done") & (samples["control"] == "ok")).fillna(False).to_numpy(dtype=bool)]
    verdicts = response_verdicts(gate_results, usable["sample_id"].to_numpy(dtype=np.int64))
    models, names = pd.factorize(usable["model"], sort=True)
    cases = pd.factorize(usable["case_name"])[0]
    found: list[PassAtK] = []
    for code, name in enumerate(names):
        rows = models == code
        found += model_pass_at_k(str(name), cases[rows], usable["sample"][rows], verdicts, np.flatnonzero(rows), ks)
    return tuple(found)


def model_pass_at_k(
    model: str, cases: npt.NDArray[Any], labels: pd.Series[Any], verdicts: Verdicts, rows: npt.NDArray[np.intp], ks: Sequence[int] | None = None
) -> tuple[PassAtK, ...]:
    """pass@k per gate of one model: `cases` and `labels` (both as long as `rows`) are the case and the sample of each of the `rows` of `verdicts`."""
    if not len(rows):
        return ()
    label_codes, label_names = pd.factorize(labels)
    responses, response_of = np.unique(cases.astype(np.int64) * len(label_names) + label_codes, return_inverse=True)
    case_of, case_names = pd.factorize(responses // len(label_names))
    chosen = tuple(ks) if ks is not None else _sizes(int(np.bincount(case_of).max()))
    found: list[PassAtK] = []
    for column, gate in enumerate(verdicts.gates):
        passed = verdicts.passed[rows, column]
        judged = np.bincount(response_of[passed >= 0], minlength=len(responses)) > 0
        failed = np.bincount(response_of[passed == 0], minlength=len(responses)) > 0
        totals = np.bincount(case_of[judged], minlength=len(case_names))
        good = np.bincount(case_of[judged & ~failed], minlength=len(case_names))
        for k in chosen:
            estimate = clustered_mean(pass_at_k(totals, good, k), np.arange(len(case_names)))
            if estimate.clusters:
                found.append(PassAtK(model, gate, k, estimate))
    return tuple(found)


def _sizes(largest: int) -> tuple[int, ...]:
    return tuple(sorted({k for k in USUAL_K if k <= largest} | {largest}))
