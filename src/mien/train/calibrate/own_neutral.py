"""Fitting what own neutral faces need: how far a face at rest strays from itself, and when that is a change.

No person is photographed twice in FER-2013, so a neutral face is set against copies of itself that are
moved, turned, lit, blurred and stored otherwise. Thresholds let few of these copies leave neutral.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.expression.calibration import log_odds
from mien.expression.decision import certainty_inputs, features
from mien.expression.network import Network
from mien.expression.personal import Rest, personal
from mien.expression.sidecar import Decision, LabelCertainty, OwnNeutral
from mien.labels import EMOTIONS, standard_label
from mien.neutral import gentle_views
from mien.prior import BALANCED
from mien.train.calibrate.scaling import fit_logistic
from mien.train.data import FaceSet
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.corruptions import blurred, compressed, lit, lit_from_the_side, noisy, shrunk

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]

LEAVE: Final = 0.03
"""At most this share of disturbed neutral faces gets another label."""
_SMILES: Final = 40
"""Happiness may take so many times as much of it as any other expression: mild smiles are the commonest of
mild expressions by far, and the only ones that there are pairs of photographs of."""
_VOTES: Final = 5
"""A face is at rest where FER-2013 calls it neutral, and so many of ten people do."""
_LEAST_FACES: Final = 50
_HALVINGS: Final = 20
_ROUNDS: Final = 2
_STRENGTHS: Final = (1 / 3, 2 / 3, 1.0)
_DRAWN: Final = 500
_LEAST_SLOPE: Final = 0.01
_BELOW: Final = 0.5
"""A label that is likelier wrong than right is not given, as `calibration.threshold_for` has it."""


def fit_own_neutral(network: Network, decision: Decision, faces: FaceSet, seed: int = 0) -> OwnNeutral | None:
    """Fit the constants of own neutral faces.

    Args:
        network: with the outputs votes and fer2013.
        decision: of it, fitted.
        faces: `validation`, with votes.
        seed: of the disturbances.

    Returns:
        None where there are too few faces at rest.
    """
    resting = faces.images[is_resting(faces)]
    if len(resting) < _LEAST_FACES:
        return None
    mean, noise = rest_of_crops(network, resting)
    copies = np.stack(
        [features(answer_all(network, disturbed(resting, kind, seed))) for kind in range(len(_DISTURBANCES))]
    )
    change = copies - mean
    within = float((change**2).mean())
    between = max(float(mean.var(axis=0).mean()) - within / len(copies), 1e-6)
    own = OwnNeutral(
        average=tuple(mean.mean(axis=0).tolist()), bias=(0.0,) * len(EMOTIONS),
        noise=float(np.median(noise)), half_s=within / between, certainty=decision.certainty,
    )  # fmt: skip
    shown = _shown(features(answer_all(network, faces.images)), faces)
    for _ in range(_ROUNDS):  # which labels are given depends on the thresholds, and these on them
        own = own.model_copy(update={"bias": _thresholds(own, decision, change, noise)})
        own = own.model_copy(update={"certainty": _certainty(own, decision, change, noise, shown, seed)})
    return own.model_copy(update={"bias": _thresholds(own, decision, change, noise)})


def is_resting(faces: FaceSet) -> NDArray[np.bool_]:
    """(n,) whether each face is neutral beyond doubt."""
    labels = [standard_label(label) for label in faces.labels]
    if faces.votes is None or "neutral" not in labels:
        return np.zeros(len(faces), bool)
    return np.asarray((faces.targets == labels.index("neutral")) & (faces.votes[:, 0] >= _VOTES))


def rest_of_crops(network: Network, crops: Grey) -> tuple[Floats, Floats]:
    """Look at faces at rest, each a crop of its own, as `neutral.look_at` does.

    Returns:
        (n, 15) mean logits, and (n,) the noise.
    """
    corner, edge = np.zeros(2), np.array([float(crops.shape[1]), 0.0])
    views = [
        gentle_views(cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB), corner, edge, crops.shape[1]) for crop in crops
    ]
    logits = features(answer_all(network, np.concatenate(views))).reshape(len(crops), len(views[0]), -1)
    mean = logits.mean(axis=1)
    return mean, np.sqrt(((logits - mean[:, None]) ** 2).mean(axis=(1, 2)))


def disturbed(crops: Grey, kind: int, seed: int) -> Grey:
    """Disturb crops, all by the same kind; the first kind leaves them as they are."""
    random = np.random.default_rng([seed, kind])
    return np.stack([_DISTURBANCES[kind](crop, random) for crop in crops])


def _moved(face: Grey, random: np.random.Generator) -> Grey:
    """Move, scale and turn a face as far as landmarks may be off."""
    size = face.shape[0]
    angle, scale = random.uniform(-3, 3), random.uniform(0.97, 1.03)
    way = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, scale)
    way[:, 2] += random.uniform(-0.02, 0.02, 2) * size
    moved = cv2.warpAffine(face, way, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


_DISTURBANCES: Final[tuple[Callable[[Grey, np.random.Generator], Grey], ...]] = (
    lambda face, random: face,
    _moved,
    lambda face, random: lit(_moved(face, random), random.uniform(0.35, 0.8), random),
    lambda face, random: lit(_moved(face, random), random.uniform(1.15, 1.4), random),
    lambda face, random: lit_from_the_side(_moved(face, random), 0.6, random),
    lambda face, random: noisy(_moved(face, random), 4, random),
    lambda face, random: blurred(_moved(face, random), 0.6, random),
    lambda face, random: shrunk(_moved(face, random), 0.75 * face.shape[0], random),
    lambda face, random: compressed(_moved(face, random), 70, random),
)


def _thresholds(own: OwnNeutral, decision: Decision, change: Floats, noise: Floats) -> tuple[float, ...]:
    """Choose the fine reading's biases, so that the share `LEAVE` of the copies leaves neutral.

    Each expression is left the same small share of the copies, happiness `_SMILES` times as much; how much
    that may be is found by halving.
    """
    ratio = np.ones(len(EMOTIONS) - 1)
    ratio[EMOTIONS.index("happiness") - 1] = _SMILES
    evidence = change / noise[:, None] @ np.array(decision.weights)
    margin = (evidence[..., 1:] - evidence[..., :1]).reshape(-1, len(ratio))
    low, high = 0.0, LEAVE / _SMILES
    bias = _biases(margin, low * ratio)
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        tried = _biases(margin, share * ratio)
        if _leaving(own.model_copy(update={"bias": tried}), decision, change, noise) <= LEAVE:
            low, bias = share, tried
        else:
            high = share
    return bias


def _shown(logits: Floats, faces: FaceSet) -> list[Floats]:
    """Return the logits of faces that show each expression but neutral, by most of ten people's votes."""
    votes = np.asarray(faces.votes)[:, : len(EMOTIONS)]
    return [
        logits[(votes.argmax(axis=1) == place) & (votes.max(axis=1) >= _VOTES)]
        for place in range(1, len(EMOTIONS))
    ]


