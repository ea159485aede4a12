"""What a user gets, measured; and a mix of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import DatasetError, ModelError
from mien.expression.calibration import softmax
from mien.expression.network import Answers
from mien.expression.seldom import recalls, seldom_words
from mien.labels import EMOTIONS, FER2013
from mien.prior import BALANCED, FER2013_MIX, Mix, read_mix
from mien.train.data import FaceSet
from mien.train.evaluate.decided import decided_figures, fit_prior, recalls_of, save_mix
from mien.train.evaluate.figures import recall_figure
from tiny_network import save_tiny, tiny_sidecar

COLUMNS = [EMOTIONS.index(label) for label in FER2013]
TRUE = np.array([0.05, 0.02, 0.13, 0.4, 0.1, 0.1, 0.2])


def faces_of(targets: NDArray[np.int64], votes: NDArray[np.int64] | None = None) -> FaceSet:
    count = len(targets)
    return FaceSet(
        images=np.zeros((count, 8, 8), np.uint8), targets=targets, labels=FER2013,
        usage=np.full(count, ""), names=np.arange(count).astype(str), votes=votes,
    )  # fmt: skip


def drawn(count: int, seed: int = 0) -> tuple[Answers, FaceSet]:
    """Faces drawn with a known mix, and a network of one head that learnt with FER-2013's."""
    random = np.random.default_rng(seed)
    targets = random.choice(7, count, p=TRUE)
    evidence = random.normal(0, 1, (count, 7))
    evidence[np.arange(count), targets] += 1.5  # log-likelihood ratios of two unit normals that lie 1.5 apart
    logits = 1.5 * evidence + np.log(FER2013_MIX.array()[COLUMNS])
    return Answers(logits.astype(np.float32)), faces_of(targets)


def test_the_mix_of_many_faces_is_found() -> None:
    answers, faces = drawn(20_000)
    mix = fit_prior(tiny_sidecar(), answers, faces)
    np.testing.assert_allclose(mix.array()[COLUMNS], TRUE, atol=0.015)
    assert mix.contempt == 0, "the network has no such label"


def test_few_faces_leave_it_near_balanced() -> None:
    answers, faces = drawn(6)
    few = fit_prior(tiny_sidecar(), answers, faces).array()[COLUMNS]
    many = fit_prior(tiny_sidecar(), *drawn(600)).array()[COLUMNS]
    even = np.full(7, 1 / 7)
    assert np.abs(few - even).sum() < 0.5 * np.abs(many - even).sum()
    assert (few > 0).all()


def test_the_fitted_mix_makes_the_labels_likelier_than_any_nearby() -> None:
    answers, faces = drawn(400, 3)
    z = answers.logits - np.log(FER2013_MIX.array()[COLUMNS])

    def posterior(mix: NDArray[np.float64]) -> float:
        p = softmax(z + np.log(mix))
        return float(np.log(p[np.arange(400), faces.targets]).sum() + 2 * np.log(mix).sum())

    best = fit_prior(tiny_sidecar(), answers, faces).array()[COLUMNS]
    for label in range(7):
        for factor in (0.9, 1.1):
            other = best.copy()
            other[label] *= factor
            assert posterior(best) > posterior(other / other.sum())


def test_labels_of_one_kind_teach_no_mix() -> None:
    answers, _ = drawn(5)
    with pytest.raises(DatasetError, match="at least two expressions"):
        fit_prior(tiny_sidecar(), answers, faces_of(np.zeros(5, np.int64)))


@pytest.mark.parametrize("name", ["mine.toml", "mine.json"])
def test_the_file_is_read_again_as_it_was_fitted(tmp_path: Path, name: str) -> None:
    mix = Mix(neutral=0.123456, happiness=0.876544)
    save_mix(tmp_path / name, mix)
    np.testing.assert_allclose(read_mix(tmp_path / name).array(), mix.array(), atol=1e-6)


def test_figures_are_of_the_label_under_the_mix() -> None:
    answers, faces = drawn(500)
    quality = np.ones(500, np.float32)
    told = {}
    for prior in (BALANCED, FER2013_MIX):
        figures = decided_figures(tiny_sidecar(), answers, quality, faces, prior)
        told[prior] = {figure.name: figure.value for figure in figures}
    z = answers.logits - np.log(FER2013_MIX.array()[COLUMNS])
    for mix, shift in ((BALANCED, 0.0), (FER2013_MIX, np.log(FER2013_MIX.array()[COLUMNS]))):
        right = (z + shift).argmax(axis=1) == faces.targets
        by_class = [right[faces.targets == label].mean() for label in range(7)]
        assert told[mix]["right, 7 classes (label)"] == pytest.approx(right.mean())
        assert told[mix]["mean recall, 7 classes (label)"] == pytest.approx(np.mean(by_class))
    own = "calibration error, 7 classes, their own mix (confidence)"
    assert told[BALANCED][own] == told[FER2013_MIX][own], "whatever mix is expected"


def test_mean_recall_weighs_every_class_alike_in_resamples_too() -> None:
    figure = recall_figure("recall", np.arange(6), np.array([0, 0, 0, 0, 5, 5]), [1, 1, 1, 1, 0, 1])
    assert figure.value == pytest.approx((1 + 0.5) / 2)
    assert figure.of(np.array([True] * 4 + [False] * 2)) == 1


def test_how_seldom_a_label_is_found_comes_from_what_was_measured() -> None:
    votes = np.zeros((4, 10), np.int64)
    votes[[0, 1], 6], votes[[2, 3], 0] = 10, 10  # two fear, two neutral
    logits = np.full((4, 7), -5.0, np.float32)
    logits[0, FER2013.index("fear")] = logits[1:, FER2013.index("neutral")] = 5
    found = recalls_of(tiny_sidecar(), Answers(logits), faces_of(np.zeros(4, np.int64), votes))
    sidecar = tiny_sidecar(metrics={"test": found})
    assert recalls(sidecar, "photographs") == recalls(sidecar, "balanced") == {"fear": 0.5}
    assert recalls(sidecar, BALANCED) == {}  # a mix of one's own, for which nothing was measured
    assert seldom_words(recalls(sidecar, "balanced")) == (
        "Of faces that most people call fear it finds 50 %."
    )
    assert seldom_words(recalls(tiny_sidecar(), "balanced")) == ""
    assert recalls_of(tiny_sidecar(), Answers(logits), faces_of(np.zeros(4, np.int64))) == {}


@pytest.mark.training
def test_only_a_joint_network_is_calibrated(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    from mien.train.finish import recalibrate
    from mien.train.recipe import JointRecipe, read_recipe

    path, recipe = save_tiny(tmp_path), read_recipe("mien")
    assert isinstance(recipe, JointRecipe)
    with pytest.raises(ModelError, match="only a network that answers votes, fer2013 and presence"):
        recalibrate(path, recipe, tmp_path / "faces.parquet")
