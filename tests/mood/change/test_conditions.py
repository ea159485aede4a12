from __future__ import annotations

import datetime as dt

import pytest

from mien.mood.change.conditions import stretches, unlike
from mood.change.people import FIRST, baseline, changed, days


def test_ordinary_days_are_alike() -> None:
    marked = []
    for seed in range(10):
        table = days(200, seed=seed)
        marked.append(unlike(table, baseline(table)).any(axis=1).mean())
    assert sum(marked) / len(marked) < 0.01


@pytest.mark.parametrize(
    ("column", "by"),
    [("light_mean", -0.5), ("sharpness_mean", -0.4), ("quality_mean", -0.6), ("face_px", 130.0)],
)
def test_a_stretch_that_was_filmed_differently_is_found(column: str, by: float) -> None:
    table = changed(days(), column, 80, by, last=90)
    usual = baseline(table)
    found = stretches(table, unlike(table, usual), usual)
    assert [(each.kind, each.condition) for each in found] == [("light", column)]
    assert FIRST + dt.timedelta(80) <= found[0].since <= FIRST + dt.timedelta(82)
    assert found[0].until is not None
    assert found[0].now - found[0].before == pytest.approx(by, rel=0.15)


def test_slow_drift_is_found_before_a_single_day_is_odd() -> None:
    table = days(missing=0)
    numbers = [(each - FIRST).days for each in table.index]
    table["light_mean"] -= [max(0, number - 60) * 0.003 for number in numbers]
    usual = baseline(table)
    found = stretches(table, unlike(table, usual), usual)
    assert len(found) == 1
    assert found[0].until is None
    assert (found[0].since - FIRST).days < 110


def test_another_camera_is_found_and_both_together_are_not() -> None:
    table = days(missing=0)
    table["camera"] = ["desk"] * 80 + ["desk, phone"] * 20 + ["phone"] * 20
    usual = baseline(table)
    found = stretches(table, unlike(table, usual), usual)
    assert [(each.kind, each.since, each.until) for each in found] == [
        ("camera", FIRST + dt.timedelta(100), None)
    ]


def test_what_the_baseline_does_not_know_is_not_judged() -> None:
    table = days()
    usual = baseline(table.drop(columns=["light_mean", "camera"]))
    marks = unlike(changed(table, "light_mean", 80, -0.9), usual)
    assert "light_mean" not in marks
    assert "camera" not in marks


def test_one_odd_day_is_left_out_and_not_told() -> None:
    table = changed(days(missing=0), "light_mean", 80, -0.5, last=80)
    usual = baseline(table)
    marks = unlike(table, usual)
    assert marks.loc[FIRST + dt.timedelta(80), "light_mean"]
    assert all(each.days > 2 for each in stretches(table, marks, usual))


def test_no_days_behind_the_baseline() -> None:
    table = days(49)
    usual = baseline(table)
    assert stretches(table, unlike(table, usual), usual) == []


def test_good_days_after_a_dark_week_are_good_days() -> None:
    table = changed(days(missing=0), "light_mean", 70, -0.6, last=76)
    marks = unlike(table, baseline(table))
    marked = [(each - FIRST).days for each in marks.index[marks["light_mean"]]]
    assert marked == list(range(70, 77))


def test_a_day_of_its_own_stands_alone() -> None:
    table = changed(days(missing=0), "light_mean", 70, -0.6, last=70)
    marks = unlike(table, baseline(table))
    assert [(each - FIRST).days for each in marks.index[marks.any(axis=1)]] == [70]
