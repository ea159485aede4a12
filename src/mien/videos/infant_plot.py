"""The picture of an infant's film: what was seen over time, as lanes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mien.show.timeline import save_figure
from mien.videos.infant import OPEN_EYES, OPEN_MOUTH, SMILE

if TYPE_CHECKING:
    from mien.videos.infant import Infant

_LANES: Final = (
    ("eye_openness", "eyes", OPEN_EYES),
    ("mouth_opening", "mouth", OPEN_MOUTH),
    ("smile", "smile", SMILE),
    ("head_movement", "head moves", None),
    ("picture_movement", "picture moves", None),
)
_INK: Final = "#2f7f86"
_PALE: Final = "#cccccc"
_MOST_DRAWN: Final = 4000
"""More frames than the picture can show are drawn as means."""


def plot(read: Infant, path: Path) -> None:
    """Draw when the face was in view, eyes, mouth, smile, movement, and the states where there are any.

    Args:
        read: what was read.
        path: where the picture goes; its suffix says which kind.

    Raises:
        OutputError: it can't be written.
    """
    states: tuple[str, ...] = tuple(read.summary.get("states", {}))
    heights = [0.35, *([0.28 * len(states)] if states else []), *([0.7] * len(_LANES))]
    figure = Figure(figsize=(11, 1.1 + sum(heights)), layout="constrained")
    rows = list(np.atleast_1d(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)))
    rows[0].set_title(read.source, loc="left", fontsize=10)
    times_s, step_s = read.frame["time_s"].to_numpy(float), 1 / read.summary["fps"]
    _band(rows.pop(0), times_s, step_s, read.frame["in_view"].to_numpy(bool))
    if states:
        _states(rows.pop(0), read, states)
    every = max(1, -(-len(times_s) // _MOST_DRAWN))
    for row, (column, name, level) in zip(rows, _LANES, strict=True):
        values = read.frame[column].astype(float).groupby(np.arange(len(times_s)) // every).mean()
        row.plot(times_s[::every], values, color=_INK, linewidth=1)
        if level is not None:
            row.axhline(level, color=_PALE, linewidth=0.8)
        _name(row, name)
    rows[-1].set_xlabel("seconds")
    rows[-1].set_xlim(0, max(float(times_s[-1]) + step_s, step_s))
    save_figure(figure, path)


def _name(row: Axes, name: str) -> None:
    row.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    row.tick_params(labelsize=8)


def _band(row: Axes, times_s: Any, step_s: float, seen: Any) -> None:
    row.broken_barh([(float(each), step_s) for each in times_s[seen]], (0, 1), color=_INK)
    row.set_ylim(0, 1)
    row.set_yticks([])
    _name(row, "face in view")


def _states(row: Axes, read: Infant, states: tuple[str, ...]) -> None:
    for place, label in enumerate(reversed(states)):
        spans = [(each.start_s, each.length_s) for each in read.spells if each.label == label]
        row.broken_barh(spans, (place + 0.1, 0.8), color=_INK)
    row.set_ylim(0, len(states))
    row.set_yticks(np.arange(len(states)) + 0.5, list(reversed(states)), fontsize=8)
