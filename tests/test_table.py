from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import OutputError, SourceError
from mien.labels import EMOTIONS, MEASURES
from mien.table import (
    COLUMNS,
    DECIMALS,
    PLAIN,
    POINTS,
    Columns,
    escape_formula,
    frame_rows,
    new_table,
    read_rows,
    read_table,
    rows,
    table_frame,
    unescape_formula,
)
from mien.types import Faces, Frame

DESIGN = """source frame time_s track x y width height detection quality p_neutral p_happiness p_surprise
    p_sadness p_anger p_disgust p_fear p_contempt expression confidence valence arousal"""

ALL = Columns(measures=True, landmarks=True)
EVERY = [Columns(measures, landmarks) for measures in (False, True) for landmarks in (False, True)]


def a_frame(index: int = 3, time_s: float = 0.1, source: str = "a.mp4") -> Frame:
    return Frame(np.zeros((4, 4, 3), np.uint8), index, time_s, source)


def some_faces(count: int = 2) -> Faces:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 100, (count, 2))
    probabilities = rng.dirichlet(np.ones(8), count)
    return Faces(
        np.hstack([corner, corner + rng.uniform(1, 50, (count, 2))]),
        detection=rng.uniform(size=count),
        track=np.arange(count),
        quality=rng.uniform(size=count),
        probabilities=probabilities,
        expression=probabilities.argmax(1),
        confidence=rng.uniform(size=count),
        valence=rng.uniform(-1, 1, count),
        arousal=rng.uniform(-1, 1, count),
        landmarks=rng.uniform(0, 100, (count, 68, 2)),
        measures=rng.uniform(-30, 30, (count, len(MEASURES))),
    )


def test_the_columns_are_the_design_s() -> None:
    assert DESIGN.split() == list(COLUMNS)
    assert PLAIN.names == COLUMNS


def test_rows_hold_what_the_faces_hold() -> None:
    faces = some_faces()
    for place, row in enumerate(rows(a_frame(), faces)):
        named = dict(zip(COLUMNS, row, strict=True))
        left, top, right, bottom = faces.xyxy[place].tolist()
        assert (named["source"], named["frame"], named["time_s"], named["track"]) == ("a.mp4", 3, 0.1, place)
        box = [named["x"], named["y"], named["width"], named["height"]]
        assert box == pytest.approx([left, top, right - left, bottom - top], abs=0.006)
        probabilities = [named[f"p_{label}"] for label in EMOTIONS]
        assert probabilities == pytest.approx(faces.probabilities[place].tolist(), abs=6e-6)
        assert sum(probabilities) == pytest.approx(1, abs=1e-4)
        assert named["confidence"] == pytest.approx(float(faces.confidence[place]), abs=6e-6)
        assert named["expression"] == EMOTIONS[int(np.argmax(probabilities))]


def test_measures_and_landmarks_come_last_where_asked_for() -> None:
    assert POINTS[:3] == ("lm_0_x", "lm_0_y", "lm_1_x")
    assert len(POINTS) == 136
    assert Columns(measures=True).names == (*COLUMNS, *MEASURES)
    assert Columns(landmarks=True).names == (*COLUMNS, *POINTS)
    faces = some_faces(1)
    named = dict(zip(ALL.names, rows(a_frame(), faces, ALL)[0], strict=True))
    assert [named[name] for name in MEASURES] == pytest.approx(faces.measures[0].tolist(), abs=6e-3)
    assert [named["lm_67_x"], named["lm_67_y"]] == pytest.approx(faces.landmarks[0, 67].tolist(), abs=6e-3)
    plain = rows(a_frame(), faces)[0]
    assert plain == tuple(named[name] for name in COLUMNS)


@pytest.mark.parametrize("columns", EVERY)
def test_columns_are_told_from_their_names(columns: Columns) -> None:
    assert Columns.among(columns.names) == columns
    assert Columns.among((*columns.names, "my_own", "yaw")) == columns


def test_a_face_that_nobody_read_has_empty_cells() -> None:
    (row,) = rows(a_frame(), Faces(np.array([[0, 0, 2, 2]], np.float32)), ALL)
    named = dict(zip(ALL.names, row, strict=True))
    assert {name for name, value in named.items() if value is None} == set(DECIMALS) - {
        "time_s", "x", "y", "width", "height"
    }  # fmt: skip
    assert (named["track"], named["expression"]) == (-1, "uncertain")


def test_no_face_gives_no_row() -> None:
    assert rows(a_frame(), Faces.empty()) == []


def test_a_name_that_is_no_text_is_made_plain() -> None:
    name = b"caf\xe9\n.mp4".decode("utf-8", "surrogateescape")
    assert rows(a_frame(source=name), some_faces(1))[0][0] == "caf\ufffd\ufffd.mp4"


def test_there_is_no_negative_zero() -> None:
    faces = some_faces(1).fill(valence=[-1e-9])
    value = rows(a_frame(), faces)[0][COLUMNS.index("valence")]
    assert str(value) == "0.0"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(("count", "columns"), [(0, PLAIN), (2000, PLAIN), *((3, each) for each in EVERY)])
def test_files_and_memory_give_the_same_frame(
    tmp_path: Path, suffix: str, count: int, columns: Columns
) -> None:
    faces = some_faces(count)
    if count:
        faces = faces.fill(probabilities=np.where(np.arange(8) == 7, np.nan, faces.probabilities))
    made = rows(a_frame(time_s=1234.567891, source='NA, "null" =1+1'), faces, columns)
    with new_table(tmp_path / f"t{suffix}", columns) as table:
        table.write(made)
    frame = table_frame(made, columns)
    pd.testing.assert_frame_equal(read_table(tmp_path / f"t{suffix}"), frame, check_exact=True)
    assert list(frame_rows(frame)) == made
    kinds = {name: kind.kind for name, kind in frame.dtypes.items()}
    assert {name for name, kind in kinds.items() if kind == "f"} == set(DECIMALS) & set(columns.names)
    assert {name for name, kind in kinds.items() if kind == "i"} == {"frame", "track"}


