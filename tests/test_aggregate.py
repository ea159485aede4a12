from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.aggregate import (
    BLOCK_ROWS,
    KINDS,
    LABELS,
    Aggregate,
    SummaryColumns,
    kinds_for,
    new_summaries,
    summary_frame,
)
from mien.errors import OutputError
from mien.labels import MEASURES
from mien.recording import Recording
from mien.table import PLAIN, Columns, Row, table_frame

MEASURED = Columns(measures=True)
RECORD = {"source": "=a.mp4", "kind": "video", "frames_analysed": 2000, "duration_s": 80.0, "note": ""}


@cache
def made_rows(frames: int = 1500, tracks: int = 4, columns: Columns = MEASURED) -> list[Row]:
    """Readings of some faces, which come and go, with cells that aren't known."""
    rng = np.random.default_rng(0)
    made: list[Row] = []
    for frame in range(frames):
        for track in np.flatnonzero(rng.uniform(size=tracks) < 0.8).tolist():
            cells: dict[str, str | int | float | None] = {
                name: None if value < 0.03 else value
                for name, value in zip(
                    columns.names, rng.uniform(size=len(columns.names)).tolist(), strict=True
                )
            }
            label = LABELS[rng.integers(len(LABELS))] if track else "neutral"
            cells |= {"source": "=a.mp4", "frame": frame, "time_s": frame / 25, "track": track}
            cells |= {"p_contempt": None, "expression": label}
            made.append(tuple(cells[name] for name in columns.names))
    return made


def counted(rows: list[Row], columns: Columns = MEASURED) -> Aggregate:
    aggregate = Aggregate(columns)
    aggregate.add(rows)
    return aggregate


def test_a_track_s_row_is_what_pandas_says() -> None:
    rows = made_rows()
    assert len(rows) > BLOCK_ROWS
    frame = table_frame(rows, MEASURED)
    found = summary_frame(counted(rows).rows("tracks", RECORD), SummaryColumns("tracks", measures=True))
    assert found["track"].tolist() == [0, 1, 2, 3]
    for track, of_track in frame.groupby("track"):
        row = found.iloc[int(track)]  # type: ignore[call-overload]
        assert (row["start_s"], row["end_s"]) == (of_track["time_s"].min(), of_track["time_s"].max())
        assert row["duration_s"] == pytest.approx(np.ptp(of_track["time_s"]))
        assert row["frames"] == len(of_track)
        assert row["share_of_frames"] == pytest.approx(len(of_track) / 2000, abs=1e-4)
        for label in LABELS:
            share = float((of_track["expression"] == label).mean())
            assert row[f"share_{label}"] == pytest.approx(share, abs=6e-5)
        for name in ("quality", "p_fear", "valence", *MEASURES):
            assert row[f"{name}_mean"] == pytest.approx(of_track[name].mean(), abs=6e-5)
            assert row[f"{name}_sd"] == pytest.approx(of_track[name].std(), abs=6e-5)
    assert found[["p_contempt_mean", "p_contempt_sd"]].isna().all(axis=None)
    assert found["expression"].iloc[0] == "neutral"


def test_a_recording_s_row_is_what_pandas_says_of_all_faces() -> None:
    rows = made_rows()
    frame = table_frame(rows, MEASURED)
    (row,) = summary_frame(
        counted(rows).rows("recordings", RECORD), SummaryColumns("recordings", measures=True)
    ).to_dict("records")
    assert (row["rows"], row["tracks"], row["frames_with_face"]) == (len(rows), 4, frame["frame"].nunique())
    assert row["share_with_face"] == pytest.approx(frame["frame"].nunique() / 2000, abs=1e-4)
    assert row["arousal_mean"] == pytest.approx(frame["arousal"].mean(), abs=6e-5)
    assert row["arousal_sd"] == pytest.approx(frame["arousal"].std(), abs=6e-5)
    assert sum(row[f"share_{label}"] for label in LABELS) == pytest.approx(1, abs=1e-3)
    assert row["width"] is None or row["width"] is pd.NA
    assert row["duration_s"] == 80.0


def one_face(*readings: tuple[float, str]) -> list[Row]:
    frame = dict.fromkeys(PLAIN.names, 0.5)
    return [
        tuple(
            {**frame, "source": "a.mp4", "frame": index, "time_s": at, "track": 7, "expression": label}[name]
            for name in PLAIN.names
        )
        for index, (at, label) in enumerate(readings)
    ]


