"""`mien simulate clips`: films with their truth beside them, the same by the same seed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cli.helpers import Run
from mien.videos.made.plan import Wishes
from mien.videos.made.write import write_clips


@pytest.fixture(scope="module")
def people(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of London's people, as a user's folder would hold them."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "people.csv").write_text("id,age\n001,24\n003,38\n")
    for kind in ("neutral", "smiling"):
        (folder / kind).mkdir()
        for code in ("001", "003"):
            photograph = shared / "data" / "people" / "london" / kind / f"{code}.jpg"
            (folder / kind / f"{code}.jpg").write_bytes(photograph.read_bytes())
    return folder


def test_a_set_is_written_with_its_truth(run: Run, people: Path, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    ran = run(
        "simulate", "clips", folder, "--people", people, "--count", 3, "--seconds", "1-1.2", "--size", 128,
        "--fps", 8, "--seed", 5,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "3 clips" in ran.out
    table = pd.read_csv(folder / "CLIPS.csv", dtype={"person": str})
    events = pd.read_csv(folder / "events.csv")
    assert all((folder / path).stat().st_size for path in table["path"])
    assert set(table["person"]) == {"001", "003"}
    assert table.groupby("person")["split"].nunique().max() == 1
    assert set(table["path"][table["label"] == "happiness"]) == set(events["path"])
    assert table["onset_s"].notna().sum() == len(events)
    assert "CC BY 4.0" in (folder / "README.md").read_text()
    again = write_clips(
        tmp_path / "again",
        3,
        Wishes(seconds=(1, 1.2), size_px=128, frames_per_second=8, seed=5),
        people=people,
    )
    assert [row["onset_s"] for row in again if row["onset_s"]] == table["onset_s"].dropna().tolist()
    for path in table["path"]:
        assert (folder / path).read_bytes() == (tmp_path / "again" / path).read_bytes()
    ran = run("simulate", "clips", folder, "--people", people)
    assert ran.code != 0
    assert "new or an empty folder" in ran.err


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--fps", "0", "fps: expected 5 to 240, received 0"),
        ("--fps", "nan", "fps: expected 5 to 240, received nan"),
        ("--seconds", "4-2", "the shorter first, received 4-2"),
        ("--seconds", "nan", "received nan-nan"),
        ("--seconds", "soon", "expected a length such as 3, or 2-4, received 'soon'"),
        ("--size", "97", "expected an even number from 96 to 1280, received 97"),
    ],
)
def test_what_no_clip_can_be_is_refused(run: Run, option: str, value: str, words: str) -> None:
    ran = run("simulate", "clips", "made", "--people", "gone", option, value)
    assert ran.code == 2
    assert words in ran.errors[0]
    assert not Path("made").exists()


def test_people_and_faces_that_are_missing_are_said_as_any_missing_file(run: Run, tmp_path: Path) -> None:
    said = "there is no such file or folder; check the spelling"
    for option, given, missing in (
        ("--people", tmp_path / "gone", tmp_path / "gone"),
        ("--people", tmp_path, tmp_path / "people.csv"),
        ("--faces", tmp_path / "gone.parquet", tmp_path / "gone.parquet"),
    ):
        ran = run("simulate", "clips", tmp_path / "made", option, given)
        assert (ran.code, ran.errors) == (1, [f"{missing}: {said}"])
    table = tmp_path / "people.csv"
    table.write_text("id\n")
    ran = run("simulate", "clips", tmp_path / "made", "--people", table)
    assert (ran.code, ran.errors) == (1, [f"{table}: expected a folder with people.csv, received a file"])
    assert not (tmp_path / "made").exists()
