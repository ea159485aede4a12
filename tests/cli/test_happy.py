"""`mien happy`: the lines and the JSON, for a man who smiles and for a film without a face."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cli.helpers import Run, save_clip
from mien.cli.happy import _print
from mien.cli.videos import result_stems
from mien.videos.happy import HappyReading, HappyWindow


def test_a_man_who_smiles_at_the_end_in_json(run: Run, shared: Path) -> None:
    told = run("happy", shared / "data" / "video" / "single_face.mp4", "--network", "maximum", "--json")
    [smiles] = json.loads(told.out)
    assert smiles["happy"]
    assert smiles["face_share"] == 1
    assert smiles["probability"] == max(window["probability"] for window in smiles["windows"])


def test_lines_name_the_happy_seconds_and_a_film_without_a_face(capsys: pytest.CaptureFixture[str]) -> None:
    windows = tuple(
        HappyWindow(start, start + 2.0, said)
        for start, said in ((0.0, 0.1), (1.0, 0.7), (2.0, 0.8), (3.0, None))
    )
    reading = HappyReading("film.mp4", "maximum", 5.0, 0.9, 0.8, True, 0.5, windows)
    _print(reading)
    _print(replace(reading, probability=None, happy=None, windows=()))
    assert capsys.readouterr().out.splitlines() == [
        "film.mp4: happiness (probability 0.80, threshold 0.50, by maximum); a face in 90% of 5.0 s",
        "       1.0 to 4.0 s",
        "film.mp4: no face in 5.0 s of video",
    ]


def test_what_cannot_be_answered_is_one_line(run: Run, tmp_path: Path) -> None:
    ran = run("happy", tmp_path / "none.mp4", "--network", "maximum")
    assert (ran.code, "none.mp4" in ran.err) == (1, True)
    assert "no such network for clips" in run("happy", "portrait", "--network", "mine.onnx").err
    (tmp_path / "any.png").write_bytes(b"")
    assert "use `mien happy VIDEO`" in run("analyze", tmp_path, "--network", "happy-video").err
    (tmp_path / "clips.csv").write_text("path,label\nclip.mp4,happiness\n")
    assert "person missing" in run("train", tmp_path / "clips.csv", "--recipe", "happy-video").err
    ran = run("train", tmp_path / "clips.csv", "--recipe", "happy-video", "--votes", "fer.csv")
    assert "learns from clips; --votes is for faces" in ran.err


def test_results_of_two_videos_of_one_name_lie_beside_each_other(
    run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8]
) -> None:
    films = {"smile": small_portrait, "grey": np.full_like(small_portrait, 90)}
    paths = [tmp_path / folder / "film.mp4" for folder in films]
    for path, image in zip(paths, films.values(), strict=True):
        path.parent.mkdir()
        save_clip(path, [image] * 4)
    ran = run("happy", *paths, "--network", "maximum", "--out", "out")
    assert ran.code == 0, ran.err
    names = [f"film{number}-happy.{suffix}" for number in ("", "-2") for suffix in ("json", "png")]
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(names)
    assert [line.split()[-1] for line in ran.out.splitlines() if "-happy." in line] == [
        str(Path("out", name)) for name in names
    ]
    written = [json.loads(Path("out", name).read_text("utf-8")) for name in names[::2]]
    assert [each["happy"] is None for each in written] == [False, True]
    told = json.loads(run("happy", *paths, "--network", "maximum", "--json").out)
    assert told == [each | {"files": []} for each in written]
    for name in names[1::2]:
        with Image.open(Path("out", name)) as picture:
            assert picture.width > 1000


def test_no_video_is_overwritten_by_results(run: Run, tmp_path: Path) -> None:
    film = tmp_path / "film-happy.png"
    film.write_bytes(b"mine")
    ran = run("happy", tmp_path / "film.mp4", film, "--out", tmp_path)
    assert (ran.code, len(ran.errors)) == (2, 1)
    assert "film-happy.png, which is read" in ran.errors[0]
    assert film.read_bytes() == b"mine"


def test_names_that_differ_in_case_only_are_one_to_some_disks() -> None:
    assert result_stems(["a/Film.mp4", "b/film.mov", "film-2.mp4"]) == ["Film", "film-2", "film-2-2"]
