"""A film's times: as the file has them, and rising in one course where its clock is set anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.film import BROADCAST_GAP_S, FilmTimes


def told(
    films_s: list[float | None], lengths_s: list[float | None] | None = None, gap_s: float = 10.0
) -> list[float]:
    times = FilmTimes(25.0, gap_s)
    return [times.tell(*each) for each in zip(films_s, lengths_s or [None] * len(films_s), strict=True)]


@given(st.lists(st.floats(0.002, BROADCAST_GAP_S), min_size=1), st.floats(-1e5, 1e5))
def test_times_that_rise_stay_as_they_are(steps_s: list[float], start_s: float) -> None:
    films_s = start_s + np.cumsum([0.0, *steps_s])
    np.testing.assert_allclose(
        told(films_s.tolist(), gap_s=BROADCAST_GAP_S + 1), films_s - start_s, atol=1e-6
    )


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1))
def test_times_always_rise_and_never_by_more_than_a_gap(films_s: list[float | None]) -> None:
    steps_s = np.diff(told(films_s))
    assert (steps_s > 0).all()
    assert (steps_s <= 10.0 + 1e-6).all()


@pytest.mark.parametrize("to_s", [0.0, -5.0, 0.3, 5e4, 95_443.7])
def test_where_the_clock_is_set_anew_time_goes_on_by_the_length_of_the_frame_before(to_s: float) -> None:
    films_s: list[float | None] = [1.0, 1.1, 1.2, to_s, to_s + 0.1]
    assert told(films_s) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert told(films_s, [0.1, 0.1, 0.25, 0.1, 0.1]) == pytest.approx([0, 0.1, 0.2, 0.45, 0.55])


def test_it_tells_when_the_clock_was_set_anew_and_when_the_film_ends() -> None:
    times = FilmTimes(25.0)
    for film_s in (7.0, 7.04, 7.08, 0.0, 0.04, 9000.0, 9000.04):
        times.tell(film_s, 0.04)
    assert times.jumps_s == pytest.approx([0.12, 0.20])
    assert times.end_s == pytest.approx(0.28)


def test_frames_without_a_time_follow_by_the_length_of_the_one_before() -> None:
    assert told([None, None, None]) == pytest.approx([0, 0.04, 0.08])
    assert told([None, 5.0, None, 5.1, 5.2]) == pytest.approx([0, 0.04, 0.08, 0.14, 0.24])


def test_a_time_that_stands_still_or_trembles_is_not_taken_for_a_jump() -> None:
    assert told([0.0, 0.04, 0.04, 0.08, 0.07, 0.12]) == pytest.approx([0, 0.04, 0.041, 0.08, 0.081, 0.12])
