"""What a network learns from: a target and a weight for each of its answers, and the batches of an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.circumplex import valence_arousal
from mien.labels import EMOTIONS, FER2013, FERPLUS_VOTES
from mien.train.augment import STANDARD_PLACE, moved_points, presence_of
from mien.train.data import FaceSet
from mien.train.networks.scep import AFFECT
from mien.train.pictures import Images, Pictures
from mien.train.recipe import JointRecipe, LabelRecipe, Recipe

Arrays = dict[str, NDArray[np.float32]]
"""Targets, weights or answers, by the names of a network's answers."""

Teach = Callable[[Images], dict[str, Any]]
"""What teachers say of images (n, size, size): probabilities `votes` (n, 10) and `fer2013` (n, 7)."""

_NOT_A_FACE: Final = FERPLUS_VOTES.index("not-a-face")
_NEGATIVE_WEIGHT: Final = 0.2
"""Weight of the votes of a picture without a face: there are endless ones, and they are easy."""
_TOO_MANY_NO_FACE: Final = 5
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
class TrainingTargets:
    """What is right for n faces, ready to be cut into batches.

    Attributes:
        targets: by the names of the network's answers: `logits` (n, k) and `fer2013` (n, 7) shares of the
            classes, `votes` (n, 8 or 10) shares of the votes, `affect` see `affect_targets`.
        weights: (n,) of each, 0 for a face that nobody voted on.
        landmarks: (n, 68, 2) shares of the side, NaN where there are none; None leaves them out.
        no_face: (n,) whether people called it no face.
    """

    targets: Arrays
    weights: Arrays
    landmarks: NDArray[np.float32] | None
    no_face: NDArray[np.bool_]

    @classmethod
    def of(cls, faces: FaceSet, recipe: Recipe, taught: Arrays | None = None) -> TrainingTargets:
        """Put together what the data says of its faces, as a recipe learns it.

        Args:
            faces: n of them.
            recipe: what is learnt, and how much a teacher's answers count.
            taught: what a teacher answers to each face, `votes` (n, 10) and `fer2013` (n, 7), probabilities;
                for a recipe for one label set. In joint training teachers are asked about every batch.

        Raises:
            DatasetError: there is a teacher, and the classes are not FER-2013's.
        """
        votes = np.zeros((len(faces), len(FERPLUS_VOTES)), np.float32)
        if faces.votes is not None:
            votes = faces.votes.astype(np.float32)
        no_face = votes[:, _NOT_A_FACE] >= np.maximum(votes.sum(axis=1), 1) * _TOO_MANY_NO_FACE / 10
        labels = np.eye(len(faces.labels), dtype=np.float32)[faces.targets]
        if isinstance(recipe, LabelRecipe):
            shares, voted = _shares(votes[:, : len(EMOTIONS)])
            if taught is not None:
                labels, shares = _with_teacher(faces, labels, shares, taught, recipe.fit.teacher_share)
            targets, weights = {"logits": labels}, {"logits": np.ones_like(voted)}
            if faces.votes is not None and recipe.fit.votes_weight > 0:
                targets |= {"votes": shares, AFFECT: affect_targets(shares, voted)}
                weights |= {"votes": voted, AFFECT: np.ones_like(voted)}
            return cls(targets, weights, None, no_face)
        smoothing, (shares, voted) = recipe.fit.label_smoothing, _shares(votes)
        labels = labels * (1 - smoothing) + smoothing / labels.shape[1]
        targets, weights = (
            {"votes": shares, "fer2013": labels},
            {"votes": voted, "fer2013": np.ones_like(voted)},
        )
        return cls(targets, weights, faces.landmarks, no_face)

    def __len__(self) -> int:
        return len(self.no_face)

    def take(self, indices: NDArray[np.int64]) -> tuple[Arrays, Arrays]:
        """Return the targets and the weights of some faces, copies of their own."""
        return (
            {name: target[indices] for name, target in self.targets.items()},
            {name: weight[indices] for name, weight in self.weights.items()},
        )

    def fingerprint(self, recipe: Recipe, images: NDArray[np.uint8], teachers: tuple[str, ...] = ()) -> str:
        """Return a hash of a recipe, the faces, all that is learnt of them, and the teachers' hashes."""
        digest = hashlib.sha256(recipe.model_dump_json().encode())
        for teacher in teachers:
            digest.update(teacher.encode())
        for array in (images, *self.targets.values(), *self.weights.values(), self.landmarks):
            digest.update(b"" if array is None else array.tobytes())
        return digest.hexdigest()


