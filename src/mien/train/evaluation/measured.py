"""All figures of one network on labelled faces; see docs/training.md for what each one says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.expression.network import Answers, Network
from mien.labels import EMOTIONS, FERPLUS_VOTES, REMOVED_BY_THE_PAPER, standard_label
from mien.train.augment import Augmentation
from mien.train.datasets import FaceSet
from mien.train.evaluation.answers import answer_all
from mien.train.evaluation.figures import (
    Figure,
    calibration_figure,
    macro_f1_figure,
    mean_figure,
    median_figure,
)
from mien.train.evaluation.heads import HeadAnswers, match_labels
from mien.train.evaluation.metrics import ferplus_targets, in_emotion_order
from mien.train.joint.measure import landmark_errors
from mien.train.joint.negatives import Negatives
from mien.train.joint.views import look

MOVED = Augmentation(
    flip=0, rotation_deg=30, zoom=0.25, shift=0.15, light=0, blur=0, noise=0, erase=0, interpolation="cubic"
)
"""How far faces are moved to see whether their landmarks are still found."""

_NOT_A_FACE = FERPLUS_VOTES.index("not-a-face")
_NOT_A_FACE_VOTES = 5
_NEGATIVES = 500


def label_figures(head: HeadAnswers, faces: FaceSet) -> list[Figure]:
    """Give the figures against the data's own labels, among the labels that both know."""
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
    """Give the figures without the two classes that the paper removed, where the data has them."""
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
    """Give how often one head's likeliest label is the votes', by FER+'s rules; none without votes."""
    if faces.votes is None or not {standard_label(label) for label in head.labels} <= set(EMOTIONS):
        return []
    answers, figures = in_emotion_order(head.probabilities, head.labels).argmax(axis=1), []
    for rule, name in (("ferplus", "FER+, its rule"), ("all", "FER+, all")):
        targets, mask = ferplus_targets(faces.votes, rule)  # type: ignore[arg-type]
        figures.append(mean_figure(f"{name} ({head.name})", np.flatnonzero(mask), (answers == targets)[mask]))
    return figures


def landmark_figures(network: Network, answers: Answers, faces: FaceSet) -> list[Figure]:
    """Give how far the landmarks are from the teacher's, on the faces as they are and on moved ones.

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
    """Give how often a face is seen where there is one, and where there is none."""
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
