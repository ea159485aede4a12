"""The network that a recipe for one label set asks for, by its architecture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mien.train.network_parts import AnyNetworkPart
from mien.train.networks import edges, mobilenet, scep, shcnn, zhou

BUILDERS: Final[dict[str, Callable[..., Any]]] = {
    "mobilenet": mobilenet.build,
    "zhou": zhou.build,
    "shcnn": shcnn.build,
    "edges": edges.build,
    "scep": scep.build,
}
"""What builds each architecture of `network_parts.PARTS`."""


def build(part: AnyNetworkPart, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
    """Build a recipe's network, with weights from chance.

    Args:
        part: the recipe's choices.
        size_px: side of the grey input.
        classes: outputs of the layer `logits`.
        votes: add the outputs that are learned from FER+'s votes.
        layout: "channels_first" or "channels_last" for the feature maps; by default the backend's fast one.

    Returns:
        A functional `keras.Model` from `image`, float32 (n, size, size, 1) in 0..255, to a dictionary of
        outputs, `logits` among them.
    """
    chosen = BUILDERS[part.architecture]
    return chosen(part, size_px=size_px, classes=classes, votes=votes, layout=layout)
