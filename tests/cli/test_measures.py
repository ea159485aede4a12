"""`mien analyze --measures --landmarks`, with a network that finds a known face in every frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mien
from cli.helpers import Run, save_clip
from landmark_network import save_landmark_network
from mien.errors import ConfigError
from mien.labels import MEASURES, SHAPE
from mien.table import COLUMNS, POINTS, read_table

OUT = Path("mien-results")


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return save_landmark_network(tmp_path, yaw=12, pitch=-7, roll=5)


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Two seconds in which every frame is a face."""
    return save_clip(
        tmp_path / "crops.mp4", [np.full((64, 64, 3), grey, np.uint8) for grey in range(90, 110)]
    )


def test_without_the_switches_the_table_is_as_ever(run: Run, crops: Path, network: Path) -> None:
    assert run("analyze", crops, "--crops", "--network", network).code == 0
    assert tuple(read_table(OUT / "table.csv").columns) == COLUMNS


def test_measures_come_with_their_changes_once_a_neutral_face_is_known(
    run: Run, crops: Path, network: Path
) -> None:
    ran = run("analyze", crops, "--crops", "--network", network, "--measures")
    assert (ran.code, ran.err) == (0, "")
    table = read_table(OUT / "table.csv")
    assert tuple(table.columns) == (*COLUMNS, *MEASURES)
    np.testing.assert_allclose(table[["yaw", "pitch", "roll"]], [[12, -7, 5]] * 20, atol=0.02)
    assert table[list(SHAPE)].notna().all(axis=None)
    changes = table.filter(like="_change")
    known = table["time_s"] >= 1.0
    assert changes[~known].isna().all(axis=None)
    assert (changes[known].abs() < 1e-3).all(axis=None)
    assert (OUT / "crops.png").exists()


def test_landmarks_are_pixels_of_the_frame(run: Run, crops: Path, network: Path) -> None:
    run("analyze", crops, "--crops", "--network", network, "--landmarks", "--no-plot")
    table = read_table(OUT / "table.csv")
    assert tuple(table.columns) == (*COLUMNS, *POINTS)
    assert table[["lm_27_x", "lm_27_y"]].to_numpy().tolist() == [[32.0, 25.6]] * 20


def test_parquet_and_python_hold_the_same(run: Run, crops: Path, network: Path, tmp_path: Path) -> None:
    switches = ("--crops", "--network", network, "--measures", "--landmarks", "--no-plot")
    run("analyze", crops, *switches)
    from_csv = read_table(OUT / "table.csv")
    run("analyze", crops, *switches, "--format", "parquet")
    pd.testing.assert_frame_equal(read_table(OUT / "table.parquet"), from_csv)
    recording = mien.analyze(crops, crops=True, network=str(network), measures=True, landmarks=True)
    pd.testing.assert_frame_equal(recording.frame, from_csv)
    saved = recording.save(tmp_path / "saved", plots=False)
    pd.testing.assert_frame_equal(read_table(saved[0]), from_csv)


def test_resume_reads_again_what_had_no_measures(
    run: Run, crops: Path, network: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"")
    command = ("analyze", crops, bad, "--crops", "--network", network, "--no-plot", "--resume", "--jobs", 1)
    assert run(*command).code == 1
    assert run(*command, "--measures").code == 1
    assert tuple(read_table(OUT / "table.csv").columns) == (*COLUMNS, *MEASURES)


@pytest.mark.parametrize("switch", ["--measures", "--landmarks"])
def test_a_network_without_landmarks_is_refused(
    run: Run, crops: Path, tiny_network: Path, switch: str
) -> None:
    ran = run("analyze", crops, "--network", tiny_network, switch)
    assert ran.code == 2
    (error,) = ran.errors
    assert "finds none" in error
    assert "--network mien" in error
    assert not OUT.exists()


def test_python_is_refused_too(crops: Path, tiny_network: Path) -> None:
    with pytest.raises(ConfigError, match="finds none"):
        mien.analyze(crops, network=str(tiny_network), measures=True)


def test_each_input_has_its_own_neutral_face(run: Run, crops: Path, network: Path, tmp_path: Path) -> None:
    short = save_clip(tmp_path / "short.mp4", [np.full((64, 64, 3), 100, np.uint8)] * 5)
    run("analyze", crops, short, "--crops", "--network", network, "--measures", "--no-plot", "--jobs", 1)
    table = read_table(OUT / "table.csv")
    assert table.loc[table["source"] == "short.mp4", "smile_width_change"].isna().all()
    assert [r["source"] for r in json.loads((OUT / "summary.json").read_text())["recordings"]] == [
        "crops.mp4", "short.mp4"
    ]  # fmt: skip
