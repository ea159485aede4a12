from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SourceError
from mien.signals.table import read_table_of_signals
from mien.signals.types import Signals


def read(folder: Path, text: str, name: str = "x.csv", encoding: str = "utf-8") -> Signals:
    (folder / name).write_bytes(text.encode(encoding))
    return read_table_of_signals(folder / name)


def test_muse_lsl(tmp_path: Path) -> None:
    rows = "".join(f"{1.6e9 + i / 256:.6f},{i},{i},{i},{i},0.0\n" for i in range(512))
    found = read(tmp_path, "timestamps,TP9,AF7,AF8,TP10,Right AUX\n" + rows)
    assert [each.kind for each in found.signals] == ["eeg"] * 4 + ["other"]
    assert [each.unit for each in found.signals][:4] == ["uV"] * 4
    assert found.signals[0].rate_hz == pytest.approx(256, rel=1e-4)
    assert found.start == datetime.fromtimestamp(1.6e9, UTC)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_a_table_of_another_locale(tmp_path: Path, encoding: str) -> None:
    text = "Zeit [s];Hautleitfähigkeit [µS]\r\n0,00;1,25\r\n0,25;1,50\r\n0,50;1,75\r\n"
    found = read(tmp_path, text, encoding=encoding)
    (signal,) = found.signals
    assert signal.values.tolist() == [1.25, 1.5, 1.75]
    assert signal.times_s.tolist() == [0, 0.25, 0.5]
    assert (signal.kind, signal.unit) == ("eda", "uS")


@pytest.mark.parametrize(
    ("times", "seconds", "start"),
    [
        (
            ["2026-05-03T14:30:05.120+02:00", "2026-05-03T14:30:05.370+02:00"],
            0.25,
            "2026-05-03T14:30:05.120000+02:00",
        ),
        (["03.05.2026 23:59:59,5", "04.05.2026 00:00:00,5"], 1.0, "2026-05-03T23:59:59.500000"),
        (["23:59:59", "00:00:00"], 1.0, None),
    ],
)
def test_written_times(tmp_path: Path, times: list[str], seconds: float, start: str | None) -> None:
    found = read(tmp_path, "time;eda\n" + "".join(f"{each};1\n" for each in times))
    assert found.signals[0].times_s.tolist() == [0, pytest.approx(seconds)]
    assert (found.start and found.start.isoformat()) == start


@pytest.mark.parametrize(
    ("header", "steps", "rate", "notes"),
    [
        ("ms", 40, 25, 0),
        ("time_us", 4000, 250, 0),
        ("time_s", 0.5, 2, 0),
        ("time", 0.5, 2, 0),
        ("time", 33, 30.3, 1),
    ],
)
def test_units_of_time(tmp_path: Path, header: str, steps: float, rate: float, notes: int) -> None:
    found = read(tmp_path, f"{header},ecg\n" + "".join(f"{i * steps:g},1\n" for i in range(20)))
    assert found.signals[0].rate_hz == pytest.approx(rate, rel=0.01)
    assert len(found.notes) == notes


def test_a_clock_that_was_put_back(tmp_path: Path) -> None:
    found = read(tmp_path, "time_s,eda\n0,1\n1,2\n0.5,3\n0.8,4\n2,5\n")
    assert found.signals[0].values.tolist() == [1, 2, 5]
    assert found.notes == (
        "2 rows whose time didn't go on were left out: the clock was put back, or repeats itself",
    )


def test_empty_cells_are_gaps_and_texts_are_marks(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'' if 3 <= i < 9 else i},{'task' if i > 4 else ''}\n" for i in range(20))
    found = read(tmp_path, "time_s,eda,event\n" + rows)
    assert found.signals[0].gaps == ((2, 9),)
    assert found.marks == ((5.0, "task"),)


def test_a_finger_on_a_lens(tmp_path: Path) -> None:
    text = "time,R,G,B\n" + "".join(f"{33 * i},200,1,{i}\n" for i in range(9))
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    assert [each.kind for each in read_table_of_signals(tmp_path / "x.csv.gz").signals] == ["ppg"] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a header and rows"),
        ("a,b\n1,2\n", "no column of times, such as time_s, timestamp or ms; its columns: a, b"),
        ("time,note\n1,x\n2,y\n", "no column of numbers beside the times"),
        ("time,eda\nsoon,1\nlater,2\n", "the times in 'time' can't be read: expected numbers or dates"),
        ("time eda\n1 2\n", "no comma, semicolon or tab"),
        ("time,eda\n2026-05-03T10:00:00,1\nx,2\n", "row 3: the time 'x' can't be read"),
    ],
)
def test_what_is_no_table_of_signals(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read(tmp_path, text)


def test_large_numbers_keep_their_steps(tmp_path: Path) -> None:
    rows = "".join(f"{1_700_000_000_000 + 4 * i},{i}\n" for i in range(50))
    times = read(tmp_path, "timestamp,ecg\n" + rows).signals[0].times_s
    assert np.allclose(np.diff(times), 0.004, atol=1e-6)