def test_a_frame_gives_its_rows_back() -> None:
    faces = some_faces(3)
    made = rows(a_frame(), faces.fill(probabilities=np.where(np.arange(8) == 7, np.nan, faces.probabilities)))
    assert list(frame_rows(table_frame(made))) == made


def test_parquet_is_written_in_groups(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    made = rows(a_frame(), some_faces(5)) * 9000
    with new_table(tmp_path / "t.parquet") as table:
        for start in range(0, len(made), 500):
            table.write(made[start : start + 500])
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 3
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), table_frame(made))


@given(
    value=st.floats(-1, 1, width=32),
    time_s=st.floats(0, 1e6),
    name=st.text(min_size=1),
)
def test_csv_gives_back_exactly_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, value: float, time_s: float, name: str
) -> None:
    made = rows(a_frame(time_s=time_s, source=name), some_faces(1).fill(valence=[value]))
    path = tmp_path_factory.mktemp("t") / "t.csv"
    with new_table(path) as table:
        table.write(made)
    assert list(read_rows(path)) == made


def test_every_nth_frame_can_be_read(tmp_path: Path) -> None:
    with new_table(tmp_path / "t.csv") as table:
        for index in range(10):
            table.write(rows(a_frame(index), some_faces(index % 3)))
    chosen = [row[1] for row in read_rows(tmp_path / "t.csv", every=4)]
    assert chosen == [4, 8, 8]


def test_numbers_are_written_with_fixed_decimals(tmp_path: Path) -> None:
    with new_table(tmp_path / "t.csv", ALL) as table:
        table.write(rows(a_frame(), some_faces(), ALL))
    with (tmp_path / "t.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            assert all(re.fullmatch(rf"-?\d+\.\d{{{n}}}", row[name]) for name, n in DECIMALS.items())


def test_a_table_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write_a_part() -> None:
        with new_table(tmp_path / "t.csv") as table:
            table.write(rows(a_frame(), some_faces()))
            raise SourceError("the video ends")

    with pytest.raises(SourceError, match="the video ends"):
        write_a_part()
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="expected a name in"):
        new_table(tmp_path / "t.xls").__enter__()


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.csv", b"a,b\n1,2\n"), ("t.csv", b""), ("t.csv", b"\xff\xfe\x00"), ("t.parquet", b"PAR1")],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=name):
        read_table(path)


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("x", "left", "row 3: x expected a number, received 'left'"),
        ("frame", "", "row 3: frame expected a whole number, received ''"),
        ("track", "1.5", "row 3: track expected a whole number, received '1.5'"),
        ("arousal", "0.5,7", "row 3 has 23 cells, and the table 22 columns"),
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, column: str, cell: str, said: str) -> None:
    cells = dict.fromkeys(COLUMNS, "0") | {"source": "NA"}
    path = tmp_path / "t.csv"
    lines = [COLUMNS, cells.values(), (cells | {column: cell}).values()]
    path.write_text("".join(",".join(line) + "\n" for line in lines), "utf-8")
    for read in (read_table, lambda file: list(read_rows(file))):
        with pytest.raises(SourceError, match=rf"t\.csv: {re.escape(said)}$"):
            read(path)


def test_half_of_the_measures_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(",".join((*COLUMNS, *MEASURES[:3])) + "\n")
    with pytest.raises(SourceError, match=r"received .*, yaw, pitch, roll$"):
        list(read_rows(path))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.csv"):
        read_table(tmp_path / "gone.csv")


FORMULAS = [
    "=cmd|' /C calc'!A0.jpg",
    "+1.mp4",
    "-2+3.mp4",
    "@SUM(A1).png",
    "'=1.jpg",
    "''=1.jpg",
    "\uff1d1.jpg",
]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_name_like_a_formula_is_none_in_a_spreadsheet_and_comes_back(tmp_path: Path, name: str) -> None:
    made = rows(a_frame(source=name), some_faces(1))
    with new_table(tmp_path / "t.csv") as table:
        table.write(made)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        (cells,) = list(csv.reader(file))[1:]
    assert cells[0] == f"'{name}"
    assert [cell for cell in cells if cell[:1] in set("=+@")] == []
    assert [row[0] for row in read_rows(tmp_path / "t.csv")] == [name]
    assert read_table(tmp_path / "t.csv")["source"].tolist() == [name]
    with new_table(tmp_path / "t.parquet") as table:
        table.write(made)
    assert read_table(tmp_path / "t.parquet")["source"].tolist() == [name]


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    faces = some_faces(1)
    (row,) = rows(a_frame(), faces)
    below = tuple(-0.25 if name == "valence" else cell for name, cell in zip(COLUMNS, row, strict=True))
    with new_table(tmp_path / "t.csv") as table:
        table.write([below])
    assert pd.read_csv(tmp_path / "t.csv")["valence"].tolist() == [-0.25]


@given(st.text())
def test_every_text_survives_the_quote_in_front(text: str) -> None:
    escaped = escape_formula(text)
    assert unescape_formula(escaped) == text
    assert escaped[:1] not in set("=+-@\t\r\n\0\uff0b\uff0d\uff1d\uff20") or not escaped
