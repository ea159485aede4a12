"""What `mien agree` says and writes: lines, a table of figures, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure

from mien.agreement.figures import Labels, Numbers
from mien.agreement.statistics import Estimate
from mien.errors import OutputError
from mien.files import check_folder, write_json, written_whole
from mien.show.timeline import INK, PALE, RUST, TEAL, save_figure
from mien.table import escape_formula

if TYPE_CHECKING:
    from mien.agreement.study import AgreementResult

REPORT, TABLE, CONFUSION, BLAND_ALTMAN = (
    "agreement.json",
    "agreement.csv",
    "confusion.png",
    "bland-altman.png",
)
_FILES: Final = (REPORT, TABLE, CONFUSION, BLAND_ALTMAN)
_MOST_DRAWN: Final = 12
_MOST_DOTS: Final = 4000
_ACROSS: Final = 3
_OF_NUMBERS: Final = ("icc_2_1", "icc_3_1", "concordance", "pearson", "bias", "deviation", "low", "high")


_Row = tuple[str, str, float | None, float | None, float | None, int]


def save(result: AgreementResult, folder: Path, *, overwrite: bool) -> list[Path]:
    """Write the figures and pictures; see `AgreementResult.save`."""
    check_free(folder, overwrite=overwrite)
    for name in _FILES:  # pictures of an earlier comparison are none of this one
        (folder / name).unlink(missing_ok=True)
    written = [folder / REPORT, folder / TABLE]
    write_json(written[0], result.as_dict())
    with written_whole(written[1]) as temporary:
        import pandas as pd

        names = ("column", "figure", "value", "low", "high", "pairs")
        pd.DataFrame(list(_rows(result)), columns=list(names)).to_csv(temporary, index=False)
    if result.labels:
        written.append(folder / CONFUSION)
        save_figure(confusion(result.labels[0], result.a, result.b), written[-1])
    if result.numbers:
        written.append(folder / BLAND_ALTMAN)
        save_figure(bland_altman(result), written[-1])
    return written


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Raise where files of an earlier comparison are in a folder, unless they may be replaced.

    Raises:
        OutputError: they are there, or the folder can't be written.
    """
    check_folder(folder)
    there = [folder / name for name in _FILES if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(f"{there[0]} is there already: choose another folder, or --overwrite")


def _rows(result: AgreementResult) -> Iterator[_Row]:
    def row(column: str, name: str, value: Estimate, pairs: int) -> _Row:
        told = (value.value, value.low, value.high)
        middle, low, high = (None if each is None else round(each, 6) for each in told)
        return column, name, middle, low, high, pairs

    for labels in result.labels:
        for name in ("observed", "kappa", "weighted"):
            if (value := getattr(labels, name)) is not None:
                yield row(labels.column, name, value, labels.pairs)
        for label, share in zip(labels.labels, labels.specific, strict=True):
            yield row(labels.column, escape_formula(f"specific {label}"), Estimate(share), labels.pairs)
    for numbers in result.numbers:
        for name in _OF_NUMBERS:
            yield row(numbers.column, name, getattr(numbers, name), numbers.pairs)


def confusion(labels: Labels, a: str, b: str) -> Figure:
    """Draw how often each label met each other one; shades are shares of a row."""
    counts = np.array(labels.counts, np.float64)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.2 + 0.62 * len(labels.labels)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="BuGn", vmin=0, vmax=1)
    for (i, j), many in np.ndenumerate(counts):
        if many:
            axes.text(
                j, i, f"{int(many):,}", ha="center", va="center", fontsize=8,
                color="white" if share[i, j] > 0.6 else INK,
            )  # fmt: skip
    names = [_plain(each) for each in labels.labels]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel(_plain(b), fontsize=9)
    axes.set_ylabel(_plain(a), fontsize=9)
    axes.set_title(
        f"kappa {labels.kappa}, {labels.pairs:,} pairs\ncounts; shaded by the share of their row",
        fontsize=9,
        loc="left",
    )
    return figure


def bland_altman(result: AgreementResult) -> Figure:
    """Draw the differences over the means of each column of numbers, with the bias and the limits."""
    shown = result.numbers[:_MOST_DRAWN]
    across = min(_ACROSS, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(3.7 * across, 2.6 * down + 0.4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(down, across)).ravel()
    for axes, numbers in zip(panels, shown, strict=False):
        _differences(axes, result, numbers)
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    figure.supxlabel("mean of both (line: bias, dashed: limits of agreement)", fontsize=9)
    figure.supylabel(f"{_plain(result.a)} less {_plain(result.b)}", fontsize=9)
    return figure


def _differences(axes: Any, result: AgreementResult, numbers: Numbers) -> None:
    a, b = (result.pairs[f"{numbers.column}_{side}"].to_numpy(np.float64) for side in "ab")
    known = np.flatnonzero(np.isfinite(a) & np.isfinite(b))
    known = known[:: max(1, -(-len(known) // _MOST_DOTS))]
    axes.plot((a + b)[known] / 2, (a - b)[known], ".", color=TEAL, alpha=0.3, markersize=3, markeredgewidth=0)
    axes.axhline(0, color=PALE, linewidth=0.6)
    for value, style in ((numbers.bias, "-"), (numbers.low, "--"), (numbers.high, "--")):
        if value.value is not None:
            axes.axhline(value.value, color=RUST, linewidth=1, linestyle=style)
    axes.set_title(f"{with_unit(numbers.column)}: ICC(2,1) {numbers.icc_2_1}", fontsize=8, loc="left")
    axes.tick_params(labelsize=7)


def with_unit(column: str) -> str:
    """Return a column's name, with its unit where it has one."""
    return f"{column} (degrees)" if column in ("yaw", "pitch", "roll") else column


def _plain(text: str) -> str:
    """Return a text of which Matplotlib makes no formula."""
    return text.replace("$", r"\$")
