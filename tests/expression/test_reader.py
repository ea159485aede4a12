from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import scipy.special
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.expression.circumplex import COORDINATES
from mien.expression.network import Answers
from mien.expression.reader import ExpressionReader
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, FER2013
from mien.prior import FER2013_MIX
from mien.types import Faces
from tiny_network import tiny_sidecar


@dataclass
class FakeNetwork:
    """Answers with the logits that it was given, and counts its runs."""

    sidecar: Sidecar
    logits: NDArray[np.float32]
    batches: list[int] = field(default_factory=list)

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        self.batches.append(len(crops))
        return Answers(self.logits[: len(crops)])

    def close(self) -> None:
        pass


def faces(count: int) -> Faces:
    return Faces(np.tile(np.array([[0, 0, 10, 10]], np.float32), (count, 1)), track=np.arange(count))


def crops(count: int) -> NDArray[np.uint8]:
    return np.zeros((count, 16, 16), np.uint8)


def fake(logits: Any, **facts: Any) -> FakeNetwork:
    return FakeNetwork(tiny_sidecar(**facts), np.asarray(logits, np.float32))


def test_probabilities_stand_in_the_column_of_their_label() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (4, 7))
    network = fake(logits, temperature=1.6)
    read = ExpressionReader(network, FER2013_MIX).read(crops(4), faces(4))
    expected = scipy.special.softmax(logits / 1.6, axis=1)
    for column, label in enumerate(EMOTIONS):
        if label == "contempt":
            assert np.isnan(read.probabilities[:, column]).all()
        else:
            np.testing.assert_allclose(
                read.probabilities[:, column], expected[:, FER2013.index(label)], rtol=1e-5
            )
    assert read.labels == [FER2013[i] for i in expected.argmax(axis=1)]
    np.testing.assert_allclose(np.nansum(read.probabilities, axis=1), 1, atol=1e-6)


def test_valence_and_arousal_are_the_expectation() -> None:
    read = ExpressionReader(fake([[0, 0, 0, 3, 0, 0, 1]])).read(crops(1), faces(1))
    p = np.nan_to_num(read.shares[0])
    expected = sum(p[i] * np.array(COORDINATES[label]) for i, label in enumerate(EMOTIONS))
    np.testing.assert_allclose([read.valence[0], read.arousal[0]], expected, atol=1e-6)


def test_all_faces_go_in_one_run_and_keep_what_they_had() -> None:
    network = fake(np.zeros((5, 7)))
    read = ExpressionReader(network).read(crops(5), faces(5))
    assert network.batches == [5]
    assert read.track.tolist() == [0, 1, 2, 3, 4]


def test_no_faces_is_fine() -> None:
    assert len(ExpressionReader(fake(np.zeros((3, 7)))).read(crops(0), Faces.empty())) == 0


@pytest.mark.parametrize(("threshold", "label"), [(0.0, "anger"), (0.5, "anger"), (0.500001, "uncertain")])
def test_a_face_below_the_threshold_is_uncertain(threshold: float, label: str) -> None:
    network = fake([[1, 1]], labels=("anger", "fear"), uncertain_below=threshold)
    read = ExpressionReader(network).read(crops(1), faces(1))
    assert read.labels == [label]
    assert read.confidence[0] == 0.5


def test_other_spellings_of_the_labels_are_understood() -> None:
    network = fake([[0, 9, 0]], labels=("Angry", "Happy", "neutral"))
    assert ExpressionReader(network).read(crops(1), faces(1)).labels == ["happiness"]


@pytest.mark.parametrize("labels", [("happiness", "boredom"), ("angry", "anger"), ("contempt", "uncertain")])
def test_another_label_set_is_refused_at_once(labels: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match=r"network tiny has a different label set: expected .*, received"):
        ExpressionReader(fake(np.zeros((1, 2)), labels=labels))


def test_crops_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="expected probabilities of shape"):
        ExpressionReader(fake(np.zeros((3, 7)))).read(crops(2), faces(3))
