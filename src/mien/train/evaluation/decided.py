"""Figures of what a user gets: the table's label, its confidence and its probabilities, under a mix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.expression.decision import Decider, Labelled
from mien.expression.network import Answers
from mien.expression.seldom import recall_name
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, standard_label
from mien.prior import NAMES, Mix, Named
from mien.train.datasets import FaceSet
from mien.train.evaluation.figures import (
    Figure,
    Index,
    calibration_figure,
    mean_figure,
    recall_figure,
    surest_figure,
)
from mien.train.evaluation.metrics import ferplus_targets, kl_of_faces


@dataclass(frozen=True, eq=False)
class LabelSet:
    """One set of right labels of n faces.

    Attributes:
        name: in the figures.
        targets: (n,) places in `labels.EMOTIONS`; -1 where a face has none.
    """

    name: str
    targets: Index

    @property
    def places(self) -> Index:
        """(m,) the faces that have a label."""
        return np.flatnonzero(self.targets >= 0)

    @property
    def mix(self) -> Mix | None:
        """How common its labels are among these faces; None for fewer than two."""
        counts = np.bincount(self.targets[self.places], minlength=len(EMOTIONS))
        return Mix.of(counts / counts.sum()) if np.count_nonzero(counts) > 1 else None


def label_sets(faces: FaceSet) -> list[LabelSet]:
    """Give the data's own labels, and with votes FER+'s; only what is among `labels.EMOTIONS` counts."""
    names = [standard_label(label) for label in faces.labels]
    known = np.array([EMOTIONS.index(name) if name in EMOTIONS else -1 for name in names])
    sets = [LabelSet(f"{np.count_nonzero(known >= 0)} classes", known[faces.targets])]
    if faces.votes is not None:
        sets.append(LabelSet("FER+, all", ferplus_targets(faces.votes, "all")[0]))
    return [each for each in sets if len(each.places)]


def decided_figures(
    sidecar: Sidecar,
    answers: Answers,
    quality: NDArray[np.float32],
    faces: FaceSet,
    prior: Named | Mix = "balanced",
) -> list[Figure]:
    """Give the figures of the label, its confidence and the probabilities.

    Args:
        sidecar: of the network.
        answers: its, to the n faces.
        quality: (n,) of the faces.
        faces: with labels, and perhaps votes.
        prior: the mix that a user expects; the calibration of each label set is measured under its own.
    """
    said, sets = Decider(sidecar, prior).decide(answers, quality), label_sets(faces)
    figures = [figure for each in sets for figure in _of_set(said, each)]
    if len(sets) > 1:
        figures.append(_mean_recall(said, sets))
    for each in sets:
        own: Named | Mix | None = "photographs" if each.name.startswith("FER+") else each.mix
        if own is not None and _fits(sidecar, own):
            figures.append(_calibration(Decider(sidecar, own).decide(answers, quality), each))
    if faces.votes is not None:
        shares = Decider(sidecar, "photographs").probabilities(answers)
        divergence, voted = kl_of_faces(np.nan_to_num(shares), faces.votes)
        name = "KL from the votes, photographs (p_*)"
        figures.append(mean_figure(name, np.flatnonzero(voted), divergence, "nats"))
    return figures


def recalls_of(sidecar: Sidecar, answers: Answers, faces: FaceSet) -> dict[str, float]:
    """Give how often each label is found, under each named mix, by FER+'s labels.

    Returns:
        By `seldom.recall_name`; empty without votes.
    """
    if faces.votes is None:
        return {}
    targets, _ = ferplus_targets(faces.votes, "all")
    ones = np.ones(len(faces), np.float32)
    found = {}
    for prior in NAMES:
        leading = Decider(sidecar, prior).decide(answers, ones).leading
        for label in EMOTIONS:
            there = targets == EMOTIONS.index(label)
            if there.any():
                found[recall_name(label, prior)] = float((leading[there] == targets[there]).mean())
    return found


def _of_set(said: Labelled, labels: LabelSet) -> list[Figure]:
    places, what = labels.places, labels.name
    right = (said.leading == labels.targets)[places]
    certain = said.certain[places]
    return [
        mean_figure(f"right, {what} (label)", places, right),
        recall_figure(f"mean recall, {what} (label)", places, labels.targets[places], right),
        surest_figure(
            f"right among the surest 80 %, {what} (confidence)", places, said.confidence[places], right
        ),
        mean_figure(f"gets a label, {what} (label)", places, certain),
        mean_figure(f"right among those, {what} (label)", places[certain], right[certain]),
    ]


def _mean_recall(said: Labelled, sets: list[LabelSet]) -> Figure:
    """Mean recall over the labels of all sets; a face of two sets counts in both."""
    places = np.concatenate([each.places for each in sets])
    classes = np.concatenate([each.targets[each.places] + 100 * n for n, each in enumerate(sets)])
    right = np.concatenate([(said.leading == each.targets)[each.places] for each in sets])
    return recall_figure("mean recall, all label sets (label)", places, classes, right)


def _calibration(said: Labelled, labels: LabelSet) -> Figure:
    places = labels.places
    mix = "photographs" if labels.name.startswith("FER+") else "their own mix"
    right = (said.leading == labels.targets)[places]
    name = f"calibration error, {labels.name}, {mix} (confidence)"
    return calibration_figure(name, places, said.confidence[places], right)


def _fits(sidecar: Sidecar, mix: Named | Mix) -> bool:
    """Whether the mix leaves the network at least two labels."""
    if not isinstance(mix, Mix):
        return True
    return bool(np.count_nonzero(mix.array()[Decider(sidecar).columns]) > 1)
