"""From raw answers on `validation` to probabilities, and to the point below which nothing is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.expression.calibration import certainty_inputs, log_odds, logistic, softmax, threshold_for
from mien.expression.network import Answers, Network
from mien.expression.sidecar import Certainty, Head, Presence, Sidecar
from mien.labels import FER2013
from mien.train.augment import Augmentation
from mien.train.datasets import FaceSet
from mien.train.evaluation.answers import answer_all, crop_quality
from mien.train.evaluation.degrade import degraded_at_random
from mien.train.evaluation.metrics import ferplus_targets
from mien.train.joint.negatives import Negatives
from mien.train.joint.views import STANDARD_PLACE, look, presence_of
from mien.train.scaling import choose_scaling, fit_logistic

Grey = NDArray[np.uint8]

_MOVED = Augmentation(flip=0.5, rotation_deg=30, zoom=0.4, shift=0.6, light=0, blur=0, noise=0, erase=0)
"""How far faces are moved for presence: from quite in place to gone."""

_LEAST_SLOPE = 0.01
"""Of a network that can't tell at all."""


def calibrated(network: Network, faces: FaceSet, *, seed: int = 0) -> Sidecar:
    """Fit all that stands in the sidecar about how far the answers can be trusted.

    The expression's probabilities are fitted to the label that most of ten people chose: that is what
    `confidence` promises. (The votes' own shares are what the network gives at temperature 1.)

    Args:
        network: with a sidecar whose calibration does nothing yet.
        faces: `validation`, with votes.
        seed: of what is left to chance.

    Returns:
        The network's sidecar with temperatures, biases, presence and certainty.
    """
    answers = answer_all(network, faces.images)
    targets, has_majority = ferplus_targets(faces.votes, "all")  # type: ignore[arg-type]
    votes = choose_scaling(answers.logits[has_majority], targets[has_majority], seed)
    update: dict[str, object] = {"temperature": votes.temperature, "bias": votes.bias}
    if answers.fer2013 is not None:
        classes = choose_scaling(answers.fer2013, faces.targets, seed)
        update["fer2013"] = Head(labels=FER2013, temperature=classes.temperature, bias=classes.bias)
    crops, present = presence_examples(faces, network.sidecar.size_px, seed)
    odds = log_odds(answer_all(network, crops).presence)  # type: ignore[arg-type]
    offset, (slope,) = fit_logistic(odds[:, None], present, signs=(1,))
    update["presence"] = Presence(slope=max(float(slope), _LEAST_SLOPE), offset=offset)
    sidecar = network.sidecar.model_copy(update=update)
    return sidecar.model_copy(update={"certainty": fit_certainty(network, sidecar, faces, seed)})


def presence_examples(faces: FaceSet, size_px: int, seed: int) -> tuple[Grey, NDArray[np.bool_]]:
    """Make crops with a face, and as many without: pictures of other things, and faces moved out of sight.

    Returns:
        (m, size, size) crops, and (m,) whether there is a face.
    """
    random = np.random.default_rng([seed, 1])
    points = np.broadcast_to(STANDARD_PLACE, (len(faces), *STANDARD_PLACE.shape)).astype(np.float32)
    if faces.landmarks is not None:
        unknown = np.isnan(faces.landmarks).any(axis=(1, 2), keepdims=True)
        points = np.where(unknown, points, faces.landmarks)
    moved, places = look(faces.images, points, _MOVED, random)
    there, weight = presence_of(places)
    sure: NDArray[np.bool_] = np.asarray((weight > 0) & _mostly_seen_as_face(faces))
    nothing = Negatives("validation", size_px).make(len(faces) // 2, faces.images, random)
    crops = np.concatenate([moved[sure], nothing])
    return crops, np.concatenate([there[sure] > 0, np.zeros(len(nothing), bool)])


def _mostly_seen_as_face(faces: FaceSet) -> NDArray[np.bool_]:
    if faces.votes is None:
        return np.ones(len(faces), bool)
    return np.asarray(faces.votes[:, -1] < 5)


@dataclass(frozen=True)
class Doubts:
    """What tells a right label from a wrong one, on faces good and bad.

    Attributes:
        inputs: (m, 4) of `calibration.certainty_inputs`.
        right: (m,) whether the label is the one that most of ten people chose.
    """

    inputs: NDArray[np.float64]
    right: NDArray[np.bool_]


def fit_certainty(network: Network, sidecar: Sidecar, faces: FaceSet, seed: int) -> Certainty:
    """Fit the model of which labels are right, and the point below which a face is `uncertain`."""
    doubts = doubts_of(network, sidecar, faces, seed)
    intercept, weights = fit_logistic(doubts.inputs, doubts.right, signs=(1, 1, -1, 1))
    probability = logistic(intercept + doubts.inputs @ weights)
    names = ("confidence", "presence", "no_face", "quality")
    coefficients = {name: float(weight) for name, weight in zip(names, weights, strict=True)}
    return Certainty(intercept=intercept, **coefficients, below=threshold_for(probability, doubts.right))


def doubts_of(network: Network, sidecar: Sidecar, faces: FaceSet, seed: int) -> Doubts:
    """Read faces as they are, worse copies of them, and pictures without a face.

    Args:
        network: what reads.
        sidecar: with temperature, bias and presence fitted.
        faces: `validation`, with votes; those without a majority, and non-faces, have no right label.
        seed: of what is left to chance.
    """
    targets, _ = ferplus_targets(faces.votes, "all")  # type: ignore[arg-type]
    nothing, present = presence_examples(faces, sidecar.size_px, seed)
    nothing = nothing[~present][: len(faces) // 4]
    crops = np.concatenate([faces.images, degraded_at_random(faces.images, seed), nothing])
    right_label = np.concatenate([targets, targets, np.full(len(nothing), -1)])
    answers = answer_all(network, crops)
    p = softmax(answers.logits, sidecar.temperature, sidecar.bias)
    inputs = certainty_inputs(
        p.max(axis=1),
        presence_probability(answers, sidecar),
        no_face_of(answers),
        crop_quality(crops, answers),
    )
    return Doubts(inputs, p.argmax(axis=1) == right_label)


def presence_probability(answers: Answers, sidecar: Sidecar) -> NDArray[np.float64]:
    """Calibrate the presence of a network whose own sidecar does not do it yet."""
    scale = sidecar.presence or Presence()
    return logistic(scale.slope * log_odds(answers.presence) + scale.offset)  # type: ignore[arg-type]


def no_face_of(answers: Answers) -> NDArray[np.float32]:
    """Give the share of votes for no face, 0 where the network does not say."""
    return np.zeros(len(answers.logits), np.float32) if answers.no_face is None else answers.no_face
