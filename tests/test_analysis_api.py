from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.errors import ConfigError, ModelError, SourceError
from mien.table import COLUMNS, read_table


@pytest.fixture
def folder(tmp_path: Path, portrait: NDArray[np.uint8]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    small = Image.fromarray(portrait).resize((256, 300))
    small.save(folder / "img10.png")
    small.save(folder / "img2.png")
    return folder


def test_one_photograph(portrait_path: Path, tiny_network: Path) -> None:
    recording = mien.analyze(portrait_path, network=str(tiny_network))
    assert tuple(recording.frame.columns) == COLUMNS
    assert recording.sources == ["grace_hopper.jpg"]
    assert len(recording.frame) == recording.summary["rows"] == 1


def test_it_says_the_same_as_read(portrait_path: Path, tiny_network: Path) -> None:
    row = mien.analyze(str(portrait_path), network=str(tiny_network)).frame.iloc[0]
    faces = mien.read(portrait_path, network=str(tiny_network))
    assert row["expression"] == faces.labels[0]
    assert row["confidence"] == pytest.approx(faces.confidence[0], abs=1e-5)
    assert row["quality"] == pytest.approx(faces.quality[0], abs=1e-4)


def test_nothing_is_left_without_an_output_folder(
    folder: Path, tiny_network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.chdir(tmp_path / "temporary")
    assert mien.analyze(folder, network=str(tiny_network), annotate=True).sources == ["img2.png", "img10.png"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_output_folder_gets_what_the_command_writes(
    folder: Path, tiny_network: Path, tmp_path: Path
) -> None:
    recording = mien.analyze(
        [folder / "img10.png", folder / "img2.png"],
        out=tmp_path / "out",
        table_format="parquet",
        annotate=True,
        network=str(tiny_network),
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "table.parquet", "recordings.parquet", "summary.json", "img2.annotated.jpg", "img10.annotated.jpg"
    }  # fmt: skip
    assert recording.sources == ["img10.png", "img2.png"]
    pd.testing.assert_frame_equal(read_table(tmp_path / "out" / "table.parquet"), recording.frame)


def test_one_bad_file_is_named_in_the_summary(folder: Path, tiny_network: Path) -> None:
    (folder / "bad.png").write_bytes(b"")
    recording = mien.analyze([folder, folder / "gone.png"], network=str(tiny_network))
    assert recording.sources == ["img2.png", "img10.png"]
    failed = [each["source"] for each in recording.summary["failed"]]
    assert failed == [str(folder / "gone.png"), "bad.png"]


@pytest.mark.parametrize("name", ["gone.png", "bad.png"])
def test_one_bad_file_alone_is_an_error(folder: Path, tiny_network: Path, name: str) -> None:
    (folder / "bad.png").write_bytes(b"")
    with pytest.raises(SourceError, match=name):
        mien.analyze(folder / name, network=str(tiny_network))


def test_no_path_at_all() -> None:
    with pytest.raises(SourceError, match="expected a path, received none"):
        mien.analyze([])


def test_wrong_choices_are_errors(folder: Path, tiny_network: Path) -> None:
    with pytest.raises(ConfigError, match="min_face_px"):
        mien.analyze(folder, network=str(tiny_network), min_face_px=1)
    with pytest.raises(ConfigError, match="colour"):
        mien.analyze(folder, colour="red")
    with pytest.raises(ModelError, match=r"gone\.onnx"):
        mien.analyze(folder, network="gone.onnx")
