"""`mien summarize`: what it writes, and what it says of films that can't be summarised."""

from __future__ import annotations

import json
import re
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from cli.helpers import Run, save_clip
from mien.config import Settings
from mien.errors import ConfigError
from mien.videos.summary.course import attending
from mien.videos.summary.words import WAY_IN
from source.clips import cut
from videos.summary import films

FILES = ["chapters.vtt", "storyboard.png", "summary.html", "summary.json", "summary.mp4"]


@pytest.fixture
def portrait_film(tmp_path: Path, small_portrait: NDArray[np.uint8]) -> Path:
    """Four seconds: the portrait, with a tone for each."""
    return films.write_film(tmp_path / "<b>film.mp4", 4, size_wh=(256, 300), image=small_portrait)


@pytest.mark.main_path
def test_film_storyboard_page_chapters_and_figures_agree(run: Run, portrait_film: Path) -> None:
    ran = run("summarize", portrait_film, "--length", "40%", "--out", "out")
    assert ran.code == 0, ran.err
    assert sorted(path.name for path in Path("out").iterdir()) == FILES
    told = json.loads(Path("out/summary.json").read_text("utf-8"))
    assert 0 < told["length_s"] <= told["wanted_s"] == pytest.approx(0.4 * 3.9, abs=0.03)
    (piece,) = told["pieces"]
    assert piece["reason"] in ran.out
    assert WAY_IN in ran.out
    with av.open("out/summary.mp4") as film:
        assert film.duration / av.time_base == pytest.approx(told["length_s"], abs=0.15)
        assert [each["metadata"]["title"] for each in film.chapters()] == [
            f"0:0{piece['start_s']:.1f} {piece['reason']}"
        ]
    assert films.sound_at(Path("out/summary.mp4"), 0.2) == pytest.approx(
        films.tone_hz(int(piece["start_s"] + 0.2)), abs=10
    )
    cues = Path("out/chapters.vtt").read_text("utf-8")
    assert cues.startswith("WEBVTT\n")
    assert f"00:00:00.000 --> 00:00:0{told['length_s']:.3f}" in cues
    with Image.open("out/storyboard.png") as board:
        assert board.width > 400
    page = Path("out/summary.html").read_text("utf-8")
    assert WAY_IN in page
    assert "<b>film" not in page
    # Nothing is asked of another computer: the only address is the name of SVG's elements.
    assert set(re.findall(r"https?://[^\s\"']+", page)) == {"http://www.w3.org/2000/svg"}
    assert 'src="//' not in page


def test_python_gives_the_same_and_writes_nothing_unasked(portrait_film: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    summary = mien.summarize(portrait_film, "1.6s")
    assert isinstance(summary, mien.Summary)
    assert sorted(tmp_path.rglob("*")) == before
    assert summary.files == ()
    assert summary.pieces[0].reason
    assert repr(summary) == f"<Summary of <b>film.mp4: 1 piece, {summary.length_s:.1f} of 3.9 s>"


def test_the_attention_is_that_of_the_films_sentiment(portrait_film: Path) -> None:
    summary = mien.summarize(portrait_film, "1.6s", fps=5)
    assert summary.course is not None
    assert summary.course.attention is not None
    seconds = mien.sentiment(portrait_film, fps=5).course["attention"].to_numpy()
    assert summary.course.attention[[0, 9, 10, 35]] == pytest.approx(seconds[[0, 0, 1, 3]], abs=1e-5)
    without = mien.summarize(portrait_film, "1.6s", fps=5, attention="off")
    assert without.course is not None
    assert without.course.attention is None
    settings = Settings(network="zhou")
    assert attending("auto", settings) is None
    shipped = Path(mien.__file__).parent / "models/videos/video-sentiment.onnx"
    with pytest.raises(ConfigError, match="looks at what mien says, and the film is read by zhou"):
        attending(shipped, settings)


def test_a_film_without_a_face_is_answered_and_an_earlier_summary_is_not_left(
    run: Run, tmp_path: Path
) -> None:
    film = films.write_film(tmp_path / "grey.mp4", 3)
    Path("out").mkdir()
    Path("out/summary.mp4").write_bytes(b"old")
    Path("out/mine.txt").write_bytes(b"mine")
    ran = run("summarize", film, "--out", "out")
    assert (ran.code, ran.err) == (0, "")
    assert "no face in grey.mp4: there is nothing to choose by" in ran.out
    assert sorted(path.name for path in Path("out").iterdir()) == ["mine.txt", "summary.json"]
    asked = run("summarize", film, "--json", "--out", "out")
    assert json.loads(asked.out)["pieces"] == []


def test_a_neutral_face_that_was_not_found_has_a_note(run: Run, tmp_path: Path) -> None:
    film = films.write_film(tmp_path / "grey.mp4", 2)
    ran = run("summarize", film, "--out", "out", "--neutral", "first:1s")
    assert ran.code == 0, ran.err
    said = "neutral: a usable face for only 0.0 of the first 1 s, and "
    assert f"note: {said}" in ran.out
    assert json.loads(Path("out/summary.json").read_text("utf-8"))["notes"][-1].startswith(said)


def test_a_film_of_one_frame_is_answered(run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8]) -> None:
    ran = run(
        "summarize", save_clip(tmp_path / "one.mp4", [small_portrait]), "--out", "out", "--length", "60s"
    )
    assert ran.code == 0, ran.err
    assert "note: no face is seen for long enough to make a piece of it" in ran.out
    assert not Path("out/summary.mp4").exists()


