from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from mien.labels import EMOTIONS
from mien.mood.baseline import Baseline, BaselineMeasure
from mien.mood.estimate import Estimate
from mien.mood.expressivity import LEAST_NEUTRAL_S, PLAIN_NEUTRAL, distance, flatness, own_neutral
from mood.readings import HAPPY, readings


def usual(*expressivity: float) -> Baseline:
    dates = tuple(date(2026, 5, 1) + timedelta(days=day) for day in range(len(expressivity)))
    measures = {"expressivity": BaselineMeasure(dates, np.array(expressivity))}
    return Baseline(dates[0], dates[-1], len(dates), 60.0, measures)


def test_the_distance_is_the_probability_that_lies_elsewhere() -> None:
    p = np.zeros((3, len(EMOTIONS)))
    p[0, 0], p[1, HAPPY], p[2, [0, HAPPY]] = 1, 1, [0.75, 0.25]
    assert distance(p, PLAIN_NEUTRAL).tolist() == [0, 1, 0.25]
    own = np.zeros(len(EMOTIONS))
    own[[0, 3]] = 0.6, 0.4
    assert distance(p, own) == pytest.approx([0.4, 1, 0.4])
    assert distance(own[None], own) == pytest.approx([0])


def test_a_label_that_the_network_does_not_know_counts_as_0() -> None:
    p = np.array([[0.5, 0.5, 0, 0, 0, 0, 0, np.nan]])
    assert distance(p, PLAIN_NEUTRAL) == pytest.approx([0.5])


def test_own_neutral_is_learnt_from_neutral_frames_only() -> None:
    """Happy most of the time, and 0.3 of happiness in the neutral face."""
    happiness = np.where(np.arange(1000) % 10 < 6, 0.9, 0.3)
    part = readings(np.arange(1000) / 10, happiness=happiness)
    found = own_neutral([part, part])
    assert found is not None
    assert found.probabilities[[0, HAPPY]] == pytest.approx([0.7, 0.3])
    assert found.seconds == pytest.approx(80)


def test_too_little_neutral_is_none() -> None:
    assert own_neutral([]) is None
    assert own_neutral([readings(np.arange(0, LEAST_NEUTRAL_S - 1, 0.1))]) is None
    assert own_neutral([readings(np.arange(0, LEAST_NEUTRAL_S + 1, 0.1))]) is not None


def test_flatness_is_told_in_standard_deviations_of_own_days() -> None:
    baseline = usual(0.30, 0.35, 0.40, 0.45, 0.50)
    found = flatness(Estimate(0.3, 0.2, 0.45, 12), baseline)
    assert found is not None
    sd = 1.4826 * 0.05
    expected = [0.1 / sd, -0.05 / sd, 0.2 / sd]
    assert [found.value, found.low, found.high] == pytest.approx(expected)
    assert found.n == 12


@pytest.mark.parametrize("baseline", [None, usual(0.4, 0.4, 0.4)])
def test_without_a_baseline_that_varies_there_is_no_flatness(baseline: Baseline | None) -> None:
    assert flatness(Estimate(0.3, 0.2, 0.45, 12), baseline) is None
    assert flatness(None, usual(0.3, 0.4, 0.5)) is None
