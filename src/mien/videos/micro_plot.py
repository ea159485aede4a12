"""The picture of a film's short movements: what stood out over time, and what was found, with its label."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from mien.show.timeline import save_figure

if TYPE_CHECKING:
    from mien.videos.micro import Micro

_LANES: Final = ("brows", "mouth", "eyes")
_INK, _PALE, _FOUND = "#2f7f86", "#999999", "#e8b04a"
_MOST_DRAWN: Final = 8000
"""More frames than the picture can show are drawn as their highest."""


def plot(found: Micro, path: Path) -> None:
    """Draw how far brows, mouth and eyelids stand out, and the movements.

    Args:
        found: what was found.
        path: where the picture goes; its suffix says which kind.

    Raises:
        OutputError: it can't be written.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    rows = list(np.atleast_1d(figure.subplots(len(_LANES), 1, sharex=True)))
    rows[0].set_title(found.source, loc="left", fontsize=10)
    every = max(1, -(-len(found.frame) // _MOST_DRAWN))
    times_s = found.frame["time_s"].to_numpy(np.float64)
    # A line through a gap would show movement where nobody was seen.
    gap = (np.diff(times_s, prepend=times_s[:1]) > 0.3)[::every]
    for row, lane in zip(rows, _LANES, strict=True):
        highest = found.frame[lane].astype(float).groupby(np.arange(len(times_s)) // every).max()
        values = highest.to_numpy().copy()
        values[gap] = np.nan
        row.plot(times_s[::every], values, color=_PALE if lane == "eyes" else _INK, linewidth=0.9)
        row.set_ylabel(lane, rotation=0, ha="right", va="center", fontsize=9)
        row.tick_params(labelsize=8)
        row.set_ylim(bottom=0)
        for each in found.movements:
            if each.region == lane:
                row.axvspan(each.onset_s, each.offset_s, color=_FOUND, alpha=0.5, linewidth=0)
                row.axvline(each.apex_s, color=_FOUND, linewidth=1)
                row.text(each.apex_s, 0, each.label or "", fontsize=7, ha="center", va="bottom")
        if lane == "eyes":
            for blink_s in found.blinks_s:
                row.text(blink_s, 0, "blink", fontsize=7, ha="center", va="bottom")
    rows[-1].set_xlabel("seconds")
    rows[-1].set_xlim(0, max(found.length_s, 0.1))
    figure.supylabel("% of the distance between the eyes", fontsize=8)
    save_figure(figure, path)
