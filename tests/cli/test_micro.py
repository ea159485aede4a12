"""`mien micro`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cli.helpers import Run, save_clip


def test_a_film_without_a_face_says_so(run: Run, tmp_path: Path) -> None:
    path = save_clip(tmp_path / "wall.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 12, rate_hz=25)
    ran = run("micro", path)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[:2] == [
        "wall.mp4: 0.5 s at 25 frames a second, a face in view for 0.0 s",
        "note: no face was found: nothing can be said of it",
    ]
    assert json.loads(Path("mien-micro/micro.json").read_text())["movements"] == []
    assert Path("mien-micro/micro.csv").read_text() == "time_s,brows,mouth,eyes\n"
    assert Path("mien-micro/micro.png").read_bytes()[:4] == b"\x89PNG"


def test_a_still_face_has_no_movements(run: Run, portrait: NDArray[np.uint8], tmp_path: Path) -> None:
    path = save_clip(tmp_path / "still.mp4", [portrait[:560, :400]] * 12, rate_hz=25)
    ran = run("micro", path, "--json", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["movements"] == []
    assert [Path(each).name for each in told["files"]] == ["micro.csv", "micro.json", "micro.png"]
    assert "a movement of 40 ms is one frame" in told["notes"][0]


def test_one_frame_and_a_wrong_threshold_are_refused(run: Run, tmp_path: Path) -> None:
    path = save_clip(tmp_path / "one.mp4", [np.full((120, 160, 3), 90, np.uint8)])
    ran = run("micro", path, "--out", tmp_path / "out")
    assert ran.code == 1
    assert ran.errors == ["one.mp4: expected a film, received a single frame, in which nothing can move"]
    ran = run("micro", path, "--threshold", 0)
    assert ran.code == 2
    assert ran.errors == ["threshold: expected a number above 0, received 0"]
    assert not (tmp_path / "out").exists()


def test_what_the_recipe_refuses_is_one_line(run: Run, tmp_path: Path) -> None:
    ran = run("train", tmp_path, "--recipe", "micro")
    assert (ran.code, "no table of micro-expressions" in ran.err) == (1, True)
    ran = run("train", tmp_path, "--recipe", "micro", "--minutes", "5")
    assert (ran.code, "takes no minutes" in ran.err) == (2, True)
    assert "--votes is for faces" in run("train", tmp_path, "--recipe", "micro", "--votes", "fer.csv").err
