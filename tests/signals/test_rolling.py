"""Figures as the samples come: the same as a file's, in bounded memory, whatever the clock does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.signals.figures import figures_in
from mien.signals.stream.rest import OwnRest
from mien.signals.stream.rolling import EVERY_S, WINDOW_S, Rolling
from mien.signals.stream.types import Batch, SignalReading
from mien.signals.types import Signal, Signals, shifted
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


def evenly(seconds: float, step_s: float = 0.25) -> list[float]:
    return (START_S + step_s * np.arange(1, round(seconds / step_s) + 1)).tolist()


def test_readings_come_twice_a_second_and_their_waves_hold_everything_once() -> None:
    readings = fed(Rolling("body", channels_of(BODY), OwnRest()), list(batches(BODY, evenly(20))))
    assert len(readings) == pytest.approx(40, abs=2)
    for signal in BODY.signals:
        waves = [wave for each in readings for wave in each.waves if wave.channel == signal.name]
        for before, after in zip(waves, waves[1:], strict=False):
            assert after.start_s == pytest.approx(before.start_s + before.step_s * len(before.low))
        low, high = (np.concatenate([getattr(each, name) for each in waves]) for name in ("low", "high"))
        inside = signal.between(waves[0].start_s, waves[0].start_s + waves[0].step_s * len(low))
        assert np.nanmin(low) == inside.values.min()
        assert np.nanmax(high) == inside.values.max()
        if signal.kind != "intervals":
            assert np.isfinite(low).all()
