"""From answers to expressions: probabilities under the mix, the label or `uncertain`, valence and arousal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.expression.circumplex import valence_arousal
from mien.expression.decision import Decider, features
from mien.expression.network import Answers, Network
from mien.prior import Mix, Named
from mien.types import Faces


class ExpressionReader:
    """Reads all faces of a frame in one run of the network.

    Args:
        network: reads crops.
        prior: "balanced", "photographs", or a mix; how common each expression is where the faces come from.

    Raises:
        ModelError: the network has a label that is none of `labels.EMOTIONS`, or one of them twice.
    """

    def __init__(self, network: Network, prior: Named | Mix = "balanced") -> None:
        self._network = network
        self.decider = Decider(network.sidecar, prior)

    def read(self, crops: NDArray[np.uint8], faces: Faces) -> Faces:
        """Run the network and fill in what each face shows.

        Args:
            crops: uint8 (n, size, size) grey, one for each face, as `face.crop` cuts them.
            faces: the n faces; their quality counts, where it is known.

        Returns:
            As `fill` gives.
        """
        return self.fill(faces, self._network.answer(crops))

    def fill(self, faces: Faces, answers: Answers) -> Faces:
        """Return what each face shows, from answers that are there already.

        Args:
            faces: n faces; their quality counts, where it is known.
            answers: of the n crops.

        Returns:
            The faces with probabilities, expression (-1 where the label is too likely to be wrong) and
            confidence under the mix; the same of the shares, which no mix changes, and from these valence and
            arousal; and presence where the network tells it.
        """
        said = self.decider.decide(answers, faces.quality)
        shares = said if self.decider.prior == "photographs" else self.decider.shares(answers, faces.quality)
        index = valence_arousal(shares.probabilities)
        return faces.fill(
            logits=faces.logits if self._network.sidecar.decision is None else features(answers),
            probabilities=said.probabilities,
            expression=said.expression,
            confidence=said.confidence,
            shares=shares.probabilities,
            shares_expression=shares.expression,
            shares_confidence=shares.confidence,
            valence=index[:, 0],
            arousal=index[:, 1],
            presence=faces.presence if answers.presence is None else answers.presence,
        )
