"""Figures as the samples come: the same as a file's, in bounded memory, whatever the clock does."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.signals.figures import figures_in
from mien.signals.stream.buffers import MOST_SAMPLES, ChannelBuffer
from mien.signals.stream.rest import OwnRest
from mien.signals.stream.rolling import EVERY_S, WINDOW_S, Rolling
from mien.signals.stream.types import Batch, Channel, Chunk, SignalReading
from mien.signals.types import Figure, Mark, Signal, Signals, shifted
from signals.bodies import beat_times, course, ecg, pulse
from signals.streams import batches, channels_of

START_S = 1_800_000_000.0
"""A multiple of five seconds."""


def body(seconds: float = 75) -> Signals:
    random = np.random.default_rng(0)
    beats = beat_times(70, seconds)
    skin = 4 + np.cumsum(random.normal(0, 0.01, round(4 * seconds)))
    signals = (
        ecg(beats, seconds),
        pulse(beats, seconds),
        course("eda", skin, 4, "EDA", "uS"),
        course("respiration", np.sin(2 * np.pi * 0.25 * np.arange(25 * seconds) / 25), 25, "RSP"),
        course("emg", random.normal(0, 20, round(250 * seconds)), 250, "EMG", "uV"),
        course("eeg", random.normal(0, 10, round(128 * seconds)), 128, "AF7", "uV"),
        course("eeg", random.normal(0, 10, round(128 * seconds)), 128, "AF8", "uV"),
        course("temperature", np.full(round(4 * seconds), 33.0), 4, "TEMP", "degC"),
        Signal("IBI", "intervals", "s", np.diff(beats), beats[1:]),
    )
    return shifted(Signals(signals), START_S)


BODY = body()


def fed(rolling: Rolling, batched: list[Batch]) -> list[SignalReading]:
    return [reading for each in batched if (reading := rolling.take(each)) is not None]


def with_gap(read: Signals, name: str, gap_s: tuple[float, float]) -> Signals:
    def cut(each: Signal) -> Signal:
        inside = (each.times_s < START_S + gap_s[0]) | (each.times_s >= START_S + gap_s[1])
        return replace(each, values=each.values[inside], times_s=each.times_s[inside])

    return replace(read, signals=tuple(cut(each) if each.name == name else each for each in read.signals))


@settings(deadline=None, max_examples=5)
@given(
    steps=st.lists(st.floats(0.05, 4.0), min_size=5, max_size=15),
    late=st.sampled_from(["ECG", "EDA", "AF7"]),
    late_s=st.floats(0, 1.5),
    gap=st.tuples(st.floats(0, 70), st.floats(0.1, 20)),
)
def test_figures_as_they_come_are_those_of_a_file(
    steps: list[float], late: str, late_s: float, gap: tuple[float, float]
) -> None:
    read = with_gap(BODY, "BVP", (gap[0], gap[0] + gap[1]))
    ends = START_S + 58 + np.minimum(np.cumsum(np.array(steps) * 17 / sum(steps)), 17)
    readings = fed(
        Rolling("body", channels_of(read), OwnRest()), list(batches(read, ends.tolist(), {late: late_s}))
    )
    fresh = [each for each in readings if each.fresh]
    assert fresh
    for each in fresh:
        window = each.figures[0].start_s, each.figures[0].end_s
        assert window[1] - window[0] == WINDOW_S
        assert window[1] % EVERY_S == 0
        assert each.figures == figures_in(read, [window])
        assert each.at_s - window[1] < EVERY_S + max(steps) * 17 / sum(steps) + 2


def test_what_is_now_is_of_the_newest_seconds() -> None:
    readings = fed(
        Rolling("body", channels_of(BODY), OwnRest()),
        list(batches(BODY, [*evenly(75)[::20], *evenly(75)[-4:]])),
    )
    now = {(each.signal, each.measure): each for each in readings[-1].now}
    rate = now["ECG", "heart_rate"]
    assert rate.value == pytest.approx(70, abs=3)
    assert rate.end_s - rate.start_s == 12
    assert readings[-1].at_s - rate.end_s < EVERY_S
    assert now["EDA", "skin_level"].value is not None
    assert {each.measure for each in readings[-1].now} == {
        "heart_rate", "skin_level", "muscle_activity", "skin_temperature",
    }  # fmt: skip


@pytest.mark.parametrize(("noise", "known_s"), [(0.0, 5), (0.5, 0)])
def test_a_skin_that_jumps_about_has_no_course(noise: float, known_s: float) -> None:
    level = 3 + noise * np.random.default_rng(0).normal(size=32 * 75)
    read = shifted(Signals((course("eda", level, 32, "EDA", "uS"),)), START_S)
    rolling = Rolling("band", channels_of(read), OwnRest())
    fed(rolling, batches(read, evenly(75)))
    times_s, values = rolling.courses["skin_level"]
    assert len(times_s) == len(values) == 32 * known_s
    assert not known_s or np.ptp(times_s) == pytest.approx(known_s, abs=0.1)


def evenly(seconds: float, step_s: float = 0.25) -> list[float]:
    return (START_S + step_s * np.arange(1, round(seconds / step_s) + 1)).tolist()


def test_readings_come_twice_a_second_and_their_waves_hold_everything_once() -> None:
    readings = fed(Rolling("body", channels_of(BODY), OwnRest()), list(batches(BODY, evenly(20))))
    assert len(readings) == pytest.approx(40, abs=2)
    for signal in BODY.signals:
        waves = [wave for each in readings for wave in each.waves if wave.channel == signal.name]
        for before, after in pairwise(waves):
            assert after.start_s == pytest.approx(before.start_s + before.step_s * len(before.low))
        low, high = (np.concatenate([getattr(each, name) for each in waves]) for name in ("low", "high"))
        inside = signal.between(waves[0].start_s, waves[0].start_s + waves[0].step_s * len(low))
        assert np.nanmin(low) == inside.values.min()
        assert np.nanmax(high) == inside.values.max()
        if signal.kind != "intervals":
            assert np.isfinite(low).all()


def test_a_clock_that_is_set_back_begins_anew_and_is_said() -> None:
    rolling = Rolling("body", [Channel("EDA", "eda", "uS", 4)], OwnRest())
    times = START_S + np.arange(0, 80, 0.25)
    fed(rolling, [Batch((Chunk("EDA", times, np.full(len(times), 3.0)),))])
    back = times - 3600
    (reading,) = fed(rolling, [Batch((Chunk("EDA", back, np.full(len(back), 5.0)),))])
    assert any("went back by 36" in each for each in reading.notes)
    assert reading.fresh
    level = next(each for each in reading.figures if each.measure == "skin_level")
    assert level.value == 5.0
    assert level.end_s == START_S - 3600 + 75


def test_times_that_are_a_little_late_and_values_that_are_none_are_left_out() -> None:
    rolling = Rolling("body", [Channel("EDA", "eda", "uS", 4)], OwnRest())
    times = START_S + np.arange(0, 66, 0.25)
    times[100] -= 0.6
    values = np.full(len(times), 3.0)
    values[40:60], values[7], times[50] = np.nan, np.inf, np.nan
    (reading,) = fed(rolling, [Batch((Chunk("EDA", times, values),))])
    level = next(each for each in reading.figures if each.measure == "skin_level")
    assert level.value == 3.0
    assert 0.85 < level.quality < 0.95


def test_a_sensor_that_comes_back_otherwise_says_so() -> None:
    rolling = Rolling("body", [Channel("EDA", "eda", "uS", 4), Channel("x", "other", "", 1)], OwnRest())
    fed(rolling, [Batch((Chunk("EDA", START_S + np.arange(0, 30, 0.25), np.full(120, 3.0)),))])
    rolling.reopened([Channel("EDA", "eda", "uS", 8), Channel("TEMP", "temperature", "degC", 4)])
    (reading,) = fed(
        rolling, [Batch((Chunk("EDA", START_S + 40 + np.arange(0, 4, 0.125), np.full(32, 3.0)),))]
    )
    assert reading.notes == (
        "EDA: now 8 samples a second instead of 4; its figures begin anew",
        "TEMP: new in this sensor",
        "x: no longer given by this sensor",
    )
    assert rolling.channels[0].rate_hz == 8


@pytest.mark.exhaustive
def test_memory_has_a_bound_whatever_comes() -> None:
    buffer = ChannelBuffer(Channel("x", "other", "", 0), 90)
    for number in range(20):
        buffer.add(START_S + number + np.arange(100_000) / 100_000, np.zeros(100_000))
    assert len(buffer.signal(0, np.inf, "")) <= MOST_SAMPLES
    assert any("more samples than promised" in each for each in buffer.notes)
    slow = ChannelBuffer(Channel("x", "other", "", 4), 90)
    for number in range(20_000):
        slow.add(np.array([START_S + number / 4]), np.zeros(1))
        slow.wave()
    assert len(slow._parts) <= 4 * 90 + 1
    assert len(slow.signal(0, np.inf, "")) <= 4 * 90 + 1


def rested(level_us: float, end_s: float) -> tuple[Figure, ...]:
    wander = 0.1 * np.sin(end_s)
    return (
        Figure(end_s - 60, end_s, "EDA", "skin_level", "uS", level_us + wander, 1.0),
        Figure(end_s - 60, end_s, "BVP", "heart_rate", "1/min", 70 + 10 * (level_us - 2) + wander, 0.9),
    )


def test_arousal_is_against_the_opening_and_says_so() -> None:
    rest = OwnRest()
    told = {}
    for end_s in START_S + np.arange(5, 500, 5.0):
        level = 2.0 if end_s < START_S + 400 else 6.0
        told[end_s - START_S] = rest.take("band", rested(level, end_s), START_S)
        if end_s == START_S + 200:
            assert "3 of 5 minutes" in rest.status().said
    assert all(told[each] is None for each in np.arange(5, 301, 5.0))
    assert all(told[each] is not None for each in np.arange(305, 500, 5.0))
    assert told[350].value < 0.5 < told[495].value  # type: ignore[union-attr]
    assert rest.status().by == "opening"
    assert "against the first five minutes with pulse and skin" in rest.status().said


def test_arousal_of_a_strap_and_an_electrode_is_one_persons() -> None:
    rest = OwnRest()
    heart = skin = None
    for end_s in START_S + np.arange(5, 400, 5.0):
        both = rested(2.0, end_s)
        skin = rest.take("electrode", both[:1], START_S)
        heart = rest.take("strap", both[1:], START_S)
    assert heart is not None
    assert skin is not None
    assert (
        rest.take("cap", [Figure(end_s - 60, end_s, "F4-F3", "frontal_asymmetry", "", 0.1, 1)], START_S)
        is None
    )
    late = end_s - 30  # of a sensor whose samples wait somewhere
    assert rest.take("late", rested(2.0, late), START_S) is None


@pytest.mark.parametrize("marked", [True, False])
def test_arousal_is_against_the_rest_that_was_given_or_marked(marked: bool) -> None:
    rest = OwnRest(None if marked else (100, 420))
    told = []
    for end_s in START_S + np.arange(5, 800, 5.0):
        if marked and end_s == START_S + 100:
            rest.mark(end_s)
        told.append(rest.take("band", rested(2.0 if end_s < START_S + 600 else 1.0, end_s), START_S))
    status = rest.status()
    assert status.known
    assert status.by == ("marked" if marked else "given")
    first = next(number for number, each in enumerate(told) if each is not None)
    assert 5 * first == pytest.approx(400 if marked else 420, abs=10)


def test_a_reading_is_ready_for_json() -> None:
    readings = fed(Rolling("body", channels_of(BODY), OwnRest()), list(batches(BODY, evenly(4, 1.0))))
    readings += fed(
        Rolling("body", [Channel("x", "other", "", 2)], OwnRest()),
        [Batch((Chunk("x", np.array([START_S, START_S + 3]), np.array([1.0, np.nan])),),
               (Mark(START_S + 1, "begin"),), ("hm",))],
    )  # fmt: skip
    for each in readings:
        json.dumps(each.as_dict(), allow_nan=False)
    told = readings[-1].as_dict()
    assert told["type"] == "signals"
    assert told["at"] == "2027-01-15T08:00:03.000Z"
    assert told["marks"] == [{"at": "2027-01-15T08:00:01.000Z", "text": "begin"}]
    assert told["notes"] == ["hm"]
    assert told["arousal"] is None
    assert told["waves"][0]["low"] == [1.0, None, None, None]
    assert "waves" not in readings[-1].as_dict(waves=False)


def test_a_stream_of_marks_alone_gives_its_marks() -> None:
    rolling = Rolling("Markers", (), OwnRest())
    assert rolling.take(Batch()) is None
    reading = rolling.take(Batch(marks=(Mark(5.0, "smile"), Mark(6.0, "rest"))))
    assert reading is not None
    assert [each.text for each in reading.marks] == ["smile", "rest"]
    assert (reading.at_s, reading.fresh) == (6.0, False)
    assert rolling.take(Batch()) is None
