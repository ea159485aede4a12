"""Whether a body answers to onsets, on made courses."""

from __future__ import annotations

import numpy as np
import pytest

from mien.signals.responses import responses

SPAN = (0.0, 600.0)
ONSETS = [40.0, 110.0, 190.0, 230.0, 333.0, 420.0, 540.0]


def course(size: float, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(0, 600, 0.25)
    slow = np.convolve(np.random.default_rng(seed).normal(size=3000), np.hanning(120), mode="same")[:2400]
    values = slow / slow.std()
    for onset in ONSETS:
        since = times - onset
        values = values + np.where(since > 0, size * np.minimum(since / 3, 1) * np.exp(-since / 8), 0)
    return times, values


def test_a_body_that_answers() -> None:
    found = responses(course(4.0), ONSETS, SPAN)
    assert found.mean is not None
    assert found.mean > 1
    assert found.p is not None
    assert found.p < 0.02
    assert found.chance is not None
    assert found.mean > found.chance
    assert len(found.changes) == len(ONSETS)


@pytest.mark.parametrize(("bodies", "most"), [(5, 2), pytest.param(60, 14, marks=pytest.mark.exhaustive)])
def test_chance_is_right_about_bodies_that_do_not(bodies: int, most: int) -> None:
    low = sum((responses(course(0.0, seed), ONSETS, SPAN).p or 1) <= 0.1 for seed in range(bodies))
    assert low <= most  # a tenth is expected


def test_what_can_not_be_told() -> None:
    times, values = course(4.0)
    two = responses((times, values), ONSETS[:2], SPAN)
    assert (two.mean, two.p) == (None, None)
    assert all(each is not None for each in two.changes)
    short = responses((times[:200], values[:200]), [10.0, 20.0, 30.0], (0.0, 50.0))
    assert short.mean is not None
    assert short.p is None
    holes = np.where((times > 100) & (times < 240), np.nan, values)
    found = responses((times, holes), ONSETS, SPAN)
    assert found.changes[1] is None
    assert found.changes[0] == pytest.approx(two.changes[0])
    empty = responses((np.zeros(0), np.zeros(0)), ONSETS, SPAN)
    assert set(empty.changes) == {None}
