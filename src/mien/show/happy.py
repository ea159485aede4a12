"""How likely a video shows happiness over time, with its threshold and the answer for the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mien.show.palette import HEX
from mien.show.timeline import INK, PALE, RUST, draw_legend, draw_time

_Floats: TypeAlias = NDArray[np.float64]

_SIZE_IN: Final = (11.0, 3.0)
_SAME_S: Final = 1e-6
"""Borders of windows that are no farther apart are one."""


def happy_plot(
    windows: Sequence[tuple[float, float, float | None]],
    threshold: float,
    *,
    title: str = "",
    answer: str = "",
) -> Figure:
    """Draw a video's course: at each moment the probability of the happiest window that covers it.

    Args:
        windows: start and end in seconds, and P(happiness), 0 to 1, None where no face was read; they may
            overlap.
        threshold: from here on a window is called happy.
        title: what stands above, such as the file's name.
        answer: for the whole, in words; it stands below the title.

    Returns:
        A figure that no window belongs to; `save_figure` writes it.
    """
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)
    axes.tick_params(labelsize=9, color=PALE)
    borders_s, highest = highest_by_moment(windows)
    happy, unread = highest >= threshold, np.isnan(highest)
    if happy.any():
        axes.stairs(
            np.where(happy, highest, 0), borders_s, fill=True, color=HEX["happiness"], label="happiness"
        )
    if unread.any():
        axes.stairs(unread.astype(float), borders_s, fill=True, color=PALE, alpha=0.4, label="no face read")
    if unread.all():
        axes.text(0.5, 0.25, "no face found", transform=axes.transAxes, ha="center", va="center")
    else:
        axes.stairs(highest, borders_s, baseline=None, color=INK, linewidth=1.4, label="probability")
    axes.axhline(threshold, color=RUST, linewidth=1.1, linestyle="--", label=f"threshold {threshold:.2f}")
    axes.set(ylim=(0, 1), yticks=[0, 0.5, 1])
    axes.set_ylabel("P(happiness)", fontsize=9)
    draw_legend(axes)
    draw_time(axes, float(borders_s[-1]))
    axes.set_title(answer, loc="left", fontsize=10, parse_math=False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    return figure


def highest_by_moment(windows: Sequence[tuple[float, float, float | None]]) -> tuple[_Floats, _Floats]:
    """Return what the happiest of the windows that cover a moment says, from border to border.

    Args:
        windows: as in `happy_plot`.

    Returns:
        (n + 1,) borders in seconds and (n,) probabilities between them, NaN where no window has one.
    """
    edges = np.array([each[:2] for each in windows], np.float64).reshape(-1, 2)
    if not len(edges):
        return np.array([0.0, 1.0]), np.array([np.nan])
    borders_s = np.unique(edges)
    borders_s = borders_s[np.r_[True, np.diff(borders_s) > _SAME_S]]
    places = np.searchsorted(borders_s, edges - _SAME_S)
    highest = np.full(len(borders_s) - 1, np.nan)
    for (low, high), (_, _, probability) in zip(places, windows, strict=True):
        if probability is not None:
            highest[low:high] = np.fmax(highest[low:high], probability)
    return borders_s, highest
