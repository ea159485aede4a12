from __future__ import annotations

import numpy as np
import pytest

from mien.errors import ConfigError
from mien.signals.figures import windows
from mien.signals.kinds import kind_of
from mien.signals.types import Gap, Signal, Signals, usable, with_kinds
from mien.table import Columns
from signals.bodies import course


def test_arrays_are_copied_and_read_only() -> None:
    values, times = np.arange(3.0), np.arange(3.0)
    signal = Signal("x", "ecg", "mV", values, times)
    values[0] = 9
    assert signal.values[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        signal.values[0] = 1


def test_what_is_no_number_leaves_a_gap() -> None:
    values = np.ones(100)
    values[40:60] = np.nan
    signal = course("eda", values, 10)
    assert len(signal) == 80
    assert signal.gaps == (Gap(3.9, 6.0),)
    assert [len(piece) for piece in signal.pieces()] == [40, 40]
    assert [len(piece) for piece in signal.pieces(bridged_s=3)] == [80]
    assert signal.rate_hz == pytest.approx(10)


@pytest.mark.parametrize("times", [[0, 1, 1], [0, 2, 1]])
def test_times_go_on(times: list[float]) -> None:
    with pytest.raises(ValueError, match="go back"):
        Signal("x", "ecg", "", np.zeros(3), np.array(times))


def test_times_that_go_back_are_left_out_and_counted() -> None:
    values, times, lost = usable([1, 2, 3, 4, 5, 6], [0, 1, 0.5, 1, 2, np.nan])
    assert values.tolist() == [1, 2, 5]
    assert times.tolist() == [0, 1, 2]
    assert lost == 2


def test_a_faster_signal_is_averaged_before_it_is_thinned() -> None:
    times = np.arange(10000) / 1000
    hum = Signal("x", "eda", "", np.sin(2 * np.pi * 251 * times), times)
    assert np.abs(hum.even(25).values).max() < 0.1
    slow = Signal("x", "eda", "", np.sin(2 * np.pi * 0.5 * times), times)
    even = slow.even(25)
    assert np.allclose(np.diff(even.times_s), 0.04)
    assert np.abs(even.values - np.sin(2 * np.pi * 0.5 * even.times_s)).max() < 0.1


def test_units() -> None:
    signal = course("eeg", np.array([1.0, 2.0]), 1, unit="µV")
    assert signal.unit == "uV"
    assert signal.in_unit("mV").values.tolist() == [0.001, 0.002]
    assert signal.in_unit("uS") is signal
    assert course("eda", np.ones(2), 1, unit="umho").unit == "uS"
    assert course("temperature", np.ones(2), 1, unit="°C").unit == "degC"


@pytest.mark.parametrize(
    ("name", "unit", "said", "kind"),
    [
        ("MLII", "mV", "", "ecg"), ("V5", "mV", "", "ecg"), ("PLETH", "NU", "", "ppg"),
        ("BVP", "", "", "ppg"), ("ECG", "mV", "EEG", "ecg"),
        ("EEG Fp1-Ref", "uV", "", "eeg"), ("TP9", "", "", "eeg"), ("AF7", "", "", "eeg"),
        ("EMG zyg", "uV", "", "emg"), ("GSR_uS", "", "", "eda"), ("Resp chest", "", "", "respiration"),
        ("IBI", "s", "", "intervals"), ("HR", "", "", "rate"), ("Temp rectal", "degC", "", "temperature"),
        ("channel 3", "", "EEG", "eeg"), ("channel 3", "uS", "", "eda"), ("counter", "", "misc", "other"),
        ("EOG left", "uV", "", "eog"), ("accel_x", "g", "", "acceleration"),
        ("skinTemp", "", "", "temperature"), ("skintemp", "", "", "temperature"),
        ("Hauttemperatur", "", "", "temperature"), ("TEMP1", "", "", "temperature"),
        ("RespRate", "", "", "respiration"), ("RESP2", "", "", "respiration"),
        ("respiration_chest", "", "", "respiration"), ("Atem", "", "", "respiration"),
        ("sEMG", "", "", "emg"), ("EMGzyg", "", "", "emg"), ("zygomaticus", "", "", "emg"),
        ("EDA_Phasic", "", "", "eda"), ("electrodermal", "", "", "eda"), ("AccX", "g", "", "acceleration"),
        ("linearAcceleration", "", "", "acceleration"), ("rPPG", "", "", "ppg"), ("ECG1", "", "", "ecg"),
        ("photoplethysmogram", "", "", "ppg"), ("aVR", "", "", "ecg"), ("CPz", "", "", "eeg"),
        ("EEG1", "", "", "eeg"), ("triggerIn", "", "", "other"),
    ],
)  # fmt: skip
def test_kinds_by_name(name: str, unit: str, said: str, kind: str) -> None:
    assert kind_of(name, unit, said) == kind


@pytest.mark.parametrize(
    "name",
    [
        "p_contempt", "contempt", "attempt", "attempts", "contemporary", "tempo", "temporal", "template",
        "respond", "response_s", "response", "respect", "correspondence", "ibis", "second", "seconds",
        "statement", "atemporal", "pedal", "medal", "sedation", "accuracy", "access", "accept", "accent",
        "plethora", "trigram", "autocorr", "correct", "corridor", "achromatic", "machine", "three", "impulse",
        "hrs", "prize", "dispose", "veil", "breadth", "confidence",
    ],
)  # fmt: skip
def test_letters_within_another_word_say_nothing(name: str) -> None:
    assert kind_of(name) == "other"


def test_no_column_of_mien_is_taken_for_a_body_s() -> None:
    for name in Columns(measures=True, landmarks=True, neutral=True).names:
        assert kind_of(name, said="Expression") == "other", name


def test_a_kind_may_be_said() -> None:
    read = Signals((course("other", np.ones(3), 1, "Channel 1"),), origin="x.csv")
    assert with_kinds(read, {"Channel 1": "ecg"}).signals[0].kind == "ecg"
    with pytest.raises(ConfigError, match="no signal 'Channel 2'; it has Channel 1"):
        with_kinds(read, {"Channel 2": "ecg"})
    with pytest.raises(ConfigError, match="expected a kind"):
        with_kinds(read, {"Channel 1": "heart"})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("seconds", "rate", "whole"), [(120, 4, 2), (120, 250, 2), (119, 250, 1), (180, 1, 3)]
)
def test_whole_minutes_have_as_many_windows(seconds: int, rate: int, whole: int) -> None:
    read = Signals((course("eda", np.linspace(2, 3, seconds * rate), rate),))
    spans = list(windows(read, 60, 60))
    assert spans == [(60 * n, 60 * n + 60) for n in range(whole)]


def test_what_comes_seldom_does_not_make_a_file_longer() -> None:
    seldom = Signal("x", "temperature", "degC", np.full(3, 33.0), np.array([0.0, 60.0, 120.0]))
    assert Signals((seldom,)).end_s == 121
    beats = Signal("x", "intervals", "s", np.ones(3), np.arange(3.0))
    assert Signals((beats,)).end_s == 2
    assert Signals(()).end_s == 0
