"""The whole way, with the network that is built in, on videos that a person has described."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import mien
from mien.expression.network import built_in_networks
from mien.recording import Recording


@pytest.fixture(scope="module")
def recording(shared: Path) -> Recording:
    if not built_in_networks():
        pytest.skip("no network is built in")
    return mien.analyze([shared / "data" / "video", shared / "data" / "images"], every=4)


def rows(recording: Recording, source: str) -> pd.DataFrame:
    return recording.frame[recording.frame["source"] == source]


def leading(rows: pd.DataFrame) -> str:
    """The expression with the highest mean probability."""
    return str(rows.filter(like="p_").mean().idxmax()).removeprefix("p_")


@pytest.mark.exhaustive
def test_the_man_turns_from_neutral_to_happiness(recording: Recording) -> None:
    man = rows(recording, "single_face.mp4")
    assert leading(man[man["time_s"] < 1]) == "neutral"
    assert leading(man[man["time_s"].between(2, 4)]) == "happiness"


def test_rows_only_where_there_is_a_face(recording: Recording) -> None:
    assert rows(recording, "no_face.mp4").empty
    assert rows(recording, "no_face.jpg").empty
    second_half = rows(recording, "noface_face.mov")
    assert len(second_half) > 0
    assert (second_half["frame"] > 169 / 2).all()


def test_the_woman_cries_and_then_laughs(recording: Recording) -> None:
    woman = rows(recording, "grief.mp4")
    assert leading(woman[woman["time_s"] < 6]) in ("sadness", "fear", "disgust")
    assert leading(woman[woman["time_s"] > 12]) == "happiness"
    assert woman[woman["time_s"] > 12]["valence"].min() > 0


@pytest.mark.parametrize(
    ("source", "faces"),
    [("single_face.jpg", 1), ("multi_face.jpg", 5), ("grief.mp4", 1), ("single_face.mp4", 1)],
)
def test_each_face_has_one_track(recording: Recording, source: str, faces: int) -> None:
    assert set(rows(recording, source)["track"]) == set(range(faces))


def test_probabilities_sum_to_one(recording: Recording) -> None:
    sums = recording.frame.filter(like="p_").sum(axis=1)
    assert sums.to_numpy() == pytest.approx(1, abs=1e-4)