def test_a_truncated_film_without_sound_is_summarised_as_far_as_it_goes(
    run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8]
) -> None:
    noise = np.random.default_rng(0).integers(0, 24, (50, *small_portrait.shape), np.uint8)
    images = [np.minimum(small_portrait, 230) + each for each in noise]
    whole = save_clip(tmp_path / "cut.mkv", images)
    ran = run("summarize", cut(whole, 0.6), "--length", "1s", "--out", "out")
    assert ran.code == 0, ran.err
    assert "note: the film has no sound" in ran.out
    assert "truncated after" in ran.out or "note: damaged" in ran.out
    with av.open("out/summary.mp4") as film:
        assert not film.streams.audio


def test_what_cannot_be_summarised_is_said_in_one_line(
    run: Run, portrait_film: Path, portrait_path: Path
) -> None:
    for arguments, words in {
        ("--length", "60s"): "is 3.9 s long, and a summary has to be shorter; received 1 min",
        ("--length", "long"): "expected seconds or a share of the film above 0, such as 60s, 2m or 15%",
        ("--usual", "5"): "--usual: expected seconds FROM-TO such as 0-30",
        ("--usual", "4-9"): "is 3.9 s long, and has no second 4",
    }.items():
        ran = run("summarize", portrait_film, *arguments)
        assert ran.code == 2
        assert words in " ".join(ran.errors)
    ran = run("summarize", portrait_path)
    assert "expected a video, received a photograph" in " ".join(ran.errors)
    assert ran.code == 1
    for out in (portrait_film, portrait_film / "out"):
        ran = run("summarize", portrait_film, "--out", out)
        assert "is a file; choose another folder" in ran.errors[0]
        assert ran.code == 1
    assert "no such file" in " ".join(run("summarize", "nowhere.mp4").errors)
    for span in ((5.0, 2.0), (-1.0, 2.0), (0.0, float("nan"))):
        with pytest.raises(ConfigError, match="usual: expected seconds from one to a later one"):
            mien.summarize(portrait_film, "1s", usual=span)


def test_a_summary_never_overwrites_its_film(run: Run, portrait_film: Path) -> None:
    inside = portrait_film.rename(portrait_film.with_name("summary.mp4"))
    before = inside.read_bytes()
    ran = run("summarize", inside, "--out", inside.parent)
    assert ran.code == 2
    assert "is the film itself; choose another folder" in ran.errors[0]
    assert inside.read_bytes() == before
    with pytest.raises(ConfigError, match="is the film itself"):
        mien.summarize(inside, "1s", out=inside.parent)


@pytest.mark.exhaustive
def test_others_are_blurred_and_the_main_face_is_not(
    run: Run, tmp_path: Path, portrait: NDArray[np.uint8]
) -> None:
    large = np.asarray(Image.fromarray(portrait).resize((256, 300)))
    small = np.asarray(Image.fromarray(portrait).resize((170, 200)))
    image = np.full((300, 480, 3), 90, np.uint8)
    image[:, :256], image[50:250, 290:460] = large, small
    film = films.write_film(tmp_path / "two.mp4", 2, size_wh=(480, 300), image=image)
    ran = run("summarize", film, "--length", "1s", "--out", "out", "--blur-others")
    assert ran.code == 0, ran.err
    assert "note: several faces are seen" in ran.out
    with av.open("out/summary.mp4") as made:
        frames = [frame.to_ndarray(format="rgb24").astype(float) for frame in made.decode(video=0)]
    (face,) = (each for each in mien.read(image) if each.xyxy[0] > 256)
    left, top, right, bottom = map(int, face.xyxy)
    for frame in frames:
        assert np.abs(frame[:, :230] - image[:, :230]).mean() < 6
        assert (
            frame[top:bottom, left:right].std(axis=(0, 1)).mean()
            < 0.7 * image[top:bottom, left:right].std(axis=(0, 1)).mean()
        )
        assert len([each for each in mien.read(frame.astype(np.uint8)) if each.xyxy[0] > 256]) == 0
    page = Path("out/summary.html").read_text("utf-8")
    assert '"recording": null' in page  # where nobody is blurred


@pytest.mark.exhaustive
def test_crying_covering_and_laughter_are_all_in_a_fifth_of_the_film(run: Run, shared: Path) -> None:
    ran = run("summarize", shared / "data/video/grief.mp4", "--length", "20%", "--out", "out", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["missing"] == []
    assert told["length_s"] <= 0.2 * 19.7
    for start_s, end_s in ((0, 6), (6, 9.5), (9.5, 19.7)):
        shown = sum(
            max(0, min(end_s, each["end_s"]) - max(start_s, each["start_s"])) for each in told["pieces"]
        )
        assert shown >= 0.5
    states = {each["state"] for each in told["pieces"]}
    assert {"sadness", "face partly covered", "happiness"} <= states
