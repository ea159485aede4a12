"""POS, CHROM and LGI on colours whose pulse is known."""

from __future__ import annotations

import numpy as np
import pytest

from mien.signals.rppg import METHODS, pos
from signals.made_skin import PULSE_RGB, wave

RATE_HZ = 30.0
TIMES_S = np.arange(360) / RATE_HZ


@pytest.mark.parametrize("name", METHODS)
def test_the_pulse_is_found_under_light_that_changes_ten_times_as_much(name: str) -> None:
    pulse, light = wave(TIMES_S, 78.0), 0.05 * np.sin(2 * np.pi * 0.21 * TIMES_S)
    colours = (190, 140, 115) * (1 + 0.005 * pulse[:, None] * PULSE_RGB) * (1 + light)[:, None]
    found = METHODS[name](colours, RATE_HZ)
    middle = slice(60, -60)  # the ends have fewer windows
    assert np.corrcoef(found[middle], pulse[middle])[0, 1] > 0.9  # not upside down, either


@pytest.mark.parametrize("name", METHODS)
def test_several_regions_at_once_are_as_one_by_one(name: str) -> None:
    colours = 100 + np.random.default_rng(1).normal(size=(2, 3, 120, 3))
    together = METHODS[name](colours, RATE_HZ)
    assert together.shape == (2, 3, 120)
    np.testing.assert_allclose(together[1, 2], METHODS[name](colours[1, 2], RATE_HZ), atol=1e-9)


def test_pos_is_as_in_its_paper() -> None:
    """Algorithm 1 of Wang et al., window by window."""
    colours, size = 100 + np.random.default_rng(2).normal(size=(100, 3)), 48
    expected = np.zeros(100)
    for start in range(100 - size + 1):
        level = (colours[start : start + size] / colours[start : start + size].mean(axis=0)).T
        first, second = np.array([[0, 1, -1], [-2, 1, 1]]) @ level
        h = first + first.std() / second.std() * second
        expected[start : start + size] += h - h.mean()
    np.testing.assert_allclose(pos(colours, RATE_HZ), expected, atol=1e-9)
