"""`mien infant`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.helpers import Run, save_clip
from needs import package
from tiny_network import save_tiny, tiny_graph
from videos.test_infant import LABELS, film

package("hmmlearn")


@pytest.fixture(scope="module")
def lying(portrait: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("cot") / "cot.mp4", portrait, 1)


def test_a_film_without_a_face_says_so(run: Run, tmp_path: Path) -> None:
    path = save_clip(tmp_path / "wall.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 3, rate_hz=5)
    ran = run("infant", path, "--model", save_tiny(tmp_path, tiny_graph(3, names=LABELS), labels=LABELS))
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[1] == "no face was found: nothing can be said of it"
    told = json.loads(Path("mien-infant/infant.json").read_text())
    assert told["spells"] == []
    assert told["states"]["joy"]["share"] is None


def test_agreement_with_what_somebody_wrote_down(run: Run, lying: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("video,time_s,label\ncot.mp4,1,sleep\n", encoding="utf-8")
    model = save_tiny(tmp_path, tiny_graph(3, names=LABELS), labels=LABELS)
    ran = run("infant", lying, "--model", model, "--truth", truth, "--json", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    compared = json.loads(ran.out)["agreement"]
    assert compared["frames"] == 1
    assert list(compared["average_precision"]) == ["sleep"]
    other = tmp_path / "other.csv"
    other.write_text("video,time_s,label\na.mp4,1,sleep\nb.mp4,1,joy\n", encoding="utf-8")
    ran = run("infant", lying, "--model", model, "--truth", other, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "has no rows of the video cot.mp4; there are: a.mp4, b.mp4" in ran.errors[0]


def test_truth_needs_a_model(run: Run, lying: Path, tmp_path: Path) -> None:
    ran = run("infant", lying, "--truth", tmp_path / "truth.csv")
    assert ran.code == 2
    assert ran.errors == ["--truth compares states, and needs --model"]
