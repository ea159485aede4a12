"""How often a network finds the labels that are rare in its data: beside every summary of expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mien.expression.sidecar import Sidecar
from mien.prior import Mix, Named

SELDOM: Final = ("contempt", "fear")
"""The labels that are told of."""


def recall_name(label: str, prior: Named) -> str:
    """Name the figure in a sidecar's metrics: the share of such faces that lead with this label."""
    return f"recall of {label}, FER+, all, {prior} (label)"


def recalls(sidecar: Sidecar, prior: Named | Mix) -> dict[str, float]:
    """Return the measured recall of the labels of `SELDOM` under a mix.

    Args:
        sidecar: of the network.
        prior: the mix.

    Returns:
        By label, 0 to 1; empty where the network was not measured so, as under a mix of one's own.
    """
    if isinstance(prior, Mix):
        return {}
    measured = sidecar.metrics.get("test", {})
    found = {label: measured.get(recall_name(label, prior)) for label in SELDOM}
    return {label: round(share, 4) for label, share in found.items() if share is not None}


def seldom_words(found: Mapping[str, float]) -> str:
    """Return this as a sentence; "" where nothing is known."""
    if not found:
        return ""
    told = "; ".join(
        f"of faces that most people call {label} it finds {100 * share:.0f} %"
        for label, share in found.items()
    )
    return f"{told[0].upper()}{told[1:]}."
