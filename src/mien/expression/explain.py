"""Which regions of a crop carried a label: fine class maps where a network has them, else occlusion.

Neither needs a training framework. `docs/explain.md` has the measurements behind the numbers here, and says
what the maps do not mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, get_args, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.expression.decision import Decider
from mien.expression.network import Network
from mien.prior import Mix, Named

Floats = NDArray[np.float64]
Crops = NDArray[np.uint8]
Method = Literal["class maps", "occlusion"]

PATCH: Final = 1 / 8
"""Side of the patch that covers a part of the crop, in shares of the crop's side."""
STEP: Final = 1 / 12
"""How far the patch moves at a time, in shares of the crop's side."""
MARKED: Final = 0.15
"""Share of the crop's pixels that is marked: those with the most evidence."""

FINE: Final = 5
"""Class maps with fewer cells a side than this are not taken unless asked for: each cell sees the whole face,
and the region that they mark carries the label no more than any other (docs/explain.md has the figures)."""

_BATCH: Final = 64
_FLAT: Final = 1e-6
"""A map that differs by less than this is flat: no region carried more than another."""


class Evidence(NamedTuple):
    """What spoke for one label, region by region, in n crops.

    Attributes:
        maps: (n, size, size); above 0 where the region spoke for the label, below 0 where it spoke against
            it. By occlusion: by how much the label's probability falls while the region is covered, -1 to 1.
            By class maps: the region's part in the label's log-odds.
        method: how it was found.
    """

    maps: Floats
    method: Method


@runtime_checkable
class MappedNetwork(Protocol):
    """A network that may tell its class maps."""

    def class_maps(self, crops: Crops) -> NDArray[np.float32] | None:
        """Return (n, classes, height, width), or None where the network has none; see `OnnxNetwork`."""


def explain_crops(
    network: Network,
    crops: Crops,
    indices: Sequence[int],
    *,
    method: Method | None = None,
    prior: Named | Mix = "balanced",
) -> Evidence:
    """Return which regions carried a label.

    Args:
        network: reads the crops.
        crops: uint8 (n, size, size) grey; n may be 0.
        indices: n indices in the sidecar's labels: which label is explained in each crop.
        method: how; by default class maps where the network has some that are fine enough (`FINE`), else
            occlusion.
        prior: how common each expression is, as in `decision.Decider`.

    Raises:
        ConfigError: there is no such method; or class maps were asked for, and the network has none.
    """
    if method not in (None, *get_args(Method)):
        raise ConfigError(f"expected a method ({', '.join(get_args(Method))}), received {method}")
    maps = None
    if method != "occlusion" and isinstance(network, MappedNetwork):
        maps = network.class_maps(crops)
    if method == "class maps" and maps is None:
        raise ConfigError(f"network {network.sidecar.name} has no class maps; use occlusion")
    if maps is not None and (method or _by_default(maps)) == "class maps":
        return Evidence(_from_class_maps(network, crops, maps, indices, prior), "class maps")
    return Evidence(occlusion(network, crops, indices, prior=prior), "occlusion")


def _by_default(maps: NDArray[np.float32]) -> Method:
    return "class maps" if min(maps.shape[2:]) >= FINE else "occlusion"


def occlusion(
    network: Network,
    crops: Crops,
    indices: Sequence[int],
    *,
    patch: float = PATCH,
    step: float = STEP,
    prior: Named | Mix = "balanced",
) -> Floats:
    """Cover one part of the crop after another, and see by how much the label's probability falls.

    A square patch of the crop's mean grey moves over it, and beyond its edges by half; a pixel's evidence is
    the mean fall over all patches that cover it. Source: Zeiler & Fergus (2014), Visualizing and
    understanding convolutional networks, ECCV, section 4.2, arXiv:1311.2901.

    Args:
        network: reads the crops.
        crops: uint8 (n, size, size) grey.
        indices: n indices in the sidecar's labels.
        patch: the patch's side, in shares of the crop's.
        step: how far it moves at a time, the same.
        prior: how common each expression is, as in `decision.Decider`.

    Returns:
        (n, size, size), -1 to 1.
    """
    patches = _patches(network.sidecar.size_px, patch, step)
    weights = patches / patches.sum(axis=0)
    before = probabilities(network, crops, prior)
    maps = np.empty(crops.shape, np.float64)
    for row, (crop, index) in enumerate(zip(crops, indices, strict=True)):
        covered = np.where(patches, np.uint8(round(float(crop.mean()))), crop)
        falls = before[row, index] - probabilities(network, covered, prior)[:, index]
        maps[row] = np.tensordot(falls, weights, axes=1)
    return maps


