"""A network with several answers: what of its outputs becomes what."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
import scipy.special
from numpy.typing import NDArray
from pydantic import ValidationError

from mien.expression.calibration import certainty_inputs
from mien.expression.decision import Decider
from mien.expression.network import OnnxNetwork
from mien.expression.reader import ExpressionReader
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, FER2013
from mien.prior import FERPLUS_MIX, Mix
from mien.types import Faces
from tiny_network import SIDE_PX, answers_graph, tiny_sidecar

WIDTHS = {"votes": 10, "fer2013": 7, "presence": 1, "landmarks": 136}
FACTS: dict[str, Any] = {
    "labels": EMOTIONS,
    "outputs": tuple(WIDTHS),
    "fer2013": {"labels": FER2013, "temperature": 1.5},
    "presence": {"slope": 2.0, "offset": -1.0},
}


def told(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    return {name: random.normal(0, 2, width).astype(np.float32) for name, width in WIDTHS.items()}


def several(values: dict[str, NDArray[np.float32]], **facts: Any) -> OnnxNetwork:
    data = answers_graph(values)
    sidecar = tiny_sidecar(data, **(FACTS | facts))
    assert sidecar.sha256 == hashlib.sha256(data).hexdigest()
    return OnnxNetwork(data, sidecar)


ONES = np.ones((2, SIDE_PX, SIDE_PX), np.uint8)


def test_each_output_becomes_its_answer() -> None:
    values = told()
    answers = several(values).answer(ONES)
    np.testing.assert_allclose(answers.logits, np.tile(values["votes"][:8], (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(answers.fer2013, np.tile(values["fer2013"], (2, 1)), rtol=1e-6)
    np.testing.assert_allclose(answers.landmarks, np.tile(values["landmarks"].reshape(68, 2), (2, 1, 1)))
    np.testing.assert_allclose(
        answers.presence, scipy.special.expit(2 * values["presence"][[0, 0]] - 1), rtol=1e-5
    )
    shares = scipy.special.softmax(values["votes"])
    np.testing.assert_allclose(answers.no_face, [shares[8:].sum()] * 2, rtol=1e-5)


def test_no_crops_give_empty_answers_of_the_same_shapes() -> None:
    answers = several(told()).answer(ONES[:0])
    assert answers.logits.shape == (0, 8)
    assert answers.landmarks is not None
    assert answers.landmarks.shape == (0, 68, 2)
    assert answers.presence is not None
    assert answers.presence.shape == (0,)


def test_a_graph_that_lacks_an_output_is_refused() -> None:
    values = told()
    del values["landmarks"]
    fault = several(values).mismatch()
    assert fault is not None
    assert fault.startswith("expected 136 numbers of landmarks, received votes")


@pytest.mark.parametrize(
    "facts",
    [
        {"outputs": ("votes", "logits", "fer2013", "presence", "landmarks")},
        {"outputs": ("fer2013", "presence", "landmarks")},
        {"labels": FER2013},
        {"fer2013": None},
        {"presence": None},
        {"bias": (0.0, 1.0)},
        {"fer2013": {"labels": FER2013, "bias": (0.5,)}},
    ],
)
def test_facts_that_contradict_each_other_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tiny_sidecar(**(FACTS | facts))


def test_the_bias_moves_the_probabilities() -> None:
    bias = tuple(np.linspace(-1, 1, 8).tolist())
    values = told(1)
    faces = Faces(np.array([[0, 0, 9, 9]] * 2, np.float32))
    own = several(
        values, bias=bias, temperature=2.0, mix={"neutral": 0.5, **dict.fromkeys(EMOTIONS[1:], 0.5 / 7)}
    )
    read = ExpressionReader(own, Mix(neutral=0.5, **dict.fromkeys(EMOTIONS[1:], 0.5 / 7))).read(ONES, faces)
    expected = scipy.special.softmax(values["votes"][:8] / 2 + np.array(bias))
    np.testing.assert_allclose(read.probabilities[0], expected, rtol=1e-5)
    assert read.presence[0] > 0


CERTAINTY = {
    "intercept": 0.1, "confidence": 0.8, "presence": 0.3, "no_face": -0.4, "quality": 1.5, "below": 0.5,
}  # fmt: skip


def test_certainty_is_the_logistic_regression_that_it_says() -> None:
    network = several(told(2), certainty=CERTAINTY)
    answers = network.answer(ONES)
    quality = np.array([0.2, np.nan], np.float32)
    said = Decider(network.sidecar).decide(answers, quality)
    got, highest = said.confidence, said.probabilities.max(axis=1)
    logit = scipy.special.logit
    for row, known in enumerate((0.2, 1.0)):
        z = (
            0.1 + 0.8 * logit(highest[row]) + 0.3 * logit(float(answers.presence[row]))  # type: ignore[index]
            - 0.4 * logit(float(answers.no_face[row])) + 1.5 * known  # type: ignore[index]
        )  # fmt: skip
        assert got[row] == pytest.approx(scipy.special.expit(z), rel=1e-5)


def test_a_bad_picture_makes_the_same_answer_uncertain() -> None:
    values = told(3) | {"presence": np.array([3], np.float32)}
    values["votes"][:] = [3, 0, 0, 0, 0, 0, 0, 0, -2, -4]
    certainty = CERTAINTY | {"quality": 12.0, "intercept": -9.0}
    reader = ExpressionReader(several(values, certainty=certainty), FERPLUS_MIX)
    faces = Faces(np.array([[0, 0, 9, 9]] * 2, np.float32), quality=[0.9, 0.1])
    assert reader.read(ONES, faces).labels == ["neutral", "uncertain"]


def test_certainty_inputs_stay_finite_at_the_ends() -> None:
    inputs = certainty_inputs([0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5])
    assert inputs.shape == (2, 4)
    assert np.isfinite(inputs).all()


def test_a_sidecar_with_several_outputs_survives_its_file(tmp_path: Any) -> None:
    sidecar = tiny_sidecar(**(FACTS | {"certainty": CERTAINTY, "bias": (0.0,) * 8}))
    assert Sidecar.model_validate_json(sidecar.model_dump_json()) == sidecar
    assert sidecar.finds_landmarks
    assert not tiny_sidecar().finds_landmarks
