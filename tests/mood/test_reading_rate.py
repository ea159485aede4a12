from __future__ import annotations

import numpy as np
import pytest

from mien.mood.reading_rate import pauses_s, read_too_rarely


@pytest.mark.parametrize(
    ("readings", "length_s", "paused_s"),
    [(0, 0.0, 0.0), (1, 0.0, 0.0), (3, 4.9, 0.0), (25, 6.0, 0.0), (241, 60.0, 0.0), (600, 60.0, 6.0)],
)
def test_often_enough_or_too_short_to_tell(readings: int, length_s: float, paused_s: float) -> None:
    assert read_too_rarely(readings, length_s, paused_s) == ""


def test_48_frames_in_36_seconds() -> None:
    words = read_too_rarely(48, 36.0)
    assert words.startswith("read too rarely: 1.3 times per second")
    assert words.endswith("episodes and smiles need 4")
    assert "pauses" not in words


def test_quick_readings_with_long_pauses() -> None:
    words = read_too_rarely(400, 60.0, 20.0)
    assert "33 % of the time is in pauses of more than 2 seconds" in words
    assert "episodes" not in words


def test_pauses_are_what_lies_more_than_two_seconds_apart() -> None:
    assert pauses_s(np.array([0.0, 0.5, 2.5, 5.0, 5.1, 9.1])) == pytest.approx(2.5 + 4.0)
    assert pauses_s(np.array([3.0])) == pauses_s(np.empty(0)) == 0
