"""`mien crowd`: what it prints, writes and refuses, and what it has no option for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cli.helpers import Run
from places.made import crowd_picture, made_crowds


@pytest.fixture(scope="module")
def square(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of 26 people."""
    image, people = crowd_picture(shared, (960, 540), 26, (24, 50), 0.5)
    assert len(people) == 26
    path = tmp_path_factory.mktemp("square") / "square.png"
    Image.fromarray(image).save(path)
    return path


@pytest.fixture
def yunet(shared: Path) -> tuple[str, Path]:
    return "--detector-model", shared / "models" / "face_detection_yunet_2026may.onnx"


def test_a_photograph_is_counted_in_groups(run: Run, square: Path, yunet: tuple[str, Path]) -> None:
    ran = run("crowd", square, *yunet, "--grid", "2x1")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    seen, read = (int(part.split()[0]) for part in lines[0].split(", "))
    assert lines[0] == f"{seen} faces seen, {read} read"
    assert 24 <= read <= seen <= 27
    assert lines[1].startswith("  neutral ")
    assert lines[2].startswith("  valence +")
    assert "tension" in lines[2]
    assert any(line.startswith("faces by size in pixels: ") for line in lines)
    folder = Path("mien-crowd")
    assert sorted(path.name for path in folder.iterdir()) == [
        "crowd.csv", "crowd.jpg", "crowd.json", "crowd.png"
    ]  # fmt: skip
    with Image.open(folder / "crowd.jpg") as picture:
        assert picture.size == (960, 540)
    assert [path.name for path in Path().iterdir()] == ["mien-crowd"]


def test_json_is_what_the_file_holds(run: Run, square: Path, yunet: tuple[str, Path]) -> None:
    ran = run("crowd", square, *yunet, "--json", "--no-picture", "--out", "here")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    files = told.pop("files")
    assert files == [str(Path("here") / name) for name in ("crowd.json", "crowd.csv", "crowd.png")]
    assert told == json.loads(Path("here", "crowd.json").read_text())
    assert told["moments"][0]["whole"]["faces"] >= 24
    assert told["settings"]["least"] == 10


def test_a_film_is_told_interval_by_interval(
    run: Run, shared: Path, tmp_path: Path, yunet: tuple[str, Path]
) -> None:
    image, _ = crowd_picture(shared, (700, 400), 14, (24, 44), 0.0, seed=2)
    film = tmp_path / "film.mp4"
    made_crowds.write_film(film, (made_crowds.moving_camera(image, (640, 360), n / 4) for n in range(16)), 4)
    ran = run("crowd", film, *yunet, "--interval", "2", "--out", "here")
    assert ran.code == 0, ran.err
    told = [line for line in ran.out.splitlines() if " faces seen, " in line]
    assert [line.split()[0] for line in told] == ["0:00-0:02", "0:02-0:04"]
    assert Path("here", "crowd.mp4").stat().st_size > 1000


def test_too_few_people_have_no_figures(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    Image.new("RGB", (1, 1)).save(path)
    ran = run("crowd", path, "--detector", "mtcnn")
    assert ran.code == 0, ran.err
    assert ran.out.startswith(
        "0 faces seen, 0 read\n  too few faces were read at the same time for any figures\n"
    )
    assert json.loads(Path("mien-crowd", "crowd.json").read_text())["moments"][0]["whole"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--least", "1"), 2, "expected at least 10 faces in a cell, received 1: with fewer, a figure would"),
        (("--grid", "big"), 2, "grid: expected columns and rows such as 4x3, received 'big'"),
        (("--interval", "0"), 2, "interval: expected at least 1 s, received 0"),
        (("--read-from", "8"), 2, "faces are read from 16 pixels on, received 8"),
        (("--false-alarm-hours", "0"), 2, "false alarms: expected at most one in 30 intervals"),
        (("--network", "paper"), 1, "network paper was not calibrated for counting many faces"),
        ((), 1, "broken.jpg"),
    ],
)
def test_wrong_use_and_broken_files_are_told_in_a_line(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    ran = run("crowd", broken, "--detector", "mtcnn", *arguments)
    assert ran.code == code
    [line] = ran.errors
    assert told in line
    assert not Path("mien-crowd").exists()


def test_there_is_no_option_for_a_single_face(run: Run) -> None:
    """To select, follow, export or search for somebody; docs/crowds.md says why."""
    options = {word for word in run("crowd", "--help").out.split() if word.startswith("--")}
    assert {option.strip(",.") for option in options} <= {
        "--out", "--grid", "--least", "--read-from", "--interval", "--false-alarm-hours", "--minutes",
        "--picture", "--no-picture", "--detector", "--detector-model", "--network", "--fps", "--json",
        "--help",
    }  # fmt: skip
