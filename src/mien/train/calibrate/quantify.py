"""Fitting what counts many faces on `validation`: evidence, its calibration by size, and the confusion.

It stands on FER-2013's labels alone, each label weighing alike. `places.quantification` uses it.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from mien.expression.calibration import softmax
from mien.expression.decision import features
from mien.expression.network import Network
from mien.expression.sidecar import Decision, Quantification, SizeCalibration
from mien.labels import EMOTIONS, standard_label
from mien.places.quantification import most_likely
from mien.train.data import FaceSet
from mien.train.evaluate.answers import answer_all

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]
Index = NDArray[np.int64]

SIZES_PX: Final = (16, 20, 24, 32, 48)
"""Sides of a crop in the picture. Narrower faces say too little: `benchmarks/crowds.py --sizes`."""

_RIDGE: Final = 0.01
_REFITS: Final = 20


def shrunk_and_back(images: Grey, side_px: int) -> Grey:
    """Return crops as they would be had their faces been so small in the picture.

    Args:
        images: (n, size, size).
        side_px: side of the crop in the picture.
    """
    size = images.shape[1]
    if side_px >= size:
        return images
    small = [cv2.resize(each, (side_px, side_px), interpolation=cv2.INTER_AREA) for each in images]
    return np.stack([cv2.resize(each, (size, size), interpolation=cv2.INTER_LINEAR) for each in small])


def fit_quantification(network: Network, decision: Decision, faces: FaceSet, seed: int) -> Quantification:
    """Fit all of it.

    Args:
        network: what reads.
        decision: of the network; the weights are held at its own.
        faces: `validation`, with FER-2013's labels.
        seed: of the bootstrap that says how sure the weights are.
    """
    labels = tuple(standard_label(label) for label in faces.labels)
    columns = [EMOTIONS.index(label) for label in labels]
    by_size = {px: features(answer_all(network, shrunk_and_back(faces.images, px))) for px in SIZES_PX}
    largest, start = by_size[SIZES_PX[-1]], np.array(decision.weights)[:, columns]
    weights, bias = _fit(largest, faces.targets, start, len(labels))
    return Quantification(
        labels=labels,
        weights=tuple(map(tuple, weights.tolist())),
        sizes=tuple(
            _by_size(px, x @ weights + bias, bias, faces.targets, len(labels)) for px, x in by_size.items()
        ),
        doubt=_doubt(largest, faces.targets, start, len(labels), np.random.default_rng([seed, 3])),
    )


def balanced(targets: Index, count: int) -> Floats:
    """(n,) weights that sum to 1 and weigh each label alike."""
    each = 1 / np.bincount(targets, minlength=count)[targets]
    return np.asarray(each / each.sum())


def _fit(x: Floats, targets: Index, start: Floats, count: int) -> tuple[Floats, Floats]:
    """Fit (15, k) and (k,): the balanced likelihood, with the weights held at where they start by a ridge."""
    weight, wanted = balanced(targets, count)[:, None], np.eye(count)[targets]

    def loss(numbers: Floats) -> tuple[float, Floats]:
        own, bias = numbers[: start.size].reshape(start.shape), numbers[start.size :]
        p = softmax(x @ (start + own) + bias)
        slope = weight * (p - wanted)
        surprise = -float((weight * wanted * np.log(p.clip(1e-12))).sum())
        gradient = [(x.T @ slope + 2 * _RIDGE * own).ravel(), slope.sum(axis=0)]
        return surprise + _RIDGE * float((own**2).sum()), np.concatenate(gradient)

    numbers = np.zeros(start.size + count)
    found = minimize(loss, numbers, jac=True, method="L-BFGS-B", options={"maxiter": 800}).x
    return start + found[: start.size].reshape(start.shape), found[start.size :]


def _by_size(px: int, evidence: Floats, own_bias: Floats, targets: Index, count: int) -> SizeCalibration:
    """Fit slope and biases of one size (Alexandari et al. 2020, bias-corrected temperature scaling)."""
    weight, wanted = balanced(targets, count)[:, None], np.eye(count)[targets]

    def loss(numbers: Floats) -> float:
        p = softmax(evidence * np.exp(numbers[0]) + numbers[1:])
        return -float((weight * wanted * np.log(p.clip(1e-12))).sum())

    found = minimize(loss, np.zeros(1 + count), method="L-BFGS-B").x
    slope, bias = float(np.exp(found[0])), found[1:]
    p = softmax(evidence * slope + bias)
    by_label = [p[targets == label] for label in range(count)]
    # A label without faces is taken to be confused with none: nothing is known of it.
    confusion = [
        (each.mean(axis=0).clip(0, 1) if len(each) else np.eye(count)[label]).tolist()
        for label, each in enumerate(by_label)
    ]
    whole = slope * own_bias + bias
    return SizeCalibration(
        px=px,
        slope=slope,
        bias=tuple((whole - whole.mean()).tolist()),
        confusion=tuple(map(tuple, confusion)),
    )


def _doubt(x: Floats, targets: Index, start: Floats, count: int, random: np.random.Generator) -> float:
    """How far the logarithms of a large crowd's shares move when the weights are fitted to other faces."""
    by_label = [np.flatnonzero(targets == label) for label in range(count)]
    crowd = balanced(targets, count)[None]
    found = []
    for _ in range(_REFITS):
        chosen = np.concatenate([random.choice(each, len(each)) for each in by_label if len(each)])
        weights, bias = _fit(x[chosen], targets[chosen], start, count)
        found.append(np.log(most_likely(softmax(x @ weights + bias), crowd)[0].clip(1e-6)))
    return float(np.sqrt(np.var(found, axis=0, ddof=1).mean()))
