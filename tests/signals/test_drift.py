"""Clocks that drift apart: by offsets, by marks, and by the pulse of face and body."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.analysis.signals import BodyBesideFace
from mien.analysis.signals_choice import ReadAs, SignalsChoice, clock_of, clock_words, parse_mark
from mien.errors import ConfigError
from mien.signals.alignment import RateCourse, pulse_drift, pulse_lag
from mien.signals.drift import clock_by_marks, drift_of, ms_per_min
from mien.signals.face_pulse import PulseReading
from mien.signals.files import read_signals
from mien.signals.types import Mark, Signal, Signals, shifted
from mien.types import Faces
from signals.test_alignment import wandering

BEGIN_S = -20.3


def drifting(
    course: RateCourse, ppm: float, last_s: int, *, noise: float = 0.7, seed: int = 1, known: float = 0.7
) -> list[PulseReading]:
    """Return what a face says whose body's clock runs faster by `ppm`; both agree on `BEGIN_S` at 0 s."""
    random, told, error = np.random.default_rng(seed), [], 0.0
    means = np.cumsum(np.r_[0.0, course.per_min])
    for second in range(60, last_s):
        end = round((second * (1 + 1e-6 * ppm) - BEGIN_S - 0.5) * 10)
        rate = (means[end] - means[end - 110]) / 110
        error = 0.9 * error + noise * np.sqrt(1 - 0.81) * random.normal()  # windows overlap, errors last
        told.append(PulseReading(float(second), 0, rate + error if random.random() < known else None, 0.8))
    return told


@pytest.mark.parametrize("ppm", [-200, -50, 0, 50, 200])
def test_a_known_drift_over_an_hour(ppm: float) -> None:
    course = RateCourse(0.0, wandering(3800, 7))
    told = drifting(course, ppm, 3600)
    lag = pulse_lag(told, course, (-35, -5))
    assert lag is not None
    found = pulse_drift(told, course, lag.shift_s)
    assert found is not None
    shift_s, middle_s, drift = found
    assert drift.ppm == pytest.approx(ppm, abs=90)
    assert drift.low - 20 <= ppm <= drift.high + 20
    assert shift_s == pytest.approx(BEGIN_S - 1e-6 * ppm * middle_s, abs=0.2)
    if abs(ppm) == 200:
        assert drift.known
    if not ppm:
        assert not drift.known


def test_intervals_of_the_drift_hold() -> None:
    inside = 0
    for seed in range(20):
        course = RateCourse(0.0, wandering(2000, 50 + seed))
        found = pulse_drift(drifting(course, 100, 1800, seed=seed), course, BEGIN_S)
        assert found is not None
        inside += found[2].low <= 100 <= found[2].high
    assert inside >= 15  # 18 of 20 are expected


def test_too_little_tells_no_drift() -> None:
    course = RateCourse(0.0, wandering(3800, 3))
    assert pulse_drift(drifting(course, 100, 900), course, BEGIN_S) is None
    assert pulse_drift(drifting(course, 100, 3600, known=0.05), course, BEGIN_S) is None
    assert pulse_drift([], course, BEGIN_S) is None
    steady = RateCourse(0.0, np.full(38000, 70.0))
    assert pulse_drift(drifting(steady, 100, 3600), steady, BEGIN_S) is None


def test_offsets_that_a_network_measured() -> None:
    random = np.random.default_rng(1)
    times = np.arange(0, 3600, 5.0)
    offsets = 12 - 50e-6 * times + 1e-4 * random.normal(size=len(times))
    offsets[random.integers(0, len(times), 60)] += 0.02  # held up
    drift = drift_of(times, offsets)
    assert drift is not None
    assert drift.ppm == pytest.approx(50, abs=1)
    assert drift.low <= 50 <= drift.high
    assert drift.known
    assert drift.words.startswith("3.0 ms a minute faster (50 ppm, 90 %: ")
    assert ms_per_min(50) == pytest.approx(3.0)
    assert drift_of(times[:9], offsets[:9]) is None
    assert drift_of(times[:11], offsets[:11]) is None


def test_marks() -> None:
    one = clock_by_marks([(100.0, 40.0)])
    assert (one.shift_s, one.drift) == (-60, None)
    ppm = 200
    seconds = np.array([30.0, 3500.0])
    two = clock_by_marks([(at * (1 + 1e-6 * ppm) + 60, at) for at in seconds])
    assert two.drift is not None
    assert two.drift.ppm == pytest.approx(ppm, abs=1)
    assert two.drift.known
    assert two.shift_s + two.around_s == pytest.approx(1765, abs=0.01)
    near = clock_by_marks([(100.0, 40.0), (130.0, 70.0)])
    assert near.drift is not None
    assert not near.drift.known
    with pytest.raises(ConfigError, match="in the same order"):
        clock_by_marks([(1.0, 9.0), (2.0, 8.0)])


