"""The sentiment of a clip over time: valence and arousal, what counted, and how much could be read."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mien.show.timeline import INK, PALE, RUST, TEAL, draw_legend, draw_time

_SIZE_IN: Final = (11.0, 4.4)
_HEIGHTS: Final = (1.6, 1.2, 0.45)


def sentiment_plot(course: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the course of a clip.

    Args:
        course: of `mien.sentiment`, one row per second.
        title: what stands above, such as the file's name.

    Returns:
        A figure that no window belongs to; `save_figure` writes it.
    """
    figure = Figure(figsize=_SIZE_IN, layout="constrained")
    rows = figure.subplots(len(_HEIGHTS), 1, sharex=True, height_ratios=_HEIGHTS)
    for row in rows:
        row.spines[["top", "right"]].set_visible(False)
        row.spines[["left", "bottom"]].set_color(PALE)
        row.tick_params(labelsize=9, color=PALE)
    end_s = float(course["end_s"].max()) if len(course) else 1.0
    start_s = float(course["start_s"].min()) if len(course) else 0.0
    borders_s = np.append(course["start_s"].to_numpy(), end_s) if len(course) else np.array([0.0, 1.0])

    def steps(name: str) -> list[float]:
        return course[name].tolist() if len(course) else [np.nan]

    affect, counted, read = rows
    affect.stairs(steps("valence"), borders_s, baseline=None, color=INK, linewidth=1.4, label="valence")
    affect.stairs(
        steps("arousal"), borders_s, baseline=None, color=RUST, linewidth=1.1, linestyle="--", label="arousal"
    )
    affect.axhline(0, color=PALE, linewidth=0.6)
    affect.set(ylim=(-1, 1), yticks=[-1, 0, 1])
    counted.stairs(np.nan_to_num(steps("attention")), borders_s, fill=True, color=TEAL, label="attention")
    counted.set_ylabel("what counted\n(share)", fontsize=9)
    counted.set_ylim(0, max(0.01, 1.05 * float(np.nan_to_num(steps("attention")).max())))
    read.stairs(np.nan_to_num(steps("coverage")), borders_s, fill=True, color=PALE)
    read.set(ylim=(0, 1), yticks=[])
    read.set_ylabel("read", fontsize=9, rotation=0, ha="right", va="center")
    for row in (affect, counted):
        draw_legend(row)
    if not len(course) or not course["attention"].notna().any():
        affect.text(0.5, 0.5, "no face found", transform=affect.transAxes, ha="center", va="center")
    draw_time(read, end_s)
    read.set_xlim(start_s, end_s)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    return figure