def _certainty(
    own: OwnNeutral, decision: Decision, change: Floats, noise: Floats, shown: list[Floats], seed: int
) -> LabelCertainty:
    """Fit how likely a label is right, where half of the faces are at rest and half show an expression.

    Expressions are put on everybody's neutral face at a third, two thirds and all of their strength, with the
    disturbance of a face at rest. What presence and quality say is taken from the decision.
    """
    random = np.random.default_rng([seed, 1])
    kinds, faces = change.shape[:2]
    right, odds = [], []
    for place, logits in enumerate([None, *shown]):
        count = _DRAWN * (len(EMOTIONS) - 1 if logits is None else 1)
        if logits is not None and not len(logits):
            continue
        who = random.integers(0, faces, count)
        moved = change[random.integers(0, kinds, count), who]
        if logits is not None:
            strength = random.choice(_STRENGTHS, count)[:, None]
            moved = moved + strength * (logits[random.integers(0, len(logits), count)] - own.average)
        p = np.concatenate(
            [
                personal(own, decision, (each + own.average)[None], _at_average(own, its), 1.0, BALANCED)
                for each, its in zip(moved, noise[who].tolist(), strict=True)
            ]
        )
        right.append(p.argmax(axis=1) == place)
        odds.append(log_odds(p.max(axis=1)))
    was, known = np.concatenate(right), np.concatenate(odds)[:, None]
    intercept, (slope,) = fit_logistic(known, was, signs=(1,))
    slope = max(float(slope), _LEAST_SLOPE)
    return decision.certainty.model_copy(
        update={
            "temperature": 1.0, "bias": (), "intercept": intercept, "slope": slope,
            "below": _BELOW,
        }
    )  # fmt: skip


def _biases(margin: Floats, shares: Floats) -> tuple[float, ...]:
    limits = [np.quantile(margin[:, place], 1 - share) for place, share in enumerate(shares)]
    return (0.0, *(-float(limit) for limit in limits))


def _leaving(own: OwnNeutral, decision: Decision, change: Floats, noise: Floats) -> float:
    """Return the share of the copies that get another label than neutral."""
    model, left = own.certainty, []
    for face, each in enumerate(noise.tolist()):
        p = personal(own, decision, change[:, face] + own.average, _at_average(own, each), 1.0, BALANCED)
        seen = np.ones(len(p), np.float32)
        inputs = certainty_inputs(model.temperature, model.bias, p, seen, seen)
        given = model.intercept + model.slope * inputs[:, 0] >= log_odds(model.below)
        left.append(given & (p.argmax(axis=1) > 0))
    return float(np.mean(left))


def _at_average(own: OwnNeutral, noise: float) -> Rest:
    """Return a neutral face like everybody's but for its noise: only the change from rest counts."""
    return Rest("", own.average, noise, np.inf, 0.0, 0.0, 0.5)
