"""XDF files, read back by pyxdf and by Mien itself."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mien.cli import main
from mien.errors import ConfigError, SourceError
from mien.exchange.formats.convert import convert
from mien.exchange.formats.words import words
from mien.exchange.formats.xdf import write_xdf
from mien.labels import EMOTIONS
from mien.signals.files import read_signals
from mien.table import Columns, Row, new_table, read_table

pyxdf = pytest.importorskip("pyxdf")

ALL = Columns(measures=True, landmarks=True, neutral=True)
NAME = "Büro & <Größe> 日本.mp4"


def a_row(columns: Columns, source: str, frame: int, time_s: float, track: int, value: float | None) -> Row:
    cells: dict[str, Any] = dict.fromkeys(columns.names, value)
    cells |= {"source": source, "frame": frame, "time_s": time_s, "track": track}
    cells |= {"expression": "uncertain", "neutral": "average"}
    return tuple(cells[name] for name in columns.names)


def face_rows(columns: Columns, source: str = NAME, frames: int = 9000) -> list[Row]:
    """Track 3 with uneven times, and away from frame 40 to 80; track 0 from 30 on; some cells unknown."""
    rng = np.random.default_rng(0)
    times = np.round(np.cumsum(rng.uniform(0.02, 0.05, frames)) - 0.02, 6)
    made: list[Row] = []
    for frame, time_s in enumerate(times.tolist()):
        value = None if frame % 7 == 0 else round(float(rng.uniform(-1, 1)), 4)
        if not 40 <= frame < 80:
            made.append(a_row(columns, source, frame, time_s, 3, value))
        if frame >= 30:
            made.append(a_row(columns, source, frame, time_s, 0, value))
    return made


def written(folder: Path, rows: list[Row], columns: Columns) -> Path:
    folder.mkdir(exist_ok=True)
    with new_table(folder / "table.csv", columns) as table:
        table.write(rows)
    (file,) = convert(folder, folder / "x.xdf").files
    return file


def labels(stream: Any) -> list[str]:
    return [each["label"][0] for each in stream["info"]["desc"][0]["channels"][0]["channel"]]


@pytest.mark.parametrize("columns", [Columns(), ALL])
def test_pyxdf_reads_each_face_with_its_frames_times(tmp_path: Path, columns: Columns) -> None:
    file = written(tmp_path, face_rows(columns), columns)
    expected = read_table(tmp_path / "table.csv")
    streams, header = pyxdf.load_xdf(file)
    assert header["info"]["version"] == ["1.0"]
    assert [each["info"]["name"][0] for each in streams] == ["face 3", "face 0"]
    for stream, track in zip(streams, (3, 0), strict=True):
        rows = expected[expected["track"] == track]
        numbers = rows.select_dtypes("number").drop(columns=["time_s", "track"])
        assert labels(stream) == list(numbers.columns)
        np.testing.assert_array_equal(stream["time_series"], numbers.to_numpy(float))
        np.testing.assert_array_equal(stream["time_stamps"], rows["time_s"])  # the gap, too
        footer = stream["footer"]["info"]
        assert int(footer["sample_count"][0]) == len(rows)
        assert float(footer["first_timestamp"][0]) == rows["time_s"].iloc[0]
        assert float(footer["last_timestamp"][0]) == rows["time_s"].iloc[-1]
        assert (stream["clock_times"], stream["clock_values"]) == ([rows["time_s"].iloc[0]], [0.0])
    assert np.diff(streams[0]["time_stamps"]).max() > 0.8


def test_the_header_says_what_the_channels_are(tmp_path: Path) -> None:
    file = written(tmp_path, face_rows(ALL, frames=50), ALL)
    (found,) = [each for each in pyxdf.resolve_streams(file) if each["name"] == "face 3"]
    assert (found["type"], found["channel_format"], found["nominal_srate"]) == ("Expression", "double64", 0)
    assert found["source_id"] == f"mien/{NAME}/face 3"
    (stream, _), _ = pyxdf.load_xdf(file)
    channels = stream["info"]["desc"][0]["channels"][0]["channel"]
    told = {each["label"][0]: each for each in channels}
    assert {name: told[name]["unit"][0] for name in ("x", "lm_67_y", "yaw", "valence")} == {
        "x": "pixels", "lm_67_y": "pixels", "yaw": "degrees", "valence": None,
    }  # fmt: skip
    assert {each["type"][0] for each in channels} == {"Expression"}
    assert all(told[name]["description"][0] == words(name) for name in told)
    assert stream["info"]["desc"][0]["acquisition"][0]["source"] == [NAME]


def test_mien_reads_it_as_signals_of_no_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, face_rows(Columns()), Columns())
    expected = read_table(tmp_path / "table.csv")
    read = read_signals(file)
    assert {each.kind for each in read.signals} == {"other"}
    named = {each.name: each for each in read.signals}
    assert len(named) == len(read.signals) == 2 * 18
    rows = expected[expected["track"] == 3].dropna(subset=["valence"])
    contempt = named["face 3 p_contempt"]
    np.testing.assert_array_equal(contempt.values, rows["p_contempt"])
    np.testing.assert_allclose(contempt.times_s, rows["time_s"] - expected["time_s"].min(), rtol=0, atol=1e-9)
    assert len(contempt.gaps) == 1
    assert main(["signals", str(file)]) == 0
    assert "temperature" not in capsys.readouterr().out


def test_the_same_rows_give_the_same_bytes_with_boundaries_between(tmp_path: Path) -> None:
    rows = face_rows(Columns())
    first = written(tmp_path / "a", rows, Columns()).read_bytes()
    assert first == written(tmp_path / "b", rows, Columns()).read_bytes()
    tags = [tag for tag, _ in chunks(first)]
    assert tags[:5] == [1, 2, 4, 2, 4]
    assert tags[-2:] == [6, 6]
    assert tags.count(5) == -(-len(rows) // 4096)
    uuid = bytes.fromhex("43A546DCCBF5410FB30ED5467383CBE4")
    assert {content for tag, content in chunks(first) if tag == 5} == {uuid}


def chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what the chunks of an XDF file are, and what is in them, by the specification."""
    assert data[:4] == b"XDF:"
    at = 4
    while at < len(data):
        width = data[at]
        length = int.from_bytes(data[at + 1 : at + 1 + width], "little")
        at += 1 + width
        assert at + length <= len(data)
        yield struct.unpack_from("<H", data, at)[0], data[at + 2 : at + length]
        at += length


