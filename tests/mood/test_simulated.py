from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mien.expression.circumplex import COORDINATES
from mien.labels import EMOTIONS, MEASURES
from mien.mood.expressivity import distance, own_neutral
from mien.mood.figures import figures
from mien.mood.simulated import CARRY, NOISE, SimulatedPerson, simulate, simulate_days
from mien.mood.simulated_face import PLACES


def expressivity(person: SimulatedPerson) -> np.ndarray:
    own = own_neutral([each.series for each in person.recordings])
    assert own is not None
    used = [each.series[each.series.usable] for each in person.recordings]
    return np.array([distance(each.probabilities, own.probabilities).mean() for each in used])


def numbers(person: SimulatedPerson) -> list[int]:
    return [(each.started_at.date() - person.start).days for each in person.recordings]


def test_the_same_seed_gives_the_same_person() -> None:
    first, second, other = (simulate(2, seed, minutes=2) for seed in (5, 5, 6))
    assert first.reports == second.reports
    for a, b in zip(first.recordings, second.recordings, strict=True):
        np.testing.assert_array_equal(a.series.probabilities, b.series.probabilities)
    assert not np.array_equal(
        first.recordings[0].series.probabilities, other.recordings[0].series.probabilities
    )


def test_readings_are_what_a_network_gives() -> None:
    person = simulate(1, 1, light_change=4)
    for recording in person.recordings:
        series = recording.series
        seen = ~np.isnan(series.confidence)
        assert len(series) == 3000
        assert 0.3 < seen.mean() < 1
        np.testing.assert_allclose(series.probabilities[seen].sum(axis=1), 1)
        np.testing.assert_array_equal(
            series.expression[series.usable], series.probabilities[series.usable].argmax(axis=1)
        )
        assert np.isnan(series.probabilities[~seen]).all()
        assert series.measures.shape == (3000, len(MEASURES))
        for part in (series.quality, series.light, series.sharpness):
            assert np.nanmin(part) >= 0
            assert np.nanmax(part) <= 1
        assert 0.1 < (~np.isnan(series.light)).mean() < 0.3  # once a second


def test_places_are_those_of_the_circumplex() -> None:
    np.testing.assert_array_equal(PLACES, [COORDINATES[label] for label in EMOTIONS])


def test_every_figure_can_be_computed() -> None:
    found = figures([simulate(1, 2).recordings[0].series])
    missing = {name for name, estimate in found.items() if estimate is None}
    # No sensor was there, and the others need more.
    assert missing <= {"flatness", "blink_rate", "speaking_share", "resting_heart_rate", "body_arousal"}


@pytest.mark.exhaustive
def test_days_of_both_levels_agree() -> None:
    lags, sizes = [], []
    for seed in range(5):
        usual = expressivity(simulate(9, seed, missing=0, weekly_sd=0))
        flat = expressivity(simulate(9, seed, missing=0, weekly_sd=0, flat_from=0, flat_size=1.0))
        z = (usual - usual.mean()) / usual.std(ddof=1)
        lags.append(np.mean(z[1:] * z[:-1]))
        sizes.append((usual.mean() - flat.mean()) / usual.std(ddof=1))
    assert np.mean(lags) == pytest.approx(CARRY * (1 - NOISE), abs=0.1)
    assert np.mean(sizes) == pytest.approx(1, abs=0.2)


def test_quick_days_have_the_stated_numbers() -> None:
    values = simulate_days(np.random.default_rng(0), 4000, 60, carry=0.7, noise=0.3)
    assert values.std() == pytest.approx(1, abs=0.02)
    for lag in (1, 2, 3):
        assert np.mean(values[:, lag:] * values[:, :-lag]) == pytest.approx(0.7 * 0.7**lag, abs=0.02)
    weekly = simulate_days(np.random.default_rng(0), 4000, 70, weekly_sd=0.5)
    assert weekly.var() == pytest.approx(1.25, abs=0.03)


def test_poor_light_and_another_camera_are_seen_in_the_readings() -> None:
    person = simulate(2, 3, light_change=5, light_days=4, camera_change=10, missing=0)
    light = np.array([np.nanmean(each.series.light) for each in person.recordings])
    sharpness = np.array([np.nanmean(each.series.sharpness) for each in person.recordings])
    assert (light[5:9] < 0.5).all()
    assert (np.delete(light, range(5, 9)) > 0.9).all()
    assert (sharpness[10:] < 0.65).all()
    assert [each.camera for each in person.recordings] == ["desk"] * 10 + ["phone"] * 4


def test_days_are_missing_as_asked() -> None:
    person = simulate(10, 4, missing=0.3, missing_stretch=(20, 14), minutes=0.5)
    there = numbers(person)
    assert not set(there) & set(range(20, 34))
    assert 25 <= len(there) <= 48
    assert len(simulate(3, 4, missing=0, minutes=0.5).recordings) == 21


def test_truth_says_when_the_face_was_flatter() -> None:
    person = simulate(4, 0, flat_from=7, flat_days=10, flat_size=2, minutes=0.5)
    assert person.flatness.tolist() == [0.0] * 7 + [2.0] * 10 + [0.0] * 11


def test_self_reports_are_in_range_and_go_with_the_mood() -> None:
    calm, low = simulate(40, 1, minutes=0.2), simulate(40, 1, minutes=0.2, flat_from=0, flat_size=4.0)
    for person in (calm, low):
        for report in person.reports:
            if report.items is None:
                assert (report.scale, 0 <= report.total <= 10) == ("mood", True)
            else:
                assert len(report.items) == {"phq9": 9, "gad7": 7}[report.scale]
                assert set(report.items) <= {0, 1, 2, 3}
                assert report.total == sum(report.items)
                assert report.scale != "phq9" or report.items[8] == 0

    def mean(person: SimulatedPerson, scale: str) -> float:
        return float(np.mean([each.total for each in person.reports if each.scale == scale]))

    assert mean(low, "mood") < mean(calm, "mood") - 1
    assert mean(low, "phq9") > mean(calm, "phq9") + 3
    days = {each.at.date(): each.total for each in calm.reports if each.scale == "mood"}
    felt = [calm.mood[(day - calm.start).days] for day in days]
    assert np.corrcoef(felt, list(days.values()))[0, 1] > 0.6


def test_times_are_in_the_zone_and_rise() -> None:
    zone = ZoneInfo("Europe/Berlin")
    person = simulate(4, 2, zone=zone, start=dt.date(2026, 3, 16), minutes=0.5, flat_from=3, light_change=5)
    for moments in (
        [each.started_at for each in person.recordings],
        [each.at for each in person.reports],
        [each.at for each in person.notes],
    ):
        assert all(each.tzinfo is zone for each in moments)
        assert all(a <= b for a, b in pairwise(moments))
    assert all("simulated" in each.text for each in person.notes)


def test_a_person_takes_at_least_a_week() -> None:
    with pytest.raises(ValueError, match="at least 1 week"):
        simulate(0)
