"""The table of clips: what it may hold, in whatever form a spreadsheet saves it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import DatasetError
from mien.train.clips.table import read_clip_table


def written(folder: Path, text: str) -> Path:
    for name in "abcdef":
        (folder / f"{name}.mp4").write_bytes(b"")
    path = folder / "CLIPS.csv"
    path.write_text(text, encoding="utf-8")
    return path


def parted(*columns: str, between: str = ",", **values: str) -> str:
    """Write six clips of two labels in each part; `values` are of the first clip."""
    rows = [["path", "label", "person", "split", *columns]]
    for number, name in enumerate("abcdef"):
        part = ("train", "validation", "test")[number // 2]
        more = [values.get(column, "") if name == "a" else "" for column in columns]
        rows.append([f"{name}.mp4", ("happiness", "neutral")[number % 2], f"P{number}", part, *more])
    return "\n".join(between.join(row) for row in rows) + "\n"


def test_numbers_are_read_with_a_spreadsheets_decimal_commas(tmp_path: Path) -> None:
    text = parted("start_s", "end_s", "valence", between=";", start_s="0,5", end_s="2", valence="-0,25")
    table = read_clip_table(written(tmp_path, text))
    first = table.iloc[0]
    assert (first["start_s"], first["end_s"], first["valence"]) == (0.5, 2, -0.25)
    assert table["valence"].isna().sum() == 5


def test_people_and_labels_may_be_called_none_and_have_spaces_around(tmp_path: Path) -> None:
    text = parted().replace("P0", "NA").replace("neutral", " None ").replace("train", "train ")
    table = read_clip_table(written(tmp_path, text))
    assert set(table["label"]) == {"happiness", "None"}
    assert table["person"].iloc[0] == "NA"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("start_s", "soon", "row 2: start_s: expected a time in seconds, received soon"),
        ("end_s", "-1", "row 2: end_s: expected a time in seconds, received -1"),
        ("valence", "7", "row 2: valence: expected a number from -1 to 1, received 7"),
        ("arousal", "high", "row 2: arousal: expected a number from -1 to 1, received high"),
        ("onset_s", "inf", "row 2: onset_s: expected a time in seconds, received inf"),
    ],
)
def test_a_number_that_is_none_is_named(tmp_path: Path, column: str, value: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        read_clip_table(written(tmp_path, parted(column, **{column: value})))


def test_a_part_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    text = parted("start_s", "end_s", start_s="3", end_s="2")
    with pytest.raises(DatasetError, match="row 2: expected an end_s after start_s"):
        read_clip_table(written(tmp_path, text))
