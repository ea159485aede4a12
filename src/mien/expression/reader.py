"""From answers to expressions: calibrated probabilities, the label or `uncertain`, valence and arousal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.expression.calibration import certainty_inputs, logistic, softmax
from mien.expression.circumplex import valence_arousal
from mien.expression.network import Answers, Network
from mien.expression.sidecar import Sidecar
from mien.labels import EMOTIONS, standard_label
from mien.types import Faces


class ExpressionReader:
    """Reads all faces of a frame in one run of the network.

    Raises:
        ModelError: the network has a label that is none of `labels.EMOTIONS`, or one of them twice.
    """

    def __init__(self, network: Network) -> None:
        labels = [standard_label(label) for label in network.sidecar.labels]
        odd = [label for label in labels if label not in EMOTIONS or labels.count(label) > 1]
        if odd:
            raise ModelError(
                f"network {network.sidecar.name} is of another label set: expected each label once from"
                f" {', '.join(EMOTIONS)}, received {', '.join(odd)}"
            )
        self._network = network
        self._columns = np.array([EMOTIONS.index(label) for label in labels])

    def read(self, crops: NDArray[np.uint8], faces: Faces) -> Faces:
        """Run the network and say what each face shows.

        Args:
            crops: uint8 (n, size, size) grey, one for each face, as `face.crop` cuts them.
            faces: the n faces; their quality counts, where it is known.

        Returns:
            As `fill` gives.
        """
        return self.fill(faces, self._network.answer(crops))

    def fill(self, faces: Faces, answers: Answers) -> Faces:
        """Say what each face shows, from answers that are there already.

        Args:
            faces: n faces; their quality counts, where it is known.
            answers: of the n crops.

        Returns:
            The faces with probabilities, expression (-1 where the label is too likely to be wrong), valence
            and arousal filled in, and presence where the network tells it.
        """
        sidecar = self._network.sidecar
        p = softmax(answers.logits, sidecar.temperature, sidecar.bias)
        probabilities = np.full((len(p), len(EMOTIONS)), np.nan)
        probabilities[:, self._columns] = p
        sure = is_certain(sidecar, p.max(axis=1, initial=0), answers, faces.quality)
        index = valence_arousal(probabilities)
        return faces.fill(
            probabilities=probabilities,
            expression=np.where(sure, self._columns[p.argmax(axis=1)], -1),
            valence=index[:, 0],
            arousal=index[:, 1],
            presence=faces.presence if answers.presence is None else answers.presence,
        )


def is_certain(
    sidecar: Sidecar, confidence: NDArray[np.float64], answers: Answers, quality: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Decide which labels are given and which are `uncertain`.

    Args:
        sidecar: the network's facts.
        confidence: (n,) the highest calibrated probability of each face.
        answers: of the n crops.
        quality: (n,) 0 to 1; NaN, where it is not known, counts as 1.

    Returns:
        (n,) whether each label is given.
    """
    if sidecar.certainty is None or answers.presence is None or answers.no_face is None:
        return np.asarray(confidence >= sidecar.uncertain_below)
    return right_probability(sidecar, confidence, answers, quality) >= sidecar.certainty.below


def right_probability(
    sidecar: Sidecar, confidence: NDArray[np.float64], answers: Answers, quality: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Give the probability that each label is right, by the sidecar's `certainty`; arguments as above.

    Raises:
        ModelError: the network can't tell.
    """
    model = sidecar.certainty
    if model is None or answers.presence is None or answers.no_face is None:
        raise ModelError(f"network {sidecar.name} has no model of certainty; expected one with presence")
    inputs = certainty_inputs(confidence, answers.presence, answers.no_face, np.nan_to_num(quality, nan=1.0))
    weights = np.array([model.confidence, model.presence, model.no_face, model.quality])
    return logistic(model.intercept + inputs @ weights)
