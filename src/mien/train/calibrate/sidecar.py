"""From raw answers on `validation` to probabilities, and to the point below which nothing is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.expression.calibration import log_odds, logistic
from mien.expression.network import Answers, Network
from mien.expression.sidecar import Decision, Head, Presence, Sidecar
from mien.labels import FER2013
from mien.train.augment import STANDARD_PLACE, Augmentation, look, presence_of
from mien.train.calibrate.decision import CalibrationSample, Doubted, fit_decision
from mien.train.calibrate.own_neutral import fit_own_neutral
from mien.train.calibrate.quantify import fit_quantification
from mien.train.calibrate.scaling import choose_scaling, fit_logistic
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.evaluate.answers import answer_all, crop_quality
from mien.train.evaluate.corruptions import corrupted_at_random
from mien.train.evaluate.metrics import ferplus_targets

Grey = NDArray[np.uint8]

_MOVED = Augmentation(flip=0.5, rotation_deg=30, zoom=0.4, shift=0.6, light=0, blur=0, noise=0, erase=0)
"""How far faces are moved for presence: from quite in place to gone."""

_LEAST_SLOPE = 0.01
"""Of a network that can't tell at all."""


def calibrated(network: Network, faces: FaceSet, *, seed: int = 0) -> Sidecar:
    """Fit all that stands in the sidecar about how far the answers can be trusted.

    The heads' own temperatures and biases, for the figures of one head, are fitted to the label that most of
    ten people chose and to FER-2013's. The decision out of both is what users get; see `decide`.

    Args:
        network: with a sidecar whose presence is not calibrated yet.
        faces: `validation`, with votes.
        seed: of what is left to chance.

    Returns:
        The network's sidecar with temperatures, biases, presence, decision, what own neutral faces need, and
        what counting many faces needs.
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
    decision = decision_of(network, sidecar, faces, seed)
    own = fit_own_neutral(network, decision, faces, seed)
    many = fit_quantification(network, decision, faces, seed)
    return sidecar.model_copy(update={"decision": decision, "own_neutral": own, "quantification": many})


def uncalibrated(sidecar: Sidecar) -> Sidecar:
    """Return a sidecar whose calibration does nothing, in the newest format."""
    head = sidecar.fer2013 and Head(labels=sidecar.fer2013.labels)
    nothing: dict[str, object] = {
        "temperature": 1.0,
        "bias": (),
        "uncertain_below": 0.0,
        "certainty": None,
        "decision": None,
        "own_neutral": None,
        "quantification": None,
    }
    known: dict[str, object] = {
        "format": 2,
        "fer2013": head,
        "presence": sidecar.presence and Presence(),
        "metrics": {},
    }
    return sidecar.model_copy(update=nothing | known)


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


def decision_of(network: Network, sidecar: Sidecar, faces: FaceSet, seed: int) -> Decision:
    """Fit the decision on faces as they are; how sure it is, on worse copies and pictures without one too.

    Args:
        network: what reads; its own sidecar's calibration isn't used.
        sidecar: with presence fitted.
        faces: `validation`, with votes.
        seed: of what is left to chance.
    """
    nothing, present = presence_examples(faces, sidecar.size_px, seed)
    nothing = nothing[~present][: len(faces) // 4]
    raw = answer_all(network, faces.images)
    sample = CalibrationSample.of(raw, faces)

    def doubted(crops: Grey, answers: Answers, known: CalibrationSample | None) -> Doubted:
        return Doubted.of(
            answers, presence_probability(answers, sidecar), crop_quality(crops, answers), known
        )

    worse = corrupted_at_random(faces.images, seed)
    return fit_decision(
        sample,
        [doubted(faces.images, raw, sample)],
        [
            doubted(worse, answer_all(network, worse), sample),
            doubted(nothing, answer_all(network, nothing), None),
        ],
        seed,
    )


def presence_probability(answers: Answers, sidecar: Sidecar) -> NDArray[np.float64]:
    """Calibrate the presence of a network whose own sidecar does not do it yet."""
    scale = sidecar.presence or Presence()
    return logistic(scale.slope * log_odds(answers.presence) + scale.offset)  # type: ignore[arg-type]
