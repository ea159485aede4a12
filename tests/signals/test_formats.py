"""Files as other programs write them: BrainFlow, OpenBCI's GUI, Mind Monitor, MNE."""

from __future__ import annotations

import logging
import struct
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import ConfigError, SourceError
from mien.signals.bursts import spread_bursts
from mien.signals.files import read_signals

AT = 1_750_000_000.0


def burst_times(count: int, rate_hz: float, packet: int) -> NDArray[np.float64]:
    """Return when samples came: a packet at a time, a few microseconds apart."""
    taken = np.arange(count) / rate_hz
    came = taken[np.minimum((np.arange(count) // packet + 1) * packet - 1, count - 1)]
    return came + 1e-5 * (np.arange(count) % packet)


def test_bursts_are_spread() -> None:
    times, said = spread_bursts(AT + burst_times(2560, 256, 12))
    assert np.diff(times) == pytest.approx(1 / 256, abs=1e-5)
    assert said == "the rows came in bursts; their times were spread evenly, 256 a second"
    even = np.arange(500) / 256
    assert spread_bursts(even) == (pytest.approx(even), "")
    jittered = even + np.random.default_rng(1).uniform(0, 0.003, 500)
    assert spread_bursts(jittered)[1] == ""


def test_a_pause_between_bursts_stays() -> None:
    times, _ = spread_bursts(np.r_[burst_times(600, 100, 10), 60 + burst_times(600, 100, 10)])
    steps = np.diff(times)
    assert steps.max() == pytest.approx(60 - 6, abs=0.2)
    assert np.sort(steps)[:-1] == pytest.approx(0.01, abs=1e-4)


@pytest.fixture(scope="module")
def brainflow_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.float64]]:
    """What BrainFlow itself writes of its synthetic board."""
    pytest.importorskip("brainflow")
    from brainflow.data_filter import DataFilter

    from mien.signals.boards import board_names, brainflow

    shim = brainflow().BoardShim
    told = shim.get_board_descr(board_names()["synthetic"])
    data = np.random.default_rng(1).normal(size=(told["num_rows"], 1000))
    data[told["timestamp_channel"]] = AT + np.arange(1000) / 250
    data[told["marker_channel"]] = 0
    data[told["marker_channel"], 500] = 7
    path = tmp_path_factory.mktemp("brainflow") / "board.csv"
    DataFilter.write_file(data, str(path), "w")
    return path, data


def test_a_file_of_brainflows_synthetic_board(brainflow_file: tuple[Path, NDArray[np.float64]]) -> None:
    path, data = brainflow_file
    read = read_signals(path, board="synthetic")
    kinds = [each.kind for each in read.signals]
    assert kinds.count("eeg") == 16
    assert {"eda", "ppg", "temperature"} <= set(kinds)
    assert read.start == datetime.fromtimestamp(AT, UTC)
    assert read.marks == ((pytest.approx(2.0, abs=1e-4), "7"),)
    (place,) = (each for each in read.signals if each.name == "Fz")
    assert place.rate_hz == pytest.approx(250, rel=1e-4)
    assert np.abs(place.values - data[1]).max() < 1e-4
    assert "nobody's body" in " ".join(read.notes)
    assert read_signals(path, board="SYNTHETIC_BOARD").signals[0].name == read.signals[0].name


def test_a_file_of_brainflows_without_its_board(brainflow_file: tuple[Path, NDArray[np.float64]]) -> None:
    path, _ = brainflow_file
    with pytest.raises(SourceError, match=r"no header .* say of which board with --board"):
        read_signals(path)
    with pytest.raises(ConfigError, match=r"BrainFlow knows no 'toaster'; it knows .*cyton"):
        read_signals(path, board="toaster")
    with pytest.raises(SourceError, match="has 32 columns, and BrainFlow's files of a muse-2 board have"):
        read_signals(path, board="muse-2")
    with pytest.raises(ConfigError, match="a board is said only of BrainFlow's tables"):
        read_signals(path.parent, board="cyton")


def test_what_is_no_file_of_brainflows(tmp_path: Path) -> None:
    pytest.importorskip("brainflow")
    for text in ("", "a,b\n1,2\n", "1\t2\n1\n", "5\n6\n"):
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(SourceError, match=r"x\.csv: "):
            read_signals(tmp_path / "x.csv", board="cyton")


def test_openbcis_gui(tmp_path: Path) -> None:
    header = (
        "%OpenBCI Raw EXG Data\n%Number of channels = 2\n%Sample Rate = 250 Hz\n"
        "%Board = OpenBCI_GUI$BoardCytonSerial\n"
        "Sample Index, EXG Channel 0, EXG Channel 1, Accel Channel 0, Other, Timestamp,"
        " Timestamp (Formatted)\n"
    )
    times = AT + burst_times(1000, 250, 10)
    rows = "".join(
        f"{i % 256}, {i / 10}, {-i}, 0.5, 0.0, {at:.6f}, 2025-06-15 17:{int(at) // 60 % 60:02}:01.000\n"
        for i, at in enumerate(times)
    )
    (tmp_path / "x.txt").write_text(header + rows)
    read = read_signals(tmp_path / "x.txt", kinds={"EXG Channel *": "eeg"})
    by_name = {each.name: each for each in read.signals}
    assert [each.kind for each in read.of("eeg")] == ["eeg", "eeg"]
    assert by_name["EXG Channel 0"].unit == "uV"
    assert by_name["Accel Channel 0"].kind == "acceleration"
    assert by_name["EXG Channel 0"].rate_hz == pytest.approx(250, rel=1e-3)
    assert not by_name["EXG Channel 0"].gaps
    assert read.start is not None
    assert read.marks == ()
    assert any("bursts" in note for note in read.notes)


def test_mind_monitor(tmp_path: Path) -> None:
    header = (
        "TimeStamp,Delta_TP9,RAW_TP9,RAW_AF7,RAW_AF8,RAW_TP10,AUX_RIGHT,Accelerometer_X,HeadBandOn,Elements\n"
    )
    rows = []
    for number, at in enumerate(burst_times(600, 256, 12)):
        moment = f"2025-06-15 17:00:{at + 1:06.3f}"
        rows.append(f"{moment},0.5,800.1,801.2,{number},799,{700 + number},0.1,1,\n")
        if number == 300:
            rows.append(f"{moment},,,,,,,,,/muse/elements/blink\n")
    (tmp_path / "x.csv").write_text(header + "".join(rows))
    read = read_signals(tmp_path / "x.csv")
    brain = read.of("eeg")
    assert [each.name for each in brain] == ["RAW_TP9", "RAW_AF7", "RAW_AF8", "RAW_TP10"]
    assert {each.unit for each in brain} == {"uV"}
    assert brain[0].rate_hz == pytest.approx(256, rel=0.02)
    assert len(brain[0]) == 600
    assert [each.text for each in read.marks] == ["/muse/elements/blink"]
    assert read.start == datetime(2025, 6, 15, 17, 0, 1, 43000)


@pytest.mark.parametrize("suffix", [".fif", ".edf", ".bdf"])
def test_what_mne_writes(tmp_path: Path, suffix: str) -> None:
    mne = pytest.importorskip("mne")
    pytest.importorskip("edfio")
    info = mne.create_info(["F3", "ECG"], 256.0, ["eeg", "ecg"])
    wave = np.sin(np.arange(2560) / 40)
    raw = mne.io.RawArray(np.stack([30e-6 * wave, 1e-3 * wave]), info, verbose="ERROR")
    raw.set_meas_date(datetime(2026, 5, 3, 14, 30, 5, tzinfo=UTC))
    raw.set_annotations(mne.Annotations([2.5], [0.0], ["smile"], orig_time=raw.info["meas_date"]))
    path = tmp_path / f"x_raw{suffix}"
    logging.getLogger("mne").setLevel("ERROR")
    if suffix == ".fif":
        raw.save(path, verbose="ERROR")
    else:
        mne.export.export_raw(path, raw, verbose="ERROR")
    read = read_signals(path)
    assert [(each.name, each.kind) for each in read.signals] == [("F3", "eeg"), ("ECG", "ecg")]
    brain, heart = read.signals
    assert np.abs(brain.in_unit("uV").values[:2560] - 30 * wave).max() < 0.01
    assert np.abs(heart.in_unit("mV").values[:2560] - wave).max() < 1e-3
    assert (pytest.approx(2.5, abs=0.01), "smile") in read.marks
    assert read.start == datetime(2026, 5, 3, 14, 30, 5)


def test_a_fif_that_was_cut_keeps_its_clock(tmp_path: Path) -> None:
    mne = pytest.importorskip("mne")
    raw = mne.io.RawArray(np.zeros((1, 2560)), mne.create_info(["F3"], 256.0, "eeg"), verbose="ERROR")
    raw.set_meas_date(datetime(2026, 5, 3, 14, 30, 5, tzinfo=UTC))
    raw.set_annotations(mne.Annotations([5.0], [0.0], ["smile"], orig_time=raw.info["meas_date"]))
    raw.crop(4.0, verbose="ERROR").save(tmp_path / "x_raw.fif", verbose="ERROR")
    read = read_signals(tmp_path / "x_raw.fif")
    assert read.start == datetime(2026, 5, 3, 14, 30, 9)
    assert read.marks == ((pytest.approx(1.0), "smile"),)


def test_24_bits_of_a_bdf(tmp_path: Path) -> None:
    edfio = pytest.importorskip("edfio")
    wave = 2e5 * np.sin(np.arange(2048) / 9) + 0.1 * np.cos(np.arange(2048) / 3)
    edfio.Bdf(
        [edfio.BdfSignal(wave, 256, label="Fp1", physical_dimension="uV")],
        recording=edfio.Recording(startdate=date(2026, 5, 3)),
        starttime=time(14, 30, 5),
    ).write(tmp_path / "x.bdf")
    (signal,) = read_signals(tmp_path / "x.bdf").signals
    assert np.abs(signal.values - wave).max() < 0.05  # 16 bits would be steps of 6
    assert (signal.kind, signal.unit) == ("eeg", "uV")


def chunk(tag: int, content: bytes) -> bytes:
    """Return one chunk of an XDF file: its length, what it is, and what is in it."""
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content


def drifting_xdf(ppm: float, seconds: int = 300) -> bytes:
    """Return a stream of 10 samples a second whose clock runs faster by `ppm` than the recorder's."""
    header = (
        '<?xml version="1.0"?><info><name>EDA</name><type>GSR</type><channel_count>1</channel_count>'
        "<nominal_srate>10</nominal_srate><channel_format>double64</channel_format><desc></desc></info>"
    )
    stream = struct.pack("<I", 1)
    made = b"XDF:" + chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')
    made += chunk(2, stream + header.encode())
    for second in range(seconds):
        times = 500 + (second + np.arange(10) / 10) * (1 + 1e-6 * ppm)
        samples = b"".join(b"\x08" + struct.pack("<dd", at, 2.0) for at in times)
        made += chunk(3, stream + b"\x01\x0a" + samples)
        if second % 5 == 0:
            made += chunk(4, stream + struct.pack("<dd", times[0], 40 - 1e-6 * ppm * second))
    return made + chunk(6, stream + b'<?xml version="1.0"?><info></info>')


def test_the_drift_of_an_xdfs_streams_is_shown(tmp_path: Path) -> None:
    pytest.importorskip("pyxdf")
    (tmp_path / "x.xdf").write_bytes(drifting_xdf(80))
    read = read_signals(tmp_path / "x.xdf")
    (note,) = (each for each in read.notes if "its clock ran" in each)
    assert note.startswith("stream EDA: its clock ran 4.8 ms a minute faster (80 ppm, 90 %: ")
    assert note.endswith("against the recorder's, which is corrected")
    (signal,) = read.signals
    assert signal.duration_s == pytest.approx(299.9, abs=2e-3)
    assert signal.kind == "eda"
    (tmp_path / "y.xdf").write_bytes(drifting_xdf(0))
    assert not any("clock" in note for note in read_signals(tmp_path / "y.xdf").notes)


def test_every_file_of_xdf_modules() -> None:
    pytest.importorskip("pyxdf")
    from signals.test_faults import SHARED

    if not SHARED.is_dir():
        pytest.skip("the shared data are not there")
    read = {path.name: read_signals(path) for path in sorted((SHARED / "xdf").glob("*.xdf"))}
    assert {name: len(each.signals) for name, each in read.items()} == {
        "clock_resets.xdf": 8, "empty_streams.xdf": 1, "minimal.xdf": 3,
    }  # fmt: skip
