"""Does the marked region carry the label? The deletion test on faces of FER-2013's PublicTest.

    python benchmarks/explain.py --shared ../shared
    python benchmarks/explain.py --choose

The region that `mien explain` marks is removed from each face, and as many pixels in three other places:
around the face's centre, where another face's region was marked, and in a disc anywhere. By how much does the
probability of the network's label fall? Intervals are 95 % percentiles of a bootstrap over faces. What is
removed is filled with the crop's mean grey, as occlusion itself does, and once more with a blur, which the
map knows nothing of. `--choose` tries patches and steps on faces of Training. It needs
`faces/fer2013.parquet` in the shared data.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mien.expression.explain import MARKED, explain_crops, marked_region, occlusion, probabilities
from mien.expression.network import Network, OnnxNetwork, find_network, load_network

Floats = NDArray[np.float64]
Crops = NDArray[np.uint8]
Masks = NDArray[np.bool_]

CENTRE_XY = (0.50, 0.59)
"""The middle between eyes and mouth in FER-2013's framing; see docs/quality.md."""
REPLICATES = 2000
SEED = 0
PATCHES = (1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3)
STEPS = (1 / 12, 1 / 16, 1 / 24)

console = Console(width=118)


def main() -> None:
    parser = argparse.ArgumentParser(description="The deletion test of mien explain.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="mien", help="by name or path")
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument(
        "--method", choices=("occlusion", "class maps"), help="by default, what explain takes"
    )
    parser.add_argument("--choose", action="store_true", help="try patches and steps, on faces of Training")
    chosen = parser.parse_args()
    network = load_network(chosen.network)
    split = "Training" if chosen.choose else "PublicTest"
    crops = read_crops(chosen.shared / "data" / "faces", split, chosen.faces, network.sidecar.size_px)
    shown = probabilities(network, crops)
    places = shown.argmax(axis=1)
    if chosen.choose:
        choose(network, crops, places)
        return
    found = explain_crops(network, crops, places.tolist(), method=chosen.method)
    title = (
        f"{network.sidecar.name}, {found.method}: {len(crops)} faces of {split}, mean p {mean_of(shown):.3f}"
    )
    console.print(title, highlight=False)
    report(network, crops, places, np.stack([marked_region(each) for each in found.maps]))
    other = explain_crops(shuffled(chosen.network), crops, places.tolist(), method=chosen.method)
    pairs = zip(found.maps, other.maps, strict=True)
    alike = np.nan_to_num([np.corrcoef(one.ravel(), two.ravel())[0, 1] for one, two in pairs])
    console.print(f"correlation with the maps of the same network, weights shuffled: {interval(alike)}")


def shuffled(name: str) -> Network:
    """The network with each tensor's weights in another order."""
    model, rng = onnx.load(find_network(name)), np.random.default_rng(SEED)
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.size > 1 and (values.dtype.kind == "f" or values.dtype == np.int8):
            mixed = rng.permutation(values.ravel()).reshape(values.shape)
            tensor.CopyFrom(onnx.numpy_helper.from_array(mixed, tensor.name))
    return OnnxNetwork(model.SerializeToString(), load_network(name).sidecar)


def mean_of(shown: Floats) -> float:
    return float(shown.max(axis=1).mean())


def read_crops(folder: Path, split: str, count: int, side_px: int) -> Crops:
    """Draw some faces of a split by chance."""
    table = pd.read_parquet(folder / "fer2013.parquet", columns=["image", "usage"])
    rows = np.flatnonzero(table.usage == split)
    drawn = np.random.default_rng(SEED).permutation(rows)[:count]
    return np.stack(
        [
            cv2.resize(cv2.imdecode(np.frombuffer(data["bytes"], np.uint8), 0), (side_px, side_px))
            for data in table.image.iloc[drawn]
        ]
    ).astype(np.uint8)


def grey(crop: Crops) -> Crops:
    return np.full_like(crop, round(float(crop.mean())))


def blurred(crop: Crops) -> Crops:
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), len(crop) / 8), np.uint8)


def falls(
    network: Network, crops: Crops, places: NDArray[np.int64], masks: Masks, fill: Callable[[Crops], Crops]
) -> Floats:
    """(n,) how far the label's probability falls when what is masked is filled."""
    removed = np.where(masks, np.stack([fill(crop) for crop in crops]), crops)
    rows = np.arange(len(crops))
    return (probabilities(network, crops) - probabilities(network, removed))[rows, places]


def around(centre_xy: tuple[float, float], masks: Masks) -> Masks:
    """As many pixels as each mask has, those nearest to a place: a disc."""
    side = masks.shape[1]
    middle = (np.arange(side) + 0.5) / side
    far = np.hypot(middle[None, :] - centre_xy[0], middle[:, None] - centre_xy[1]).ravel()
    rank = np.empty(far.size, int)
    rank[np.argsort(far, kind="stable")] = np.arange(far.size)
    return (rank < masks.sum(axis=(1, 2))[:, None]).reshape(masks.shape)


def at_random(masks: Masks) -> Masks:
    """A disc of each mask's size anywhere in the crop."""
    middles = np.random.default_rng(SEED).random((len(masks), 2)).tolist()
    return np.concatenate([around((x, y), mask[None]) for (x, y), mask in zip(middles, masks, strict=True)])


def report(network: Network, crops: Crops, places: NDArray[np.int64], masks: Masks) -> None:
    others = {
        "the face's centre": around(CENTRE_XY, masks),
        "another face's region": np.roll(masks, 1, axis=0),
        "a disc anywhere": at_random(masks),
    }
    for name, fill in (("the mean grey", grey), ("a blur", blurred)):
        own = falls(network, crops, places, masks, fill)
        table = Table(
            f"removed by {name}",
            "the probability falls by",
            "less than by the region",
            "region more in",
            title="",
        )
        table.add_row(f"the region ({masks.mean():.1%} of the crop)", interval(own), "-", "-")
        for what, mask in others.items():
            other = falls(network, crops, places, mask, fill)
            table.add_row(
                what, interval(other), interval(own - other), f"{np.mean(own > other):.1%} of the faces"
            )
        console.print(table)


def interval(values: Floats) -> str:
    drawn = np.random.default_rng(SEED).integers(0, len(values), (REPLICATES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def choose(network: Network, crops: Crops, places: NDArray[np.int64]) -> None:
    title = f"{network.sidecar.name}, {len(crops)} faces of Training, {MARKED:.0%} marked"
    table = Table("patch", "step", "falls, grey", "falls, blur", "more than centre", "ms a face", title=title)
    for patch in PATCHES:
        for step in STEPS:
            start = time.perf_counter()
            maps = occlusion(network, crops, places.tolist(), patch=patch, step=step)
            spent_ms = 1000 * (time.perf_counter() - start) / len(crops)
            masks = np.stack([marked_region(each) for each in maps])
            by_grey, by_blur = (falls(network, crops, places, masks, fill) for fill in (grey, blurred))
            centre = falls(network, crops, places, around(CENTRE_XY, masks), blurred)
            table.add_row(
                f"{patch:.3f}", f"{step:.3f}", f"{by_grey.mean():.3f}", f"{by_blur.mean():.3f}",
                f"{np.mean(by_blur > centre):.1%}", f"{spent_ms:.0f}",
            )  # fmt: skip
    console.print(table)


if __name__ == "__main__":
    main()