def probabilities(network: Network, crops: Crops, prior: Named | Mix = "balanced") -> Floats:
    """Return the probabilities (n, k) of the sidecar's labels under a mix, a few crops at a time."""
    decider = Decider(network.sidecar, prior)
    starts = range(0, max(1, len(crops)), _BATCH)
    parts = [decider.probabilities(network.answer(crops[start : start + _BATCH])) for start in starts]
    return np.concatenate(parts)[:, decider.columns]


def marked_region(evidence: NDArray[np.floating], share: float = MARKED) -> NDArray[np.bool_]:
    """Mark the pixels that spoke most for the label.

    Args:
        evidence: (size, size) one map.
        share: how much of the crop to mark at most, 0 to 1; nothing that spoke against the label is marked.

    Returns:
        (size, size); all False where the map is flat.
    """
    flat = evidence.ravel()
    mask = np.zeros(flat.shape, bool)
    if flat.max() - flat.min() > _FLAT:
        mask[np.argsort(-flat, kind="stable")[: round(share * flat.size)]] = True
    return np.asarray((mask & (flat > 0)).reshape(evidence.shape))


def without(
    network: Network,
    crops: Crops,
    indices: Sequence[int],
    marked: NDArray[np.bool_],
    prior: Named | Mix = "balanced",
) -> Floats:
    """Return the label's probability with a region of each crop filled with the crop's mean grey.

    Args:
        network: reads the crops.
        crops: uint8 (n, size, size) grey.
        indices: n indices in the sidecar's labels.
        marked: (n, size, size) what to fill.
        prior: how common each expression is, as in `decision.Decider`.

    Returns:
        (n,) 0 to 1.
    """
    greys = np.rint(crops.mean(axis=(1, 2), keepdims=True)).astype(np.uint8)
    shown = probabilities(network, np.where(marked, greys, crops), prior)
    return np.asarray(shown[np.arange(len(crops)), list(indices)])


def _patches(side_px: int, patch: float, step: float) -> NDArray[np.bool_]:
    """(k, side, side): what each position of the patch covers; every pixel is covered by some."""
    half_px = max(0.5, patch * side_px / 2)
    count = max(2, round(1 / step) + 1)
    middles = np.linspace(0, side_px, count)
    # A step longer than the patch would leave gaps.
    covers = np.abs(np.arange(side_px) + 0.5 - middles[:, None]) <= max(half_px, middles[1] / 2)
    both = covers[:, None, :, None] & covers[None, :, None, :]
    return np.asarray(both.reshape(-1, side_px, side_px))


def _from_class_maps(
    network: Network, crops: Crops, maps: NDArray[np.float32], indices: Sequence[int], prior: Named | Mix
) -> Floats:
    """Return each region's part in the log-odds of the label, to first order.

    Where a class's logit is the mean of its map, the map is the class activation map: Zhou et al. (2016),
    Learning deep features for discriminative localization, CVPR, arXiv:1512.04150. What all classes' maps
    have in common moves no probability, so the other classes' maps, weighted by their probabilities, are
    taken off.
    """
    side = network.sidecar.size_px
    # Where there are two heads, the maps are of the votes.
    shown = probabilities(network, crops, prior if network.sidecar.decision is None else "photographs")
    evidence = np.empty((len(crops), side, side))
    for row, index in enumerate(indices):
        others = shown[row].copy()
        others[index] = 0
        others /= max(float(others.sum()), np.finfo(float).tiny)
        own = maps[row, : len(others)].astype(np.float64) / network.sidecar.temperature
        evidence[row] = cv2.resize(own[index] - np.tensordot(others, own, axes=1), (side, side))
    return evidence
