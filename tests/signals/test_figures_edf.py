"""Figures as EDF+: what edfio, MNE and Mien itself read of them again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from mien.signals.figures_edf import Course, EdfHeader, courses, edf_bytes
from mien.signals.files import read_signals
from mien.signals.types import Figure, Mark

edfio = pytest.importorskip("edfio")

START = datetime(2026, 5, 3, 14, 30, 0, 250000, timezone(timedelta(hours=5, minutes=45)))


def a_course(
    values: list[float], measure: str = "heart_rate", signal: str = "ECG", unit: str = "1/min"
) -> Course:
    known = np.asarray(values, np.float64)
    return Course(measure, signal, unit, known, np.where(np.isfinite(known), 0.9, 0.0), 60.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twenty-five seconds, of which some have no reading, and two marks."""
    rate = [60.0, 62.5, np.nan, np.nan, 80.0, *[71.25] * 20]
    skin = [np.nan, *np.linspace(0.02, 0.03, 24)]
    header = EdfHeader("P-017", START, [Mark(2.5, "Grüße"), Mark(20.0, "a\x14b")])
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([a_course(rate), a_course(skin, "skin_level", "EDA", "uS")], header))
    return path


def test_edfio_reads_it(file: Path) -> None:
    read = edfio.read_edf(file)
    assert [each.label for each in read.signals] == [
        "heart rate",
        "Q heart rate",
        "skin level",
        "Q skin level",
    ]
    rate, quality, skin, _ = read.signals
    assert (rate.physical_dimension, skin.physical_dimension, rate.sampling_frequency) == ("1/min", "uS", 1)
    assert rate.transducer_type == "heart_rate of ECG, over 60 s"
    assert (read.startdate, read.starttime) == (START.date(), START.time())
    assert (read.patient.code, read.patient.name) == ("P-017", "X")
    assert [(each.onset, each.text) for each in read.annotations] == [(2.5, "Grüße"), (20.0, "a b")]
    assert len(rate.data) == 30  # whole records; what is filled up is no reading
    np.testing.assert_allclose(rate.data[[0, 1, 4]], [60, 62.5, 80], atol=1e-3)
    np.testing.assert_allclose(quality.data[:5], [0.9, 0.9, 0, 0, 0.9], atol=1e-4)
    assert set(rate.data[[2, 3, 25, 29]]) == {rate.physical_range.min}
    assert "physical minimum" in rate.prefiltering


def test_no_reading_lies_below_zero_and_far_below_all_readings(file: Path) -> None:
    rate = edfio.read_edf(file).signals[0]
    assert rate.physical_range.min <= -20  # readings lie between 60 and 80


def test_mne_reads_it(file: Path) -> None:
    mne = pytest.importorskip("mne")
    raw = mne.io.read_raw_edf(file, verbose="ERROR")
    assert raw.ch_names == ["heart rate", "Q heart rate", "skin level", "Q skin level"]
    assert raw.info["sfreq"] == 1
    np.testing.assert_allclose(raw.get_data()[0][[0, 1, 4]], [60, 62.5, 80], atol=1e-3)
    assert raw.get_data()[0][2] == edfio.read_edf(file).signals[0].physical_range.min
    assert {each["description"] for each in raw.annotations} == {"Grüße", "a b"}


def test_mien_reads_it_with_its_gaps_and_its_zone(file: Path) -> None:
    read = read_signals(file)
    rate, quality, skin, _ = read.signals
    assert [each.kind for each in read.signals] == ["rate", "other", "other", "other"]
    assert rate.times_s.tolist() == [0, 1, *range(4, 25)]
    np.testing.assert_allclose(rate.values[:3], [60, 62.5, 80], atol=1e-3)
    np.testing.assert_allclose(skin.values, np.linspace(0.02, 0.03, 24), atol=1e-6)
    assert (skin.unit, quality.unit) == ("uS", "")
    assert read.start == START
    assert read.start.utcoffset() == START.utcoffset()
    assert read.marks == (Mark(2.5, "Grüße"), Mark(20.0, "a b"))


@pytest.mark.parametrize(
    "values",
    [
        [33.0] * 10,
        [0.0] * 10,
        [np.nan] * 10,
        [-1e6, 1e6],
        [1e-7, 3e-7],
        [-0.003, -0.001, np.nan],
    ],
    ids=str,
)
def test_every_size_of_value_comes_back(tmp_path: Path, values: list[float]) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(
        edf_bytes([a_course(values, "skin_temperature", "TEMP", "degC"), a_course([1.0])], EdfHeader())
    )
    known = np.array(values)[np.isfinite(values)]
    step = 4 * (max(np.abs(known).max(), 1e-6) if len(known) else 0.0) / 65535
    (found,) = (each for each in read_signals(path).signals if each.name == "skin temp.")
    assert found.kind == "temperature"
    np.testing.assert_allclose(found.values, known, atol=step)
    assert read_signals(path).start is None


