"""The figures of each of a network's outputs by itself; see docs/training.md for what each one says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.calibration import softmax
from mien.expression.network import Answers, Network
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, FER2013, FERPLUS_VOTES, REMOVED_BY_THE_PAPER, standard_label
from mien.train.augment import Augmentation, look
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.figures import (
    Figure,
    calibration_figure,
    macro_f1_figure,
    mean_figure,
    median_figure,
)
from mien.train.evaluate.metrics import ferplus_targets, in_emotion_order
from mien.train.evaluate.validation import landmark_errors

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeadAnswers:
    """What one set of labels says of n faces.

    Attributes:
        name: of the network's output.
        labels: k of them.
        logits: (n, k) as they come.
        temperature: they are divided by it.
        bias: is added then; empty for none.
    """

    name: str
    labels: tuple[str, ...]
    logits: NDArray[np.float32]
    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    @property
    def probabilities(self) -> Floats:
        """(n, k) calibrated probabilities."""
        return softmax(self.logits, self.temperature, self.bias)

    @property
    def shares(self) -> Floats:
        """(n, k) what share of people would choose each label, as the head itself has it.

        `votes` learnt just that, and says it before it is made sure of the majority; another head's
        probabilities are all that it has.
        """
        return softmax(self.logits) if self.name == "votes" else self.probabilities

    def among(self, columns: list[int]) -> Floats:
        """Return the probabilities of some of the labels alone, renormalised: (n, m)."""
        p = self.probabilities[:, columns]
        return np.asarray(p / p.sum(axis=1, keepdims=True).clip(min=1e-12))


def heads_of(sidecar: Sidecar, answers: Answers) -> list[HeadAnswers]:
    """Return the sets of labels that a network has: the expression's first."""
    name, bias = sidecar.expression_output, sidecar.bias
    heads = [HeadAnswers(name, sidecar.labels, answers.logits, sidecar.temperature, bias)]
    if sidecar.fer2013 is not None and answers.fer2013 is not None:
        other = sidecar.fer2013
        heads.append(HeadAnswers("fer2013", other.labels, answers.fer2013, other.temperature, other.bias))
    return heads


def head_for(heads: list[HeadAnswers], faces: FaceSet, wanted: str | None) -> HeadAnswers:
    """Choose the head whose figures stand first: the one asked for, or the one that learnt the data's labels.

    Raises:
        DatasetError: there is no such head.
    """
    by_name = {head.name: head for head in heads}
    if wanted is not None:
        if wanted not in by_name:
            raise DatasetError(f"the network has no head {wanted}; it has {', '.join(by_name)}")
        return by_name[wanted]
    labels = {standard_label(label) for label in faces.labels}
    is_fer2013 = set(FER2013) - {"disgust", "fear"} <= labels <= set(FER2013)
    return by_name.get("fer2013", heads[0]) if is_fer2013 else heads[0]


def match_labels(
    faces: FaceSet, labels: Sequence[str]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[int]]:
    """Bring a data set's labels and a network's together, by their standard terms.

    Returns:
        (n,) which faces have a label that the network knows; (m,) their targets among the shared labels; and
        the network's outputs of the shared labels.

    Raises:
        DatasetError: they share fewer than two labels.
    """
    names = [standard_label(label) for label in labels]
    theirs = [standard_label(label) for label in faces.labels]
    columns = [place for place, name in enumerate(names) if name in theirs]
    if len(columns) < 2:
        raise DatasetError(
            f"the network knows {', '.join(names)}, the data {', '.join(theirs)}:"
            " expected at least two in common"
        )
    place_of = {name: place for place, name in enumerate(names[column] for column in columns)}
    mapped = np.array([place_of.get(name, -1) for name in theirs])[faces.targets]
    kept = mapped >= 0
    return kept, mapped[kept].astype(np.int64), columns


MOVED = Augmentation(
    flip=0, rotation_deg=30, zoom=0.25, shift=0.15, light=0, blur=0, noise=0, erase=0, interpolation="cubic"
)
"""How far faces are moved to see whether their landmarks are still found."""

