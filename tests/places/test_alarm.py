"""The change alarm: calm crowds seldom set it off, a fall soon does."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import ConfigError
from mien.places.alarm import BASELINE, LEAST_SD, Watch, find_turns

PER_HOUR = 2 * 360


def calm(seed: int, count: int, spread: float = 0.06, carry: float = 0.3) -> list[float]:
    random = np.random.default_rng(seed)
    noise = random.standard_normal(count)
    for place in range(1, count):
        noise[place] = carry * noise[place - 1] + np.sqrt(1 - carry**2) * noise[place]
    return list(0.2 + spread * noise)


@pytest.mark.exhaustive
def test_calm_crowds_seldom_alarm() -> None:
    """Fifty hours behind baselines, at one false alarm in 2 h of this measure: 25 may be expected."""
    told = sum(len(find_turns("valence", range(360), calm(seed, 360), PER_HOUR)) for seed in range(60))
    assert told <= 35


@pytest.mark.parametrize("rises", [False, True])
def test_a_turn_is_told_soon_and_dated(rises: bool) -> None:
    values = calm(1, 150)
    values[90:] = [each + (0.2 if rises else -0.2) for each in values[90:]]
    (turn,) = find_turns("valence", range(150), values, PER_HOUR)
    assert (turn.measure, turn.rises) == ("valence", rises)
    assert 90 <= turn.told <= 105
    assert abs(turn.since - 90) <= 2


def test_gaps_shift_the_places_and_not_the_turn() -> None:
    values = calm(1, 150)
    values[90:] = [each - 0.25 for each in values[90:]]
    places = [*range(70), *range(90, 170)]
    (turn,) = find_turns("tension", places, values, PER_HOUR)
    assert 110 <= turn.told <= 125


def test_it_goes_on_as_if_all_were_known_at_once() -> None:
    values = calm(5, 110)
    values[80:] = [each - 0.25 for each in values[80:]]
    watch = Watch("valence", PER_HOUR)
    told = [turn for place, each in enumerate(values) if (turn := watch.add(place, each)) is not None]
    (turn,) = told
    (known,) = find_turns("valence", range(110), values, PER_HOUR)
    assert turn.told == known.told
    assert [watch.add(110 + place, values[-1]) for place in range(3)] == [None] * 3


def test_nothing_is_told_before_the_baseline_is_there() -> None:
    values = [0.0] * BASELINE
    assert find_turns("valence", range(BASELINE), values, PER_HOUR) == []
    assert find_turns("valence", range(BASELINE + 1), [*values, 5.0], PER_HOUR) == []


def test_a_crowd_that_hardly_varies_does_not_alarm_for_next_to_nothing() -> None:
    values = [1e-4 * (place % 3) for place in range(100)]
    values[80:] = [each + LEAST_SD / 4 for each in values[80:]]
    assert find_turns("tension", range(100), values, PER_HOUR) == []


def test_false_alarms_that_are_too_often_are_refused() -> None:
    with pytest.raises(ConfigError, match="false alarms: expected at most one in 30 intervals"):
        Watch("valence", 10)
    with pytest.raises(ConfigError, match="received one in nan"):
        Watch("valence", float("nan"))