def _shares(votes: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the shares of the votes, (n, k), and whether there are any, (n,)."""
    sums = votes.sum(axis=1, keepdims=True)
    return votes / np.maximum(sums, 1), (sums[:, 0] > 0).astype(np.float32)


def _with_teacher(
    faces: FaceSet, labels: NDArray[np.float32], votes: NDArray[np.float32], taught: Arrays, share: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mix a teacher's answers into labels and votes.

    Cross-entropy is linear in its target, so learning from both at once is learning from their mean.
    """
    if faces.labels != FER2013:
        raise DatasetError(f"a teacher knows only the classes {', '.join(FER2013)}, in this order")
    said = taught["votes"][:, : len(EMOTIONS)]
    return (
        (1 - share) * labels + share * taught["fer2013"],
        (1 - share) * votes + share * said / said.sum(axis=1, keepdims=True),
    )


def affect_targets(votes: NDArray[Any], has_votes: NDArray[Any]) -> NDArray[np.float32]:
    """Put shares of votes at the published places of the words.

    Args:
        votes: (n, 8) counts or shares, in the order of `labels.EMOTIONS`.
        has_votes: (n,) 1, or 0 for a face that nobody voted on.

    Returns:
        (n, 3): valence, arousal, and `has_votes`, by which the loss leaves the others out.
    """
    shares = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1e-9)
    return np.column_stack([valence_arousal(shares), has_votes]).astype(np.float32)


def batches(
    targets: TrainingTargets,
    recipe: Recipe,
    pictures: Pictures,
    random: np.random.Generator,
    teach: Teach | None = None,
) -> Iterator[Batch]:
    """Make one epoch of batches in a new order; what does not fill a batch waits for the next epoch.

    Args:
        targets: what is right.
        recipe: how.
        pictures: the faces of `targets`, and for joint training pictures without one.
        random: where chance comes from.
        teach: asks the teachers of joint training; None where there are none.
    """
    order = random.permutation(len(targets))
    size = recipe.fit.batch
    for start in range(0, len(order) - size + 1, size):
        indices = order[start : start + size]
        if isinstance(recipe, JointRecipe):
            yield joint_batch(targets, indices, recipe, pictures, random, teach)
        else:
            images, _ = pictures.change(indices, recipe.augment, random)
            yield Batch(images, *map(pictures.put, targets.take(indices)))


def joint_batch(
    right: TrainingTargets,
    indices: NDArray[np.int64],
    recipe: JointRecipe,
    pictures: Pictures,
    random: np.random.Generator,
    teach: Teach | None = None,
) -> Batch:
    """Make a batch: these faces, the last of them moved wildly, and pictures without a face.

    Teachers are asked about each image as the pupil sees it, changed and mixed, so that both answer the same
    question; that teaches far more than what they say of the unchanged face (Beyer et al. 2022, Knowledge
    distillation: a good teacher is patient and consistent, arXiv:2106.05237).
    """
    fit, count = recipe.fit, len(indices)
    points = np.full((count, 68, 2), np.nan, np.float32)
    if right.landmarks is not None:
        points = right.landmarks[indices]
    known = np.asarray(~np.isnan(points).any(axis=(1, 2)))
    points = np.where(known[:, None, None], points, STANDARD_PLACE)
    mild = count - round(fit.wild * count)
    parts = ((slice(None, mild), recipe.augment), (slice(mild, None), recipe.augment_wild))
    changed = [pictures.change(indices[rows], chosen, random) for rows, chosen in parts]
    images = pictures.join([part for part, _ in changed])
    points = moved_points(points, np.concatenate([moves for _, moves in changed]), recipe.data.size_px)
    present, sure = presence_of(points)
    sure *= ~right.no_face[indices]
    expression = np.where(np.arange(count) < mild, 1.0, fit.wild_expression * present).astype(np.float32)
    targets, weights = right.take(indices)
    weights = {name: expression * weight for name, weight in weights.items()}
    targets |= {"presence": present[:, None], "landmarks": points.reshape(count, -1)}
    weights |= {"presence": sure, "landmarks": known * present}
    other, share = mix(targets, weights, round(fit.mixup * mild), random)
    images = pictures.blend(images, other, share)
    nothing = round(recipe.data.negatives * count)
    with_negatives(targets, weights, nothing)
    images = pictures.join([images, pictures.without_face(nothing, random)])
    batch = Batch(images, pictures.put(targets), pictures.put(weights))
    if teach is not None:
        add_teachers(batch.targets, teach(images[:count]), fit.teachers_share)
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
    targets: Arrays, weights: Arrays, count: int, random: np.random.Generator
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


def with_negatives(targets: Arrays, weights: Arrays, count: int) -> None:
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
