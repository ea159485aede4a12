"""Files of signals with faults: whatever is wrong, they are read with a note, or refused in one line."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import SourceError
from mien.signals import textual, types
from mien.signals.files import read_signals
from mien.signals.types import Signals, usable

for package in ("edfio", "pyxdf", "mne", "wfdb"):
    pytest.importorskip(package)

SHARED = Path(os.environ.get("MIEN_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "signals"


def refused(path: Path, words: str = "") -> None:
    """Make sure that a file is refused in one plain line that begins with its name."""
    with pytest.raises(SourceError) as caught:
        read_signals(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    assert words in said


def edf_bytes(suffix: str = ".edf") -> bytes:
    import edfio

    bdf = suffix == ".bdf"
    signal = edfio.BdfSignal if bdf else edfio.EdfSignal
    slow, fast = np.linspace(1, 2, 40), np.sin(np.arange(2560) / 9) * 50
    made = (edfio.Bdf if bdf else edfio.Edf)(
        [
            signal(slow, 4, label="EDA", physical_dimension="uS"),
            signal(fast, 256, label="EEG F3", physical_dimension="uV"),
        ],
        annotations=[edfio.EdfAnnotation(2.5, None, "smile")],
    )
    target = io.BytesIO()
    made.write(target)
    return target.getvalue()


COUNT = 3
"""Signals of that file: annotations are one."""


def field(start: int, number: int, size: int) -> int:
    """Return where a field of a signal stands; `start` is in bytes, were there one signal only."""
    return 256 + start * COUNT + size * number


def with_cell(data: bytes, at: int, cell: bytes) -> bytes:
    return data[:at] + cell + data[at + len(cell) :]


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
@pytest.mark.parametrize(
    ("at", "cell", "note"),
    [
        (236, b"-1      ", "header indicates -1 data records"),
        (184, b"9999    ", "a wrong length of itself"),
        (184, b"abc     ", "a wrong length of itself"),
        (field(104, 0, 8), b"1,0     ", "decimal commas"),
        (244, b"1,0     ", "decimal commas"),
        (168, b"99.99.99", "start: "),
        (field(0, 0, 16), b"EDA\0\0\0\0", ""),
    ],
)
def test_a_wrong_header_is_read_with_a_note(
    tmp_path: Path, suffix: str, at: int, cell: bytes, note: str
) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(with_cell(edf_bytes(suffix), at, cell))
    read = read_signals(path)
    assert [(each.name, each.kind, len(each)) for each in read.signals] == [
        ("EDA", "eda", 40),
        ("EEG F3", "eeg", 2560),
    ]
    assert read.signals[0].values[-1] == pytest.approx(2, abs=0.01)
    assert read.marks == ((2.5, "smile"),)
    assert any(note in each for each in read.notes)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_letters_of_an_edf_that_are_no_ascii(tmp_path: Path, encoding: str) -> None:
    data = with_cell(edf_bytes(), field(0, 0, 16), "Hautleitfähig".encode(encoding))
    data = with_cell(data, field(96, 1, 8), "µV ".encode(encoding))
    (tmp_path / "x.edf").write_bytes(data)
    skin, brain = read_signals(tmp_path / "x.edf").signals
    assert (skin.name, skin.kind) == ("Hautleitfähig", "eda")
    assert brain.unit == "uV"


def test_an_edf_without_a_range_has_no_unit(tmp_path: Path) -> None:
    data = edf_bytes()
    for start in (104, 112):
        data = with_cell(data, field(start, 0, 8), b"5       ")
    (tmp_path / "x.edf").write_bytes(data)
    read = read_signals(tmp_path / "x.edf")
    assert (read.signals[0].kind, read.signals[0].unit, read.signals[1].unit) == ("eda", "", "uV")
    assert "EDA: its header gives no range, so its values have no unit" in read.notes


@pytest.mark.parametrize(
    ("at", "cell", "words"),
    [
        (244, b"0       ", "gives no length of a data record"),
        (252, b"99  ", "it names 99 signals"),
        (252, b"0   ", "how many signals"),
        (252, b"x   ", "how many signals"),
        (field(216, 1, 8), b"1e3x    ", "no number of samples"),
    ],
)
def test_a_header_that_says_too_little(tmp_path: Path, at: int, cell: bytes, words: str) -> None:
    (tmp_path / "x.edf").write_bytes(with_cell(edf_bytes(), at, cell))
    refused(tmp_path / "x.edf", words)


@pytest.mark.parametrize(("kept", "words"), [(100, "how many signals"), (500, "cut off"), (1100, "no whole")])
def test_a_truncated_edf(tmp_path: Path, kept: int, words: str) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes()[:kept])
    refused(tmp_path / "x.edf", words)


def test_damaged_annotations_leave_the_signals(tmp_path: Path) -> None:
    data = edf_bytes()
    at = data.index(b"smile")
    (tmp_path / "x.edf").write_bytes(data[: at - 3] + b"\xff" * 12 + data[at + 9 :])
    read = read_signals(tmp_path / "x.edf")
    assert [len(each) for each in read.signals] == [40, 2560]


def test_100_khz_is_averaged(tmp_path: Path) -> None:
    import edfio

    rate, seconds = 100_000, 3
    wave = np.sin(2 * np.pi * 5 * np.arange(rate * seconds) / rate)
    edfio.Edf([edfio.EdfSignal(wave, rate, label="EMG", physical_dimension="mV")]).write(tmp_path / "x.edf")
    read = read_signals(tmp_path / "x.edf")
    (signal,) = read.signals
    assert signal.rate_hz == pytest.approx(2000)
    assert np.abs(signal.values - np.sin(2 * np.pi * 5 * signal.times_s)).max() < 0.01
    assert read.notes[0] == "EMG: averaged from 100000 to 2000 samples a second"


def test_what_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.edf").write_bytes(edf_bytes())
    (tmp_path / "x.csv").write_text("time_s,eda\n" + "1,2\n" * 1000)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"time_s,eda\n" + b"1,2\n" * 1_000_000, mtime=0))
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EDA.csv", "1600000000.0\n4.0\n" + "0.5\n" * 1_000_000)
    monkeypatch.setattr(types, "MOST_VALUES", 1500)
    refused(tmp_path / "x.edf", "is too large: 0 million values")
    refused(tmp_path / "x.csv", "is too large")
    monkeypatch.setattr(textual, "MOST_BYTES", 100_000)
    refused(tmp_path / "x.csv.gz", "is too large: tables of up to 0 MB")
    refused(tmp_path / "x.zip", "is too large")


def test_channels_share_their_times() -> None:
    times = types.even_times(5, 1.0)
    one, other = (types.Signal(name, "eeg", "", np.arange(5.0), times) for name in "ab")
    assert one.times_s is times
    assert other.times_s is times
    own = np.arange(5.0)
    assert types.Signal("c", "eeg", "", own, times).values is not own


E4_EDA = b"1600000000.0\n4.0\n0.5\n0.6\n"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("EDA.csv", b"1600000000.0\n0\n1\n", "names no rate"),
        ("EDA.csv", b"1600000000.0\nnan\n1\n", "names no rate"),
        ("EDA.csv", b"1e40\n4\n1\n", "don't start at one time"),
        ("EDA.csv", b"nan\n4\n1\n", "don't start at one time"),
        ("ACC.csv", b"1600000000,1600000000\n32,32\n1,1\n", "an E4 writes three"),
        ("IBI.csv", b"1600000000,IBI\n1\n", "not as an Empatica E4 writes it"),
        ("EDA.csv.gz", gzip.compress(E4_EDA, mtime=0)[:-9], "is damaged"),
        ("EDA.csv.gz", b"no gzip", "is damaged"),
        ("EDA.csv.gz", gzip.compress(E4_EDA, mtime=0)[:12] + b"\xff" * 40, "is damaged"),
        ("EDA.csv", b"", "its files are empty"),
        ("EDA.csv", b"\x00" * 90, "is no text"),
    ],
)
def test_faults_of_a_wristbands_folder(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    refused(tmp_path, words)


def test_a_damaged_zip(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EDA.csv", E4_EDA * 50)
    data = bytearray(path.read_bytes())
    data[45:60] = b"\xff" * 15
    path.write_bytes(bytes(data))
    refused(path, "can't be unzipped")


@pytest.mark.parametrize(
    "text",
    [
        "Zeit [s];EDA\n0,0;1.234,5\n0,5;2.234,5\n",
        "time_s;EDA\n0.0;1,234.5\n0.5;2,234.5\n",
        'time_s,EDA\n0.0,"1,234.5"\n0.5,"2,234.5"\n',
        'time_s,EDA\n"0,0","1234,5"\n"0,5","2234,5"\n',
        "time_s\tEDA\n0,0\t1\u202f234,5\n0,5\t2\u202f234,5\n",
        "time_s;EDA\n0.0;1'234.5\n0.5;2'234.5\n",
        "sep=;\ntime_s;EDA\n0,0;1234,5\n0,5;2234,5\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_numbers_of_other_countries(tmp_path: Path, text: str, encoding: str) -> None:
    (tmp_path / "x.csv").write_bytes(text.encode(encoding))
    (signal,) = read_signals(tmp_path / "x.csv").signals
    assert signal.values.tolist() == [1234.5, 2234.5]
    assert signal.times_s.tolist() == [0, 0.5]


def test_a_few_words_among_numbers_are_gaps(tmp_path: Path) -> None:
    cells = ["1.5"] * 20
    cells[7], cells[12] = "n/v", "overflow"
    (tmp_path / "x.csv").write_text("time_s,eda\n" + "".join(f"{i},{c}\n" for i, c in enumerate(cells)))
    read = read_signals(tmp_path / "x.csv")
    assert len(read.signals[0]) == 18
    assert read.notes == ("2 cells of 'eda' are no numbers, and were left out",)
    assert read.marks == ()


def test_no_numbers_at_all_and_rails(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("time_s,eda,ecg\n" + "".join(f"{i / 100},inf,5\n" for i in range(900)))
    read = read_signals(tmp_path / "x.csv")
    assert [len(each) for each in read.signals] == [0, 900]


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.zip", "x.edf", "x.fif", "x.xdfz", "x.hea"])
def test_empty_files_and_folders_of_that_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    refused(tmp_path / name)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).mkdir()
    refused(tmp_path / "a" / name, "the folder has no files of an Empatica E4")


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "x.csv")
    refused(tmp_path / "x.csv", "neither a file nor a folder")


def test_one_time_far_ahead_costs_one_row() -> None:
    times = np.arange(100.0)
    times[30] = 1e6
    kept, at, lost = usable(np.arange(100.0), times)
    assert lost == 1
    assert 30 not in kept
    assert len(at) == 99


def test_a_clock_that_is_put_back_repeats_no_time() -> None:
    times = np.r_[np.arange(100.0), np.arange(60.0, 160.0)]
    kept, at, lost = usable(np.arange(200.0), times)
    assert lost == 40
    assert at.tolist() == list(range(160))
    assert kept[:100].tolist() == list(range(100))


@given(st.lists(st.floats(-1e9, 1e9) | st.sampled_from([np.nan, np.inf, 0.0]), max_size=60))
def test_times_that_are_kept_go_on(times: list[float]) -> None:
    kept, at, lost = usable(np.arange(float(len(times))), np.array(times))
    assert np.all(np.diff(at) > 0)
    assert len(at) + lost == int(np.isfinite(times).sum())
    assert all(times[int(row)] == when for row, when in zip(kept, at, strict=True))


@cache
def samples() -> dict[str, bytes]:
    """Return a sound file of each kind."""
    found = {"x.edf": edf_bytes(), "x.bdf": edf_bytes(".bdf")}
    rows = "".join(f"{i / 10},{i % 7},note\n" for i in range(40))
    found["x.csv"] = ("time_s,eda,event\n" + rows).encode()
    found["x.csv.gz"] = gzip.compress(found["x.csv"], mtime=0)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("EDA.csv", E4_EDA * 5)
        archive.writestr("IBI.csv", "1600000000.0,IBI\n1.5,0.8\n2.3,0.8\n")
    found["x.zip"] = target.getvalue()
    if SHARED.is_dir():
        found["x.xdf"] = (SHARED / "xdf" / "minimal.xdf").read_bytes()
    return found


def told(data: bytes, name: str) -> Signals | str:
    """Return what is read of a file, or why it isn't."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        try:
            return read_signals(path)
        except SourceError as error:
            return str(error)