@pytest.mark.parametrize("kept", [0.3, 0.75, 0.999])
def test_a_file_that_was_cut_off_has_what_came_before(tmp_path: Path, kept: float) -> None:
    file = written(tmp_path, face_rows(Columns()), Columns())
    whole, _ = pyxdf.load_xdf(file)
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data))])
    streams, _ = pyxdf.load_xdf(file)
    for found, before in zip(streams, whole, strict=True):
        many = len(found["time_stamps"])
        assert many >= (kept - 0.3) * len(before["time_stamps"])
        np.testing.assert_array_equal(found["time_series"], before["time_series"][:many])


def test_unusual_values_and_names_arrive(tmp_path: Path) -> None:
    columns = Columns()
    odd = "\x01\ufffe \uffff]]>&amp;\n.mp4"
    values = (1e300, -1e-300, float("inf"), float("nan"), None, 2**24 + 1.0)
    rows = [a_row(columns, odd, 2**53, float(at), -1, value) for at, value in enumerate(values)]
    assert list(write_xdf({"source": odd}, iter(rows), columns, tmp_path / "x.xdf")) == []
    (stream,), _ = pyxdf.load_xdf(tmp_path / "x.xdf")
    got = stream["time_series"][:, labels(stream).index("valence")]
    np.testing.assert_array_equal(got, [1e300, -1e-300, np.inf, np.nan, np.nan, 2**24 + 1])
    assert stream["time_series"][0, 0] == 2**53
    assert stream["time_stamps"].tolist() == [0, 1, 2, 3, 4, 5]
    assert stream["info"]["name"] == ["face -1"]
    said = stream["info"]["desc"][0]["acquisition"][0]["source"][0]
    assert said == "\ufffd\ufffd \ufffd]]>&amp;\ufffd.mp4"


