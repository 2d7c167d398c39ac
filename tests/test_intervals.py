"""Intervals and paired tests against formulas, and against drawing the questions one by one."""

import numpy as np
import pytest

from rag_instruct.evaluation import intervals
from rag_instruct.evaluation.intervals import interval, paired, resampled_means

RANDOM = np.random.default_rng(7)


@pytest.mark.parametrize(("share", "n"), [(0.5, 1000), (0.1, 500), (0.77, 7405)])
def test_the_interval_of_a_share_is_the_binomial_one(share, n):
    values = np.zeros(n)
    values[: round(share * n)] = 1
    half = 1.96 * np.sqrt(share * (1 - share) / n)
    low, high = interval(values)
    assert low == pytest.approx(values.mean() - half, abs=0.06 * half + 1 / n)
    assert high == pytest.approx(values.mean() + half, abs=0.06 * half + 1 / n)


@pytest.mark.parametrize("values", [RANDOM.choice([0, 0.3, 0.5, 1], size=80), RANDOM.random(80)])
def test_resamples_are_those_of_drawing_the_questions(values):
    ours = resampled_means(values, 20_000, seed=3)
    plain = values[RANDOM.integers(80, size=(20_000, 80))].mean(axis=1)
    assert np.quantile(ours, [0.025, 0.5, 0.975]) == pytest.approx(np.quantile(plain, [0.025, 0.5, 0.975]), abs=0.01)


def test_none_of_13_right_is_not_certainly_none():
    """By the rule of three some 3 / n may be right all the same; the exact bound of two sides is 1 - 0.025 ** (1 / n)."""
    assert interval(np.zeros(13)) == pytest.approx((0.0, 1 - 0.025 ** (1 / 13)))
    assert interval(np.ones(13)) == pytest.approx((0.025 ** (1 / 13), 1.0))
    bound = 1 - 0.025 ** (1 / 13)
    assert paired(np.ones(13), np.ones(13)) == pytest.approx((0.0, -bound, bound, 1.0)), "nor is no difference certain"


@pytest.mark.parametrize("n", [4, 6])
def test_a_gain_on_every_question_is_not_certainly_one_point(n):
    """The interval has 0 in it if, and only if, the sign test has p > 0.05."""
    low = 2 * 0.025 ** (1 / n) - 1
    p = 2 * 0.5**n
    assert paired(np.zeros(n), np.ones(n)) == pytest.approx((1.0, low, 1.0, p))
    assert paired(np.ones(n), np.zeros(n)) == pytest.approx((-1.0, -1.0, -low, p))
    assert (low < 0) == (p > 0.05)


def test_the_same_seed_is_the_same_interval(monkeypatch):
    values = RANDOM.random(50)
    before = interval(values)
    assert interval(values) == before
    monkeypatch.setattr(intervals, "SEED", 2)
    assert interval(values) != before
    assert interval(np.array([0.25])) == (0.25, 0.25)


def test_a_paired_test_looks_at_the_questions_where_the_two_differ():
    before, after = np.zeros(100), np.zeros(100)
    after[:9] = 1
    before[9:10] = 1
    made = paired(before, after)
    assert made.difference == pytest.approx(0.08)
    assert made.low < 0.08 < made.high
    # McNemar, exact: twice the chance of at most one tail in ten throws.
    assert made.p == pytest.approx(2 * (1 + 10) / 2**10)
    assert paired(after, before).difference == pytest.approx(-0.08)
    assert paired(before, before).p == 1.0


def test_pairing_finds_what_two_intervals_hide():
    before = RANDOM.integers(2, size=1000).astype(float)
    after = before.copy()
    after[np.flatnonzero(before == 0)[:25]] = 1
    made = paired(before, after)
    assert interval(before)[1] > interval(after)[0], "unpaired, they overlap"
    assert made.low > 0
    assert made.p < 1e-6


def test_chance_is_found_significant_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(intervals, "RESAMPLES", 10)
    random = np.random.default_rng(11)
    found = sum(paired(*random.integers(2, size=(2, 200))).p < 0.05 for _ in range(400))
    assert found / 400 < 0.08


def test_questions_have_to_be_the_same():
    with pytest.raises(AssertionError, match="scores of different questions"):
        paired(np.zeros(3), np.zeros(4))
