from __future__ import annotations

import numpy as np
import pytest

from mien.labels import MEASURES
from mien.mood.movement import head_turns
from mood.readings import readings


def pose(yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    measures = np.zeros((len(yaw), len(MEASURES)))
    measures[:, 0], measures[:, 1] = yaw, pitch
    return measures


def test_a_steady_turn_has_its_speed() -> None:
    time_s = np.arange(0, 20, 0.1)
    at_s, degrees = head_turns(readings(time_s, measures=pose(3 * time_s, 4 * time_s)))
    assert at_s.tolist() == np.arange(0, 19.5, 0.5).tolist()
    assert degrees == pytest.approx(np.full(39, 2.5)), "5 degrees a second for half a second"


def test_nothing_is_taken_for_a_turn_across_a_gap() -> None:
    time_s = np.concatenate([np.arange(0, 5, 0.1), np.arange(60, 65, 0.1)])
    turned = np.where(time_s < 30, 0.0, 90.0)
    _, degrees = head_turns(readings(time_s, measures=pose(turned, turned)))
    assert len(degrees) == 18
    assert degrees.max() == 0


def test_noise_of_a_still_head_counts_for_little() -> None:
    """docs/mood.md: 0.25 degrees of noise in yaw and pitch give 0.4 degrees a second."""
    rng = np.random.default_rng(0)
    time_s = np.arange(0, 600, 0.1)
    noise = pose(rng.normal(0, 0.25, len(time_s)), rng.normal(0, 0.25, len(time_s)))
    _, degrees = head_turns(readings(time_s, measures=noise))
    assert degrees.mean() / 0.5 < 0.5


def test_without_measures_nothing_is_known() -> None:
    assert len(head_turns(readings(np.arange(50) / 10))[0]) == 0
