"""`mien infant`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.helpers import Run, save_clip
from mien.pipeline import Pipeline
from needs import package
from source.clips import cut
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


@pytest.mark.exhaustive
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
    assert ran.code == 1
    assert "has no rows of the video cot.mp4; there are: a.mp4, b.mp4" in ran.errors[0]


@pytest.mark.parametrize(
    ("option", "table", "words"),
    [
        ("--truth", "other.mp4,1,sleep\n", "has no rows of the video absent.mp4; there are: other.mp4"),
        ("--truth", ",1,sleep\n", "expected the name of the video in every row"),
        ("--truth", "absent.mp4,1,sleepy\n", "the network has no label sleepy"),
        ("--courses", ",1,sleep\n", "expected the name of the video in every row"),
        ("--courses", None, "cannot be read: there is no such file or folder"),
        ("--courses", b"\xbd\xff\x00", "not a readable table: expected UTF-8 text"),
    ],
)
def test_a_wrong_table_is_refused_before_the_film_is_read(
    run: Run, tmp_path: Path, option: str, table: str | bytes | None, words: str
) -> None:
    """The film isn't even there."""
    path = tmp_path / "labelled.csv"
    if table is not None:
        path.write_bytes(table if isinstance(table, bytes) else f"video,time_s,label\n{table}".encode())
    model = save_tiny(tmp_path, tiny_graph(3, names=LABELS), labels=LABELS)
    ran = run("infant", tmp_path / "absent.mp4", "--model", model, option, path)
    assert ran.code != 0
    assert words in ran.errors[0]
    assert not Path("mien-infant").exists()


def test_a_missing_extra_is_said_before_the_film_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """But after a film that isn't there."""
    monkeypatch.setitem(sys.modules, "hmmlearn.base", None)
    monkeypatch.setattr(Pipeline, "stream", lambda self, source: pytest.fail("the film was read"))
    model = save_tiny(tmp_path, tiny_graph(3, names=LABELS), labels=LABELS)
    ran = run("infant", tmp_path / "absent.mp4", "--model", model)
    assert "there is no such file" in ran.errors[0]
    wall = save_clip(tmp_path / "wall.mp4", [np.full((120, 160, 3), 90, np.uint8)] * 3, rate_hz=5)
    ran = run("infant", wall, "--model", model)
    assert ran.code == 1
    assert "this needs hmmlearn: " in ran.errors[0]


def test_a_folder_that_cannot_be_written_is_refused_before_the_film_is_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    ran = run("infant", tmp_path / "absent.mp4", "--out", tmp_path / "file" / "out")
    assert ran.code == 1
    assert ran.errors[0].endswith("file is a file; choose another folder")
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_several_faces_and_a_film_that_was_cut_off_have_a_note(
    run: Run, tmp_path: Path, small_portrait: NDArray[np.uint8]
) -> None:
    both = np.hstack([small_portrait, small_portrait])
    noise = np.random.default_rng(0).integers(0, 24, (10, *both.shape), np.uint8)
    whole = save_clip(tmp_path / "two.mkv", [np.minimum(both, 230) + each for each in noise], rate_hz=5)
    ran = run("infant", cut(whole, 0.6))
    assert ran.code == 0, ran.err
    notes = [line for line in ran.out.splitlines() if line.startswith("note: ")]
    assert len(notes) == 2, ran.out
    assert "truncated after" in notes[0] or "damaged" in notes[0]
    assert notes[1] == "note: several faces are seen: the largest one is read, whoever that is"
    assert [
        f"note: {each}" for each in json.loads(Path("mien-infant/infant.json").read_text())["notes"]
    ] == notes


@pytest.mark.parametrize("also", [[], ["--model", "mine.onnx", "--courses", "labelled.csv"]])
def test_a_length_of_states_that_would_count_for_nothing_is_refused(run: Run, also: list[str]) -> None:
    ran = run("infant", "cot.mp4", "--mean-state", "3", *also)
    assert ran.code == 2
    assert ran.errors == ["--mean-state is about the states of a --model, where there are no --courses"]


def test_truth_needs_a_model(run: Run, lying: Path, tmp_path: Path) -> None:
    ran = run("infant", lying, "--truth", tmp_path / "truth.csv")
    assert ran.code == 2
    assert ran.errors == ["--truth compares states, and needs --model"]
