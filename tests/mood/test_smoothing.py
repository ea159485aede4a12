from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from mien.labels import EMOTIONS
from mien.mood.smoothing import HalfLife, blend
from mien.types import Faces

HAPPY, NEUTRAL, CONTEMPT = (EMOTIONS.index(name) for name in ("happiness", "neutral", "contempt"))


def read(*happiness: float, track: ArrayLike | None = None) -> Faces:
    """Faces that are happy with these probabilities, and neutral with the rest; there is no contempt."""
    count = len(happiness)
    probabilities = np.zeros((count, len(EMOTIONS)))
    probabilities[:, HAPPY] = happiness
    probabilities[:, NEUTRAL] = 1 - np.array(happiness)
    probabilities[:, CONTEMPT] = np.nan
    return Faces(
        np.tile([0, 0, 10, 10], (count, 1)),
        track=np.arange(count) if track is None else track,
        probabilities=probabilities,
        confidence=np.nanmax(probabilities, axis=1),
        expression=np.where(np.array(happiness) > 0.5, HAPPY, NEUTRAL),
        valence=happiness,
        arousal=np.array(happiness) / 2,
    )


def happiness(faces: Faces) -> list[float]:
    return faces.probabilities[:, HAPPY].tolist()


@given(
    st.lists(st.tuples(st.floats(0.001, 3), st.floats(-10, 10)), min_size=1, max_size=10), st.floats(0.05, 5)
)
def test_blend_is_the_weighted_sum_of_all_values_so_far(
    steps: list[tuple[float, float]], half_life_s: float
) -> None:
    """Closed form: each value weighs by how much of its own step is left, halved in every half-life since."""
    times = np.cumsum([elapsed_s for elapsed_s, _ in steps])
    smoothed: NDArray[np.float64] = np.array([2.0])
    for (elapsed_s, value), now_s in zip(steps, times, strict=True):
        smoothed = blend(smoothed, [value], elapsed_s=elapsed_s, half_life_s=half_life_s)
        starts, ends = np.concatenate([[0], times[:-1]]), times
        past = ends <= now_s
        weights = 0.5 ** ((now_s - ends[past]) / half_life_s) - 0.5 ** ((now_s - starts[past]) / half_life_s)
        values = np.array([value for _, value in steps])[past]
        expected = weights @ values + 2.0 * 0.5 ** (now_s / half_life_s)
        np.testing.assert_allclose(smoothed, expected, rtol=1e-6, atol=1e-6)


def test_half_of_the_old_is_gone_after_one_half_life() -> None:
    assert blend(0.0, 1.0, elapsed_s=0.3, half_life_s=0.3) == pytest.approx(0.5)
    assert blend(0.0, 1.0, elapsed_s=0.9, half_life_s=0.3) == pytest.approx(0.875)
    assert blend(0.0, 1.0, elapsed_s=0.0, half_life_s=0.3) == 0
    assert blend(0.0, 1.0, elapsed_s=0.0, half_life_s=0.0) == 1


def test_what_is_not_known_is_not_smoothed() -> None:
    smoothed = blend([np.nan, 1, np.nan], [1, np.nan, np.nan], elapsed_s=0.1, half_life_s=1)
    np.testing.assert_array_equal(smoothed, [1, np.nan, np.nan])


@pytest.mark.parametrize("frame_rate_hz", [5, 10, 30, 120])
def test_every_frame_rate_gives_the_same(frame_rate_hz: int) -> None:
    smoother = HalfLife(0.3)
    smoother.smooth(read(0.0), 0.0)
    for index in range(1, frame_rate_hz + 1):
        faces = smoother.smooth(read(1.0), index / frame_rate_hz)
    assert happiness(faces) == pytest.approx([1 - 0.5 ** (1 / 0.3)], rel=1e-5)


def test_the_first_reading_stands_as_it_is() -> None:
    assert happiness(HalfLife(0.3).smooth(read(0.9), 5.0)) == pytest.approx([0.9])