@pytest.mark.parametrize(
    ("readings", "longest_s"),
    [
        ([(0.0, "neutral")], 0.0),
        ([(0.0, "anger"), (1.0, "anger")], 0.0),
        ([(0.0, "neutral"), (1.0, "neutral"), (2.0, "fear"), (3.0, "neutral"), (3.5, "neutral")], 1.0),
        # further apart than two seconds nobody looked
        ([(0.0, "neutral"), (1.5, "neutral"), (4.0, "neutral"), (6.0, "neutral"), (6.5, "neutral")], 2.5),
    ],
)
def test_the_longest_neutral_time(readings: list[tuple[float, str]], longest_s: float) -> None:
    aggregate = Aggregate(PLAIN)
    for row in one_face(*readings):  # one a block: it goes on from block to block
        aggregate.add([row])
    (row,) = aggregate.rows("tracks", {"source": "a.mp4"})
    named = dict(zip(SummaryColumns("tracks").names, row, strict=True))
    assert named["longest_neutral_s"] == longest_s
    assert named["track"] == 7
    assert named["share_of_frames"] is None


def test_one_row_has_no_spread_and_none_has_no_mean() -> None:
    (row,) = counted(one_face((0.0, "fear")), PLAIN).rows("tracks", RECORD)
    named = dict(zip(SummaryColumns("tracks").names, row, strict=True))
    assert (named["valence_mean"], named["valence_sd"]) == (0.5, None)
    empty = Aggregate(PLAIN)
    empty.add([])
    assert empty.rows("tracks", RECORD) == []
    named = dict(zip(SummaryColumns("recordings").names, *empty.rows("recordings", RECORD), strict=True))
    assert (named["rows"], named["tracks"], named["frames_with_face"], named["share_with_face"]) == (
        0,
        0,
        0,
        0.0,
    )
    assert (named["expression"], named["share_fear"], named["valence_mean"]) == (None, None, None)


def test_photographs_have_no_table_that_says_the_same_again() -> None:
    photograph, video = {"kind": "photograph"}, {"kind": "video"}
    assert kinds_for([]) == ()
    assert kinds_for([photograph]) == ()
    assert kinds_for([photograph, photograph]) == ("recordings",)
    assert kinds_for([video]) == KINDS
    assert kinds_for([photograph, video]) == KINDS


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_files_read_back_and_old_ones_go(tmp_path: Path, suffix: str) -> None:
    rows = made_rows(frames=20)
    with new_summaries(tmp_path, suffix, MEASURED, [RECORD]) as summaries:
        summaries.write(RECORD, counted(rows))
    assert list(summaries.paths.values()) == [tmp_path / f"{kind}.{suffix}" for kind in KINDS]
    read: Callable[..., pd.DataFrame] = pd.read_csv if suffix == "csv" else pd.read_parquet
    tracks = read(tmp_path / f"tracks.{suffix}")
    assert tuple(tracks.columns) == SummaryColumns("tracks", measures=True).names
    assert tracks["source"].tolist() == ["'=a.mp4" if suffix == "csv" else "=a.mp4"] * 4
    expected = summary_frame(counted(rows).rows("tracks", RECORD), SummaryColumns("tracks", measures=True))
    assert tracks["valence_mean"].tolist() == expected["valence_mean"].tolist()
    recordings = read(tmp_path / f"recordings.{suffix}")
    assert recordings["frames_read"].isna().all()
    with new_summaries(tmp_path, suffix, PLAIN, [{"kind": "photograph"}]) as summaries:
        pass
    assert list(tmp_path.iterdir()) == []


def test_somebody_else_s_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text("song,length\n")
    (tmp_path / "recordings.parquet").write_bytes(b"none")
    for suffix in ("csv", "parquet"):
        with new_summaries(tmp_path, suffix, PLAIN, []):
            pass
    assert len(list(tmp_path.iterdir())) == 2


def test_what_fails_leaves_no_half_table(tmp_path: Path) -> None:
    with pytest.raises(OutputError), new_summaries(tmp_path, "csv", MEASURED, [RECORD]):
        raise OSError("no space")
    assert list(tmp_path.iterdir()) == []


def test_a_recording_has_them_too(tmp_path: Path) -> None:
    rows = made_rows(frames=30)
    recording = Recording(table_frame(rows, MEASURED), {"recordings": [RECORD | {"stem": "a"}]})
    assert recording.tracks["track"].tolist() == [0, 1, 2, 3]
    assert recording.recordings["rows"].tolist() == [len(rows)]
    files = recording.save(tmp_path, plots=False)
    assert [path.name for path in files] == ["table.csv", "summary.json", "tracks.csv", "recordings.csv"]
    assert all(path.is_file() for path in files)
