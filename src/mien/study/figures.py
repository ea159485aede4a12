"""Figures of a study, ready to print: mean courses, clusters, effects with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mien.show.timeline import INK, PALE, save_figure
from mien.study.clusters import SIGNIFICANT
from mien.study.epochs import Epochs
from mien.wording import count

if TYPE_CHECKING:
    from mien.study.compare import EpochComparison

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#666666")
"""Okabe and Ito (2008), told apart by colour-blind people; beside them each line has a pattern of its own."""

_DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
_SUFFIXES: Final = (".pdf", ".svg", ".png")
_PANEL_IN: Final = (3.4, 2.6)
_PRINT: Final[Any] = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "mien", "font.size": 8}
"""Letters stay letters, which journals ask for and editors of drawings can change."""

_MOST_PANELS: Final = 4


def draw_means(epochs: Epochs, path: Path) -> list[Path]:
    """Draw the mean course of each condition, in a panel for each group.

    Args:
        epochs: any.
        path: of the pictures, without a suffix.

    Returns:
        The pictures.

    Raises:
        OutputError: they can't be written.
    """
    conditions = sorted(epochs.events.loc[epochs.events["kept"], "condition"].unique())
    groups = sorted(epochs.events.loc[epochs.events["kept"], "group"].unique())
    with mpl.rc_context(_PRINT):
        panels = min(len(groups), _MOST_PANELS)
        figure = Figure(figsize=(_PANEL_IN[0] * panels + 0.4, _PANEL_IN[1] + 0.5), layout="constrained")
        axes = np.atleast_1d(figure.subplots(1, panels, sharey=True))
        _draw_panels(figure, list(axes), epochs, conditions, groups)
        return _saved(figure, path)


def draw_comparison(found: EpochComparison, path: Path) -> list[Path]:
    """Draw mean courses with the clusters below them, and the mixed model's effects beside them.

    Args:
        found: any.
        path: of the pictures, without a suffix.

    Returns:
        The pictures.

    Raises:
        OutputError: they can't be written.
    """
    panels = min(len(found.groups), _MOST_PANELS)
    names = [(each, each.spans_s(SIGNIFICANT)) for each in found.courses]
    lower_in = 0.5 + 0.24 * max(len(names), 1)
    with mpl.rc_context(_PRINT):
        size = (_PANEL_IN[0] * (panels + 1) + 0.6, _PANEL_IN[1] + lower_in)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(2, panels + 1, height_ratios=[_PANEL_IN[1], lower_in])
        upper = [figure.add_subplot(grid[0, 0])]
        upper += [figure.add_subplot(grid[0, at], sharey=upper[0]) for at in range(1, panels)]
        _draw_panels(figure, upper, found.epochs, found.conditions, found.groups)
        lower = figure.add_subplot(grid[1, :panels])
        _draw_clusters(lower, [(each.name, spans) for each, spans in names], found.window_s)
        _draw_effects(figure.add_subplot(grid[:, panels]), found)
        return _saved(figure, path)


def _draw_panels(
    figure: Figure, axes: Sequence[Axes], epochs: Epochs, conditions: Sequence[str], groups: Sequence[str]
) -> None:
    means = epochs.means()
    for row, group in zip(axes, groups, strict=False):
        _bare(row)
        row.axhline(0, color=PALE, linewidth=0.6)
        row.axvline(0, color=PALE, linewidth=0.6)
        for at, condition in enumerate(conditions):
            line = means[(means["group"] == group) & (means["condition"] == condition)]
            if line.empty:
                continue
            colour, dash = COLOURS[at % len(COLOURS)], _DASHES[at % len(_DASHES)]
            row.fill_between(line["time_s"], line["low"], line["high"], color=colour, alpha=0.2, linewidth=0)
            row.plot(
                line["time_s"], line["mean"], color=colour, linestyle=dash, linewidth=1.3, label=condition
            )
        chosen = epochs.events["kept"] & (epochs.events["group"] == group)
        people = count(epochs.events.loc[chosen, "person"].nunique(), "person", "people")
        row.set_title(f"{group + ', ' if group else ''}{people}", loc="left", fontsize=8, parse_math=False)
        row.set_xlabel("seconds from the onset")
        row.set_xlim(epochs.times_s[0], epochs.times_s[-1])
    against = "" if epochs.baseline_s is None else ", against the baseline"
    axes[0].set_ylabel(f"{epochs.measure}{against}", parse_math=False)
    drawn = {
        label: line for row in axes for line, label in zip(*row.get_legend_handles_labels(), strict=True)
    }
    legend = figure.legend(
        drawn.values(), drawn.keys(), loc="outside upper left", ncols=4, frameon=False, handlelength=2.4
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _draw_clusters(
    row: Axes, comparisons: Sequence[tuple[str, list[tuple[float, float]]]], window_s: tuple[float, float]
) -> None:
    _bare(row)
    for at, (name, spans) in enumerate(comparisons):
        row.broken_barh([(start, end - start) for start, end in spans], (-at - 0.35, 0.3), color=INK)
        _write(row, -at + 0.02, name if spans else f"{name}: none")
    row.set(xlim=window_s, ylim=(-len(comparisons) + 0.4, 0.6), yticks=[])
    row.set_xlabel("clusters with p < 0.05, seconds from the onset")


def _draw_effects(row: Axes, found: EpochComparison) -> None:
    _bare(row)
    row.axvline(0, color=PALE, linewidth=0.8)
    effects = found.model.effects
    for at, each in enumerate(effects):
        row.plot([each.low, each.high], [-at - 0.1, -at - 0.1], color=INK, linewidth=1.2)
        row.plot([each.estimate], [-at - 0.1], marker="o", markersize=4, color=INK)
        _write(row, -at + 0.08, f"{each.name}: {each.estimate:+.3f}, {p_words(each.p)}")
    if not effects:
        words = "no mixed model\ncould be fitted"
        row.text(0.5, 0.5, words, transform=row.transAxes, ha="center", va="center")
    row.margins(x=0.1)
    row.xaxis.set_major_locator(MaxNLocator(5))
    row.set(yticks=[], ylim=(-max(len(effects), 1) + 0.4, 0.6))
    low, high = found.window_s
    row.set_xlabel(f"difference of {found.epochs.measure}, {low:g} to {high:g} s", parse_math=False)


def _write(row: Axes, height: float, words: str) -> None:
    """Write a line into a panel from its left, over what is drawn there."""
    row.text(
        0.01, height, words, transform=row.get_yaxis_transform(), fontsize=6.5, va="bottom", parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def p_words(p: float) -> str:
    """Return a p as journals write it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _bare(row: Axes) -> None:
    row.spines[["top", "right"]].set_visible(False)
    row.spines[["left", "bottom"]].set_color(PALE)
    row.tick_params(labelsize=8, color=PALE)


def _saved(figure: Figure, path: Path) -> list[Path]:
    written = [path.with_name(path.name + suffix) for suffix in _SUFFIXES]
    for each in written:
        save_figure(figure, each)
    return written
