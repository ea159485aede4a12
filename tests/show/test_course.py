from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.show.course import MOST_POINTS, VALUES, course, read_shares, usual_step_s
from show.tables import some_rows


def runs(line: pd.DataFrame) -> list[list[float]]:
    """The line's times, one list per unbroken part."""
    parts: list[list[float]] = [[]]
    for time_s, valence in zip(line["time_s"], line["valence"], strict=True):
        if np.isnan(valence):
            parts.append([])
        else:
            parts[-1].append(time_s)
    return [part for part in parts if part]


def test_a_line_breaks_where_the_face_was_away_and_holds_to_the_end() -> None:
    line = course(some_rows([0.0, 0.1, 0.2, 0.4, 1.0, 1.1]), 0.1)
    assert runs(line) == [pytest.approx([0, 0.1, 0.2, 0.4, 0.5]), pytest.approx([1.0, 1.1, 1.2])]


def test_one_reading_holds_for_a_step() -> None:
    rows = some_rows([3.0])
    line = course(rows, 0.04)
    assert runs(line) == [pytest.approx([3.0, 3.04])]
    assert line["valence"][:2].tolist() == rows["valence"].tolist() * 2


def test_a_short_line_keeps_every_value() -> None:
    rows = some_rows(np.arange(MOST_POINTS) / 25)
    pd.testing.assert_frame_equal(course(rows, 0.04)[: len(rows)], rows[["time_s", *VALUES]])


@pytest.mark.parametrize("count", [MOST_POINTS + 1, 108_000])
def test_a_long_line_is_thinned_by_means(count: int) -> None:
    rows = some_rows(np.arange(count) / 30)
    line = course(rows, 1 / 30)
    assert len(line) <= MOST_POINTS + 10
    assert len(runs(line)) == 1
    assert line["valence"].mean() == pytest.approx(rows["valence"].mean(), abs=0.02)
    sums = line.filter(like="p_").dropna().sum(axis=1)
    np.testing.assert_allclose(sums, 1)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=60, unique=True))
def test_share_read_is_what_a_stopwatch_says(frames: list[int]) -> None:
    """At 25 frames a second every missing frame counts, but for one alone, which is bridged."""
    times_s = np.array(sorted(frames)) / 25
    rows = pd.concat([some_rows(times_s[::2]), some_rows(times_s[1::2], track=1)])
    rows = rows.sort_values("time_s", ignore_index=True)
    rows.loc[rows["track"] == 1, "expression"] = "uncertain"
    borders_s, labelled, uncertain = read_shares(rows, 0.04, 20.0)
    assert borders_s[0] == 0
    assert borders_s[-1] == 20
    assert (np.diff(borders_s) > 0).all()

    seen = np.zeros((2, 500), bool)
    for place, frame in enumerate(sorted(frames)):
        following = sorted(frames)[place + 1] if place + 1 < len(frames) else frame + 1
        seen[place % 2, frame : following if following - frame <= 2 else frame + 1] = True
    for shares, expected in ((labelled, seen[0]), (uncertain, seen[1])):
        assert (shares * np.diff(borders_s)).sum() == pytest.approx(expected.sum() / 25, abs=1e-4)
        assert shares.min() >= -1e-6
        assert shares.max() <= 1 + 1e-3


def test_an_hour_is_read_off_in_few_stretches() -> None:
    times_s = np.arange(90_000) / 25
    rows = some_rows(times_s[(times_s // 60) % 2 == 0])
    borders_s, labelled, _ = read_shares(rows, 0.04, 3600.0)
    assert len(borders_s) <= MOST_POINTS
    assert (labelled * np.diff(borders_s)).sum() == pytest.approx(1800, abs=1)


def test_a_face_that_was_not_read_does_not_count() -> None:
    *_, labelled, uncertain = read_shares(some_rows([0.0, 0.1], label=None), 0.1, 0.2)
    assert labelled.sum() == 0
    assert uncertain.sum() == 0


def test_the_usual_step() -> None:
    assert usual_step_s(pd.Series([0.0, 0.0, 0.1, 0.2, 0.3, 5.0]), None) == pytest.approx(0.1)
    assert usual_step_s(pd.Series([2.0]), 7.0) == 7.0
    assert usual_step_s(pd.Series([], dtype=float), None) == 1.0
