"""Fewer samples of a fast stream: what passes, what doesn't fold back, gaps, values that are none."""

from __future__ import annotations

import numpy as np
import pytest

from mien.signals.stream.decimate import Decimator


@pytest.mark.parametrize("rate", [2048.0, 5000.0, 100_000.0])
def test_what_muscles_need_passes_unchanged_and_nothing_folds_back(rate: float) -> None:
    times = np.arange(int(rate)) / rate
    decimator = Decimator(rate)
    assert 1000 <= decimator.rate_hz < 2000
    kept = np.sin(2 * np.pi * 440 * times)
    folds = np.sin(2 * np.pi * (decimator.rate_hz - 50) * times)
    at, values = decimator.take(times, np.stack([kept, folds], axis=1))
    assert np.diff(at) == pytest.approx(1 / decimator.rate_hz)
    assert np.abs(values[:, 0] - np.sin(2 * np.pi * 440 * at)).max() < 0.002
    assert np.abs(values[:, 1]).max() < 0.002


@pytest.mark.parametrize("size", [1, 37, 999, 5000])
def test_it_is_the_same_in_any_pieces(size: int) -> None:
    rate, random = 4000.0, np.random.default_rng(4)
    times, values = np.arange(12_000) / rate, random.normal(size=(12_000, 2))
    whole = Decimator(rate).take(times, values)
    decimator = Decimator(rate)
    parts = [decimator.take(times[i : i + size], values[i : i + size]) for i in range(0, len(times), size)]
    assert np.concatenate([at for at, _ in parts]) == pytest.approx(whole[0])
    assert np.concatenate([each for _, each in parts]) == pytest.approx(whole[1])


def test_nothing_is_filtered_across_a_gap() -> None:
    rate = 4000.0
    times = np.arange(8000) / rate
    times[4000:] += 5.0
    values = np.where(np.arange(8000) < 4000, 1.0, -1.0)[:, None]
    at, out = Decimator(rate).take(times, values)
    assert set(np.round(out.ravel(), 6)) == {1.0, -1.0}
    assert np.diff(at).max() > 5.0


def test_no_number_stays_none_and_a_rail_stays_flat() -> None:
    rate = 4000.0
    times, values = np.arange(8000) / rate, np.full((8000, 1), 187.5)
    values[4000] = np.nan
    at, out = Decimator(rate).take(times, values)
    lost = np.isnan(out.ravel())
    assert 0 < lost.sum() * 4 / rate < 0.1
    assert np.abs(at[lost] - times[4000]).max() < 0.05
    assert np.ptp(out[~lost]) < 1e-9
