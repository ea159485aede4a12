"""How made smiles go, whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.measures.face3d import STANDARD_FACE
from mien.measures.smile import smile_dynamics, smile_points

Floats = NDArray[np.float64]
RISE, HELD = 0.5, 1.2
BEGIN_S = 3.0
TENTH = np.arccos(0.8) / np.pi
"""The share of a cosine's rise that passes until a tenth of it is done."""


def smile(times: Floats, begin_s: float, rise_s: float, held_s: float, fall_s: float) -> Floats:
    """Return 0 at rest and 1 at the apex, between them half a cosine."""
    up = np.clip((times - begin_s) / rise_s, 0, 1)
    down = np.clip((times - begin_s - rise_s - held_s) / fall_s, 0, 1)
    return np.asarray((1 - np.cos(np.pi * up)) / 2 * (1 + np.cos(np.pi * down)) / 2, np.float64)


def made(
    *, rate_hz: float = 30, rise_s: float = RISE, fall_s: float = 0.8, left: float = 0.1, right: float = 0.1,
    lag_s: float = 0.0, raised: float = 0.02, noise: float = 0.002, seconds: float = 10,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return times and the points of a face that smiles once, both corners out and up."""
    times = np.arange(0, seconds, 1 / rate_hz)
    points = np.tile([-0.28, 0.9, 0.28, 0.9, 0.03], (len(times), 1))
    for first, size, out, late in ((0, left, -1, lag_s), (2, right, 1, 0.0)):
        course = size * smile(times, BEGIN_S + late, rise_s, HELD - late, fall_s)
        points[:, first] += 0.8 * out * course
        points[:, first + 1] -= 0.6 * course
    points[:, 4] -= raised * smile(times, BEGIN_S + 0.15, rise_s, HELD, fall_s)
    return times, points + noise * np.random.default_rng(1).normal(size=points.shape)


def test_the_phases_of_a_smile() -> None:
    times, points = made()
    found = smile_dynamics(times, points, BEGIN_S + 0.1, BEGIN_S + 2.2)
    assert found is not None
    assert found.amplitude == pytest.approx(0.1, rel=0.1)
    assert found.onset_s == pytest.approx(BEGIN_S + TENTH * RISE, abs=0.06)
    assert found.onset_duration_s == pytest.approx((1 - 2 * TENTH) * RISE, abs=0.1)
    assert found.apex_duration_s == pytest.approx(HELD + 2 * 0.2 * TENTH, abs=0.3)
    assert found.offset_duration_s == pytest.approx((1 - 2 * TENTH) * 0.8, abs=0.15)
    assert found.onset_speed == pytest.approx(0.1 * np.pi / 2 / RISE, rel=0.2)
    assert found.offset_speed == pytest.approx(0.1 * np.pi / 2 / 0.8, rel=0.2)
    assert found.amplitude_per_s == pytest.approx(0.1 / found.onset_duration_s, rel=0.1)
    assert found.asymmetry == pytest.approx(0, abs=0.05)
    assert found.left_lag_s == pytest.approx(0, abs=0.03)
    assert found.cheek_raise == pytest.approx(0.02, abs=0.003)
    assert found.cheek_lag_s == pytest.approx(0.15, abs=0.06)
    assert found.peaks == 1
    assert found.quality > 0.9


def test_a_slow_smile_is_slower_than_a_quick_one() -> None:
    quick, slow = (smile_dynamics(*made(rise_s=rise), BEGIN_S + 0.1, BEGIN_S + 3) for rise in (0.3, 1.0))
    assert quick is not None
    assert slow is not None
    assert quick.onset_speed > 2 * slow.onset_speed
    assert quick.amplitude_per_s > 2 * slow.amplitude_per_s


def test_a_side_that_goes_further_and_later() -> None:
    found = smile_dynamics(*made(left=0.12, right=0.06, lag_s=0.1), BEGIN_S, BEGIN_S + 2)
    assert found is not None
    assert found.asymmetry == pytest.approx(1 / 3, abs=0.06)
    assert found.left_lag_s == pytest.approx(0.1, abs=0.04)


def test_a_smile_that_swells_twice() -> None:
    times, points = made()
    points[:, 0] += 0.05 * np.exp(-(((times - BEGIN_S - 1.1) / 0.15) ** 2))
    points[:, 2] -= 0.05 * np.exp(-(((times - BEGIN_S - 1.1) / 0.15) ** 2))
    found = smile_dynamics(times, points, BEGIN_S, BEGIN_S + 2)
    assert found is not None
    assert found.peaks == 2


def test_lids_that_stay_have_no_lag() -> None:
    found = smile_dynamics(*made(raised=0.0), BEGIN_S, BEGIN_S + 2)
    assert found is not None
    assert found.cheek_raise == pytest.approx(0, abs=0.002)
    assert found.cheek_lag_s is None


def test_a_smile_whose_end_was_not_seen() -> None:
    times, points = made()
    seen = times < BEGIN_S + 1.5
    found = smile_dynamics(times[seen], points[seen], BEGIN_S, BEGIN_S + 1.4)
    assert found is not None
    assert (found.offset_s, found.offset_speed, found.offset_duration_s) == (None, None, None)
    assert found.onset_speed > 0


@pytest.mark.parametrize("told", [{"noise": 0.05}, {"left": 0.005, "right": 0.005}, {"rate_hz": 8}], ids=str)
def test_what_can_not_be_told(told: dict[str, float]) -> None:
    assert smile_dynamics(*made(**told), BEGIN_S, BEGIN_S + 2) is None


def test_no_beginning_a_gap_and_no_landmarks() -> None:
    times, points = made()
    late = times > BEGIN_S - 0.3
    assert smile_dynamics(times[late], points[late], BEGIN_S, BEGIN_S + 2) is None
    whole = (times < BEGIN_S + 0.1) | (times > BEGIN_S + 0.7)
    assert smile_dynamics(times[whole], points[whole], BEGIN_S, BEGIN_S + 2) is None
    assert smile_dynamics(times, np.full_like(points, np.nan), BEGIN_S, BEGIN_S + 2) is None
    assert smile_dynamics(times[:0], points[:0], BEGIN_S, BEGIN_S + 2) is None


def test_points_are_of_the_face_turned_to_the_front() -> None:
    still = STANDARD_FACE[:, :2] * 100 + 200
    wide = still.copy()
    wide[48, 0] -= 5
    wide[[40, 41, 46, 47], 1] -= 2
    bent = (wide - 200) @ np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]]) + 300
    found = smile_points(np.stack([still, wide, bent, np.full((68, 2), np.nan)]))
    moved = found[1] - found[0]
    assert moved == pytest.approx([-0.05, 0, 0, 0, -0.02], abs=0.004)
    assert found[2] == pytest.approx(found[1], abs=0.004)
    assert np.isnan(found[3]).all()
    assert len(smile_points(np.zeros((0, 68, 2)))) == 0
