"""A body's signals beside a face: arousal, agreement, whose face, and how the clocks lie."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.analysis.signals import BodyBesideFace
from mien.analysis.signals_choice import SignalsChoice, clock_words, parse_rest, parse_start
from mien.errors import SourceError
from mien.signals.alignment import RateCourse
from mien.signals.face_pulse import PulseReading
from mien.types import Faces
from signals.test_alignment import readings, wandering

BODY_S, FILM_S = 800, 660
TASK_S = 400
"""When, by the body's clock, a task begins that moves heart and skin."""


def level(times_s: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the conductance of the skin."""
    random = np.random.default_rng(5)
    steps = np.convolve(random.normal(size=BODY_S + 60), np.hanning(30), mode="same")[:BODY_S]
    slow = np.interp(times_s, np.arange(BODY_S), steps / steps.std())
    return np.asarray(2 + 0.1 * slow + 1.5 * (times_s > TASK_S))


@pytest.fixture(scope="module")
def course() -> RateCourse:
    """The rate of the heart."""
    rate = wandering(BODY_S, 11, spread=2)
    return RateCourse(0.0, rate + 20 * (np.arange(len(rate)) / 10 > TASK_S))


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory, course: RateCourse) -> Path:
    """A wristband's folder."""
    folder = tmp_path_factory.mktemp("E4")
    turns = np.cumsum(course.per_min) / 600
    beats = np.interp(np.arange(1, int(turns[-1])), turns, course.times_s)
    lines = [f"{at:.4f},{length:.4f}" for at, length in zip(beats[1:], np.diff(beats), strict=True)]
    start = 1746084600.0
    (folder / "IBI.csv").write_text(f"{start}, IBI\n" + "\n".join(lines) + "\n")
    times = np.arange(4 * BODY_S) / 4
    values = "\n".join(f"{each:.5f}" for each in level(times))
    (folder / "EDA.csv").write_text(f"{start}\n4.0\n{values}\n")
    return folder


@pytest.fixture
def choice(body: Path) -> SignalsChoice:
    """The film begins 60 s after the body's signals, as the user says."""
    return SignalsChoice(str(body), "seconds given", -60.0, "", None, 60.0, (), ())


def film(beside: BodyBesideFace, told: list[PulseReading], seconds: int = FILM_S) -> None:
    """Show two faces: the second is seen longer, and its valence falls 2 s before its skin's rise."""
    by_second = {each.time_s: each for each in told}
    falling = 2 - level(np.arange(seconds) + 60 + 2.0)
    for second in range(seconds):
        tracks = [4] if second % 3 else [1, 4]
        faces = Faces([[10, 10, 90, 90]] * len(tracks)).fill(
            track=tracks,
            valence=[0.2 * falling[second]] * len(tracks),
            arousal=[0.1] * len(tracks),
        )
        beside.take(float(second), faces, [by_second[second]] if second in by_second else [])


def as_track(told: list[PulseReading], track: int = 4) -> list[PulseReading]:
    return [replace(each, track=track) for each in told]


def test_arousal_and_agreement(choice: SignalsChoice, tmp_path: Path) -> None:
    beside = BodyBesideFace(choice, FILM_S)
    film(beside, [])
    told = beside.finish(tmp_path / "x.signals.csv")
    assert told["tracks"] == [4]
    assert told["common_s"] == [0.0, FILM_S - 1]
    assert told["windows"] == 10
    aroused = told["arousal"]
    assert (aroused["rest"], aroused["rest_s"]) == ("opening", [0, 300])
    assert aroused["highest"]["start_s"] >= TASK_S - 60 - 60
    assert aroused["highest"]["value"] > 0.6
    assert 0 < aroused["quality"] <= 1
    together = {(each["face"], each["body"]): each for each in told["together"]}
    assert set(together) == {("valence", "heart_rate"), ("valence", "skin_level")}  # its arousal never moves
    found = together["valence", "skin_level"]
    assert found["correlation"] < -0.9
    assert found["lag_s"] == pytest.approx(2, abs=1)
    assert found["p"] < 0.05
    assert found["quality"] > 0.95
    with (tmp_path / "x.signals.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert told["rows"] == len(rows)
    calm, moved = (
        float(row["value"])
        for row in rows
        if row["measure"] == "heart_rate" and row["start_s"] in ("60.00", "480.00")
    )
    assert moved - calm == pytest.approx(20, abs=4)
    seen = [row for row in rows if row["measure"] == "face_valence"]
    assert len(seen) == 10
    assert {row["quality"] for row in seen} == {"1.00"}


def test_what_goes_into_a_record_is_what_is_named_by_the_recordings_clock(
    choice: SignalsChoice, tmp_path: Path
) -> None:
    beside = BodyBesideFace(choice, FILM_S)
    film(beside, [])
    beside.finish(tmp_path / "x.signals.csv")
    assert beside.signals == {"heart", "skin"}
    assert beside.recorded((), 0, FILM_S - 1) == ()
    found = beside.recorded(("heart",), 5.0, FILM_S - 1)
    assert {each.measure for each in found} >= {"heart_rate", "rmssd_ms"}
    assert not {each.measure for each in found} & {"skin_level", "skin_responses"}
    rates = [each for each in found if each.measure == "heart_rate"]
    assert [(each.start_s, each.end_s) for each in rates] == [(10.0 * n, 10.0 * n + 60) for n in range(60)]
    with (tmp_path / "x.signals.csv").open() as file:
        table = {
            row["start_s"]: row["value"] for row in csv.DictReader(file) if row["measure"] == "heart_rate"
        }
    # The recording begins 5 s into the film, whose windows begin at whole minutes.
    between = sorted((float(table["60.00"]), float(table["120.00"])))
    (own,) = (each.value for each in rates if each.start_s == 90)
    assert own is not None
    assert between[0] - 3 < own < between[1] + 3


def test_a_rest_before_the_film(choice: SignalsChoice, tmp_path: Path) -> None:
    later = replace(choice, shift_s=-350.0, rest_s=(-350.0, 0.0))
    beside = BodyBesideFace(later, 300.0)
    film(beside, [], 300)
    aroused = beside.finish(tmp_path / "x.signals.csv")["arousal"]
    assert (aroused["rest"], aroused["rest_s"]) == ("given", [-350, -20])
    assert aroused["median"] > 0.6
    beside = BodyBesideFace(replace(later, rest_s=(-350.0, -200.0)), 300.0)
    film(beside, [], 300)
    aroused = beside.finish(tmp_path / "y.signals.csv")["arousal"]
    assert (aroused["windows"], aroused["highest"]) == (0, None)


def test_the_pulse_corrects_the_start_times(
    choice: SignalsChoice, course: RateCourse, tmp_path: Path
) -> None:
    told = as_track(readings(course, -57.6, 13, FILM_S))
    beside = BodyBesideFace(replace(choice, way="start times"), FILM_S)
    film(beside, told)
    clock = beside.finish(tmp_path / "x.signals.csv")["clock"]
    assert clock["corrected_by_pulse_s"] == pytest.approx(2.4, abs=0.3)
    assert clock["begin_s"] == pytest.approx(clock["pulse_begin_s"])
    assert abs(clock["corrected_by_pulse_s"] - 2.4) <= clock["pulse_uncertainty_s"] + 0.1
    assert "corrected by +2." in clock_words(clock)


def test_the_users_word_stands(choice: SignalsChoice, course: RateCourse, tmp_path: Path) -> None:
    beside = BodyBesideFace(choice, FILM_S)
    film(beside, as_track(readings(course, -57.6, 13, FILM_S)))
    clock = beside.finish(tmp_path / "x.signals.csv")["clock"]
    assert (clock["by"], clock["corrected_by_pulse_s"]) == ("seconds given", None)
    assert clock["pulse_begin_s"] - clock["begin_s"] == pytest.approx(2.4, abs=0.3)
    assert "by the pulse of the face it would be" in clock_words(clock)


def test_another_person(choice: SignalsChoice, course: RateCourse, tmp_path: Path) -> None:
    other = RateCourse(0.0, course.per_min + 14)
    told = as_track(readings(other, -60, 13, FILM_S))
    beside = BodyBesideFace(choice, FILM_S)
    film(beside, told)
    found = beside.finish(tmp_path / "x.signals.csv")
    assert found["clock"]["pulse_apart_bpm"] == pytest.approx(14, abs=1)
    assert any("14 a minute apart" in note for note in found["notes"])
    beside = BodyBesideFace(replace(choice, way="pulse", shift_s=None, why_not="none is said"), FILM_S)
    film(beside, told)
    with pytest.raises(SourceError, match="none is said, and the pulse of the face"):
        beside.finish(tmp_path / "y.signals.csv")
    assert not (tmp_path / "y.signals.csv").exists()


def test_the_pulse_alone(choice: SignalsChoice, course: RateCourse, tmp_path: Path) -> None:
    beside = BodyBesideFace(replace(choice, way="pulse", shift_s=None), FILM_S)
    # The other face's pulse is another person's.
    other = [replace(each, track=1, rate_bpm=100.0) for each in readings(course, -60, 13, FILM_S)]
    film(beside, other)
    beside.take(float(FILM_S), Faces.empty(), as_track(readings(course, -60, 13, FILM_S)))
    clock = beside.finish(tmp_path / "x.signals.csv")["clock"]
    assert clock["by"] == "pulse"
    assert clock["begin_s"] == pytest.approx(-60, abs=0.4)
    assert "give or take" in clock_words(clock)


def test_no_face_at_all(choice: SignalsChoice, tmp_path: Path) -> None:
    beside = BodyBesideFace(choice, 300.0)
    for second in range(300):
        beside.take(float(second), Faces.empty(), [PulseReading(float(second))])
    told = beside.finish(tmp_path / "x.signals.csv")
    assert (told["tracks"], told["together"]) == ([], [])
    with (tmp_path / "x.signals.csv").open() as file:
        seen = [row for row in csv.DictReader(file) if row["signal"] == "face"]
    assert {(row["value"], row["quality"]) for row in seen} == {("", "0.00")}


def test_no_time_in_common(choice: SignalsChoice, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no time in common"):
        BodyBesideFace(replace(choice, shift_s=700.0), FILM_S)
    beside = BodyBesideFace(replace(choice, shift_s=700.0), None)
    film(beside, [])
    with pytest.raises(SourceError, match="the signals run from 700 to 1500 s of its 659 s"):
        beside.finish(tmp_path / "x.signals.csv")


def test_starts_and_rests_as_people_write_them() -> None:
    assert parse_start("-12.5") == -12.5
    assert parse_start("2026-05-01T09:30:00+02:00") == "2026-05-01T09:30:00+02:00"
    assert parse_rest("0-300") == (0, 300)
    assert parse_rest("-300-0") == (-300, 0)