_NOT_A_FACE = FERPLUS_VOTES.index("not-a-face")
_NOT_A_FACE_VOTES = 5
_NEGATIVES = 500


def label_figures(head: HeadAnswers, faces: FaceSet) -> list[Figure]:
    """Return the figures against the data's own labels, among the labels that both know."""
    kept, targets, columns = match_labels(faces, head.labels)
    places, p = np.flatnonzero(kept), head.among(columns)[kept]
    right = p.argmax(axis=1) == targets
    count, what = len(columns), f"{len(columns)} classes ({head.name})"
    figures = [
        mean_figure(f"right, {what}", places, right),
        macro_f1_figure(f"macro-F1, {what}", places, targets, p.argmax(axis=1), count),
        calibration_figure(f"calibration error, {what}", places, p.max(axis=1), right),
    ]
    return [*figures, *papers_figures(head, faces)]


def papers_figures(head: HeadAnswers, faces: FaceSet) -> list[Figure]:
    """Return the figures without the two classes that the paper removed, where the data has them."""
    removed = [label for label in faces.labels if standard_label(label) in REMOVED_BY_THE_PAPER]
    if not removed or len(faces.labels) - len(removed) < 2:
        return []
    places = np.flatnonzero(~np.isin(faces.targets, [faces.labels.index(label) for label in removed]))
    part = replace(head, logits=head.logits[places])
    kept, targets, columns = match_labels(faces.without(removed), head.labels)
    answers = part.among(columns)[kept].argmax(axis=1)
    what = f"the paper's {len(columns)} classes ({head.name})"
    return [
        mean_figure(f"right, {what}", places[kept], answers == targets),
        macro_f1_figure(f"macro-F1, {what}", places[kept], targets, answers, len(columns)),
    ]


def vote_figures(head: HeadAnswers, faces: FaceSet) -> list[Figure]:
    """Return how often one head's likeliest label is the votes', by FER+'s rules; none without votes."""
    if faces.votes is None or not {standard_label(label) for label in head.labels} <= set(EMOTIONS):
        return []
    answers, figures = in_emotion_order(head.probabilities, head.labels).argmax(axis=1), []
    for rule, name in (("ferplus", "FER+, its rule"), ("all", "FER+, all")):
        targets, mask = ferplus_targets(faces.votes, rule)  # type: ignore[arg-type]
        figures.append(mean_figure(f"{name} ({head.name})", np.flatnonzero(mask), (answers == targets)[mask]))
    return figures


def landmark_figures(network: Network, answers: Answers, faces: FaceSet) -> list[Figure]:
    """Return how far the landmarks are from the teacher's, on the faces as they are and on moved ones.

    A face's error is the mean distance over the 68 points, in distances between the eyes' outer corners.
    """
    if faces.landmarks is None or answers.landmarks is None:
        return []
    places = np.flatnonzero(~np.isnan(faces.landmarks).any(axis=(1, 2)))
    known = faces.landmarks[places]
    images, moved = look(faces.images[places], known, MOVED, np.random.default_rng(0))
    found = answer_all(network, images).landmarks
    name = "landmarks, median error"
    return [
        median_figure(name, places, landmark_errors(answers.landmarks[places], known)),
        median_figure(f"{name}, moved faces", places, landmark_errors(found, moved)),  # type: ignore[arg-type]
    ]


def presence_figures(network: Network, answers: Answers, faces: FaceSet) -> list[Figure]:
    """Return how often a face is seen where there is one, and where there is none."""
    if answers.presence is None:
        return []
    usable = np.ones(len(faces), bool)
    if faces.votes is not None:
        usable = faces.votes[:, _NOT_A_FACE] < _NOT_A_FACE_VOTES
    negatives = Negatives("validation", network.sidecar.size_px)
    nothing = negatives.make(_NEGATIVES, faces.images, np.random.default_rng(0))
    absent = answer_all(network, nothing).presence < 0.5  # type: ignore[operator]
    none = np.full(len(nothing), -1)
    return [
        mean_figure("faces seen as such", np.flatnonzero(usable), answers.presence[usable] >= 0.5),
        mean_figure("pictures without a face seen as such", none, absent),
    ]
