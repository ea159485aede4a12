"""Several videos in one command: a bad one is named, the others are answered, and the exit code tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien.videos.happy
from cli.helpers import Run, save_clip
from mien.errors import OutputError

COMMANDS = ["happy", "sentiment"]


@pytest.fixture
def videos(tmp_path: Path) -> list[Path]:
    """Two grey films, between them a text, and one that is missing."""
    good = [
        save_clip(tmp_path / name, [np.full((64, 96, 3), 90, np.uint8)] * 3) for name in ("a.mp4", "d.mp4")
    ]
    (tmp_path / "b.mp4").write_text("dear diary\n" * 100)
    return [good[0], tmp_path / "b.mp4", tmp_path / "c.mp4", good[1]]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_others_are_answered_and_written(run: Run, videos: list[Path], command: str) -> None:
    ran = run(command, *videos, "--out", "out")
    assert ran.code == 1
    answered = [line.partition(":")[0] for line in ran.out.splitlines() if ": no face in" in line]
    assert answered == ["a.mp4", "d.mp4"]
    assert [error.partition(":")[0] for error in ran.errors] == [str(each) for each in videos[1:3]]
    assert "there is no such file or folder" in ran.errors[1]
    assert ran.err.splitlines()[2:] == ["mien: 2 of 4 videos were read"]
    written = sorted(each.name for each in Path("out").glob("*.json"))
    assert written == [f"a-{command}.json", f"d-{command}.json"]
    assert len(list(Path("out").glob("*.png"))) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_each_has_its_place_in_json(run: Run, videos: list[Path], command: str) -> None:
    ran = run(command, *videos, "--json")
    assert ran.code == 1
    told = json.loads(ran.out)
    assert [each["source"] for each in told] == ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]
    assert [each.get("error") for each in told] == [None, *ran.errors, None]
    assert set(told[1]) == {"source", "error"}


def test_a_mistake_of_ours_in_one_is_told_and_the_others_are_read(
    run: Run, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = mien.videos.happy.happy

    def odd(path: Path, **how: Any) -> mien.videos.happy.HappyReading:
        if path == videos[0]:
            raise ZeroDivisionError("by nought")
        return read(path, **how)

    monkeypatch.setattr(mien.videos.happy, "happy", odd)
    ran = run("happy", videos[0], videos[3])
    assert (ran.code, ran.out) == (1, "d.mp4: no face in 0.3 s of video\n")
    assert ran.errors == [f"cannot read {videos[0]}: ZeroDivisionError: by nought"]
    assert "Traceback" not in ran.err
    assert "Traceback" in run("happy", videos[0], "--debug").err


def test_what_would_stop_every_video_stops_the_first(
    run: Run, videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("cannot write out: the disk is full")

    monkeypatch.setattr(mien.videos.happy.HappyReading, "save", full)
    ran = run("happy", videos[0], videos[3], "--out", "out")
    assert (ran.code, ran.errors) == (1, ["cannot write out: the disk is full"])
    ran = run("happy", videos[0], videos[3], "--network", "gone.onnx")
    assert (ran.code, len(ran.errors)) == (1, 1)
