"""The statistics of comparing evaluations: means with intervals, paired differences, tests, corrections. Arrays in, numbers out.

A case is the unit that is drawn at random; samples of one case resemble each other, so they are a cluster and never count as
independent. Sources: Miller, "Adding Error Bars to Evals" (2024); Cameron and Miller, "A Practitioner's Guide to Cluster-Robust
Inference" (2015); Phipson and Smyth, "Permutation P-values Should Never Be Zero" (2010); Bloom, "Minimum Detectable Effects" (1995).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special  # scipy.stats has the same distributions, and takes a second to import

CONFIDENCE, ALPHA, POWER = 0.95, 0.05, 0.80
TARGET_EFFECT = 0.05
"""The difference of mean scores for which the number of cases that it needs is told."""

EXACT_LIMIT = 1 << 16
"""Up to so many different sign flips are all tried: always for 16 cases that changed, for more where changes are of equal size."""

DRAWS, SEED = 9_999, 20_240_517
NORMAL_LIMIT = 0.001
"""Where `sum d^4 / (sum d^2)^2` is at most this (thousands of changed cases), the normal limit is off by 1e-4 at most (the next
term of Edgeworth's series), and nearer the exact p than random flips are, which scatter by up to 0.005."""

_WORDS_AT_ONCE = 1 << 21

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval. `mean` is None without a sample; the others are None where one cluster alone allows no interval.

    The interval is not cut off at the ends of the scale: of shares near 0 or 1 it may reach beyond them.
    """

    mean: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    samples: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Test:
    """A two-sided p value, and how it was found: `exact`, `McNemar`, `Monte Carlo` or `normal limit`."""

    __test__ = False  # pytest, this is none of yours

    p: float
    method: str


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Head minus base over the means of the same cases.

    `detectable` is the smallest true difference that such a comparison finds with a power of 80 % (alpha 0.05, two-sided);
    `cases_for_target` how many cases it takes to find one of 0.05. Both are None where the differences have no spread to plan with.
    """

    estimate: Estimate
    test: Test
    deviation: float | None
    detectable: float | None
    cases_for_target: int | None


def clustered_mean(values: npt.ArrayLike, clusters: npt.ArrayLike) -> Estimate:
    """The mean of `values` (shape n, NaN is left out) with a cluster-robust interval; `clusters` (shape n) says what belongs together.

    `SE^2 = G / (G - 1) * sum over clusters of (sum of the cluster's residuals)^2 / n^2`, with G clusters, and the t distribution with
    G - 1 degrees of freedom (Miller 2024, section 2.2; the factor is CR1 of Cameron and Miller 2015). It is the ordinary
    standard error of the mean where each cluster has one value.
    """
    numbers, groups = np.asarray(values, dtype=np.float64), np.asarray(clusters)
    there = ~np.isnan(numbers)
    numbers, groups = numbers[there], groups[there]
    if not len(numbers):
        return Estimate(None, None, None, None, 0, 0)
    mean = float(numbers.mean())
    codes = pd.factorize(groups)[0]
    sums = np.bincount(codes, weights=numbers - mean)
    count = len(sums)
    if count < 2:
        return Estimate(mean, None, None, None, len(numbers), count)
    error = math.sqrt(count / (count - 1) * float(sums @ sums)) / len(numbers)
    reach = float(special.stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * error
    return Estimate(mean, error, mean - reach, mean + reach, len(numbers), count)


def paired_difference(base: npt.ArrayLike, head: npt.ArrayLike) -> PairedDifference:
    """The mean of `head - base` (case means of the same cases in the same order, both of shape n) with interval, test and power.

    Cases where either side is NaN are left out.
    """
    differences = np.asarray(head, dtype=np.float64) - np.asarray(base, dtype=np.float64)
    differences = differences[~np.isnan(differences)]
    count = len(differences)
    deviation = float(np.std(differences, ddof=1)) if count > 1 else None
    spread = deviation if deviation is not None and deviation > 1e-12 else None
    return PairedDifference(
        clustered_mean(differences, np.arange(count)),
        sign_flip_test(differences),
        deviation,
        None if spread is None else minimum_detectable_effect(spread, count),
        None if spread is None else cases_needed(spread, TARGET_EFFECT),
    )


def sign_flip_test(differences: npt.ArrayLike) -> Test:
    """Whether paired `differences` (shape n) have a mean other than 0: the permutation test that flips their signs.

    Without an effect each difference is as likely to have the other sign; p is the share of all 2^n sign flips whose sum is at least
    as far from 0 as the observed one. Differences of 0 change nothing and are left out; c differences of one size v are flipped together, since their sum is
    `v * (2 * K - c)` with K binomial(c, 1/2), so that all flips of many cases can be tried where sizes repeat. Above
    `EXACT_LIMIT` sums, 9,999 random flips with a fixed seed are drawn and p is `(1 + as far) / (1 + drawn)`. For thousands of changed cases
    the sum of the flips is normal with variance `sum of squares` (Lindeberg), to a smaller error than drawing has.
    """
    numbers = np.asarray(differences, dtype=np.float64)
    numbers = numbers[np.abs(numbers) > 1e-12]
    if not len(numbers):
        return Test(1.0, "exact")
    sizes, counts = np.unique(np.abs(numbers).round(12), return_counts=True)
    if float(np.sum(np.log(counts + 1.0))) <= math.log(EXACT_LIMIT) + 1e-9:
        return Test(_all_flips(numbers, sizes, counts), "exact")
    squares = numbers * numbers
    if float(squares @ squares) <= NORMAL_LIMIT * float(squares.sum()) ** 2:
        return Test(float(2 * special.ndtr(-abs(float(numbers.sum())) / math.sqrt(float(squares.sum())))), "normal limit")
    return Test(_random_flips(numbers), "Monte Carlo")


def _bound(numbers: Floats) -> float:
    """How far from 0 a sum has to be to count; sums that are equal but for rounding count."""
    return abs(float(numbers.sum())) - 1e-9 * float(np.abs(numbers).sum())


def _all_flips(numbers: Floats, sizes: Floats, counts: Integers) -> float:
    sums, chances = np.zeros(1), np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        heads = np.arange(count + 1)
        sums = np.add.outer(sums, size * (2.0 * heads - count)).ravel()
        chances = np.multiply.outer(chances, _binomial_halves(count)).ravel()
    return min(1.0, float(chances[np.abs(sums) >= _bound(numbers)].sum()))


def _binomial_halves(count: int) -> Floats:
    """P(K = k) for k from 0 to `count`, K binomial(count, 1/2)."""
    if count <= 1000:
        return np.array([math.comb(count, heads) / 2**count for heads in range(count + 1)])
    # Larger coefficients are no floats; in logarithms the error is at most 1e-9 of the chance.
    heads = np.arange(count + 1)
    chances: Floats = np.exp(-np.log1p(count) - special.betaln(count - heads + 1, heads + 1) - count * math.log(2))
    return chances


def _random_flips(numbers: Floats) -> float:
    """Eight signs are one random byte: the 256 sums of every eight differences are worked out once and then looked up."""
    signs = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float64) * 2 - 1
    blocks = np.pad(numbers, (0, -len(numbers) % 8)).reshape(-1, 8)
    table = (blocks @ signs.T).ravel()
    offsets = np.arange(len(blocks)) * 256
    generator, bound, far = np.random.default_rng(SEED), _bound(numbers), 0
    step = max(1, _WORDS_AT_ONCE // len(blocks))
    for start in range(0, DRAWS, step):
        words = generator.integers(0, 256, size=(min(step, DRAWS - start), len(blocks)), dtype=np.uint8)
        far += int(np.count_nonzero(np.abs(table.take(words + offsets).sum(axis=1)) >= bound))
    return (1 + far) / (1 + DRAWS)


def sign_tests(up: npt.ArrayLike, down: npt.ArrayLike) -> Floats:
    """Exact two-sided sign tests, one for each entry: p under "a case that changed is as likely to have gone up as down".

    `up` and `down` (same shape) count the cases that changed either way. `p = min(1, 2 * P(K <= min(up, down)))` with K
    binomial(up + down, 1/2). Of pass/fail verdicts, one a case and run, it is McNemar's exact test on the discordant pairs.
    """
    rose, fell = np.asarray(up, dtype=np.int64), np.asarray(down, dtype=np.int64)
    p: Floats = np.asarray(np.minimum(1.0, 2.0 * special.bdtr(np.minimum(rose, fell).astype(np.float64), rose + fell, 0.5)), dtype=np.float64)
    return p


def mcnemar(gained: int, lost: int) -> Test:
    """McNemar's exact test: `gained` cases failed before and pass now, `lost` ones the other way round."""
    return Test(float(sign_tests(gained, lost)), "McNemar")


def adjust(p_values: npt.ArrayLike) -> Floats:
    """The p values of one family of tests after Benjamini and Hochberg (1995).

    Call those of at most q a change: of what is called one, an expected share of at most q is none.
    """
    numbers = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(numbers)[::-1]
    ranks = np.arange(len(numbers), 0, -1)
    adjusted = np.empty_like(numbers)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(numbers[order] * len(numbers) / ranks)) if len(numbers) else numbers
    return adjusted


def minimum_detectable_effect(deviation: float, cases: int) -> float:
    """`(t(1 - alpha/2) + t(power)) * deviation / sqrt(cases)`, t with cases - 1 degrees of freedom (Bloom 1995); `cases` is at least 2."""
    return float(_multipliers(np.array([cases]))[0]) * deviation / math.sqrt(cases)


def cases_needed(deviation: float, effect: float) -> int:
    """The smallest number of cases whose minimum detectable effect is at most `effect`, for differences of this standard deviation."""
    normal = float(special.ndtri(1 - ALPHA / 2) + special.ndtri(POWER))
    first = max(2, math.floor((normal * deviation / effect) ** 2))
    # The t distribution asks for a few more than the normal one, never for fewer, and for ten more at the very most.
    candidates = np.arange(first, first + 16)
    enough = _multipliers(candidates) * deviation / np.sqrt(candidates) <= effect
    return int(candidates[int(np.argmax(enough))])


def _multipliers(cases: npt.NDArray[Any]) -> Floats:
    both: Floats = np.asarray(special.stdtrit(cases - 1, 1 - ALPHA / 2) + special.stdtrit(cases - 1, POWER), dtype=np.float64)
    return both
