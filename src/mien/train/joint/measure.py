"""How good all the answers of a joint network are, on faces that did not teach it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.expression.calibration import softmax
from mien.labels import EMOTIONS
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.evaluate.metrics import ferplus_targets, kl_to_votes
from mien.train.joint.batches import Outputs

OUTER_EYE_CORNERS = (36, 45)
"""Places among the 68 points between which the inter-ocular distance is taken, as iBUG's challenge does."""

_NEGATIVES = 500


def measure(
    answers: Callable[[NDArray[np.uint8]], Outputs], faces: FaceSet, negatives: Negatives
) -> dict[str, float]:
    """Give the figures of one epoch.

    Args:
        answers: runs the network.
        faces: validation's faces.
        negatives: makes validation's pictures without faces.

    Returns:
        `validation_accuracy` and `validation_loss` of FER-2013's classes; with votes `ferplus`, `ferplus_all`
        and `kl`; with landmarks their median error; `presence`, the mean of the shares of faces and of
        negatives that are told right.
    """
    got = answers(faces.images)
    p = softmax(got["fer2013"])
    figures = {
        "validation_accuracy": float((p.argmax(axis=1) == faces.targets).mean()),
        "validation_loss": float(-np.log(p[np.arange(len(p)), faces.targets]).mean()),
    }
    if faces.votes is not None:
        emotions = softmax(got["votes"][:, : len(EMOTIONS)])
        for name, rule in (("ferplus", "ferplus"), ("ferplus_all", "all")):
            targets, mask = ferplus_targets(faces.votes, rule)  # type: ignore[arg-type]
            figures[name] = float((emotions[mask].argmax(axis=1) == targets[mask]).mean())
        figures["kl"] = kl_to_votes(emotions, faces.votes)
    if faces.landmarks is not None and "landmarks" in got:
        figures["landmarks"] = float(np.median(landmark_errors(got["landmarks"], faces.landmarks)))
    nothing = negatives.make(_NEGATIVES, faces.images, np.random.default_rng(0))
    right = [(got["presence"] > 0).mean(), (answers(nothing)["presence"] <= 0).mean()]
    figures["presence"] = float(np.mean(right))
    return figures


def landmark_errors(answered: NDArray[np.float32], landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the mean distance from the teacher's points, as a share of the inter-ocular distance.

    Args:
        answered: (n, 136) or (n, 68, 2).
        landmarks: (n, 68, 2), in the same unit; NaN where there are none.

    Returns:
        (m,) for the faces that have landmarks.
    """
    known = ~np.isnan(landmarks).any(axis=(1, 2))
    there, said = landmarks[known].astype(np.float64), answered.reshape(-1, 68, 2)[known]
    left, right = OUTER_EYE_CORNERS
    interocular = np.linalg.norm(there[:, left] - there[:, right], axis=1)
    return np.asarray(np.linalg.norm(said - there, axis=2).mean(axis=1) / interocular)
