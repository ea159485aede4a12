"""What one step of joint training learns from: images, and a target and a weight for each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels import FER2013, FERPLUS_VOTES
from mien.train.augment import STANDARD_PLACE, moved_points, presence_of
from mien.train.data import FaceSet
from mien.train.joint.pictures import Images, Pictures
from mien.train.joint.recipe import JointRecipe

Outputs = dict[str, NDArray[np.float32]]

Teach = Callable[[Images], dict[str, Any]]
"""What teachers say of images (n, size, size): probabilities `votes` (n, 10) and `fer2013` (n, 7)."""

_NOT_A_FACE = FERPLUS_VOTES.index("not-a-face")
_NEGATIVE_WEIGHT = 0.2
"""Weight of the votes of a picture without a face: there are endless ones, and they are easy."""
_TOO_MANY_NO_FACE = 5
"""A picture that this many of ten people call no face is no example of presence."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from; tensors on the graphics card, where there is one, instead of arrays.

    Attributes:
        images: (n, size, size), 0 to 255.
        targets: by the names of the network's answers.
        weights: (n,) of each target, 0 where there is none.
    """

    images: Images
    targets: dict[str, Any]
    weights: dict[str, Any]


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
    pictures: Pictures,
    random: np.random.Generator,
    teach: Teach | None = None,
) -> Iterator[Batch]:
    """Give one epoch of batches in a new order; what does not fill a batch waits for the next epoch."""
    order = random.permutation(len(lessons.images))
    size = recipe.fit.batch
    for start in range(0, len(order) - size + 1, size):
        yield make_batch(lessons, order[start : start + size], recipe, pictures, random, teach)


def make_batch(
    lessons: Lessons,
    places: NDArray[np.int64],
    recipe: JointRecipe,
    pictures: Pictures,
    random: np.random.Generator,
    teach: Teach | None = None,
) -> Batch:
    """Make a batch: the faces at these places, the last of them moved wildly, and pictures without a face.

    Teachers are asked about each image as the pupil sees it, changed and mixed, so that both answer the same
    question; that teaches far more than what they say of the unchanged face (Beyer et al. 2022, Knowledge
    distillation: a good teacher is patient and consistent, arXiv:2106.05237).

    Args:
        lessons: what there is to learn.
        places: (n,) of the faces.
        recipe: how.
        pictures: the faces of `lessons`, and pictures without one.
        random: where chance comes from.
        teach: asks the teachers; None where there are none.
    """
    fit = recipe.fit
    points = np.full((len(places), 68, 2), np.nan, np.float32)
    if lessons.landmarks is not None:
        points = lessons.landmarks[places]
    known = np.asarray(~np.isnan(points).any(axis=(1, 2)))
    points = np.where(known[:, None, None], points, STANDARD_PLACE)
    mild = len(places) - round(fit.wild * len(places))
    parts = ((slice(None, mild), recipe.augment), (slice(mild, None), recipe.augment_wild))
    changed = [pictures.change(places[rows], chosen, random) for rows, chosen in parts]
    images = pictures.join([part for part, _ in changed])
    moves = np.concatenate([moved for _, moved in changed])
    points = moved_points(points, moves, lessons.images.shape[1])
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
    other, share = mix(targets, weights, round(fit.mixup * mild), random)
    images = pictures.blend(images, other, share)
    count = round(recipe.data.negatives * len(places))
    with_negatives(targets, weights, count)
    images = pictures.join([images, pictures.without_face(count, random)])
    batch = Batch(images, pictures.put(targets), pictures.put(weights))
    if teach is not None:
        add_teachers(batch.targets, teach(images[: len(places)]), fit.teachers_share)
    return batch


def add_teachers(targets: dict[str, Any], said: dict[str, Any], share: float) -> None:
    """Put what teachers say of the first images into their targets, in place.

    Cross-entropy is linear in its target, so learning from people and from teachers at once is learning from
    the weighted mean of both (Hinton et al. 2015, arXiv:1503.02531).
    """
    for name in ("votes", "fer2013"):
        count = len(said[name])
        targets[name][:count] = (1 - share) * targets[name][:count] + share * said[name]


def mix(
    targets: Outputs, weights: Outputs, count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Mix the targets of a batch's first faces with one another, in place; a mixed face has no landmarks.

    Returns:
        (count,) which face is laid over each, and (count, 1) the share of the first of the two.
    """
    other = random.permutation(count)
    share = random.beta(0.4, 0.4, count).astype(np.float32)[:, None]
    for name in ("votes", "fer2013"):
        targets[name][:count] = share * targets[name][:count] + (1 - share) * targets[name][other]
        weights[name][:count] = np.minimum(weights[name][:count], weights[name][other])
    for name in ("presence", "landmarks"):
        weights[name][:count] = 0
    return other, share


def with_negatives(targets: Outputs, weights: Outputs, count: int) -> None:
    """Add the targets of pictures without a face at the end of a batch's, in place."""
    weight = {"votes": _NEGATIVE_WEIGHT, "fer2013": 0.0, "presence": 1.0, "landmarks": 0.0}
    for name, target in targets.items():
        none = np.zeros((count, target.shape[1]), np.float32)
        if name == "votes":
            none[:, _NOT_A_FACE] = 1
        targets[name] = np.concatenate([target, none])
        weights[name] = np.concatenate([weights[name], np.full(count, weight[name], np.float32)])


def ahead(made: Iterator[Batch], count: int) -> Iterator[Batch]:
    """Make batches in a thread beside the training, so that a graphics card does not wait for them.

    Args:
        made: the batches; what making one raises is raised here.
        count: how many may be ready; 0 makes each when it is asked for.
    """
    if not count:
        yield from made
        return
    ready: Queue[Batch | BaseException | None] = Queue(count)
    stopped = Event()

    def put(item: Batch | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(Full):
                ready.put(item, timeout=0.1)
                return

    def work() -> None:
        try:
            for batch in made:
                put(batch)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:  # raised again by who waits for the batch
            put(error)

    worker = Thread(target=work, name="batches", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        worker.join(timeout=10)
