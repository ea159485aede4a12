"""A film of an infant: a lying face is found, what can be said is said, states come from a network."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import mien
from cli.helpers import save_clip
from mien.errors import ConfigError
from mien.videos.infant import infant, seen_parts
from needs import package
from tiny_network import save_tiny, tiny_graph

package("hmmlearn")

LABELS = ("sleep", "joy", "discomfort")


def film(path: Path, portrait: NDArray[np.uint8], quarters: int, side_px: int = 220) -> Path:
    """A wall for a second, then the portrait for two, lying on its side; bright at first, dark then."""
    height = 320
    small = cv2.resize(portrait, (side_px, int(side_px * portrait.shape[0] / portrait.shape[1])))
    wall = np.full((height, height, 3), 90, np.uint8)
    there = wall.copy()
    top, left = (height - small.shape[0]) // 2, (height - side_px) // 2
    there[top : top + small.shape[0], left : left + side_px] = small
    there = np.ascontiguousarray(np.rot90(there, quarters))
    return save_clip(path, [wall] * 5 + [there] * 5 + [there // 2] * 5, rate_hz=5)


@pytest.fixture(scope="module")
def lying(portrait: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("cot") / "cot.mp4", portrait, 1)


def test_a_lying_face_is_found_and_measured(lying: Path) -> None:
    read = mien.infant(lying)
    assert read.frame["in_view"].tolist() == [False] * 5 + [True] * 10
    seen = read.frame[read.frame["in_view"]]
    assert (seen["width"].between(60, 200) & seen["height"].between(60, 200)).all()
    assert seen["eye_openness"].notna().all()
    moved = read.frame["picture_movement"].to_numpy()
    assert np.isnan(moved[0]), "there is nothing to compare the first frame with"
    assert moved[5] > 0.2, "somebody came into the picture"
    assert moved[7:10].max() < 0.01
    assert read.summary["shares"]["in_view"] == pytest.approx(10 / 15, abs=1e-3)
    assert read.summary["length_s"] == pytest.approx(3.0, abs=0.01)
    assert "states" not in read.summary
    assert read.spells == ()


def test_states_by_a_network_of_ones_own(lying: Path, tmp_path: Path) -> None:
    """The tiny network says the last label of a bright crop and the first of a dark one."""
    graph = tiny_graph(3, names=LABELS)
    model = save_tiny(tmp_path, graph, labels=LABELS)
    read = infant(lying, model=model, mean_state_s=1)
    p = read.frame[[f"p_{label}" for label in LABELS]]
    assert p.notna().all(axis=1).tolist() == read.frame["in_view"].tolist()
    np.testing.assert_allclose(p.dropna().sum(axis=1), 1)
    assert read.frame["state"].isna().sum() == 5
    assert sum(each.length_s for each in read.spells) == pytest.approx(2.0, abs=0.01)
    assert sum(each["share"] for each in read.summary["states"].values()) == pytest.approx(1, abs=1e-3)
    assert read.summary["network"]["name"] == "tiny"
    assert read.summary["notes"] == []
    files = read.save(tmp_path / "out")
    assert [file.name for file in files] == ["infant.csv", "infant.json", "infant.png"]
    assert len(pd.read_csv(files[0])) == 15
    assert json.loads(files[1].read_text())["spells"][0]["start_s"] == pytest.approx(1.0, abs=0.01)


def test_one_frame_is_a_film(portrait_path: Path) -> None:
    read = infant(portrait_path)
    assert read.frame["in_view"].tolist() == [True]
    assert read.frame["head_movement"].isna().all()


def test_a_network_that_learnt_from_grown_ups_is_named_as_one(portrait_path: Path) -> None:
    assert infant(portrait_path, model="mien").summary["notes"] == [
        "a single picture, not a film: nothing is known of before and after",
        "this network comes with Mien, and learnt from grown-ups: it has not been tested on infants",
    ]


def test_courses_need_a_model(lying: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="need a model"):
        infant(lying, courses=tmp_path / "courses.csv")


def test_a_course_is_cut_where_nobody_was_seen_for_long() -> None:
    times_s = np.arange(0, 40, 2.0)
    seen = np.zeros(20, bool)
    seen[[1, 3, 12, 13]] = True
    assert seen_parts(times_s, seen) == [slice(1, 4), slice(12, 14)]
    assert seen_parts(times_s, np.zeros(20, bool)) == []
