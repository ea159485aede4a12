"""Which face is which: by time, by place; and how late one table is against another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mien.agreement.pairing import estimate_shift, on_one_clock, pair
from mien.agreement.ratings import END, Ratings, as_table

RANDOM = np.random.default_rng(5)


def table(
    times_s: list[float], *, track: list[int] | None = None, x: list[float] | None = None, **more: object
) -> pd.DataFrame:
    """A table with a box for each face where x says where it is."""
    known: dict[str, object] = {"source": "film", "time_s": times_s, "frame": range(len(times_s))} | more
    if track is not None:
        known["track"] = track
    if x is not None:
        known |= {"x": x, "y": 10.0, "width": 40.0, "height": 40.0}
    return as_table(len(times_s), known)


def times_of(paired: object) -> tuple[list[float], list[float]]:
    return paired.a["time_s"].tolist(), paired.b["time_s"].tolist()  # type: ignore[attr-defined]


def test_frames_are_paired_by_time_with_the_nearest() -> None:
    every = [each / 10 for each in range(10)]
    paired = pair(table(every), table([0.02, 0.31, 0.93, 5.0]))
    assert times_of(paired) == ([0.0, 0.3, 0.9], [0.02, 0.31, 0.93])
    assert (paired.frames, paired.common_frames) == ((10, 4), 3)


def test_a_frame_is_in_one_pair_at_most() -> None:
    paired = pair(table([0.0, 1.0]), table([0.0, 0.01, 0.02, 0.99, 1.0, 1.01]))
    assert times_of(paired) == ([0.0, 1.0], [0.0, 1.0])


def test_the_tolerance_may_be_chosen() -> None:
    a, b = table([0.0, 1.0, 2.0]), table([0.2, 1.01, 2.4])
    assert len(pair(a, b).a) == 3
    assert len(pair(a, b, tolerance_s=0.1).a) == 1


def test_faces_are_paired_by_where_they_are() -> None:
    a = table([0, 0, 1, 1], track=[0, 1, 0, 1], x=[0, 200, 0, 200])
    b = table([0, 0, 1, 1], track=[7, 8, 7, 9], x=[205, 5, 208, 500])
    paired = pair(a, b)
    assert paired.by_overlap
    assert list(zip(paired.a["track"], paired.b["track"], strict=True)) == [(0, 8), (1, 7), (1, 7)]
    assert paired.apart == 1


def test_landmarks_say_where_a_face_is_without_a_box() -> None:
    points = {
        f"lm_{each}_{axis}": [float(each % 41), 200.0 + each % 41] for each in range(68) for axis in "x"
    }
    points |= {f"lm_{each}_y": [10.0 + each % 41] * 2 for each in range(68)}
    order = {f"lm_{each}_{axis}": points[f"lm_{each}_{axis}"] for each in range(68) for axis in "xy"}
    paired = pair(table([0, 0], track=[0, 1], x=[200, 0]), table([0, 0], track=[0, 1], **order))
    assert list(zip(paired.a["track"], paired.b["track"], strict=True)) == [(0, 1), (1, 0)]


def test_without_boxes_the_face_that_is_there_most_is_compared() -> None:
    a = table([0, 0, 1, 2, 2], track=[0, 3, 3, 0, 3])
    paired = pair(a, table([0, 1, 2]))
    assert not paired.by_overlap
    assert paired.a["track"].tolist() == [3, 3, 3]


def test_labels_that_hold_until_a_time_are_read_at_the_frames() -> None:
    labels = table([0, 2], expression=["anger", "fear"]).assign(**{END: [1.0, 3.0]})
    frames = table([0.0, 0.5, 1.0, 1.5, 2.0, 2.9, 3.0])
    for first, second in ((frames, labels), (labels, frames)):
        paired = pair(first, second)
        named = paired.a if first is labels else paired.b
        assert named["time_s"].tolist() == [0.0, 0.5, 2.0, 2.9]
        assert named["expression"].tolist() == ["anger", "anger", "fear", "fear"]


def test_two_people_s_labels_are_compared_ten_times_a_second() -> None:
    a = table([0, 2], expression=["anger", "fear"]).assign(**{END: [2.0, 3.0]})
    b = table([0], expression=["anger"]).assign(**{END: [3.0]})
    paired = pair(a, b)
    assert len(paired.a) == 30
    assert (paired.a["expression"] == "fear").sum() == 10


def test_frames_without_times_get_those_of_the_other() -> None:
    with_times = Ratings("Mien", table([0.0, 0.04, 0.08]))
    without = Ratings("fer", table([np.nan] * 3, frame=[1, 2, 5]))
    a, b, timed = on_one_clock(with_times, without)
    assert timed
    assert a is with_times
    assert b.frame["time_s"].tolist() == pytest.approx([0.04, 0.08, 0.2])
    assert not on_one_clock(without, without)[2]


def course(late_s: float, rate_hz: float, seconds: float = 30) -> pd.DataFrame:
    """A slow course of valence that comes so much later, with its own noise."""
    times_s = np.arange(0, seconds, 1 / rate_hz)
    moved = sum(np.sin(2 * np.pi * f * (times_s - late_s) + p) for f, p in ((0.13, 0), (0.31, 1), (0.7, 2)))
    return table(times_s.tolist(), valence=moved / 4 + RANDOM.normal(0, 0.05, len(times_s)))


@pytest.mark.parametrize(("late_s", "rate_hz"), [(0.0, 25), (0.4, 25), (-0.73, 25), (0.4, 10)])
def test_a_shift_in_time_is_found_in_seconds(late_s: float, rate_hz: float) -> None:
    shift = estimate_shift(course(0, 25), course(late_s, rate_hz), ["valence"])
    assert shift is not None
    assert shift.seconds == pytest.approx(late_s, abs=0.02)
    assert shift.after > 0.9
    assert shift.after >= shift.before


def test_a_shift_found_in_labels_alone() -> None:
    labels = [("anger", "fear", "neutral")[each] for each in RANDOM.integers(0, 3, 20)]
    a, b = (
        table((np.arange(400) / 10).tolist(), expression=np.roll(np.repeat(labels, 20), late).tolist())
        for late in (0, 5)
    )
    shift = estimate_shift(a, b, [])
    assert shift is not None
    assert shift.seconds == pytest.approx(0.5, abs=0.05)


def test_no_shift_is_told_where_courses_have_nothing_in_common() -> None:
    noise = table((np.arange(500) / 10).tolist(), valence=RANDOM.normal(size=500))
    assert estimate_shift(course(0, 10, 50), noise, ["valence"]) is None
    assert estimate_shift(course(0, 10, 3), course(0, 10, 3), ["valence"]) is None
    still = table((np.arange(500) / 10).tolist(), valence=np.zeros(500))
    assert estimate_shift(still, still, ["valence"]) is None


def test_pairs_after_the_shift_is_taken_out() -> None:
    paired = pair(table([0.0, 1.0]), table([0.5, 1.5]), shift_s=0.5)
    assert times_of(paired) == ([0.0, 1.0], [0.0, 1.0])


def test_a_table_without_a_face_has_no_pairs() -> None:
    assert len(pair(table([]), table([0.0])).a) == 0
