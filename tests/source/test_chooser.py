"""Which frames are looked at, by number and by time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import ConfigError
from mien.source.base import Chooser


def chosen(times_s: list[float], **choices: float) -> list[int]:
    chooser = Chooser(**choices)  # type: ignore[arg-type]
    return [index for index, time_s in enumerate(times_s) if chooser.wants(index, time_s)]


@pytest.mark.parametrize("rate_hz", [10, 15, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60])
@pytest.mark.parametrize("rounded", [False, True], ids=["exact", "whole milliseconds"])
def test_the_video_s_own_rate_takes_every_frame(rate_hz: float, rounded: bool) -> None:
    times_s = [index / rate_hz for index in range(2000)]
    if rounded:
        times_s = [round(time_s, 3) for time_s in times_s]
    assert chosen(times_s, fps=rate_hz) == list(range(2000))


@pytest.mark.parametrize(
    ("fps", "expected"), [(10, [0, 3, 5, 8, 10, 13, 15, 18, 20, 23]), (5, [0, 5, 10, 15, 20])]
)
def test_a_lower_rate_is_spread_evenly(fps: float, expected: list[int]) -> None:
    assert chosen([index / 25 for index in range(25)], fps=fps) == expected


def test_a_pause_is_not_made_up_for() -> None:
    assert chosen([0.0, 0.1, 5.0, 5.1, 5.2, 6.0], fps=1) == [0, 2, 5]


@given(
    gaps_s=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    fps=st.floats(0.1, 200),
    every=st.integers(1, 5),
)
def test_never_more_than_asked_for(gaps_s: list[float], fps: float, every: int) -> None:
    times_s = [sum(gaps_s[: index + 1]) - gaps_s[0] for index in range(len(gaps_s))]
    indices = chosen(times_s, fps=fps, every=every)
    assert indices[0] == 0
    assert all(index % every == 0 for index in indices)
    assert len(indices) <= math.floor((times_s[-1] + 0.002) * fps) + 1
    assert len(chosen(times_s)) == len(times_s)


@pytest.mark.parametrize(
    "choice", [{"every": 0}, {"every": -3}, {"fps": 0.0}, {"fps": math.nan}, {"fps": math.inf}]
)
def test_impossible_choices_are_refused(choice: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"(every|fps): expected .*, received"):
        Chooser(**choice)  # type: ignore[arg-type]
