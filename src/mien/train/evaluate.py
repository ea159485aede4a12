"""How good a network is on a part of a data set, by the protocol of docs/training.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.calibration import softmax
from mien.expression.network import Network
from mien.labels import standard_label
from mien.train.datasets import FaceSet, load_dataset
from mien.train.metrics import Scores, ferplus_targets, in_emotion_order, kl_to_votes, score
from mien.train.prepare import prepare
from mien.train.recipe import Recipe

_BATCH = 256


@dataclass(frozen=True)
class Evaluation:
    """Figures of one network on one part of one data set.

    Attributes:
        scores: against the data set's own labels.
        certain_share: share of the faces that keep their label, 0 to 1.
        certain_accuracy: accuracy among those; None where there are none.
        ferplus: figures against FER+ votes by rule, and the divergence from the votes; empty without votes.
        left_out: faces left out since the network has no such label.
    """

    scores: Scores
    certain_share: float
    certain_accuracy: float | None
    ferplus: dict[str, dict[str, float]]
    left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give everything as a dictionary for JSON."""
        return {
            **self.scores.as_dict(),
            "certain_share": self.certain_share,
            "certain_accuracy": self.certain_accuracy,
            "ferplus": self.ferplus,
            "left_out": self.left_out,
        }

    def headline(self) -> dict[str, float]:
        """Give the few figures that stand in a sidecar."""
        return {
            "faces": self.scores.count,
            "accuracy": self.scores.accuracy,
            "macro_f1": self.scores.macro_f1,
            "calibration_error": self.scores.calibration_error,
        }


def evaluate(
    network: Network,
    data: Path,
    *,
    split: str = "all",
    recipe: Recipe | None = None,
    remove: Sequence[str] = (),
    votes: Path | None = None,
    flips: bool = False,
) -> Evaluation:
    """Measure a network on a data set.

    Where the data lacks some of the network's labels, the answers are renormalised over those that it has.

    Args:
        network: what is measured.
        data: a data set that `datasets.load_dataset` reads.
        split: with a recipe: "train", "validation" or "test" of its split; without: a part by the data's own
            name ("PublicTest"), or "all".
        recipe: whose cleaning, class removal and split are used.
        remove: further classes to leave out, by name.
        votes: FER+'s CSV, for a Kaggle CSV.
        flips: average the logits of each face and of its mirror image.

    Raises:
        DatasetError: the data can't be read, has no such part, or shares no two labels with the network.
    """
    faces = _part(data, split, recipe, network.sidecar.size_px, votes)
    if remove:
        faces = faces.without(remove)
    logits = predict(network, faces.images)
    if flips:
        logits = (logits + predict(network, faces.images[:, :, ::-1])) / np.float32(2)
    sidecar = network.sidecar
    return evaluate_logits(logits, faces, sidecar.labels, sidecar.temperature, sidecar.uncertain_below)


def evaluate_logits(
    logits: NDArray[np.float32],
    faces: FaceSet,
    labels: Sequence[str],
    temperature: float,
    uncertain_below: float,
) -> Evaluation:
    """Measure a network's logits (n, k) for the faces (n,); see `evaluate`."""
    kept, targets, columns = match_labels(faces, labels)
    shared = [labels[column] for column in columns]
    probabilities = softmax(logits[kept][:, columns], temperature)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == targets
    certain = confidence >= uncertain_below
    return Evaluation(
        scores=score(probabilities, targets, shared),
        certain_share=float(certain.mean()),
        certain_accuracy=float(right[certain].mean()) if certain.any() else None,
        ferplus=_against_votes(softmax(logits, temperature), faces, labels),
        left_out=int((~kept).sum()),
    )


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


def predict(network: Network, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Run a network over many crops, a batch at a time; (n, k) logits."""
    parts = [
        network.predict(np.ascontiguousarray(images[start : start + _BATCH]))
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts) if parts else network.predict(images)


def _part(data: Path, split: str, recipe: Recipe | None, size_px: int, votes: Path | None) -> FaceSet:
    if recipe is not None:
        parts = prepare(recipe, data, votes=votes)
        named = {"train": parts.train, "validation": parts.validation, "test": parts.test}
        if split not in named:
            raise DatasetError(f"a recipe's split has the parts {', '.join(named)}; received {split}")
        return named[split]
    faces = load_dataset(data, size_px=size_px, votes=votes)
    if split == "all":
        return faces
    chosen = faces.usage == split
    if not chosen.any():
        there = ", ".join(sorted({str(name) for name in faces.usage} - {""})) or "no parts"
        raise DatasetError(f"{data}: has no part {split}; it has {there}, and 'all'")
    return faces.take(chosen)


def _against_votes(
    probabilities: NDArray[np.float64], faces: FaceSet, labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    if faces.votes is None:
        return {}
    answers = in_emotion_order(probabilities, labels)
    found: dict[str, dict[str, float]] = {}
    for rule in ("ferplus", "all"):
        targets, mask = ferplus_targets(faces.votes, rule)
        if mask.any():
            accuracy = float((answers[mask].argmax(axis=1) == targets[mask]).mean())
            found[rule] = {"faces": int(mask.sum()), "accuracy": accuracy}
    found["votes"] = {"kl": kl_to_votes(answers, faces.votes)}
    return found
