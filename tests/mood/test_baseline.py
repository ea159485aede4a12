from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from mien.errors import ConfigError
from mien.labels import EMOTIONS
from mien.mood.baseline import Baseline, NotReady, usable
from mien.mood.change.conditions import unlike

FIRST = dt.date(2026, 1, 5)


def days(count: int, *, minutes: float = 8.0, **columns: Sequence[object]) -> pd.DataFrame:
    index = pd.Index([FIRST + dt.timedelta(day) for day in range(count)], dtype=object)
    rising = np.linspace(0, 1, count) if count > 1 else [0.0] * count
    table = pd.DataFrame({"minutes": 10.0, "usable_minutes": minutes, "valence_mean": rising}, index=index)
    return table.assign(valence_mean_low=-1.0, valence_mean_high=1.0, **columns)


def taken(table: pd.DataFrame, **options: object) -> Baseline:
    found = Baseline.of(table, **options)  # type: ignore[arg-type]
    assert isinstance(found, Baseline)
    return found


@pytest.mark.parametrize(
    ("table", "counted"),
    [(days(4), 4), (days(5, minutes=3.9), 5), (days(9, minutes=1.9), 0), (days(0), 0)],
    ids=["few days", "few minutes", "hardly usable", "none"],
)
def test_below_the_least_data_it_says_what_is_missing(table: pd.DataFrame, counted: int) -> None:
    found = Baseline.of(table)
    assert isinstance(found, NotReady)
    assert found.days == counted
    assert "5 days and 20 minutes" in found.reason
    assert f"{counted} usable days" in found.reason


def test_five_days_are_a_picture_and_28_may_alarm() -> None:
    few, enough = taken(days(5)), taken(days(28))
    assert not few.alarms_ready
    assert "23 more" in few.missing_for_alarms
    assert enough.alarms_ready
    assert enough.missing_for_alarms == ""


def test_it_is_the_median_and_mad_of_own_days() -> None:
    values = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 90.0]
    own = taken(days(7, expressivity=values)).measures["expressivity"]
    assert own.median == pytest.approx(0.4)
    assert own.mad == pytest.approx(0.2)
    assert own.sd == pytest.approx(0.29652)


def test_intervals_and_counts_are_no_measures() -> None:
    table = days(6, recordings=[1] * 6, simulated=[True] * 6, camera=["a"] * 6)
    assert set(taken(table).measures) == {"valence_mean"}


def test_a_measure_stands_on_the_days_that_have_it() -> None:
    values = [0.1, np.nan, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    found = taken(days(8, smiles_per_min=values, inertia=[np.nan] * 4 + [0.1] * 4))
    assert found.measures["smiles_per_min"].days == 7
    assert FIRST + dt.timedelta(1) not in found.measures["smiles_per_min"].dates
    assert "inertia" not in found.measures


def test_a_stretch_of_days_can_be_chosen() -> None:
    found = taken(days(20), start=FIRST + dt.timedelta(3), end=FIRST + dt.timedelta(9))
    assert (found.start, found.end) == (FIRST + dt.timedelta(3), FIRST + dt.timedelta(9))
    assert found.days == 7


def test_days_come_in_any_order_and_as_timestamps() -> None:
    table = days(6)
    mixed = table.iloc[[3, 1, 5, 0, 2, 4]].set_axis(pd.to_datetime(table.index[[3, 1, 5, 0, 2, 4]]))
    assert list(usable(mixed).index) == list(table.index)
    assert taken(mixed).measures["valence_mean"].dates == tuple(table.index)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["desk"] * 10, ("desk",)),
        (["desk"] * 5 + ["desk, phone"] * 5, ("desk", "phone")),
        (["desk"] * 9 + ["guest"], ("desk",)),
        ([f"film {day}.mp4" for day in range(10)], ()),
        ([None] * 10, ()),
    ],
    ids=["one", "two", "once another", "films", "unknown"],
)
def test_cameras_are_those_that_are_there_again_and_again(
    names: list[str], expected: tuple[str, ...]
) -> None:
    assert taken(days(10, camera=names)).cameras == expected


def test_json_gives_the_same_back() -> None:
    rng = np.random.default_rng(0)
    values = [0.1, np.nan, *rng.normal(size=28)]
    neutral = rng.dirichlet(np.ones(len(EMOTIONS)))
    before = taken(days(30, smiles_per_min=values, camera=["desk"] * 30), neutral=neutral)
    after = Baseline.from_json(before.to_json())
    assert after.to_json() == before.to_json()
    assert (after.start, after.end, after.days, after.minutes) == (
        before.start,
        before.end,
        before.days,
        before.minutes,
    )
    assert after.cameras == ("desk",)
    np.testing.assert_array_equal(after.neutral, neutral)
    for name, own in before.measures.items():
        assert after.measures[name].dates == own.dates
        np.testing.assert_array_equal(after.measures[name].values, own.values)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "start": "x"}'])
def test_what_is_no_baseline_is_said_so(text: str) -> None:
    with pytest.raises(ConfigError, match="take a new one"):
        Baseline.from_json(text)


def test_a_newer_baseline_is_refused() -> None:
    with pytest.raises(ConfigError, match="update mien"):
        Baseline.from_json('{"version": 99}')


def test_a_neutral_face_has_eight_probabilities() -> None:
    with pytest.raises(ValueError, match="8 probabilities"):
        Baseline.of(days(9), neutral=[1.0, 0.0])


def test_a_browsers_camera_is_the_same_whatever_its_connection_is_numbered() -> None:
    table = days(12, camera=["browser-1", "browser-2"] * 5 + ["browser-9", "camera:0"])
    usual = taken(table, end=table.index[9])
    assert usual.cameras == ("browser",)
    earlier = Baseline.from_json(usual.to_json().replace('"browser"', '"browser-1", "browser-2"'))
    for kept in (usual, earlier):
        assert unlike(table, kept)["camera"].tolist() == [False, True]
