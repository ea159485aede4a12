"""From crops to expressions: calibrated probabilities, the label or `uncertain`, valence and arousal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.expression.calibration import softmax
from mien.expression.circumplex import valence_arousal
from mien.expression.network import Network
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
        """Say what each face shows.

        Args:
            crops: uint8 (n, size, size) grey, one for each face, as `face.crop` cuts them.
            faces: the n faces.

        Returns:
            The faces with probabilities, expression (-1 where the highest probability is below the network's
            threshold), valence and arousal filled in.
        """
        sidecar = self._network.sidecar
        p = softmax(self._network.predict(crops), sidecar.temperature)
        probabilities = np.full((len(p), len(EMOTIONS)), np.nan)
        probabilities[:, self._columns] = p
        sure = p.max(axis=1) >= sidecar.uncertain_below
        index = valence_arousal(probabilities)
        return faces.fill(
            probabilities=probabilities,
            expression=np.where(sure, self._columns[p.argmax(axis=1)], -1),
            valence=index[:, 0],
            arousal=index[:, 1],
        )
