from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mien.labels import MEASURES
from mien.recording import Recording
from mien.table import Columns, read_table, rows, table_frame
from mien.types import Faces, Frame


def some_rows(source: str, frames: int = 12) -> list[tuple[str | int | float | None, ...]]:
    """Two faces; the second is away in every fourth frame."""
    rng = np.random.default_rng(frames)
    result = []
    for index in range(frames):
        frame = Frame(np.zeros((2, 2, 3), np.uint8), index, index / 7, source)
        result += rows(frame, some_faces(rng)[: 1 if index % 4 == 3 else 2])
    return result


def some_faces(rng: np.random.Generator) -> Faces:
    probabilities = rng.dirichlet(np.ones(8), 2)
    return Faces(
        np.array([[0, 0, 1, 1], [1, 1, 2, 2]], np.float32),
        track=[0, 1],
        probabilities=probabilities,
        expression=probabilities.argmax(1),
        confidence=probabilities.max(1),
        valence=rng.uniform(-1, 1, 2),
        arousal=rng.uniform(-1, 1, 2),
    )


def a_recording(*sources: str) -> Recording:
    made = [row for source in sources for row in some_rows(source)]
    records = [
        {"source": source, "stem": Path(source).stem, "kind": "video", "duration_s": 2.0, "coverage": 1.0}
        for source in sources
    ]
    return Recording(table_frame(made), {"recordings": records})


def test_a_plot_names_its_source() -> None:
    figure = a_recording("a.mp4").plot()
    assert figure.get_suptitle() == "a.mp4"


def test_of_several_sources_one_has_to_be_named() -> None:
    recording = a_recording("a.mp4", "b.mp4")
    assert recording.sources == ["a.mp4", "b.mp4"]
    assert recording.plot("b.mp4").get_suptitle() == "b.mp4"
    with pytest.raises(ValueError, match=r"a\.mp4, b\.mp4, received None"):
        recording.plot()


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_save_writes_what_can_be_read_back(tmp_path: Path, table_format: str) -> None:
    recording = a_recording("a.mp4", "b.mov")
    files = recording.save(tmp_path / "out", table_format=table_format)  # type: ignore[arg-type]
    summed = [f"tracks.{table_format}", f"recordings.{table_format}"]
    assert [file.name for file in files] == [
        f"table.{table_format}",
        "summary.json",
        *summed,
        "a.png",
        "b.png",
    ]
    assert {file.name for file in files} == {path.name for path in (tmp_path / "out").iterdir()}
    pd.testing.assert_frame_equal(read_table(files[0]), recording.frame)
    assert json.loads(files[1].read_text()) == recording.summary


def test_save_keeps_measures_and_landmarks(tmp_path: Path) -> None:
    columns = Columns(measures=True, landmarks=True)
    faces = some_faces(np.random.default_rng(0))
    faces = faces.fill(landmarks=np.full((2, 68, 2), 7.25), measures=np.full((2, len(MEASURES)), 0.5))
    frame = table_frame(rows(Frame(np.zeros((2, 2, 3), np.uint8), 0, 0.0, "a.mp4"), faces, columns), columns)
    more = pd.concat([frame, pd.Series([1, 2], name="mine")], axis=1)
    files = Recording(more, a_recording("a.mp4").summary).save(tmp_path, plots=False)
    pd.testing.assert_frame_equal(read_table(files[0]), frame)


def test_save_without_plots(tmp_path: Path) -> None:
    a_recording("a.mp4").save(tmp_path, plots=False)
    assert {path.name for path in tmp_path.iterdir()} == {
        "table.csv", "summary.json", "tracks.csv", "recordings.csv"
    }  # fmt: skip
