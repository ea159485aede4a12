"""What one step of joint training learns from: images, and a target and a weight for each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.labels import FER2013, FERPLUS_VOTES
from mien.train.datasets import FaceSet
from mien.train.joint.negatives import Negatives
from mien.train.joint.recipe import JointRecipe
from mien.train.joint.views import STANDARD_PLACE, look, presence_of

Outputs = dict[str, NDArray[np.float32]]

Teach = Callable[[NDArray[np.uint8]], Outputs]
"""What teachers say of images (n, size, size): probabilities `votes` (n, 10) and `fer2013` (n, 7)."""

_NOT_A_FACE = FERPLUS_VOTES.index("not-a-face")
_NEGATIVE_WEIGHT = 0.2
"""Weight of the votes of a picture without a face: there are endless ones, and they are easy."""
_TOO_MANY_NO_FACE = 5
"""A picture that this many of ten people call no face is no example of presence."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    Attributes:
        images: (n, size, size) uint8.
        targets: by the names of the network's answers.
        weights: (n,) of each target, 0 where there is none.
    """

    images: NDArray[np.uint8]
    targets: Outputs
    weights: Outputs


@dataclass(frozen=True)
class Lessons:
    """All that is to be learnt, ready to be cut into batches.

    Attributes:
        images: (n, size, size) uint8.
        votes: (n, 10) shares of the votes.
        has_votes: (n,) 0 where there are none.
        fer2013: (n, 7) shares of FER-2013's classes.
        landmarks: (n, 68, 2) shares of the side, NaN where there are none; None leaves them out.
        no_face: (n,) whether people called it no face.
    """

    images: NDArray[np.uint8]
    votes: NDArray[np.float32]
    has_votes: NDArray[np.float32]
    fer2013: NDArray[np.float32]
    landmarks: NDArray[np.float32] | None
    no_face: NDArray[np.bool_]

    @classmethod
    def of(cls, faces: FaceSet, *, label_smoothing: float) -> Lessons:
        """Put targets together.

        Args:
            faces: FER-2013's faces with FER+ votes.
            label_smoothing: see `JointFit`.
        """
        votes = np.zeros((len(faces), len(FERPLUS_VOTES)), np.float32)
        if faces.votes is not None:
            votes = faces.votes.astype(np.float32)
        sums = votes.sum(axis=1, keepdims=True)
        votes /= np.maximum(sums, 1)
        no_face = votes[:, _NOT_A_FACE] * 10 >= _TOO_MANY_NO_FACE
        fer2013 = np.eye(len(FER2013), dtype=np.float32)[faces.targets]
        fer2013 = fer2013 * (1 - label_smoothing) + label_smoothing / len(FER2013)
        return cls(
            faces.images,
            votes,
            (sums[:, 0] > 0).astype(np.float32),
            fer2013,
            faces.landmarks,
            no_face,
        )


def batches(
    lessons: Lessons,
    recipe: JointRecipe,
    negatives: Negatives,
    random: np.random.Generator,
    teach: Teach | None = None,
) -> Iterator[Batch]:
    """Give one epoch of batches in a new order; what does not fill a batch waits for the next epoch."""
    order = random.permutation(len(lessons.images))
    size = recipe.fit.batch
    for start in range(0, len(order) - size + 1, size):
        yield make_batch(lessons, order[start : start + size], recipe, negatives, random, teach)


def make_batch(
    lessons: Lessons,
    places: NDArray[np.int64],
    recipe: JointRecipe,
    negatives: Negatives,
    random: np.random.Generator,
    teach: Teach | None = None,
) -> Batch:
    """Make a batch: the faces at these places, the last of them moved wildly, and pictures without a face.

    Teachers are asked about each image as the pupil sees it, changed and mixed, so that both answer the same
    question; that teaches far more than what they say of the unchanged face (Beyer et al. 2022, Knowledge
    distillation: a good teacher is patient and consistent, arXiv:2106.05237).
    """
    fit = recipe.fit
    points = np.full((len(places), 68, 2), np.nan, np.float32)
    if lessons.landmarks is not None:
        points = lessons.landmarks[places]
    known = np.asarray(~np.isnan(points).any(axis=(1, 2)))
    points = np.where(known[:, None, None], points, STANDARD_PLACE)
    mild = len(places) - round(fit.wild * len(places))
    views = [
        look(lessons.images[part], points[rows], chosen, random)
        for part, rows, chosen in (
            (places[:mild], slice(None, mild), recipe.augment),
            (places[mild:], slice(mild, None), recipe.augment_wild),
        )
    ]
    images, points = (np.concatenate(both) for both in zip(*views, strict=True))
    present, sure = presence_of(points)
    sure *= ~lessons.no_face[places]
    is_mild = np.arange(len(places)) < mild
    expression = np.where(is_mild, 1.0, fit.wild_expression * present).astype(np.float32)
    targets = {
        "votes": lessons.votes[places],
        "fer2013": lessons.fer2013[places],
        "presence": present[:, None],
        "landmarks": points.reshape(len(places), -1),
    }
    weights = {
        "votes": expression * lessons.has_votes[places],
        "fer2013": expression,
        "presence": sure,
        "landmarks": known * present,
    }
    mix(images, targets, weights, round(fit.mixup * mild), random)
    if teach is not None:
        add_teachers(targets, teach(images), fit.teachers_share)
    nothing = negatives.make(round(recipe.data.negatives * len(places)), lessons.images, random)
    return with_negatives(images, targets, weights, nothing)


def add_teachers(targets: Outputs, said: Outputs, share: float) -> None:
    """Put what teachers say into the targets, in place.

    Cross-entropy is linear in its target, so learning from people and from teachers at once is learning from
    the weighted mean of both (Hinton et al. 2015, arXiv:1503.02531).
    """
    for name in ("votes", "fer2013"):
        targets[name] = (1 - share) * targets[name] + share * said[name]


def mix(
    images: NDArray[np.uint8], targets: Outputs, weights: Outputs, count: int, random: np.random.Generator
) -> None:
    """Mix the first faces of a batch with one another, in place; a mixed face has no landmarks."""
    other = random.permutation(count)
    share = random.beta(0.4, 0.4, count).astype(np.float32)[:, None]
    first, second = images[:count].astype(np.float32), images[other].astype(np.float32)
    images[:count] = np.rint(share[:, :, None] * first + (1 - share[:, :, None]) * second)
    for name in ("votes", "fer2013"):
        targets[name][:count] = share * targets[name][:count] + (1 - share) * targets[name][other]
        weights[name][:count] = np.minimum(weights[name][:count], weights[name][other])
    for name in ("presence", "landmarks"):
        weights[name][:count] = 0


def with_negatives(
    images: NDArray[np.uint8], targets: Outputs, weights: Outputs, nothing: NDArray[np.uint8]
) -> Batch:
    """Add pictures without a face at the end of a batch."""
    count = len(nothing)
    none = {name: np.zeros((count, target.shape[1]), np.float32) for name, target in targets.items()}
    none["votes"][:, _NOT_A_FACE] = 1
    weight = {"votes": _NEGATIVE_WEIGHT, "fer2013": 0.0, "presence": 1.0, "landmarks": 0.0}
    return Batch(
        np.concatenate([images, nothing]),
        {name: np.concatenate([target, none[name]]) for name, target in targets.items()},
        {
            name: np.concatenate([values, np.full(count, weight[name], np.float32)])
            for name, values in weights.items()
        },
    )
