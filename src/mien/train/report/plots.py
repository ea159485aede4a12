"""Pictures of a run: learning curves, confusion, reliability, what `uncertain` costs, sheets of faces."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from mien.expression.calibration import expected_calibration_error, risk_coverage
from mien.files import written_whole
from mien.train.data.cleaning import NEAR_COPY
from mien.train.evaluate.metrics import CALIBRATION_BINS, Scores
from mien.train.evaluate.robustness import RobustnessStep
from mien.train.run_folder import History

Floats = NDArray[np.floating[Any]]
Index = NDArray[np.int64]

_MOST_CLASSES_WITH_TEXT: Final = 20
"""With more classes than this, the cells of a confusion matrix are too small to write in."""
_FEWEST_LABELLED: Final = 20
"""Of fewer faces with a label, the share of right ones is not drawn."""
_BLUE, _LIGHT_BLUE, _ORANGE, _GREY = "#0072b2", "#9ecae1", "#d55e00", "#888888"


def save_figure(path: Path, figure: Figure, *, dpi: int = 120) -> None:
    """Write a figure as PNG, or as its suffix says, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


def learning_curves(history: History) -> Figure:
    """Draw loss and validation accuracy over the epochs, and mark the epoch that was kept.

    Args:
        history: one row for each epoch with `epoch`, `loss`, `validation_loss` and `validation_accuracy`.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(history) < 30 else ""
    losses.plot(epochs, [row["loss"] for row in history], marker=marker, color=_GREY, label="training")
    losses.plot(
        epochs, [row["validation_loss"] for row in history], marker=marker, color=_BLUE, label="validation"
    )
    losses.set(xlabel="epoch", ylabel="loss")
    losses.legend(frameon=False)
    accuracy = [row["validation_accuracy"] for row in history]
    accuracies.plot(epochs, accuracy, marker=marker, color=_BLUE)
    accuracies.set(xlabel="epoch", ylabel="validation accuracy")
    accuracies.yaxis.set_major_formatter(PercentFormatter(1))
    if history:
        best = int(np.argmax(accuracy))
        accuracies.axvline(epochs[best], color=_ORANGE, linestyle=":")
        accuracies.set_title(f"best: {accuracy[best]:.1%} in epoch {epochs[best]:g}", fontsize="medium")
    for axes in (losses, accuracies):
        _plain(axes)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def confusion_plot(scores: Scores) -> Figure:
    """Draw the confusion matrix: colour and percentage by row (of the true class), and the counts."""
    k = len(scores.labels)
    side = float(np.clip(0.95 * k + 1.5, 4, 20))
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    shares = scores.confusion / np.maximum(scores.support, 1)[:, None]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(k), scores.labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(
        range(k), [f"{label} ({n})" for label, n in zip(scores.labels, scores.support, strict=True)]
    )
    axes.set(xlabel="answer", ylabel="label (faces)")
    low, high = scores.accuracy_interval
    axes.set_title(
        f"accuracy {scores.accuracy:.1%} ({low:.1%} to {high:.1%}), macro-F1 {scores.macro_f1:.1%}"
    )
    if k <= _MOST_CLASSES_WITH_TEXT:
        for (row, column), share in np.ndenumerate(shares):
            text = f"{share:.0%}\n{scores.confusion[row, column]}"
            ink = "white" if share > 0.55 else "black"
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=8)
    return figure


def robustness_plot(places: Sequence[RobustnessStep]) -> Figure:
    """Draw how a network does as faces get worse: one panel for each way in which they do."""
    kinds = list(dict.fromkeys(place.kind for place in places))
    columns = 4
    figure = Figure(figsize=(12, 2.6 * -(-len(kinds) // columns)), layout="constrained")
    panels = figure.subplots(-(-len(kinds) // columns), columns, sharey=True, squeeze=False).ravel()
    for axes, kind in zip(panels, kinds, strict=False):
        steps = [place for place in places if place.kind == kind]
        lines = (
            ("right", [place.right for place in steps], _BLUE),
            ("gets a label", [place.labelled for place in steps], _GREY),
            ("right if it does", [_right_if_labelled(place) for place in steps], _ORANGE),
        )
        for name, values, colour in lines:
            axes.plot(range(len(steps)), values, marker="o", markersize=3, color=colour, label=name)
        names = [place.step.replace(" ", "\n") for place in steps]
        axes.set_xticks(range(len(steps)), names, fontsize="small")
        axes.set_title(f"{kind} ({steps[0].unit})", fontsize="medium")
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        _plain(axes)
    for axes in panels[len(kinds) :]:
        axes.set_axis_off()
    panels[0].legend(frameon=False, fontsize="small")
    return figure


def _right_if_labelled(place: RobustnessStep) -> float:
    """Of a few faces it would be chance."""
    enough = place.right_if_labelled is not None and place.labelled * place.faces >= _FEWEST_LABELLED
    return float(place.right_if_labelled) if enough else float("nan")  # type: ignore[arg-type]


def reliability_plot(before: Floats, after: Floats, targets: Index) -> Figure:
    """Draw how often the answers are right against how sure they are, before and after calibration.

    Args:
        before: (n, k) probabilities at temperature 1.
        after: (n, k) probabilities at the fitted temperature.
        targets: (n,) the right classes.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey="row", height_ratios=(3, 1))
    for column, (name, p) in enumerate((("before calibration", before), ("after calibration", after))):
        confidence, correct = p.max(axis=1), p.argmax(axis=1) == targets
        centres, counts, sure, right = reliability_bins(confidence, correct)
        reliability, histogram = axes[0, column], axes[1, column]
        reliability.plot([0, 1], [0, 1], color=_GREY, linestyle=":")
        reliability.bar(centres, right, width=1 / CALIBRATION_BINS, color=_LIGHT_BLUE, edgecolor="white")
        reliability.plot(sure, right, "o", color=_ORANGE, markersize=4)
        error = expected_calibration_error(p, targets, CALIBRATION_BINS)
        reliability.set_title(f"{name}: error {error:.1%}", fontsize="medium")
        histogram.bar(centres, counts, width=1 / CALIBRATION_BINS, color=_GREY, edgecolor="white")
        histogram.set(xlabel="confidence", xlim=(0, 1))
        _plain(reliability)
        _plain(histogram)
    axes[0, 0].set(ylabel="share that is right", ylim=(0, 1))
    axes[1, 0].set(ylabel="faces")
    return figure


