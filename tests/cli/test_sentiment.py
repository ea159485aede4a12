"""`mien sentiment`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cli.helpers import Run
from tiny_sentiment import film_with_a_bright_second, tiny_sentiment


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Path, Path]:
    """A film, and a network that was made for scenes."""
    return film_with_a_bright_second(tmp_path), tiny_sentiment(tmp_path)


def test_without_a_face_it_says_so(scene: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    ran = run("sentiment", scene[0], "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[0] == "film.mp4: no face in 6 s; no answer"
    told = json.loads((tmp_path / "out" / "film-sentiment.json").read_text())
    assert (told["category"], told["polarity"], told["moments"]) == (None, None, [])
    course = pd.read_csv(tmp_path / "out" / "film-sentiment.csv")
    assert course["attention"].isna().all()


def test_the_command_says_what_counted_and_writes_its_files(
    scene: tuple[Path, Path], run: Run, tmp_path: Path
) -> None:
    film, network = scene
    ran = run("sentiment", film, film, "--network", network, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("film.mp4: positive (")
    assert any(line.startswith("  counted  0:03 to 0:04: ") for line in lines)
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "film-2-sentiment.csv", "film-2-sentiment.json", "film-2-sentiment.png",
        "film-sentiment.csv", "film-sentiment.json", "film-sentiment.png",
    ]  # fmt: skip


def test_json(scene: tuple[Path, Path], run: Run) -> None:
    film, network = scene
    [told] = json.loads(run("sentiment", film, "--network", network, "--json").out)
    assert told["seen"] == "scene"
    assert told["moments"][0]["start_s"] == 3


def test_a_network_for_faces_is_no_network_for_clips(
    run: Run, tiny_network: Path, scene: tuple[Path, Path]
) -> None:
    ran = run("sentiment", scene[0], "--network", tiny_network)
    assert ran.code == 1
    assert "not the sidecar of a network of clips" in ran.errors[0]


def test_a_film_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    ran = run("sentiment", tmp_path / "broken.mp4")
    assert (ran.code, len(ran.errors)) == (1, 1)
    assert "broken.mp4" in ran.errors[0]