def test_valence_and_arousal_go_the_same_way_and_the_rest_stays() -> None:
    smoother = HalfLife(0.3)
    smoother.smooth(read(0.0), 0.0)
    faces = smoother.smooth(read(1.0).fill(quality=[0.7]), 0.3)
    assert (faces.valence[0], faces.arousal[0]) == pytest.approx((0.5, 0.25))
    assert faces.quality.tolist() == pytest.approx([0.7])
    assert np.isnan(faces.probabilities[0, CONTEMPT])


def test_each_track_is_smoothed_alone_and_an_ended_one_is_forgotten() -> None:
    smoother = HalfLife(0.3)
    smoother.smooth(read(0.0, 1.0, track=[3, 4]), 0.0)
    assert happiness(smoother.smooth(read(1.0, 1.0, track=[4, 3]), 0.3)) == pytest.approx([1.0, 0.5])
    for time_s in np.arange(0.6, 6, 0.3):
        smoother.smooth(read(0.2, track=[5]), float(time_s))
    assert happiness(smoother.smooth(read(0.0, track=[4]), 6.0)) == [0.0]
    assert smoother.followed == 2


def test_memory_stays_small_over_many_tracks() -> None:
    smoother = HalfLife(0.3)
    for number in range(1000):
        smoother.smooth(read(0.5, track=[number]), number * 0.5)
    assert smoother.followed < 10


def test_the_label_follows_the_smoothed_probabilities() -> None:
    smoother = HalfLife(1.0)
    labels = [smoother.smooth(read(0.0), 0.0).labels]
    labels += [smoother.smooth(read(1.0), time_s).labels for time_s in (0.2, 0.9, 1.1)]
    assert labels == [["neutral"], ["neutral"], ["neutral"], ["happiness"]]


def test_one_uncertain_reading_takes_no_label_away_and_many_do() -> None:
    smoother = HalfLife(1.0)
    unsure = read(1.0).fill(expression=[-1])
    labels = [smoother.smooth(read(1.0), 0.0).labels]
    labels += [smoother.smooth(unsure, time_s).labels for time_s in (0.2, 0.9, 1.1, 1.6)]
    labels += [smoother.smooth(read(1.0), time_s).labels for time_s in (1.7, 3.0)]
    assert labels == [["happiness"]] * 3 + [["uncertain"]] * 3 + [["happiness"]]
    assert smoother.smooth(unsure, 9.0).confidence == pytest.approx([1.0])


def test_faces_without_track_or_reading_come_back_as_they_are() -> None:
    smoother = HalfLife(0.3)
    for happy in (0.0, 1.0):
        faces = smoother.smooth(read(happy, track=[-1]), happy)
        assert happiness(faces) == [happy]
    unread = Faces(np.array([[0, 0, 10, 10]]), track=[0])
    faces = smoother.smooth(unread, 2.0)
    assert np.isnan(faces.probabilities).all()
    assert faces.expression.tolist() == [-1]
    assert happiness(smoother.smooth(read(0.4), 2.1)) == pytest.approx([0.4])
    assert len(smoother.smooth(Faces.empty(), 2.2)) == 0


def test_no_half_life_means_no_smoothing() -> None:
    smoother = HalfLife(0.0)
    for time_s, happy in enumerate((0.1, 0.9, 0.3)):
        assert happiness(smoother.smooth(read(happy), time_s)) == pytest.approx([happy])


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=10))
def test_probabilities_stay_probabilities_at_any_time(readings: list[tuple[float, float]]) -> None:
    """Times come in any order."""
    smoother = HalfLife(0.3)
    lowest, highest = 1.0, 0.0
    for time_s, happy in readings:
        lowest, highest = min(lowest, happy), max(highest, happy)
        faces = smoother.smooth(read(happy), time_s)
        assert np.nansum(faces.probabilities) == pytest.approx(1, abs=1e-5)
        assert lowest - 1e-5 <= happiness(faces)[0] <= highest + 1e-5
