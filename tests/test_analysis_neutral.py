"""`--neutral`: what can be asked for, and what it does to tables and summaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import mien
from mien.analysis.learn_neutral import chosen_neutral, parse_neutral
from mien.config import load_settings
from mien.errors import ConfigError, SourceError
from mien.source.images import read_image
from mien.table import COLUMNS


@pytest.mark.parametrize(("text", "seconds"), [("first:10s", 10), ("first:1.5s", 1.5), ("first:3", 3)])
def test_first_seconds(text: str, seconds: float) -> None:
    found = parse_neutral(text)
    assert found is not None
    assert (found.kind, found.seconds, found.asked) == ("first", seconds, text)


@pytest.mark.parametrize(
    "text",
    ["first:0s", "first:abc", "first:", "first:-3s", "first:nans", "first:1e9s", "first:0.5s", "first:3m"],
)
def test_seconds_that_cannot_be(text: str) -> None:
    with pytest.raises(ConfigError, match="expected seconds from 1 to 3600 as in first:10s"):
        parse_neutral(text)


def test_off_auto_and_what_is_nothing() -> None:
    assert parse_neutral("off") is None
    found = parse_neutral("auto")
    assert found is not None
    assert found.kind == "auto"
    for text in ("", "last:3s", "nowhere.jpg"):
        with pytest.raises(ConfigError, match="there is no such file"):
            parse_neutral(text)


def test_a_photograph_is_looked_at_at_once(portrait_path: Path) -> None:
    found = chosen_neutral(str(portrait_path), load_settings(), None)
    assert found is not None
    assert found.rest is not None
    assert found.rest.seconds == 3
    assert abs(found.rest.yaw_deg) < 30


def test_photographs_that_do_not_do(tmp_path: Path, portrait: NDArray[np.uint8], portrait_path: Path) -> None:
    settings = load_settings()
    nobody, poor, two = tmp_path / "nobody.png", tmp_path / "poor.png", tmp_path / "two.png"
    Image.fromarray(np.full((200, 200, 3), 90, np.uint8)).save(nobody)
    Image.fromarray((portrait * 0.04).astype(np.uint8)).save(poor)
    Image.fromarray(np.hstack([portrait, portrait])).save(two)
    for path, why in ((nobody, "has no face"), (two, "2 faces of about one size")):
        with pytest.raises(ConfigError, match=why):
            chosen_neutral(str(path), settings, None)
    with pytest.raises(ConfigError, match=r"too poor|no face"):
        chosen_neutral(str(poor), settings, None)
    text = tmp_path / "text.txt"
    text.write_text("neutral")
    with pytest.raises(SourceError, match="not a photograph"):
        chosen_neutral(str(text), settings, None)
    with pytest.raises(ConfigError, match="leave out --crops"):
        chosen_neutral(str(portrait_path), load_settings(crops=True), None)


def test_a_network_that_was_not_calibrated(portrait_path: Path, tiny_network: Path) -> None:
    with pytest.raises(ConfigError, match="was not calibrated for own neutral faces"):
        mien.analyze(portrait_path, neutral="auto", network=str(tiny_network))


def test_a_photograph_of_her_at_rest(portrait_path: Path) -> None:
    """She smiles in the portrait; taken as her neutral face, it is neutral."""
    usual = mien.analyze(portrait_path)
    own = mien.analyze(portrait_path, neutral=portrait_path)
    assert "neutral" not in usual.frame.columns
    assert list(own.frame.columns) == [*COLUMNS, "neutral"]
    assert own.frame["neutral"].tolist() == ["photo"]
    assert own.frame["expression"].tolist() == ["neutral"]
    told = own.summary["recordings"][0]["neutral"]
    assert (told["from"], told["readings"]) == ("photo", {"photo": 1})
    assert told["person"]["seconds"] == 3
    assert 0.9 < told["person"]["shrink"] < 1
    assert told["widened_median"] == pytest.approx(1, abs=0.05)
    # What the record stands on is nobody's own.
    for column in ("valence", "arousal", "quality"):
        assert own.frame[column].tolist() == usual.frame[column].tolist()


def test_a_photograph_has_no_first_seconds(portrait_path: Path) -> None:
    told = mien.analyze(portrait_path, neutral="first:10s")
    assert told.frame["neutral"].tolist() == ["average"]
    assert "no time" in told.summary["recordings"][0]["neutral"]["note"]


@pytest.fixture(scope="module")
def videos(shared: Path) -> Path:
    return shared / "data" / "video"


@pytest.mark.exhaustive
def test_the_man_who_smiles_later(videos: Path) -> None:
    """Neutral at first, then a broad smile: with his own neutral face it is seen as early, or earlier."""
    film = videos / "single_face.mp4"
    usual, own = mien.analyze(film).frame, mien.analyze(film, neutral="first:1s").frame
    assert set(own["neutral"]) == {"first"}
    assert (own.loc[own["time_s"] <= 0.5, "expression"] == "neutral").all()
    assert (own.loc[own["time_s"].between(1, 2.2), "expression"] == "happiness").all()
    first = [frame.loc[frame["expression"] == "happiness", "time_s"].min() for frame in (own, usual)]
    assert first[0] <= first[1]


@pytest.mark.exhaustive
def test_nobody_is_at_rest_in_tears_or_laughter(videos: Path) -> None:
    """She cries, covers her mouth, then laughs: nothing there is rest, and nothing is changed."""
    film = videos / "grief.mp4"
    usual, own = mien.analyze(film, every=4), mien.analyze(film, every=4, neutral="auto")
    told = own.summary["recordings"][0]["neutral"]
    assert (told["person"], told["readings"]) == (None, {"average": len(own.frame)})
    assert "the average neutral face was used" in told["note"]
    assert own.frame[list(COLUMNS)].equals(usual.frame)


@pytest.mark.exhaustive
def test_a_face_that_comes_later_has_nothing_to_be_read_by(videos: Path) -> None:
    """A title without a face, then the man: the first seconds say nothing of him."""
    own = mien.analyze(videos / "noface_face.mov", every=2, neutral="first:1s")
    told = own.summary["recordings"][0]["neutral"]
    assert set(own.frame["neutral"]) == {"average"}
    assert told["person"] is None
    assert "a usable face for only 0.0 of the first 1 s" in told["note"]


@pytest.mark.exhaustive
def test_a_film_without_a_face_and_one_shorter_than_asked(videos: Path) -> None:
    nobody = mien.analyze(videos / "no_face.mp4", every=8, neutral="first:10s")
    assert nobody.summary["recordings"][0]["neutral"]["readings"] == {}
    short = mien.analyze(videos / "single_face.mp4", every=2, neutral="first:10s")
    person = short.summary["recordings"][0]["neutral"]["person"]
    assert 2 < person["seconds"] < 3  # all that there is of it


@pytest.mark.exhaustive
def test_two_faces_in_the_first_seconds_have_each_their_own(videos: Path, tmp_path: Path) -> None:
    """The man beside a mirror image of himself: two tracks, two neutral faces; nobody is the person."""
    from fractions import Fraction

    import av

    film = tmp_path / "two.mp4"
    with av.open(str(videos / "single_face.mp4")) as source, av.open(str(film), "w") as target:
        pictures = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
        stream = target.add_stream("libx264", rate=24)
        height, width = pictures[0].shape[:2]
        stream.width, stream.height = 2 * width, height
        for number, picture in enumerate(pictures):
            both = np.ascontiguousarray(np.hstack([picture, picture[:, ::-1]]))
            frame = av.VideoFrame.from_ndarray(both, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    own = mien.analyze(film, every=3, neutral="first:1s")
    told = own.summary["recordings"][0]["neutral"]
    assert set(told["tracks"]) == {"0", "1"}
    assert set(own.frame["neutral"]) == {"first"}
    photo = tmp_path / "him.png"
    Image.fromarray(pictures[0]).save(photo)
    assert read_image(photo).shape == pictures[0].shape
    alone = mien.analyze(film, every=3, neutral=photo)
    assert set(alone.frame["neutral"]) == {"average"}  # which of the two is meant, nobody can say
