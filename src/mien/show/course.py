"""A track's readings prepared for a plot: gaps left open, long recordings thinned out."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.labels import UNCERTAIN
from mien.table import PROBABILITIES

MOST_POINTS: Final = 2000
"""More points than this in one line can't be told apart on a page; their means are drawn, and named so."""

VALUES: Final = (*PROBABILITIES, "valence", "arousal")

_STEPS_BRIDGED: Final = 2.5


def usual_step_s(time_s: pd.Series[float], duration_s: float | None) -> float:
    """Return the median time between analysed frames in seconds; for one frame, the whole duration.

    Args:
        time_s: the times of the rows.
        duration_s: the recording's, if known.
    """
    steps = np.diff(np.unique(time_s.to_numpy()))
    return float(np.median(steps)) if steps.size else duration_s or 1.0


def smoothed_over_s(time_s: pd.Series[float]) -> float | None:
    """Return the seconds over which `course` draws means of one track's rows; None where it draws the rows.

    Args:
        time_s: the rows' times, rising.
    """
    return float(np.ptp(time_s)) / MOST_POINTS if len(time_s) > MOST_POINTS else None


def course(rows: pd.DataFrame, step_s: float) -> pd.DataFrame:
    """Turn one track's rows into a line: thinned by means, and broken where the face was away.

    Args:
        rows: `time_s` and `VALUES`, in rising order of time.
        step_s: the usual time between frames; each reading holds that long, and a longer absence is a gap.

    Returns:
        The same columns; a row of NaN stands at each gap and at the end.
    """
    line = rows[["time_s", *VALUES]]
    over_s = smoothed_over_s(line["time_s"])
    if over_s is not None:
        step_s = max(step_s, over_s)
        line = line.groupby((line["time_s"] // step_s).to_numpy()).mean()
    ends = line[~(-line["time_s"].diff(-1) <= _STEPS_BRIDGED * step_s)]
    held = ends.assign(time_s=ends["time_s"] + step_s)
    blank = held.assign(**dict.fromkeys(VALUES, np.nan))
    return pd.concat([line, held, blank]).sort_values("time_s", kind="stable", ignore_index=True)


def read_shares(
    table: pd.DataFrame, step_s: float, end_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return which share of each stretch of time had a face that was read.

    Args:
        table: the rows of all tracks, in rising order of time.
        step_s: the usual time between frames.
        end_s: the end of the recording.

    Returns:
        The stretches' borders (n + 1), the share with a label (n), the share with "uncertain" only (n).
    """
    read = table[table["confidence"].notna()]
    labelled = (read["expression"] != UNCERTAIN).groupby(read["time_s"]).any()
    start_s, named = labelled.index.to_numpy(np.float64), labelled.to_numpy(bool)
    to_next_s = np.diff(start_s, append=np.inf)
    hold_s = np.where(to_next_s <= _STEPS_BRIDGED * step_s, to_next_s, step_s)
    borders_s = np.concatenate([[0.0, end_s], start_s, start_s + hold_s]).clip(max=end_s)
    # Times have six decimals: this makes one border of an end and a start that differ by rounding only.
    borders_s = np.unique(borders_s.round(6))
    if len(borders_s) > MOST_POINTS:
        borders_s = np.linspace(0.0, end_s, MOST_POINTS)
    shares = [_share(start_s, hold_s * chosen, borders_s) for chosen in (named, ~named)]
    return borders_s, shares[0], shares[1]


def _share(
    start_s: NDArray[np.float64], hold_s: NDArray[np.float64], borders_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    if not start_s.size:
        return np.zeros(len(borders_s) - 1)
    read_s = np.cumsum(hold_s)
    knots_s = np.column_stack([start_s, start_s + hold_s]).ravel()
    read_by_s = np.interp(borders_s, knots_s, np.column_stack([read_s - hold_s, read_s]).ravel())
    return np.diff(read_by_s) / np.diff(borders_s)
