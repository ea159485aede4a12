from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given

from mien.labels import EMOTIONS
from mien.mood.episodes import HIGH, LOW, Episode, EpisodeFinder, episodes
from mien.mood.series import Series
from mood.readings import HAPPY, any_readings, readings


def bump(hz: float, *, rise_s: float = 1.0, hold_s: float = 2.0, peak: float = 0.9) -> Series:
    """From 0 to a peak at 10 s, held, and down again as quickly."""
    time_s = np.arange(0, 20, 1 / hz)
    p = np.interp(time_s, [10 - rise_s, 10, 10 + hold_s, 10 + hold_s + rise_s], [0, peak, peak, 0])
    return readings(time_s, happiness=p)


@pytest.mark.parametrize("hz", [5.0, 10.0, 29.97, 60.0])
def test_an_episode_does_not_depend_on_the_frame_rate(hz: float) -> None:
    (smile,) = episodes(bump(hz))
    assert (smile.kind, smile.label) == ("smile", "happiness")
    assert smile.onset_s == pytest.approx(9 + LOW / 0.9, abs=1e-6)
    assert smile.offset_s == pytest.approx(13 - LOW / 0.9, abs=1e-6)
    assert smile.peak == pytest.approx(0.9)
    assert smile.apex_s == pytest.approx(9.9, abs=1 / hz), "within a tenth of the peak"
    assert smile.onset_speed == pytest.approx(0.9, rel=0.3 if hz < 20 else 0.06)
    assert smile.length_s == pytest.approx(smile.offset_s - smile.onset_s)


def test_noise_around_one_limit_makes_no_crowd_of_episodes() -> None:
    time_s = np.arange(0, 10, 0.1)
    p = np.where(np.arange(100) % 2, HIGH + 0.1, HIGH - 0.1)
    assert len(episodes(readings(time_s, happiness=p))) == 1


@pytest.mark.parametrize(
    "p", [np.full(100, HIGH - 0.01), np.where(np.arange(100) == 50, 0.9, 0.0), np.zeros(100)]
)
def test_what_is_low_or_short_is_no_episode(p: np.ndarray) -> None:
    assert episodes(readings(np.arange(100) / 10, happiness=p)) == []


def test_neutral_is_no_episode() -> None:
    assert episodes(readings(np.arange(100) / 10)) == []


def test_a_short_look_away_does_not_end_it_and_a_long_one_does() -> None:
    time_s = np.arange(0, 10, 0.1)
    for away_s, count in ((0.3, 1), (1.0, 2)):
        seen = (time_s < 5) | (time_s >= 5 + away_s)
        found = episodes(readings(time_s, happiness=0.9, seen=seen))
        assert len(found) == count
        assert found[0].onset_s == 0
        assert np.isnan(found[0].onset_speed), "its rise wasn't seen"
        assert found[-1].offset_s == pytest.approx(9.9)


def test_two_readings_a_second_are_too_few() -> None:
    assert episodes(bump(2)) == []
    assert episodes(Series.empty()) == []


def test_expressions_may_overlap() -> None:
    p = np.zeros((100, len(EMOTIONS)))
    p[:, 0] = 0.2
    p[:, 2], p[:, 1] = np.linspace(0.8, 0, 100), np.linspace(0, 0.8, 100)
    found = episodes(readings(np.arange(100) / 10, p))
    assert [(each.kind, each.label) for each in found] == [("episode", "surprise"), ("smile", "happiness")]
    assert found[0].offset_s > found[1].onset_s


def close_to(one: Episode, other: Episode) -> bool:
    numbers = [[each.onset_s, each.apex_s, each.offset_s, each.peak] for each in (one, other)]
    return (one.kind, one.label) == (other.kind, other.label) and np.allclose(*numbers)


@given(any_readings())
def test_the_finder_finds_the_same_on_every_prefix(series: Series) -> None:
    finder, over = EpisodeFinder(), []
    for place in range(len(series)):
        over += finder.push(series.time_s[place], series.probabilities[place])
        prefix = series[: place + 1]
        if 0 < prefix.step_s[-1] <= 0.25:
            found, expected = over + finder.unfinished(), episodes(prefix)
            found.sort(key=lambda each: (each.onset_s, EMOTIONS.index(each.label)))
            assert len(found) == len(expected)
            assert all(map(close_to, found, expected))


def test_the_finder_says_what_is_over_as_soon_as_it_is() -> None:
    series, finder = bump(10), EpisodeFinder()
    told = [
        time_s
        for time_s, p in zip(series.time_s, series.probabilities, strict=True)
        if finder.push(time_s, p)
    ]
    assert told == [pytest.approx(12.7)]
    assert finder.unfinished() == []


def test_the_finder_keeps_little_of_a_smile_that_rises_for_hours() -> None:
    """Each reading is the highest so far; the apex is known to a thousandth of the probability."""
    finder, count = EpisodeFinder(), 20_000
    p = np.zeros((count, len(EMOTIONS)))
    p[:, HAPPY] = np.linspace(0.2, 0.95, count)
    time_s = np.arange(count) / 10
    for at_s, each in zip(time_s, p, strict=True):
        finder.push(at_s, each)
    assert len(pickle.dumps(finder)) < 10_000
    [smile] = finder.unfinished()
    rise_per_s = 0.75 / time_s[-1]
    assert smile.apex_s == pytest.approx(
        time_s[np.argmax(p[:, HAPPY] >= 0.9 * 0.95)], abs=0.001 / rise_per_s + 0.1
    )