def test_no_two_labels_are_the_same(tmp_path: Path) -> None:
    names = ["EEG Fp1 left", "EEG Fp1 left again", "F3", "\n=ü", "muscle"]
    given = [a_course([1.0, 2.0], "eeg_alpha", name, "uV2") for name in names]
    given += [
        a_course([1.0], "some_measure_of_a_long_name", "x"),
        a_course([1.0], "some_measure_of_another", "x"),
    ]
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes(given, EdfHeader()))
    labels = [each.label for each in edfio.read_edf(path).signals]
    assert len(set(labels)) == len(labels) == 14
    assert labels[:4] == ["alpha EEG Fp1", "Q alpha EEG Fp1", "alpha EEG Fp~2", "Q alpha EEG Fp~2"]
    assert "alpha F3" in labels


def test_a_course_too_large_for_the_header_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([a_course([1e9, 2e9], "eeg_alpha"), a_course([1.0, 2.0])], EdfHeader()))
    assert [each.label for each in edfio.read_edf(path).signals] == ["heart rate", "Q heart rate"]


@pytest.mark.parametrize("year", [1970, 2100])
def test_a_year_that_edf_cannot_say_is_left_out(tmp_path: Path, year: int) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(edf_bytes([a_course([1.0])], EdfHeader(start=datetime(year, 1, 2, 3, 4, tzinfo=UTC))))
    read = read_signals(path)
    assert read.start is None
    assert read.notes


def test_a_long_mark_does_not_fill_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.edf"
    path.write_bytes(
        edf_bytes([a_course([1.0] * 1000)], EdfHeader(marks=[Mark(1, "ä" * 50_000), Mark(2, "\n")]))
    )
    assert len(path.read_bytes()) < 60_000
    assert read_signals(path).marks == (Mark(1, "ä" * 200), Mark(2, "mark"))


@pytest.mark.parametrize("letters", [2, 3, 11, 18])
def test_two_hours_are_written_however_long_their_marks_are(tmp_path: Path, letters: int) -> None:
    # With some lengths edfio rounds the length of the annotations to another one than that of the courses.
    path = tmp_path / "x.edf"
    mark = Mark(3600.5, "x" * letters)
    path.write_bytes(edf_bytes([a_course([60.0] * 7170)], EdfHeader(marks=[mark])))
    read = read_signals(path)
    assert read.marks == (mark,)
    assert [len(each) for each in read.signals] == [7170, 7170]


def test_the_same_courses_give_the_same_bytes(file: Path) -> None:
    course = [a_course([60.0, np.nan])]
    assert edf_bytes(course, EdfHeader(start=START)) == edf_bytes(course, EdfHeader(start=START))


def figure(start: float, value: float | None, length: float = 60.0, signal: str = "ECG") -> Figure:
    return Figure(start, start + length, signal, "heart_rate", "1/min", value, 0.8)


def test_a_second_has_the_window_whose_middle_is_nearest() -> None:
    found = [figure(0, 60), figure(10, 70), figure(20, None), figure(30, 80), figure(200, 90)]
    (course,) = courses(found, 240)
    values = course.values
    assert np.isnan(values[:25]).all()  # before half a step from the first middle, at 30 s
    assert values[25] == values[34] == 60
    assert values[35] == values[44] == 70
    assert np.isnan(values[45:55]).all()
    assert values[55] == values[64] == 80
    assert np.isnan(values[65:225]).all()  # no window has its middle there
    assert values[225] == 90
    assert course.over_s == 60
    assert course.quality[50] == 0.8  # a figure that is there and has no value
    assert course.quality[100] == 0


def test_windows_side_by_side_fill_all_of_their_time() -> None:
    (course,) = courses([figure(60, 70), figure(0, 60)], 120)
    assert course.values.tolist() == [60.0] * 60 + [70.0] * 60
    (alone,) = courses([figure(3, 60, 10)], 20)
    assert np.flatnonzero(np.isfinite(alone.values)).tolist() == list(range(3, 13))


def test_what_lies_outside_is_left_out() -> None:
    (course,) = courses([figure(-300, 50), figure(0, 60), figure(1e7, 70)], 60)
    assert course.values.tolist() == [60.0] * 60


def test_each_signal_has_its_own_course() -> None:
    found = courses([figure(0, 60), figure(0, 61, signal="PPG")], 60)
    assert [(each.signal, each.values[0]) for each in found] == [("ECG", 60), ("PPG", 61)]
    assert courses([], 60) == []
