"""Contact sheets: many faces on one page, to judge by eye what no figure says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mien.train.cleaning import NEAR_COPY

_CELL_INCH: Final = 1.1


def contact_sheet(
    images: Sequence[NDArray[np.uint8]], captions: Sequence[str], title: str, *, columns: int = 8
) -> Figure:
    """Put images side by side, each with its caption above.

    Args:
        images: grey, (h, w) uint8; of one size or several.
        captions: one for each, of one or two short lines.
        title: stands on top.
        columns: images in a row.
    """
    rows = max(1, math.ceil(len(images) / columns))
    wide = max((image.shape[1] / image.shape[0] for image in images), default=1.0)
    lines = max((caption.count("\n") + 1 for caption in captions), default=0)
    size = (columns * _CELL_INCH * wide + 0.2, rows * (_CELL_INCH + 0.1 + 0.12 * lines) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize="medium", parse_math=False)
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in cells:
        axes.axis("off")
    for axes, image, caption in zip(cells, images, captions, strict=False):
        axes.imshow(image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(caption, fontsize=6.5, pad=2, parse_math=False)
    return figure


def most_confused_sheet(
    images: NDArray[np.uint8],
    probabilities: NDArray[np.floating[Any]],
    targets: NDArray[np.int64],
    labels: Sequence[str],
    *,
    count: int = 40,
) -> Figure:
    """Show the faces with the surest wrong answers, the surest first.

    Args:
        images: (n, h, w) uint8.
        probabilities: (n, k), calibrated.
        targets: (n,) the right classes.
        labels: the k classes.
        count: how many at most.
    """
    places = most_confused(probabilities, targets, count)
    answers = probabilities.argmax(axis=1)
    captions = [
        f"{labels[targets[place]]}\n→ {labels[answers[place]]} {probabilities[place].max():.0%}"
        for place in places
    ]
    wrong = int((answers != targets).sum())
    title = f"The surest {len(places)} of {wrong} wrong answers: label → answer, confidence"
    return contact_sheet([images[place] for place in places], captions, title)


def most_confused(
    probabilities: NDArray[np.floating[Any]], targets: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """Give the places of the faces with wrong answers, the surest first, at most `count`."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != targets)
    order = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[order[:count]]


def near_copy_sheet(
    images: NDArray[np.uint8], pairs: NDArray[np.float64], *, threshold: float = NEAR_COPY, count: int = 48
) -> Figure:
    """Show the pairs of faces whose correlation is nearest to the threshold, the most alike first.

    Half of them are above it, half below, where there are as many: whoever looks can judge whether the line
    between copies and other photographs stands where it should.

    Args:
        images: (n, h, w) uint8.
        pairs: (m, 3) first place, second place, correlation, as `cleaning.near_copy_pairs` gives them for a
            lower threshold than the one judged.
        threshold: correlation above which two faces count as copies.
        count: how many pairs.
    """
    ordered = pairs[np.argsort(-pairs[:, 2], kind="stable")]
    above = int((ordered[:, 2] > threshold).sum())
    shown = ordered[max(0, above - count // 2) : above + count // 2]
    side_by_side = [np.hstack([images[int(first)], images[int(second)]]) for first, second, _ in shown]
    captions = [f"{'copy' if r > threshold else 'kept'} {r:.3f}" for r in shown[:, 2]]
    title = f"Pairs around the threshold: correlation above {threshold:g} counts as a copy"
    return contact_sheet(side_by_side, captions, title, columns=6)
