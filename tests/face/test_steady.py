from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.face import motion
from mien.face.motion import OneEuro

UNIT_PX = 80.0


def steadied(
    way: NDArray[np.float64], rate_hz: float = 30.0, unit_px: float = UNIT_PX
) -> NDArray[np.float64]:
    """Filter (frames, k, 2)."""
    filter_ = OneEuro()
    return np.array([filter_.steady(points, i / rate_hz, unit_px) for i, points in enumerate(way)])


def by_the_paper(x: list[float], rate_hz: float) -> list[float]:
    """Algorithm 1 and 2 of Casiez et al. 2012, for one coordinate, in inter-ocular distances."""

    def alpha(cutoff_hz: float) -> float:
        return 1.0 / (1.0 + (1 / (2 * math.pi * cutoff_hz)) * rate_hz)

    filtered, speed, result = x[0], 0.0, [x[0]]
    for before, now in pairwise(x):
        speed += alpha(motion._SPEED_HZ) * ((now - before) * rate_hz - speed)
        cutoff_hz = motion._STILL_HZ + motion._PER_SPEED * abs(speed)
        filtered += alpha(cutoff_hz) * (now - filtered)
        result.append(filtered)
    return result


def along_x(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([x, np.zeros_like(x)], axis=1)[:, None]


def test_it_is_the_filter_of_the_paper() -> None:
    x = np.random.default_rng(0).normal(0, 0.05, 50).cumsum()
    expected = by_the_paper(x.tolist(), 30)
    np.testing.assert_allclose(steadied(along_x(x * UNIT_PX))[:, 0, 0] / UNIT_PX, expected, atol=1e-12)


def test_a_still_point_becomes_steadier() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (300, 68, 2))
    rest = steadied(noise)[30:]
    assert rest.std() < 0.65 * 0.1


def test_a_large_step_is_there_within_two_frames() -> None:
    x = np.where(np.arange(40) < 20, 0.0, 0.3 * UNIT_PX)
    done = steadied(along_x(x))[20:, 0, 0] / (0.3 * UNIT_PX)
    assert done[1] > 0.9


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_at_steady_speed_it_trails_by_little(speed: float) -> None:
    x = np.arange(90) / 30 * speed * UNIT_PX
    behind_s = (x - steadied(along_x(x))[:, 0, 0])[60:] / (speed * UNIT_PX)
    assert behind_s.max() < 0.025


def test_direction_does_not_matter() -> None:
    x = np.random.default_rng(2).normal(0, 1, 40).cumsum()
    turn = np.radians(37)
    turned = along_x(x) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    length = np.linalg.norm(steadied(turned), axis=2)
    np.testing.assert_allclose(length, np.abs(steadied(along_x(x))[..., 0]), atol=1e-9)


def test_frame_rates_agree() -> None:
    def way(rate_hz: float) -> NDArray[np.float64]:
        x = 10 * np.sin(np.arange(round(3 * rate_hz)) / rate_hz)
        return steadied(along_x(x), rate_hz)[:, 0, 0]

    assert way(60)[::2] == pytest.approx(way(30), abs=0.35)


def test_after_a_long_gap_and_at_the_same_time_it_begins_anew() -> None:
    for later_s in (0.0, -1.0, 5.0):
        filter_ = OneEuro()
        filter_.steady(np.zeros((68, 2)), 1.0, UNIT_PX)
        points = np.full((68, 2), 9.0)
        np.testing.assert_array_equal(filter_.steady(points, 1.0 + later_s, UNIT_PX), points)


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=20), st.floats(1, 60))
def test_it_stays_between_what_it_has_seen(x: list[float], rate_hz: float) -> None:
    given_ = np.array(x)
    result = steadied(along_x(given_), rate_hz)[:, 0, 0]
    assert (result >= np.minimum.accumulate(given_) - 1e-9).all()
    assert (result <= np.maximum.accumulate(given_) + 1e-9).all()
