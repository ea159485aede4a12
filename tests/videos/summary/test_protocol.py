"""TVSum and SumMe: files of their form, and the protocol's figures against other ways of computing them."""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat
from scipy.stats import kendalltau, spearmanr

from mien.errors import DatasetError
from mien.videos.summary.protocol import (
    Annotated,
    agreement,
    chance,
    key_shots,
    people_agree,
    read_summe,
    read_tvsum,
    shot_edges,
)

FRAMES, PEOPLE = 120, 4


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    """Scores from 1 to 5 for each two seconds, of people who agree more or less; (people, frames)."""
    random = np.random.default_rng(0)
    truth = random.integers(1, 6, FRAMES // 10)
    people = np.clip(truth + random.integers(-1, 2, (PEOPLE, FRAMES // 10)), 1, 5)
    return np.repeat(people, 10, axis=1).astype(float)


def write_tables(folder: Path, scores: np.ndarray) -> None:
    lines = [f"abc_-1\tVT\t{','.join(f'{each:g}' for each in person)}" for person in scores]
    (folder / "ydata-tvsum50-anno.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    info = (
        "category\tvideo_id\ttitle\turl\tlength\nVT\tabc_-1\tHow to \u201cfix\u201d it\thttp://x/abc\t0:24\n"
    )
    (folder / "ydata-tvsum50-info.tsv").write_text(info, "utf-8")


def test_tvsums_tables_are_read(tmp_path: Path, scores: np.ndarray) -> None:
    (tmp_path / "data").mkdir()
    write_tables(tmp_path / "data", scores)
    (video,) = read_tvsum(tmp_path)
    assert (video.name, video.title, video.duration_s, video.frames) == (
        "abc_-1",
        "How to \u201cfix\u201d it",
        24.0,
        FRAMES,
    )
    assert np.array_equal(video.scores, scores)
    assert shot_edges(video) == list(range(0, FRAMES + 1, 10))


def test_tvsums_file_of_matlab_is_read(tmp_path: Path, scores: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "ydata-tvsum50.mat", "w") as file:
        table = file.create_group("tvsum50")

        def field(name: str, value: np.ndarray) -> None:
            data = file.create_dataset(f"#refs#/{name}", data=value)
            table.create_dataset(name, (1, 1), dtype=h5py.ref_dtype)[0, 0] = data.ref

        for name, text in (("video", "abc_-1"), ("title", "How to"), ("category", "VT")):
            field(name, np.array([[ord(letter)] for letter in text], np.uint16))
        field("length", np.array([[24.0]]))
        field("nframes", np.array([[float(FRAMES)]]))
        field("user_anno", scores)
        field("gt_score", scores.mean(axis=0)[None])
    (video,) = read_tvsum(tmp_path)
    assert (video.name, video.title, video.duration_s) == ("abc_-1", "How to", 24.0)
    assert np.array_equal(video.scores, scores)


def test_summes_files_are_read(tmp_path: Path) -> None:
    chosen = (np.random.default_rng(1).random((FRAMES, 15)) > 0.85) * np.arange(1, 16)
    (tmp_path / "GT").mkdir()
    savemat(
        tmp_path / "GT" / "Air_Force_One.mat",
        {"gt_score": chosen.mean(axis=1)[:, None], "user_score": chosen, "nFrames": FRAMES, "FPS": 25.0,
         "video_duration": FRAMES / 25},
    )  # fmt: skip
    (video,) = read_summe(tmp_path)
    assert (video.name, video.kind, video.scores.shape) == ("Air_Force_One", "summaries", (15, FRAMES))
    assert video.duration_s == pytest.approx(FRAMES / 25)
    assert np.array_equal(video.scores, (chosen > 0).T)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x-anno.tsv", b"", "line 1: expected 3 columns"),
        ("x-anno.tsv", b"a\tVT\n", "line 1: expected 3 columns"),
        ("x-anno.tsv", b"a\tVT\t1,2,x\n", "line 1: expected scores separated by commas"),
        ("x-anno.tsv", b"a\tVT\t1,2\na\tVT\t1,2,3\n", "expected as many scores from everybody for a"),
        ("ydata-tvsum50.mat", b"MATLAB 5.0", "expected TVSum's file of MATLAB 7.3"),
        ("other.txt", b"", "expected ydata-tvsum50-anno.tsv or ydata-tvsum50.mat, found neither"),
    ],
)
def test_what_is_not_tvsum_is_said_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=words):
        read_tvsum(tmp_path)


def test_what_is_not_summe_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="found none"):
        read_summe(tmp_path)
    savemat(tmp_path / "a.mat", {"nFrames": 7, "user_score": np.zeros((5, 3))})
    with pytest.raises(DatasetError, match="expected user_score of 7 frames"):
        read_summe(tmp_path)
    (tmp_path / "a.mat").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="expected SumMe's user_score and nFrames"):
        read_summe(tmp_path)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.integers(1, 4), st.floats(0.05, 0.9))
def test_key_shots_are_the_best_choice(values: list[int], last: int, share: float) -> None:
    edges = [*range(0, 4 * len(values), 4), 4 * (len(values) - 1) + last]
    scores = np.repeat(np.array(values, float), 4)[: edges[-1]]
    chosen = key_shots(scores, edges, share)
    room = int(share * edges[-1])
    spans = list(pairwise(edges))
    sums = [
        sum(scores[low:high].sum() for (low, high), take in zip(spans, ways, strict=True) if take)
        for ways in product((0, 1), repeat=len(spans))
        if sum(high - low for (low, high), take in zip(spans, ways, strict=True) if take) <= room
    ]
    assert chosen.sum() <= room
    assert scores[chosen].sum() == pytest.approx(max(sums))


def test_f1_and_ranks_are_those_of_the_papers(scores: np.ndarray) -> None:
    video = Annotated("a", "", 24.0, scores, "scores")
    ours = scores[0]
    found = agreement(ours, video)
    assert found.f1_max == 1.0
    assert found.tau == pytest.approx(np.mean([kendalltau(ours, each).statistic for each in scores]))
    assert found.rho == pytest.approx(np.mean([spearmanr(ours, each).statistic for each in scores]))
    mine = key_shots(ours, shot_edges(video), 0.15)
    f1 = []
    for each in scores:
        theirs = key_shots(each, shot_edges(video), 0.15)
        hits = (mine & theirs).sum()
        precision, recall = hits / mine.sum(), hits / theirs.sum()
        f1.append(2 * precision * recall / (precision + recall) if hits else 0)
    assert found.f1_mean == pytest.approx(np.mean(f1))


def test_chance_reaches_nothing_in_ranks_and_something_in_f1(scores: np.ndarray) -> None:
    video = Annotated("a", "", 24.0, scores, "scores")
    random, people = chance(video, 40), people_agree(video)
    assert abs(random.tau) < 0.08
    assert abs(random.rho) < 0.1
    assert random.f1_mean > 0.05
    assert people.tau > 0.3
    # A constant score has no order, and a summary all the same.
    flat = agreement(np.ones(12), video)
    assert np.isnan(flat.tau)
    with pytest.raises(DatasetError, match="scores: expected"):
        agreement([], video)