def check(found: Any) -> None:
    if isinstance(found, str):
        assert "\n" not in found
        assert "Traceback" not in found
        return
    for signal in found.signals:
        assert np.isfinite(signal.values).all()
        assert np.all(np.diff(signal.times_s) > 0)


def test_a_chunk_of_more_samples_than_it_has_bytes_takes_no_memory() -> None:
    def chunk(tag: int, content: bytes) -> bytes:
        return b"\x04" + (len(content) + 2).to_bytes(4, "little") + tag.to_bytes(2, "little") + content

    def about(form: str) -> bytes:
        text = f"<name>m</name><type>EDA</type><channel_format>{form}</channel_format>"
        return f"<info>{text}<channel_count>1</channel_count><nominal_srate>0</nominal_srate></info>".encode()

    marks, skin = (each.to_bytes(4, "little") for each in (1, 2))
    one = b"\x08" + np.float64(5).tobytes() + b"\x01\x02go"
    values = b"".join(b"\x08" + np.float64(at).tobytes() + np.float32(2).tobytes() for at in range(9))
    file = (
        b"XDF:" + chunk(1, b"<info/>") + chunk(2, marks + about("string")) + chunk(2, skin + about("float32"))
    )
    file += chunk(3, skin + b"\x01\x09" + values) + chunk(3, marks + b"\x01\x01" + one)
    for count in (b"\x04" + (1 << 31).to_bytes(4, "little"), b"\x08" + (1 << 40).to_bytes(8, "little")):
        found = told(file + chunk(3, marks + count + one), "x.xdf")
        assert isinstance(found, Signals)
        assert [each.text for each in found.marks] == ["go"]
        assert len(found.signals[0]) == 9


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["x.edf", "x.bdf", "x.csv", "x.csv.gz", "x.zip", "x.xdf"])
@given(data=st.data())
def test_damage_anywhere_is_one_line(name: str, data: st.DataObject) -> None:
    if name not in samples():
        pytest.skip("the shared data are not there")
    sound = samples()[name]
    spoil: list[Callable[[bytes], bytes]] = [
        lambda each: each[: data.draw(st.integers(0, len(each)))],
        lambda each: with_cell(
            each, data.draw(st.integers(0, min(len(each), 1200))), data.draw(st.binary(max_size=9))
        ),
        lambda each: with_cell(each, data.draw(st.integers(0, len(each))), data.draw(st.binary(max_size=99))),
    ]
    check(told(data.draw(st.sampled_from(spoil))(sound), name))
