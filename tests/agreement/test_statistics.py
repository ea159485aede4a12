"""Figures of agreement against published values, and against the plain formulas on every pair."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

import needs
from mien.agreement import statistics
from mien.agreement.statistics import Floats, count_pairs, estimates, icc, kappa, of_sums, sums

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
"""Shrout & Fleiss (1979), table 2: four ratings of six targets."""

WRIGHT_A = np.array(
    [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427], float
)
WRIGHT_B = np.array(
    [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451], float
)
"""Bland & Altman (1986), table 1: peak expiratory flow, by a large and by a mini Wright meter."""


def mean_squares(ratings: Floats) -> tuple[float, float, float]:
    """Return the mean squares of a table without repeats: between targets, between judges, and what is left.

    Args:
        ratings: (n, k) n targets, judged by the same k judges each.
    """
    n, k = ratings.shape
    whole, targets, judges = ratings.mean(), ratings.mean(axis=1), ratings.mean(axis=0)
    between = k * np.square(targets - whole).sum()
    of_judges = n * np.square(judges - whole).sum()
    left = np.square(ratings - whole).sum() - between - of_judges
    return float(between / (n - 1)), float(of_judges / (k - 1)), float(left / ((n - 1) * (k - 1)))


def test_intraclass_correlations_are_shrout_and_fleiss_s() -> None:
    targets, judges, left = mean_squares(SHROUT_FLEISS)
    assert (targets, judges, left) == pytest.approx((11.24, 32.49, 1.02), abs=0.005)
    agreement, consistency = icc(*map(np.asarray, (targets, judges, left, 6)), 4)
    assert float(agreement) == pytest.approx(0.29, abs=0.005)
    assert float(consistency) == pytest.approx(0.71, abs=0.005)


def test_limits_of_agreement_are_bland_and_altman_s() -> None:
    found = of_sums(sums(WRIGHT_A, WRIGHT_B, np.zeros(17, np.int64), 1)[0])
    assert float(found["bias"]) == pytest.approx(-2.1, abs=0.05)
    assert float(found["deviation"]) == pytest.approx(38.8, abs=0.05)
    # They take two standard deviations: -79.7 and 75.5.
    assert float(found["low"]) == pytest.approx(-2.12 - 1.96 * 38.77, abs=0.05)
    assert float(found["high"]) == pytest.approx(-2.12 + 1.96 * 38.77, abs=0.05)


def test_kappa_is_that_of_cohen_s_example() -> None:
    # Cohen (1960), table 1, as frequencies of 200: kappa .492 of two judges on three categories.
    counts = np.array([[88, 14, 18], [10, 40, 10], [2, 6, 12]], float)
    assert float(kappa(counts)) == pytest.approx(0.492, abs=0.0005)


def test_pairs_follow_from_sums_as_from_every_pair() -> None:
    random = np.random.default_rng(1)
    a = random.normal(3, 2, 200)
    b = 0.7 * a + random.normal(1, 0.5, 200)
    found = of_sums(sums(a, b, random.integers(0, 5, 200), 5).sum(axis=0))
    targets, judges, left = mean_squares(np.stack([a, b], axis=1))
    agreement, consistency = icc(*map(np.asarray, (targets, judges, left, 200)), 2)
    concordance = 2 * np.cov(a, b, ddof=0)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
    expected = {
        "icc_2_1": float(agreement),
        "icc_3_1": float(consistency),
        "concordance": concordance,
        "pearson": pearsonr(a, b).statistic,
        "bias": (a - b).mean(),
        "deviation": (a - b).std(ddof=1),
    }
    assert {name: float(found[name]) for name in expected} == pytest.approx(expected, rel=1e-9)


def test_kappas_are_scikit_learn_s() -> None:
    needs.package("sklearn")
    from sklearn.metrics import cohen_kappa_score

    random = np.random.default_rng(2)
    a = random.integers(0, 5, 300)
    b = np.where(random.random(300) < 0.5, a, random.integers(0, 5, 300))
    counts = count_pairs(a, b, np.zeros(300, np.int64), 1, 5)[0]
    assert float(kappa(counts)) == pytest.approx(cohen_kappa_score(a, b))
    assert float(kappa(counts, ordered=True)) == pytest.approx(cohen_kappa_score(a, b, weights="quadratic"))


def test_what_cannot_be_told_is_none() -> None:
    same = np.full(20, 3.0)
    found = estimates(sums(same, same, np.zeros(20, np.int64), 1), of_sums, None)
    assert found["icc_2_1"].value is found["pearson"].value is None
    assert found["bias"].value == 0
    assert str(found["pearson"]) == "not known"
    moving = same + np.random.default_rng(0).normal(0, 1, 20)
    for one, other in ((same, moving), (moving, same)):
        found = estimates(sums(one, other, np.arange(20) // 2, 10), of_sums, statistics.weights(10, 0))
        assert found["icc_2_1"].value is found["icc_3_1"].value is found["concordance"].value is None
        assert found["bias"].low is not None
    assert str(statistics.Estimate(-0.001, -0.002, 0.3)) == "0.00 [0.00, 0.30]"
    one_label = {"kappa": kappa(np.array([[9.0, 0.0], [0.0, 0.0]]))}
    assert np.isnan(one_label["kappa"])


def test_intervals_are_as_wide_as_recordings_differ() -> None:
    # Each recording has one bias: however many frames it has, there are as many looks at it as recordings.
    random = np.random.default_rng(3)
    of_each = random.normal(0, 1, 40)
    unit = np.repeat(np.arange(40), 500)
    a = of_each[unit] + random.normal(0, 0.01, len(unit))
    found = estimates(sums(a, np.zeros_like(a), unit, 40), of_sums, statistics.weights(40, 0))["bias"]
    assert found.low is not None
    assert found.high is not None
    expected = 2 * 1.96 * of_each.std() / np.sqrt(40)
    assert found.high - found.low == pytest.approx(expected, rel=0.08)


def made(
    random: np.random.Generator, recordings: int, frames: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two raters of faces in recordings: each recording has its own level, and its own bias around 0.3."""
    unit = np.repeat(np.arange(recordings), frames)
    faces = random.normal(0, 1, recordings)[unit] + random.normal(0, 1, len(unit))
    bias = random.normal(0.3, 0.3, recordings)[unit]
    a, b = (faces - each + random.normal(0, 0.4, len(unit)) for each in (0, bias))
    return a, b, unit


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("recordings", "least"),
    [
        (10, {"bias": 0.92, "icc_2_1": 0.82}),
        (20, {"bias": 0.92, "icc_2_1": 0.89}),
        (40, {"bias": 0.92, "icc_2_1": 0.9}),
    ],
)
def test_intervals_hold_the_true_value(recordings: int, least: dict[str, float]) -> None:
    random = np.random.default_rng(0)
    a, b, _ = made(random, 200_000, 1)
    true = float(of_sums(sums(a, b, np.zeros(len(a), np.int64), 1)[0])["icc_2_1"])
    held = dict.fromkeys(least, 0)
    for seed in range(400):
        a, b, unit = made(random, recordings, 50)
        drawn = statistics.weights(recordings, seed)
        found = estimates(sums(a, b, unit, recordings), of_sums, drawn)
        for name, value in (("bias", 0.3), ("icc_2_1", true)):
            low, high = found[name].low, found[name].high
            assert low is not None
            assert high is not None
            held[name] += low <= value <= high
    for name, share in least.items():
        assert share <= held[name] / 400 <= 0.985
