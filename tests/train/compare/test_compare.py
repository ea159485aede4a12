from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import rel_entr

pytest.importorskip("keras")

from mien.errors import ConfigError, DatasetError
from mien.expression.network import find_network
from mien.labels import EMOTIONS, FER2013
from mien.train.compare.contest import (
    Entry,
    as_they_are,
    chosen_contestants,
    compare,
    kl_of_seven,
    public_faces,
    runs,
    shipped,
)
from mien.train.compare.plan import Contestant
from mien.train.evaluate.outputs import HeadAnswers
from small_joint import striped_faces, write_fer2013

SMALL = {
    "data": {"size_px": 24, "near_copy": 1.0},
    "fit": {"batch": 32, "average": 0.5},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_fer2013(tmp_path)


def test_what_is_finished_is_taken_as_it_is(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    contestant = Contestant("little", "", "zhou", 1, SMALL)

    def entries(seeds: tuple[int, ...], *, train: bool = True) -> list[Entry]:
        said.clear()
        return list(runs([contestant], seeds, data, folder=tmp_path / "runs", train=train, say=said.append))

    assert entries((7,), train=False) == []
    assert said == ["little-7: not trained yet, left out"]
    [first] = entries((7,))
    assert said
    [again] = entries((7,))
    assert (again, said) == (first, [])
    assert [entry.seed for entry in entries((7, 8), train=False)] == [7]

    faces = public_faces(data, size_px=24)
    [row] = compare([first], faces)
    assert row.measured.effort is not None
    assert row.measured.effort.epochs == 1
    assert row.measured.effort.core_minutes > 0
    assert row.measured.parameters == 58_423
    assert set(row.measured.figures) >= {"accuracy", "macro_f1_5", "ferplus", "kl", "ccc_valence"}
    assert row.as_dict()["network"] == "little"

    # Another recipe under the same name is another run, which the folder refuses.
    contestant = Contestant("little", "", "zhou", 2, SMALL)
    with pytest.raises(DatasetError, match="another recipe"):
        entries((7,))


def test_networks_of_any_kind_are_measured_by_the_same_figures() -> None:
    faces = striped_faces(40)
    large = faces.__class__(
        images=faces.images.repeat(2, axis=1).repeat(2, axis=2), targets=faces.targets, labels=faces.labels,
        usage=faces.usage, names=faces.names, votes=faces.votes,
    )  # fmt: skip
    rows = compare([Entry(name, None, find_network(name)) for name in ("mien", "paper")], large)
    assert set(rows[0].measured.figures) == set(rows[1].measured.figures)
    for found in (row.measured for row in rows):
        assert np.isfinite(list(found.figures.values())).all()
        assert found.milliseconds > 0
        assert found.multiply_adds == pytest.approx(89e6, rel=0.01)
    other = large.without(["fear"])
    with pytest.raises(DatasetError, match="FER-2013's classes"):
        compare([], other)


def test_the_divergence_is_over_the_seven_classes_that_all_know() -> None:
    faces = striped_faces(30)
    assert faces.votes is not None
    logits = np.random.default_rng(1).normal(0, 1, (30, 8)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    contempt = EMOTIONS.index("contempt")
    expected = []
    for answer, votes in zip(
        np.delete(p, contempt, 1), np.delete(faces.votes[:, :8], contempt, 1), strict=True
    ):
        if votes.sum():
            expected.append(rel_entr(votes / votes.sum(), answer / answer.sum()).sum())
    head = HeadAnswers("votes", EMOTIONS, logits, temperature=3.0)  # which its shares don't have
    assert kl_of_seven(head, faces) == pytest.approx(np.mean(expected))
    seven = [EMOTIONS.index(name) for name in FER2013]
    of_seven = HeadAnswers("logits", FER2013, logits[:, seven])
    assert kl_of_seven(of_seven, faces) == pytest.approx(np.mean(expected))


def test_shipped_networks_stand_beside() -> None:
    entries = as_they_are(shipped())
    assert {"mien", "paper"} <= {entry.name for entry in entries}
    assert all(entry.path.is_file() and entry.seed is None for entry in entries)


def test_who_is_not_there_is_refused(data: Path) -> None:
    assert len(chosen_contestants([])) > len(chosen_contestants(["zhou", "scep"])) == 2
    with pytest.raises(ConfigError, match="no network vgg; expected one of zhou"):
        chosen_contestants(["zhou", "vgg"])
