from __future__ import annotations

import gzip
import os
import zipfile
from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SourceError
from mien.signals.files import read_signals

SHARED = Path(os.environ.get("MIEN_SHARED", Path(__file__).parents[3] / "shared")) / "data" / "signals"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what writes the file
def test_wfdb(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    wave = np.sin(np.arange(500) / 20)
    wfdb.wrsamp("x", 250, ["mV"], ["II"], wave[:, None], fmt=["16"], write_dir=str(tmp_path))
    wfdb.wrann("x", "atr", np.array([25, 250]), ["N", "V"], write_dir=str(tmp_path))
    for name in ("x.hea", "x.dat"):
        read = read_signals(tmp_path / name)
        assert read.signals[0].kind == "ecg"
        assert read.signals[0].rate_hz == pytest.approx(250)
        assert np.abs(read.signals[0].values - wave).max() < 1e-3
        assert read.marks == ((0.1, "N"), (1.0, "V"))
    (tmp_path / "x.hea").unlink()
    with pytest.raises(SourceError, match=r"header x\.hea is missing"):
        read_signals(tmp_path / "x.dat")


@pytest.fixture
def edf(tmp_path: Path) -> Path:
    edfio = pytest.importorskip("edfio")
    slow, fast = np.linspace(1, 2, 40), np.sin(np.arange(2560) / 9) * 50
    edfio.Edf(
        [
            edfio.EdfSignal(slow, 4, label="EDA", physical_dimension="uS"),
            edfio.EdfSignal(fast, 256, label="EEG F3", physical_dimension="uV"),
        ],
        annotations=[edfio.EdfAnnotation(2.5, None, "smile")],
        recording=edfio.Recording(startdate=date(2026, 5, 3)),
        starttime=time(14, 30, 5),
    ).write(tmp_path / "x.edf")
    return tmp_path / "x.edf"


def test_edf_keeps_each_signals_own_rate(edf: Path) -> None:
    read = read_signals(edf)
    assert [(each.name, each.kind, each.unit, len(each)) for each in read.signals] == [
        ("EDA", "eda", "uS", 40),
        ("EEG F3", "eeg", "uV", 2560),
    ]
    assert read.start == datetime(2026, 5, 3, 14, 30, 5)
    assert read.marks == ((2.5, "smile"),)
    assert read.notes == ()


def test_an_edf_with_a_wrong_header_is_read_as_far_as_it_goes(edf: Path) -> None:
    data = bytearray(edf.read_bytes())
    data[236:244] = b"99      "
    edf.write_bytes(bytes(data))
    read = read_signals(edf)
    assert len(read.signals[0]) == 40
    assert "header indicates 99 data records, but file contains" in read.notes[0]


def test_a_discontinuous_edf_has_its_gaps(edf: Path) -> None:
    data = bytearray(edf.read_bytes())
    records = int(data[236:244])
    data[192:197] = b"EDF+D"
    header = int(data[184:192])
    size = (len(data) - header) // records
    for number in range(records // 2, records):
        at = data.index(b"+", header + number * size + 2 * (40 + 2560) // records)
        plain = f"+{number * 10 // records}\x14\x14".encode()
        assert data[at : at + len(plain)] == plain
        data[at : at + len(plain) + 1] = f"+{number * 10 // records + 50}\x14\x14".encode()
    edf.write_bytes(bytes(data))
    (gap,) = read_signals(edf).signals[0].gaps
    assert gap.end_s - gap.start_s == pytest.approx(50.25)


@pytest.mark.parametrize("name", ["x.edf", "x.bdf", "x.xdf", "x.vhdr", "x.hea"])
@pytest.mark.parametrize("data", [b"", b"nothing of this kind\n" * 40, b"0       " + b"\xff" * 600])
def test_what_is_damaged_is_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    for package in ("edfio", "pyxdf", "mne", "wfdb"):
        pytest.importorskip(package)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError) as caught:
        read_signals(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_brainvision(tmp_path: Path) -> None:
    pytest.importorskip("mne")
    (tmp_path / "x.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=x.eeg\n"
        "MarkerFile=x.vmrk\nDataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=2\n"
        "SamplingInterval=4000\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n"
        "Ch1=F3,,0.5,µV\nCh2=GSR,,0.01,µS\n",
        encoding="utf-8",
    )
    (tmp_path / "x.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n"
        "[Common Infos]\nCodepage=UTF-8\nDataFile=x.eeg\n"
        "[Marker Infos]\nMk1=New Segment,,1,1,0,20260503143005000000\nMk2=Stimulus,S  1,251,1,0\n",
        encoding="utf-8",
    )
    samples = np.column_stack([np.arange(500), np.full(500, 200)]).astype("<i2")
    (tmp_path / "x.eeg").write_bytes(samples.tobytes())
    read = read_signals(tmp_path / "x.vhdr")
    eeg, skin = read.signals
    assert (eeg.kind, eeg.unit, skin.kind, skin.unit) == ("eeg", "uV", "eda", "uS")
    assert np.allclose(eeg.values, np.arange(500) / 2)
    assert np.allclose(skin.values, 2.0)
    assert read.marks[-1].time_s == pytest.approx(1.0)
    assert read.start == datetime(2026, 5, 3, 14, 30, 5)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not there")
def test_xdf_with_clock_resets_is_one_course_with_a_gap() -> None:
    pytest.importorskip("pyxdf")
    read = read_signals(SHARED / "xdf" / "clock_resets.xdf")
    assert len(read.signals) == 8
    assert all(len(each.gaps) == 1 and np.all(np.diff(each.times_s) > 0) for each in read.signals)
    assert len(read.marks) == 175
    assert any("2 parts" in note for note in read.notes)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not there")
def test_xdf_with_empty_streams() -> None:
    pytest.importorskip("pyxdf")
    read = read_signals(SHARED / "xdf" / "empty_streams.xdf")
    assert [len(each) for each in read.signals] == [10]
    assert sum("is empty" in note for note in read.notes) == 2


E4 = {
    "EDA.csv": "1600000000.0\n4.0\n" + "0.5\n" * 40,
    "BVP.csv": "1600000001.0\n64.0\n" + "1.0\n-1.0\n" * 320,
    "HR.csv": "1600000010.0\n1.0\n80.0\n81.0\n",
    "IBI.csv": "1600000000.0, IBI\n3.5,0.75\n4.25,0.75\n",
    "ACC.csv": "1600000000.0, 1600000000.0, 1600000000.0\n32.0, 32.0, 32.0\n64,0,-32\n64,0,-32\n",
    "TEMP.csv": "1600000000.0\n4.0\n",
    "tags.csv": "1600000005.5\n",
    "info.txt": "about",
}


@pytest.mark.parametrize("form", ["folder", "gzip", "zip"])
def test_empatica(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "S01"
    folder.mkdir()
    for name, text in E4.items():
        if form == "gzip":
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        else:
            (folder / name).write_text(text)
    path = folder
    if form == "zip":
        path = tmp_path / "x.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name in E4:
                archive.write(folder / name, f"a/{name}")
    read = read_signals(path)
    by_name = {each.name: each for each in read.signals}
    assert set(by_name) == {"ACC x", "ACC y", "ACC z", "BVP", "EDA", "HR", "IBI", "TEMP"}
    assert read.start == datetime.fromtimestamp(1600000000, UTC)
    assert by_name["BVP"].times_s[0] == 1.0
    assert by_name["HR"].times_s.tolist() == [10, 11]
    assert by_name["IBI"].times_s.tolist() == [3.5, 4.25]
    assert by_name["ACC z"].values.tolist() == [-0.5, -0.5]
    assert read.marks == ((5.5, "tag"),)


def test_an_empatica_file_with_other_content(tmp_path: Path) -> None:
    (tmp_path / "EDA.csv").write_text("time,eda\n0,1\n")
    with pytest.raises(SourceError, match=r"EDA\.csv is not as an Empatica E4 writes it"):
        read_signals(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"), [("x.pdf", "expected a file of signals"), ("folder", "no files of an Empatica E4")]
)
def test_other_files(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).mkdir() if name == "folder" else (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SourceError, match=words):
        read_signals(tmp_path / name)
    with pytest.raises(SourceError, match="no such file"):
        read_signals(tmp_path / "none.edf")