def reliability_bins(
    confidence: Floats, correct: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> tuple[Floats, Index, Floats, Floats]:
    """Put answers into bins of equal width by how sure they are; a bin holds its upper edge.

    Args:
        confidence: (n,) the highest probability of each face.
        correct: (n,) whether its label is right.
        bins: how many.

    Returns:
        For each bin (bins,): its middle, how many faces are in it, their mean confidence, and the share that
        is right; the last two are NaN for an empty bin.
    """
    place = np.ceil(confidence * bins).astype(int).clip(1, bins) - 1
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        sure = np.bincount(place, weights=confidence, minlength=bins) / counts
        right = np.bincount(place, weights=correct, minlength=bins) / counts
    return (np.arange(bins) + 0.5) / bins, counts, sure, right


def risk_coverage_plot(parts: Mapping[str, tuple[Floats, Index]], uncertain_below: float) -> Figure:
    """Draw what share of the labels is wrong when the least sure faces are called `uncertain`.

    Args:
        parts: calibrated probabilities (n, k) and right classes (n,) by the name of each part of the data.
        uncertain_below: the threshold that was chosen; it is marked on each curve.
    """
    curves = {name: (p.max(axis=1), p.argmax(axis=1) == targets) for name, (p, targets) in parts.items()}
    return sureness_plot(curves, uncertain_below)


def sureness_plot(curves: Mapping[str, tuple[Floats, NDArray[np.bool_]]], uncertain_below: float) -> Figure:
    """Draw the same from how sure an answer is, and whether it is right.

    Args:
        curves: (n,) how sure, 0 to 1, and (n,) whether right, by the name of each curve.
        uncertain_below: the threshold that was chosen; it is marked on each curve.
    """
    figure = Figure(figsize=(6.5, 4.2), layout="constrained")
    axes = figure.subplots()
    for (name, (confidence, correct)), colour in zip(curves.items(), (_GREY, _BLUE, _ORANGE), strict=False):
        coverage, risk, _ = risk_coverage(confidence, correct)
        axes.plot(coverage, risk, color=colour, label=name)
        kept = confidence >= uncertain_below
        if kept.any():
            at, wrong = float(kept.mean()), float(1 - correct[kept].mean())
            axes.plot(at, wrong, "o", color=colour)
            axes.annotate(
                f"{at:.0%} labelled, {wrong:.1%} wrong", (at, wrong), (-8, 6), color=colour,
                textcoords="offset points", ha="right", fontsize="small",
            )  # fmt: skip
    axes.set(xlabel="faces that get a label", ylabel="labels that are wrong", xlim=(0, 1.02), ylim=(0, None))
    axes.set_title(f"uncertain below a confidence of {uncertain_below:.2f} (dots)", fontsize="medium")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)


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
    """Return the places of the faces with wrong answers, the surest first, at most `count`."""
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