def marked() -> Signals:
    signal = Signal("EDA", "eda", "uS", np.ones(400), np.arange(400.0))
    return Signals((signal,), (Mark(5.0, "tag"), Mark(60.0, "tag"), Mark(300.0, "clap")), origin="x")


def test_which_mark_is_meant() -> None:
    assert parse_mark("clap=12.5") == ("clap", 12.5)
    assert parse_mark("a=b=-3") == ("a=b", -3.0)
    for wrong in ("clap", "=3", "clap=soon", "clap=nan"):
        with pytest.raises(ConfigError, match="expected a mark and its second"):
            parse_mark(wrong)
    assert clock_of(marked(), [("clap", 290.0)]).shift_s == -10
    assert clock_of(marked(), [("#2", 61.0)]).shift_s == 1
    with pytest.raises(ConfigError, match=r"x: 2 marks are called 'tag'; it has #1 tag at 5\.0 s, #2 tag"):
        clock_of(marked(), [("tag", 5.0)])
    with pytest.raises(ConfigError, match=r"there is no mark 'x'; it has .*#3 clap at 300\.0 s"):
        clock_of(marked(), [("x", 5.0)])
    with pytest.raises(ConfigError, match="there is no mark '#9'"):
        clock_of(marked(), [("#9", 5.0)])
    with pytest.raises(ConfigError, match=r"contradict each other: .* \+\d\.\d\d % apart"):
        clock_of(marked(), [("#1", 5.0), ("#3", 290.0)])


def test_another_clock() -> None:
    moved = shifted(marked(), -10.0, ppm=-200, around_s=100.0)
    assert moved.marks[2].time_s == pytest.approx(290 - 0.04)
    assert moved.signals[0].times_s[100] == pytest.approx(90)


def hour(tmp_path: Path, ppm: float, last_s: int) -> tuple[Path, list[PulseReading]]:
    course = RateCourse(0.0, wandering(last_s + 200, 7))
    turns = np.cumsum(course.per_min) / 600
    beats = np.interp(np.arange(1, int(turns[-1])), turns, course.times_s)
    lines = [f"{at:.4f},{length:.4f}" for at, length in zip(beats[1:], np.diff(beats), strict=True)]
    (tmp_path / "IBI.csv").write_text("1746084600.0, IBI\n" + "\n".join(lines) + "\n")
    (tmp_path / "tags.csv").write_text(
        "".join(f"{1746084600.0 + at * (1 + 1e-6 * ppm) - BEGIN_S:.4f}\n" for at in (10, last_s - 10))
    )
    return tmp_path, drifting(course, ppm, last_s, noise=0.3)


def beside(choice: SignalsChoice, told: list[PulseReading], last_s: int) -> BodyBesideFace:
    found = BodyBesideFace(choice, float(last_s))
    by_second = {each.time_s: each for each in told}
    for second in range(last_s):
        faces = Faces([[10, 10, 90, 90]]).fill(track=[0], valence=[0.1], arousal=[0.1])
        found.take(float(second), faces, [by_second[second]] if second in by_second else [])
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize("way", ["start times", "seconds given", "marks"])
def test_what_is_said_of_an_hour(tmp_path: Path, way: str) -> None:
    body, told = hour(tmp_path, 200, 2400)
    choice = SignalsChoice(str(body), "start times", BEGIN_S, "", None, 60.0, (), (), read_as=ReadAs())
    if way == "marks":
        clock = clock_of(read_signals(body), [("#1", 10.0), ("#2", 2390.0)])
        choice = replace(choice, way="marks", shift_s=clock.shift_s, marked=clock)
    elif way == "seconds given":
        choice = replace(choice, way="seconds given")
    report = beside(choice, told, 2400).finish(tmp_path / "x.signals.csv")["clock"]
    drift = report["drift"]
    assert drift["by"] == ("marks" if way == "marks" else "pulse")
    assert drift["low_ppm"] <= 200 <= drift["high_ppm"]
    assert drift["ms_per_min"] == pytest.approx(12, abs=5)
    assert drift["corrected"] == (way != "seconds given")
    # 2 s of BEGIN_S's clock pass before the first beat.
    assert report["begin_s"] == pytest.approx(BEGIN_S + read_signals(body).span_s[0], abs=0.25)
    assert f"{drift['ppm']:+.0f} ppm" in clock_words(report)
    ends = "which is not corrected" if way == "seconds given" else "which is corrected"
    assert clock_words(report).endswith(ends)