def test_a_long_film_takes_no_memory(tmp_path: Path) -> None:
    columns = Columns()
    value = dict.fromkeys(columns.names, 0.5) | {"source": "a.mp4", "expression": "fear"}

    def rows(many: int) -> Iterator[Row]:
        for frame in range(many):
            value.update(frame=frame, time_s=frame / 30, track=frame // 300)
            yield tuple(value[name] for name in columns.names)

    def peak(many: int) -> int:
        tracemalloc.start()
        list(write_xdf({"source": "a.mp4"}, rows(many), columns, tmp_path / "x.xdf"))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    short, long = peak(5_000), peak(20_000)
    assert (tmp_path / "x.xdf").stat().st_size > 20_000 * 8 * 18
    assert long < short + 300_000


def test_one_file_for_each_video_and_none_without_a_face(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    with new_table(results / "table.csv") as table:
        for name in ("a.mp4", "b.mp4"):
            table.write(face_rows(Columns(), name, frames=5))
    told = ",".join(f'{{"source": "{name}", "kind": "video"}}' for name in ("a.mp4", "none.mp4", "b.mp4"))
    (results / "summary.json").write_text(f'{{"recordings": [{told}]}}')
    made = convert(results, tmp_path / "xdf", to="xdf")
    assert [path.name for path in made.files] == ["a.xdf", "b.xdf"]
    assert made.notes == ("none.mp4 has no face, so that there is nothing for an XDF file",)
    with pytest.raises(SourceError, match=r"none\.mp4 has no face"):
        convert(results, tmp_path / "none.xdf", source="none.mp4")
    with pytest.raises(ConfigError, match="is one file, and there are 3 recordings"):
        convert(results, tmp_path / "x.xdf")
    assert not list(tmp_path.glob("*.xdf"))
    assert main(["convert", str(results), "--source", "b.mp4", "--out", str(tmp_path / "b.xdf")]) == 0
    assert (tmp_path / "b.xdf").read_bytes() == made.files[1].read_bytes()


@pytest.mark.parametrize("time_s", [None, float("nan"), float("inf")])
def test_a_row_without_a_time_leaves_no_file(tmp_path: Path, time_s: Any) -> None:
    rows = [a_row(Columns(), "a.mp4", 0, 0.0, 0, 0.5), a_row(Columns(), "a.mp4", 1, time_s, 0, 0.5)]
    with pytest.raises(SourceError, match=r"a\.mp4 has a row without a time"):
        list(write_xdf({"source": "a.mp4"}, iter(rows), Columns(), tmp_path / "x.xdf"))
    assert list(tmp_path.iterdir()) == []


def test_the_documents_lines_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xdf").mkdir()
    rows = face_rows(Columns(), frames=20)
    list(write_xdf({"source": "s"}, iter(rows), Columns(), tmp_path / "xdf" / "session.xdf"))
    page = (Path(__file__).parents[2] / "docs" / "other-tools.md").read_text("utf-8")
    code = page.split("## XDF")[1].split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    held: dict[str, Any] = {}
    exec(code, held)
    place = Columns().names.index("valence")
    expected = pd.Series(
        [row[place] for row in rows if row[Columns().names.index("track")] == 3], dtype=float
    )
    np.testing.assert_array_equal(held["valence"], expected)
    assert len(EMOTIONS) == sum(each.startswith("p_") for each in held["labels"])
