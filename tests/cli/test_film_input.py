"""What people give to `mien happy`, `sentiment` and `summarize` by mistake, and Ctrl-C in the middle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

import mien.videos.summary.pages
from cli.helpers import Ran, Run, save_clip
from mien.show.video import ClipWriter

COMMANDS = ["happy", "sentiment", "summarize"]


@pytest.fixture
def film(tmp_path: Path, small_portrait: NDArray[np.uint8]) -> Path:
    """Three seconds of a face."""
    noise = np.random.default_rng(0).integers(0, 24, (30, *small_portrait.shape), np.uint8)
    return save_clip(tmp_path / "film.mp4", [np.minimum(small_portrait, 230) + each for each in noise])


@pytest.mark.parametrize("name", ["missing.mp4", "missing.jpg", "missing", "film.mp4/inside.mp4"])
def test_what_is_missing_is_said_alike(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    path = tmp_path / name
    said = {
        tuple(run(command, path).errors) for command in (*COMMANDS, "analyze", "micro", "infant", "crowd")
    }
    assert said == {(f"{path}: there is no such file or folder; check the spelling",)}


@pytest.mark.parametrize(
    "command",
    [
        ("agree", "gone.csv", "gone.csv"),
        ("cohort", "gone.csv", "--label", "group"),
        ("convert", "gone", "--to", "csv", "--out", "out.csv"),
        ("signals", "gone.edf"),
        ("import", "gone.zip"),
        ("train", "gone.csv"),
        ("train", "gone.csv", "--recipe", "happy-video"),
    ],
    ids=lambda command: " ".join(command[:1]),
)
def test_tables_and_others_that_are_missing_are_said_so_too(run: Run, command: tuple[str, ...]) -> None:
    ran = run(*command)
    assert ran.code == 1
    assert "there is no such file or folder" in ran.errors[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_photograph_that_is_called_a_film_is_named(run: Run, photos: Path, command: str) -> None:
    path = (photos / "img2.jpg").rename(photos / "img2.mp4")
    ran = run(command, path)
    assert (ran.code, ran.out) == (1, "")
    assert ran.errors == [
        f"{path}: expected a video by its name, received a photograph; rename it, for example to img2.jpg"
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_film_of_one_frame_or_without_a_face_is_answered_and_plotted(
    run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8], command: str
) -> None:
    for name, image in (("one", small_portrait), ("grey", np.full_like(small_portrait, 90))):
        ran = run(command, save_clip(tmp_path / f"{name}.mp4", [image]), "--out", name, "--json")
        assert (ran.code, ran.err) == (0, "")
        told = json.loads(ran.out)
        files = (told if command == "summarize" else told[0])["files"]
        assert files
        assert all(Path(each).stat().st_size for each in files)


@pytest.mark.parametrize("length", ["0", "0s", "0%", "100%", "200%", "-5", "3.5", "1h", "nan", ""])
def test_a_length_that_cannot_be_is_refused_before_the_film_is_read(
    run: Run, film: Path, monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    monkeypatch.setattr("mien.videos.summary.api.read_course", interrupted)
    ran = run("summarize", film, "--length", length)
    assert (ran.code, len(ran.errors)) == (2, 1)
    assert ran.errors[0].startswith("length: ")
    assert list(Path().iterdir()) == []


def interrupted(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


def after(half: int, method: Any) -> Any:
    """Let a method be called so many times, then be interrupted."""
    calls = iter(range(half))

    def called(*arguments: Any, **named: Any) -> Any:
        next(calls, None) is None and interrupted()  # type: ignore[func-returns-value]
        return method(*arguments, **named)

    return called


def all_of(folder: str) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in Path(folder).iterdir()}


def is_interrupted(ran: Ran) -> bool:
    return (ran.code, ran.out, ran.errors) == (130, "", ["interrupted"])


@pytest.mark.parametrize("command", ["happy", "sentiment"])
def test_ctrl_c_while_the_plot_is_written_leaves_no_half_result(
    run: Run, film: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    def half(_: Figure, path: Path, **__: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", half)
    assert is_interrupted(run(command, film, "--out", "out"))
    assert all_of("out") == {}


@pytest.mark.parametrize("where", ["in the film", "at the storyboard"])
def test_ctrl_c_while_a_summary_is_written_leaves_the_earlier_one(
    run: Run, film: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    options = ("--length", "1.2s", "--out", "out")
    assert run("summarize", film, *options).code == 0
    before = all_of("out")
    assert len(before) == 5
    if where == "in the film":
        monkeypatch.setattr(ClipWriter, "write", after(5, ClipWriter.write))
    else:
        monkeypatch.setattr(mien.videos.summary.pages, "storyboard", interrupted)
    assert is_interrupted(run("summarize", film, *options, "--length", "2s"))
    assert all_of("out") == before


def test_ctrl_c_in_the_second_video_keeps_the_first_ones_results(
    run: Run, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.png"
    Image.new("RGB", (64, 64)).save(other)
    read = mien.videos.happy.happy  # type: ignore[attr-defined]
    monkeypatch.setattr("mien.videos.happy.happy", after(1, read))
    ran = run("happy", other, film, "--out", "out")
    assert (ran.code, ran.errors) == (130, ["interrupted"])
    assert sorted(all_of("out")) == ["other-happy.json", "other-happy.png"]
