"""Where a network stops being right: faces made worse step by step, and faces that turn away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.expression.decision import Decider
from mien.expression.network import Network
from mien.face.landmarks import five_points
from mien.train.data import FaceSet
from mien.train.evaluate.answers import answer_all, crop_quality
from mien.train.evaluate.corruptions import CORRUPTIONS
from mien.train.evaluate.metrics import ferplus_targets

_MOST_FACES: Final = 2000
_TURNS_DEG: Final = (0, 10, 20, 30, 45, 90)
_NOSE_OUT: Final = 0.55
"""How far the nose's tip stands out, in distances between the eyes (0.21 / 0.38 sides of the crop)."""


@dataclass(frozen=True)
class RobustnessStep:
    """How a network does under one step of one change.

    Attributes:
        kind: what is changed.
        unit: what the steps count.
        step: how far, in words.
        faces: how many were read.
        right: share whose label is the one that most of ten people chose for the unchanged face; the label
            that most would choose (the prior `photographs`), given or not.
        labelled: share that gets a label, the others being `uncertain`.
        right_if_labelled: share of right labels among those; None where there are none.
    """

    kind: str
    unit: str
    step: str
    faces: int
    right: float
    labelled: float
    right_if_labelled: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        return asdict(self)


def measure_robustness(
    network: Network, faces: FaceSet, *, most: int = _MOST_FACES, seed: int = 0
) -> list[RobustnessStep]:
    """Measure a network under every step of every change.

    Args:
        network: what is measured.
        faces: with votes; faces without a majority are left out.
        most: so many faces at most are drawn, the same ones for every step.
        seed: of the draw, and of what the changes leave to chance.
    """
    targets, mask = ferplus_targets(faces.votes, "all")  # type: ignore[arg-type]
    places = np.flatnonzero(mask)
    drawn = np.sort(np.random.default_rng(seed).permutation(places)[:most])
    images, labels = faces.images[drawn], targets[drawn]
    rows = []
    for kind in CORRUPTIONS:
        for step in kind.steps:
            worse = kind.apply(images, step, seed)
            rows.append(_row(network, worse, labels, kind.name, kind.unit, f"{step:g}"))
    return rows + _turned(network, faces.take(places), targets[places])


def turn_deg(landmarks: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Guess how far faces are turned to a side, from where the nose's tip lies between the eyes.

    Args:
        landmarks: (n, 68, 2), iBUG's order, in any unit.

    Returns:
        (n,) degrees from 0: a nose that stands out by d goes d tan(angle) aside, in eye distances.
    """
    points = five_points(landmarks)
    line = points[:, 1] - points[:, 0]
    nose = points[:, 2] - points[:, :2].mean(axis=1)
    aside = (line * nose).sum(axis=1) / (line**2).sum(axis=1)
    return np.asarray(np.degrees(np.arctan(np.abs(aside) / _NOSE_OUT)))


def _turned(network: Network, faces: FaceSet, labels: NDArray[np.int64]) -> list[RobustnessStep]:
    if faces.landmarks is None:
        return []
    known = ~np.isnan(faces.landmarks).any(axis=(1, 2))
    angle = np.full(len(faces), np.nan)
    angle[known] = turn_deg(faces.landmarks[known])
    rows = []
    for low, high in pairwise(_TURNS_DEG):
        mask = (angle >= low) & (angle < high)
        if mask.any():
            step = f"{low} to {high}"
            rows.append(_row(network, faces.images[mask], labels[mask], "head turned", "degrees", step))
    if not known.all():
        rows.append(
            _row(network, faces.images[~known], labels[~known], "head turned", "degrees", "no landmarks")
        )
    return rows


def _row(
    network: Network, images: NDArray[np.uint8], labels: NDArray[np.int64], kind: str, unit: str, step: str
) -> RobustnessStep:
    answers = answer_all(network, images)
    said = Decider(network.sidecar, "photographs").decide(answers, crop_quality(images, answers))
    right, certain = said.leading == labels, said.certain
    among = float(right[certain].mean()) if certain.any() else None
    return RobustnessStep(kind, unit, step, len(images), float(right.mean()), float(certain.mean()), among)
