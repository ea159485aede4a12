from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from mien.errors import DatasetError
from mien.expression.calibration import expected_calibration_error, softmax
from mien.expression.network import Answers
from mien.expression.reader import ExpressionReader
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, FER2013
from mien.train.calibrate.sidecar import calibrated
from mien.train.evaluate.answers import answer_all, crop_quality, predict
from mien.train.evaluate.evaluation import evaluate_answers
from mien.train.evaluate.metrics import kl_to_votes
from mien.train.evaluate.outputs import head_for, heads_of
from mien.train.evaluate.robustness import measure_robustness, turn_deg
from mien.types import Faces
from small_joint import SIZE_PX, small_sidecar, striped_faces

pytest.importorskip("skimage")


class Fake:
    """Knows the stripes' angle from the picture's slopes; right four times in five, and too timid."""

    def __init__(self, sidecar: Sidecar | None = None) -> None:
        self.sidecar = sidecar or small_sidecar()
        self.batches: list[int] = []

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        self.batches.append(len(crops))
        slopes = [[cv2.Sobel(crop, cv2.CV_32F, *way) for way in ((1, 0), (0, 1))] for crop in crops]
        across, down = np.array(slopes).reshape(-1, 2, SIZE_PX, SIZE_PX).transpose(1, 0, 2, 3)
        angle = 0.5 * np.arctan2((2 * across * down).sum(axis=(1, 2)), (across**2 - down**2).sum(axis=(1, 2)))
        angle = np.pi / 2 - angle  # along the rows first
        classes = np.arange(7) / 7 * np.pi
        logits = 2 * np.cos(2 * (angle[:, None] - classes)).astype(np.float32)
        votes = np.zeros((len(crops), 8), np.float32)
        votes[:, [EMOTIONS.index(name) for name in FER2013]] = logits
        strength = np.abs(across).mean(axis=(1, 2)) + np.abs(down).mean(axis=(1, 2))
        presence = (1 / (1 + np.exp(-(strength - 60) / 20))).astype(np.float32)
        points = np.tile(np.array([0.25, 0.5], np.float32), (len(crops), 68, 1))
        points[:, 42:] = 0.75
        return Answers(votes, 1 - presence, logits, presence, points)

    def close(self) -> None:
        pass


FACES = striped_faces(600)


@cache
def fitted() -> Sidecar:
    return calibrated(Fake(), FACES)


def test_many_crops_go_in_batches_and_come_back_in_order() -> None:
    network = Fake()
    answers = answer_all(network, FACES.images)
    assert network.batches == [256, 256, 88]
    one_by_one = [network.answer(FACES.images[place : place + 1]).logits for place in (0, 300, 599)]
    np.testing.assert_array_equal(answers.logits[[0, 300, 599]], np.concatenate(one_by_one))
    np.testing.assert_array_equal(predict(network, FACES.images), answers.logits)
    assert len(answer_all(network, FACES.images[:0]).logits) == 0


def test_flips_average_and_put_landmarks_back() -> None:
    network, image = Fake(), FACES.images[3:4]
    both = answer_all(network, image, flips=True)
    sides = [network.answer(side) for side in (image, np.ascontiguousarray(image[:, :, ::-1]))]
    np.testing.assert_allclose(both.logits, (sides[0].logits + sides[1].logits) / 2, atol=1e-6)
    # it always says: points 0-41 at a quarter from the left; in the mirror image that is three quarters, and
    # there the left half of the points has become the right half
    left_eye = both.landmarks[0, 36]  # type: ignore[index]
    assert left_eye == pytest.approx([(0.25 + (1 - 0.75)) / 2, (0.5 + 0.75) / 2])


def test_quality_falls_with_blur_and_darkness(portrait: NDArray[np.uint8]) -> None:
    face = cv2.resize(cv2.cvtColor(portrait[60:260, 150:350], cv2.COLOR_RGB2GRAY), (48, 48))
    crops = np.stack([face, cv2.GaussianBlur(face, (0, 0), 3), (face * 0.05).astype(np.uint8)])
    quality = crop_quality(crops, Answers(np.zeros((3, 8), np.float32)))
    assert quality[0] > 2 * quality[1] > 0
    assert quality[0] > 2 * quality[2]


def test_calibration_makes_timid_answers_honest() -> None:
    network = Fake()
    sidecar = fitted()
    other = striped_faces(600, 1)
    answers = answer_all(network, other.images)
    head = heads_of(sidecar, answers)[1]
    before = expected_calibration_error(softmax(answers.fer2013), other.targets)  # type: ignore[arg-type]
    after = expected_calibration_error(head.probabilities, other.targets)
    assert sidecar.temperature < 1
    assert after < 0.5 * before
    assert sidecar.decision is not None
    assert sidecar.decision.certainty.slope > 0
    assert calibrated(network, FACES) == sidecar, "the same faces give the same sidecar"


