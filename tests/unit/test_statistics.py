"""The laws and textbook values of the statistics behind `assay compare`."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scoring import statistics
from scoring.pass_at_k import pass_at_k
from scoring.statistics import (
    EXACT_LIMIT,
    adjust,
    cases_needed,
    clustered_mean,
    mcnemar,
    minimum_detectable_effect,
    paired_difference,
    sign_flip_test,
    sign_tests,
)

shares = st.lists(st.integers(0, 1000).map(lambda number: number / 1000), min_size=2, max_size=40)
differences = st.lists(st.integers(-80, 80).map(lambda number: number / 80), min_size=1, max_size=10)

DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
"""Darwin's fifteen pairs of maize plants, in eighths of an inch; Fisher, "The Design of Experiments" (1935), sections 17 and 21."""


@given(shares)
def test_with_one_sample_a_case_the_error_is_the_ordinary_one(values: list[float]) -> None:
    estimate = clustered_mean(values, np.arange(len(values)))
    assert estimate.standard_error == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)), abs=1e-12)


@given(shares, st.integers(2, 6))
def test_asking_the_same_again_makes_nothing_more_certain(values: list[float], times: int) -> None:
    once = clustered_mean(values, np.arange(len(values)))
    again = clustered_mean(np.tile(values, times), np.tile(np.arange(len(values)), times))
    assert again.standard_error == pytest.approx(once.standard_error, abs=1e-12)
    assert (again.low, again.high) == pytest.approx((once.low, once.high), abs=1e-12)


def test_clustered_error_by_hand() -> None:
    # Mean 3.5; residual sums -4 and 4; SE^2 = 2/1 * (16 + 16) / 16 = 4; t(0.975, 1) = 12.7062.
    estimate = clustered_mean([1, 2, 5, 6], ["a", "a", "b", "b"])
    assert (estimate.mean, estimate.standard_error, estimate.clusters, estimate.samples) == (3.5, pytest.approx(2.0), 2, 4)
    assert estimate.high == pytest.approx(3.5 + 12.7062 * 2, abs=1e-3)


def test_one_case_has_a_mean_and_no_interval() -> None:
    estimate = clustered_mean([0.2, 0.4], ["a", "a"])
    assert estimate.mean == pytest.approx(0.3)
    assert estimate.low is estimate.high is estimate.standard_error is None


def test_missing_values_are_left_out_and_nothing_left_has_no_mean() -> None:
    assert clustered_mean([0.5, math.nan, 0.7], [1, 2, 3]).clusters == 2
    assert clustered_mean([math.nan], [1]).mean is None


def test_darwins_maize_gives_fishers_p_value() -> None:
    """Fisher counted 1,726 of the 32,768 sign flips to have a sum at least as far from 0, half of them on either side."""
    assert sign_flip_test(DARWIN).p == pytest.approx(1726 / 32768, abs=1e-12)


@given(differences)
def test_the_exact_test_is_the_count_over_all_flips(values: list[float]) -> None:
    observed = abs(sum(values))
    flips = [abs(sum(sign * value for sign, value in zip(signs, values, strict=True))) for signs in itertools.product((-1, 1), repeat=len(values))]
    test = sign_flip_test(values)
    assert test.method == "exact"
    assert test.p == pytest.approx(sum(flip >= observed - 1e-9 for flip in flips) / len(flips), abs=1e-9)


def test_the_exact_test_agrees_with_scipy() -> None:
    answer = stats.permutation_test((np.array(DARWIN, dtype=float),), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_test(DARWIN).p == pytest.approx(answer.pvalue, abs=1e-12)


def test_random_flips_are_near_the_exact_answer_and_repeatable() -> None:
    values = np.random.default_rng(1).normal(0.05, 0.4, 400)
    test = sign_flip_test(values)
    expected = 2 * stats.norm.sf(abs(values.sum()) / math.sqrt(float(values @ values)))
    assert 2.0 ** len(values) > EXACT_LIMIT
    assert test.method == "Monte Carlo"
    assert test.p == pytest.approx(expected, abs=0.02)
    assert sign_flip_test(values) == test


def test_of_thousands_of_cases_the_normal_limit_agrees_with_random_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).normal(0.004, 0.3, 6000)
    limit = sign_flip_test(values)
    monkeypatch.setattr(statistics, "NORMAL_LIMIT", 0.0)
    drawn = sign_flip_test(values)
    assert (limit.method, drawn.method) == ("normal limit", "Monte Carlo")
    assert limit.p == pytest.approx(drawn.p, abs=0.015)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=60))
def test_turning_all_signs_round_keeps_p(values: list[float]) -> None:
    assert sign_flip_test([-value for value in values]).p == pytest.approx(sign_flip_test(values).p, abs=0.03)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_and_the_flip_of_all_pass_fail_differences(gained: int, lost: int) -> None:
    p = mcnemar(gained, lost).p
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert p == pytest.approx(expected, abs=1e-12)
    assert sign_flip_test([1.0] * gained + [-1.0] * lost).p == pytest.approx(p, abs=1e-9)


def test_sign_tests_of_many_at_once() -> None:
    # 2 * (1 + 10) / 1024 for 9 against 1 of 10.
    assert sign_tests([9, 0, 5], [1, 0, 5]) == pytest.approx([0.021484375, 1.0, 1.0])


def test_the_correction_gives_the_published_number_of_findings() -> None:
    """The fifteen p values of Benjamini and Hochberg (1995), section 4: four are found at 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert int((adjust(p) <= 0.05).sum()) == 4
    assert len(adjust([])) == 0


def test_nothing_changed_is_p_one() -> None:
    difference = paired_difference([0.2, 0.5, 0.9], [0.2, 0.5, 0.9])
    assert (difference.estimate.mean, difference.test.p) == (0.0, 1.0)
    assert difference.detectable is difference.cases_for_target is None


@given(st.floats(0.01, 1.0), st.floats(0.02, 0.5))
def test_the_number_of_cases_is_the_smallest_that_detects(deviation: float, effect: float) -> None:
    cases = cases_needed(deviation, effect)
    assert minimum_detectable_effect(deviation, cases) <= effect
    assert cases == 2 or minimum_detectable_effect(deviation, cases - 1) > effect


def test_the_detectable_effect_has_the_power_that_it_promises() -> None:
    generator, cases = np.random.default_rng(3), 30
    effect = minimum_detectable_effect(0.2, cases)
    draws = generator.normal(effect, 0.2, size=(4000, cases))
    assert float((stats.ttest_1samp(draws, 0.0, axis=1).pvalue < 0.05).mean()) == pytest.approx(0.80, abs=0.03)


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_pass_at_k_rises_with_k_and_starts_at_the_pass_rate(counts: tuple[int, int]) -> None:
    responses, passing = counts
    rates = [float(pass_at_k(responses, passing, k)) for k in range(1, responses + 1)]
    assert rates[0] == pytest.approx(passing / responses)
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(rates))
    assert rates[-1] == (1.0 if passing else 0.0)
    expected = [1 - math.comb(responses - passing, k) / math.comb(responses, k) for k in range(1, responses + 1)]
    assert rates == pytest.approx(expected, abs=1e-9)


def test_pass_at_k_needs_k_responses() -> None:
    assert math.isnan(float(pass_at_k(2, 1, 3)))
    with pytest.raises(ValueError, match="at least 1"):
        pass_at_k(2, 1, 0)
