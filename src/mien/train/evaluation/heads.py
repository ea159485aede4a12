"""The sets of labels that a network answers with, each with its calibrated probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.calibration import softmax
from mien.expression.network import Answers
from mien.expression.sidecar import Sidecar
from mien.labels import FER2013, standard_label
from mien.train.datasets import FaceSet

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
        """Give the probabilities of some of the labels alone, renormalised: (n, m)."""
        p = self.probabilities[:, columns]
        return np.asarray(p / p.sum(axis=1, keepdims=True).clip(min=1e-12))


def heads_of(sidecar: Sidecar, answers: Answers) -> list[HeadAnswers]:
    """Give the sets of labels that a network has: the expression's first."""
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