def test_evaluation_finds_every_figure_that_the_data_allows() -> None:
    network = Fake(fitted())
    answers = answer_all(network, FACES.images)
    found = evaluate_answers(network, answers, FACES)
    names = [figure.name for figure in found.figures]
    assert names == [
        "right, 7 classes (label)", "mean recall, 7 classes (label)", "macro-F1, 7 classes (label)",
        "right among the surest 80 %, 7 classes (confidence)", "gets a label, 7 classes (label)",
        "right among those, 7 classes (label)",
        "right, FER+, all (label)", "mean recall, FER+, all (label)", "macro-F1, FER+, all (label)",
        "right among the surest 80 %, FER+, all (confidence)", "gets a label, FER+, all (label)",
        "right among those, FER+, all (label)", "mean recall, all label sets (label)",
        "right, the paper's 5 classes (p_*)", "right, FER+, its rule (label)", "KL from the votes (p_*)",
        "calibration error, 7 classes, their own mix (confidence)",
        "calibration error, FER+, all, photographs (confidence)", "KL from the votes, photographs (p_*)",
        "right, 7 classes (fer2013)", "macro-F1, 7 classes (fer2013)",
        "calibration error, 7 classes (fer2013)", "right, the paper's 5 classes (fer2013)",
        "macro-F1, the paper's 5 classes (fer2013)", "FER+, its rule (votes)", "FER+, all (votes)",
        "landmarks, median error", "landmarks, median error, moved faces",
        "faces seen as such", "pictures without a face seen as such",
    ]  # fmt: skip
    values = {figure.name: figure.value for figure in found.figures}
    assert found.head == "fer2013"
    assert values["right, 7 classes (fer2013)"] == found.scores.accuracy
    right = answers.fer2013.argmax(axis=1) == FACES.targets  # type: ignore[union-attr]
    assert found.scores.accuracy == pytest.approx(right.mean())

    five = np.isin(FACES.targets, [0, 3, 4, 5, 6])
    among = answers.fer2013[five][:, [0, 3, 4, 5, 6]].argmax(axis=1)  # type: ignore[index]
    expected = (np.array([0, 3, 4, 5, 6])[among] == FACES.targets[five]).mean()
    assert values["right, the paper's 5 classes (fer2013)"] == pytest.approx(expected, abs=0.02)
    answered, told = np.array([0, 3, 4, 5, 6])[among], FACES.targets[five]
    by_sklearn = f1_score(told, answered, average="macro")
    assert values["macro-F1, the paper's 5 classes (fer2013)"] == pytest.approx(by_sklearn, abs=0.02)

    only = evaluate_answers(network, answers, replace(FACES, votes=None, landmarks=None), head="votes")
    assert only.head == "votes"
    assert not [figure.name for figure in only.figures if "FER+" in figure.name or "landmarks" in figure.name]
    with pytest.raises(DatasetError, match="no head age"):
        evaluate_answers(network, answers, FACES, head="age")


def test_the_surest_are_those_that_it_is_certain_of() -> None:
    network = Fake(fitted())
    found = evaluate_answers(network, answer_all(network, FACES.images), FACES)
    values = {figure.name: figure.value for figure in found.figures}
    surest = values["right among the surest 80 %, FER+, all (confidence)"]
    assert surest >= values["right, FER+, all (label)"]


def test_votes_are_measured_by_what_the_table_holds_under_photographs() -> None:
    network = Fake(fitted())
    answers = answer_all(network, FACES.images)
    found = evaluate_answers(network, answers, FACES, prior="balanced")
    values = {figure.name: figure.value for figure in found.figures}
    boxes = np.tile(np.array([[0, 0, 9, 9]], np.float32), (len(FACES), 1))
    table = ExpressionReader(network, "photographs").fill(Faces(boxes), answers).probabilities
    assert FACES.votes is not None
    assert values["KL from the votes, photographs (p_*)"] == pytest.approx(
        kl_to_votes(table, FACES.votes), rel=1e-4
    )


def test_the_head_that_knows_the_data_stands_first() -> None:
    heads = heads_of(small_sidecar(), Fake().answer(FACES.images[:5]))
    own = replace(FACES, labels=("contempt", "b", "c", "d", "e", "f", "g"))
    assert head_for(heads, FACES, None).name == "fer2013"
    assert head_for(heads, own, None).name == "votes"
    assert head_for(heads, FACES, "votes").name == "votes"


def test_every_step_of_every_change_is_measured() -> None:
    network = Fake(fitted())
    places = measure_robustness(network, FACES, most=40)
    kinds = {place.kind for place in places}
    assert len(kinds) == 12
    first = [place for place in places if place.kind == "noise"]
    assert [place.step for place in first] == ["0", "5", "10", "20", "30", "45"]
    assert first[0].faces == 40
    assert first[-1].labelled <= first[0].labelled
    turned = [place for place in places if place.kind == "head turned"]
    majority = 600 - len(range(0, 600, 23))
    assert sum(place.faces for place in turned) == majority
    assert "no landmarks" in {place.step for place in turned}


def test_the_turn_of_a_head_that_is_known() -> None:
    """A head whose nose stands out by 0.55 of the distance of the eyes, turned by 0, 20 and 40 degrees."""
    head = np.zeros((68, 3))
    head[36:42, 0], head[42:48, 0] = -0.5, 0.5
    head[30], head[48], head[54] = (0, 0.5, 0.55), (-0.4, 1, 0), (0.4, 1, 0)
    views = []
    for angle in np.radians([0, 20, -40]):
        x = head[:, 0] * np.cos(angle) + head[:, 2] * np.sin(angle)
        views.append(np.stack([x, head[:, 1]], axis=1))
    np.testing.assert_allclose(turn_deg(np.stack(views)), [0, 20, 40], atol=0.1)
