from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn import metrics as sk

from mien.errors import DatasetError
from mien.labels import EMOTIONS, FER2013, FERPLUS_VOTES
from mien.train.evaluate.metrics import (
    accuracy,
    bootstrap_interval,
    confusion_matrix,
    ferplus_targets,
    in_emotion_order,
    kl_to_votes,
    macro_f1,
    score,
)


def answers(n: int, k: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities and targets that agree about half of the time."""
    random = np.random.default_rng(seed)
    p = random.dirichlet(np.full(k, 0.7), n)
    targets = np.where(random.random(n) < 0.4, p.argmax(axis=1), random.integers(0, k, n))
    return p, targets


@pytest.mark.parametrize(("n", "k"), [(1, 2), (40, 3), (500, 7)])
def test_figures_equal_those_of_scikit_learn(n: int, k: int) -> None:
    p, targets = answers(n, k)
    scores = score(p, targets, [str(each) for each in range(k)], resamples=10)
    predicted, all_classes = p.argmax(axis=1), np.arange(k)
    precision, recall, f1, support = sk.precision_recall_fscore_support(
        targets, predicted, labels=all_classes, zero_division=0
    )
    assert scores.count == n
    assert scores.accuracy == pytest.approx(sk.accuracy_score(targets, predicted))
    np.testing.assert_allclose(scores.precision, precision)
    np.testing.assert_allclose(scores.recall, recall)
    np.testing.assert_allclose(scores.f1, f1)
    np.testing.assert_array_equal(scores.support, support)
    np.testing.assert_array_equal(
        scores.confusion, sk.confusion_matrix(targets, predicted, labels=all_classes)
    )
    occurring = sk.f1_score(targets, predicted, labels=np.unique(targets), average="macro", zero_division=0)
    assert scores.macro_f1 == pytest.approx(occurring)
    assert scores.negative_log_likelihood == pytest.approx(sk.log_loss(targets, p, labels=all_classes))


def test_a_class_that_does_not_occur_does_not_lower_macro_f1() -> None:
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    scores = score(p, np.array([0, 1]), ["a", "b", "absent"], resamples=10)
    assert scores.macro_f1 == 1
    assert scores.recall[2] == scores.precision[2] == scores.f1[2] == 0


def test_calibration_error_is_0_where_confidence_is_the_share_of_right_answers() -> None:
    p = np.tile([0.75, 0.25], (4, 1))
    assert score(p, np.array([0, 0, 0, 1]), ["a", "b"], resamples=10).calibration_error == pytest.approx(0)
    assert score(p, np.array([1, 1, 1, 1]), ["a", "b"], resamples=10).calibration_error == pytest.approx(0.75)


def test_a_sure_mistake_stays_finite_and_fits_into_json() -> None:
    scores = score(np.array([[1.0, 0.0]]), np.array([1]), ["a", "b"], resamples=10)
    assert np.isfinite(scores.negative_log_likelihood)
    back = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert back["accuracy"] == 0
    assert back["confusion"] == [[0, 0], [1, 0]]
    assert back["classes"][1] == {"label": "b", "precision": 0, "recall": 0, "f1": 0, "support": 1}


def test_intervals_are_those_of_faces_drawn_one_by_one() -> None:
    p, targets = answers(300, 4)
    predicted = p.argmax(axis=1)
    random = np.random.default_rng(5)
    drawn = [random.integers(0, 300, 300) for _ in range(1500)]
    matrix = confusion_matrix(predicted, targets, 4)
    for statistic, reference in (
        (accuracy, lambda t, q: (t == q).mean()),
        (macro_f1, lambda t, q: macro_f1(confusion_matrix(q, t, 4))),
    ):
        brute = np.percentile([reference(targets[place], predicted[place]) for place in drawn], [2.5, 97.5])
        np.testing.assert_allclose(bootstrap_interval(statistic, matrix, 3000), brute, atol=0.012)


def test_an_interval_repeats_with_its_seed_and_holds_the_figure() -> None:
    p, targets = answers(200, 3)
    first, again = (score(p, targets, "abc", seed=3) for _ in range(2))
    assert first.accuracy_interval == again.accuracy_interval
    assert first.accuracy_interval[0] < first.accuracy < first.accuracy_interval[1]
    assert first.macro_f1_interval[0] < first.macro_f1 < first.macro_f1_interval[1]


@settings(max_examples=50)
@given(data=st.data(), k=st.integers(2, 5))
def test_statistics_of_many_matrices_are_those_of_each(data: st.DataObject, k: int) -> None:
    many = data.draw(hnp.arrays(np.int64, (3, k, k), elements=st.integers(0, 9)))
    many[:, 0, 0] += 1
    for statistic in (accuracy, macro_f1):
        np.testing.assert_allclose(statistic(many), [statistic(each) for each in many])


@pytest.mark.parametrize(
    ("p", "targets", "error", "message"),
    [
        (np.empty((0, 2)), np.empty(0, np.int64), DatasetError, "no face"),
        (np.ones((2, 3)) / 3, np.array([0, 1]), ValueError, r"expected probabilities of shape \(2, 2\)"),
        (np.ones((1, 2)) / 2, np.array([2]), ValueError, "expected classes 0 to 1"),
        (np.ones((1, 2)) / 2, np.array([-1]), ValueError, "expected classes 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(p: Any, targets: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        score(p, targets, ["a", "b"])


def votes(**shares: int) -> NDArray[np.int64]:
    return np.array([[shares.get(name.replace("-", "_"), 0) for name in FERPLUS_VOTES]])


@pytest.mark.parametrize(
    ("row", "ferplus", "everything"),
    [
        (votes(happiness=10), "happiness", "happiness"),
        (votes(sadness=5, anger=5), None, "sadness"),
        (votes(sadness=5, anger=4, fear=1), "sadness", "sadness"),  # 5 of the 9 left
        (votes(sadness=4, anger=4, fear=1, disgust=1), None, "sadness"),
        (votes(fear=6, unknown=4), "fear", "fear"),
        (votes(unknown=6, fear=4), None, None),
        (votes(not_a_face=10), None, None),
        (votes(neutral=1, fear=1), None, "neutral"),  # nothing is left
    ],
)
def test_ferplus_labels(row: NDArray[np.int64], ferplus: str | None, everything: str | None) -> None:
    for rule, expected in (("ferplus", ferplus), ("all", everything)):
        targets, mask = ferplus_targets(row, rule)  # type: ignore[arg-type]
        assert mask[0] == (expected is not None)
        assert targets[0] == (EMOTIONS.index(expected) if expected else -1)


def test_ferplus_counts_are_the_published_ones(shared: Path) -> None:
    table = pq.read_table(shared / "data/faces/fer2013.parquet", columns=["usage", "votes"])
    public = np.array(table["usage"].to_pylist()) == "PublicTest"
    cast = np.array(table["votes"].to_pylist())[public]
    assert ferplus_targets(cast, "ferplus")[1].sum() == 3199
    assert ferplus_targets(cast, "all")[1].sum() == 3553


def test_divergence_from_votes_equals_scipys_entropy() -> None:
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(8), 30)
    cast = random.multinomial(10, np.ones(10) / 10, 30)
    expected = np.mean([entropy(row[:8] / row[:8].sum(), q) for row, q in zip(cast, p, strict=True)])
    assert kl_to_votes(p, cast) == pytest.approx(expected)


def test_votes_for_no_emotion_do_not_count_and_equal_shares_diverge_by_0() -> None:
    cast = np.concatenate([votes(happiness=6, neutral=2, unknown=2), votes(unknown=10)])
    p = np.array([[0.25, 0.75, *[0] * 6], np.ones(8) / 8])
    assert kl_to_votes(p, cast) == pytest.approx(0, abs=1e-9)
    assert np.isfinite(kl_to_votes(p[::-1], cast))


def test_bad_votes_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"shape \(n, 10\)"):
        ferplus_targets(np.ones((3, 8), np.int64))
    with pytest.raises(DatasetError, match="no FER\\+ rule named most"):
        ferplus_targets(votes(), "most")  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match="no face has a vote"):
        kl_to_votes(np.ones((1, 8)) / 8, votes(unknown=10))


def test_answers_come_into_the_order_of_the_emotions() -> None:
    p = np.eye(7)
    ordered = in_emotion_order(p, FER2013)
    for place, label in enumerate(FER2013):
        assert ordered[place, EMOTIONS.index(label)] == 1
    np.testing.assert_array_equal(ordered[:, EMOTIONS.index("contempt")], 0)
    other_spelling = in_emotion_order(np.array([[0.2, 0.8]]), ["Happy", "angry"])
    np.testing.assert_array_equal(other_spelling[0, [1, 4]], [0.2, 0.8])
    with pytest.raises(DatasetError, match="no label boredom"):
        in_emotion_order(np.eye(2), ["happiness", "boredom"])
