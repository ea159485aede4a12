"""Other light, another camera, distance or network: days unlike the baseline's without any change of mood.

They are left out of the charts and told by themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.mood.baseline import MAD_TO_SD, Baseline, NotReady, cameras_of, same_network, usable

Bools = NDArray[np.bool_]

LEAST_SPREAD: Final = {"light_mean": 0.05, "sharpness_mean": 0.05, "quality_mean": 0.1, "face_px": 0.15}
"""What may always vary, as a standard deviation: own spread counts only above it. Of `face_px` as a share.

Light is 1 in any ordinary room, so that its own spread is often 0; the quality holds the head's pose too,
which may change with mood, so it has to fall far.
"""

TITLES: Final = {
    "light_mean": "light",
    "sharpness_mean": "sharpness",
    "quality_mean": "quality",
    "face_px": "the face's size",
}

ONE_DAY_SD: Final = 4.0
"""A day so far from usual was filmed differently."""

RUN_SD: Final = 2.0
"""So was a day that lies so far from usual, as the mean of its last `RUN_DAYS` days does: slow drift.

Its own condition decides: a good day after a dark week is a good day.
"""

RUN_DAYS: Final = 7

APART: Final[Mapping[str, str]] = MappingProxyType(
    {
        "network": "another network",
        "camera": "another camera",
        "light_mean": "other light",
        "sharpness_mean": "another sharpness",
        "face_px": "another distance",
        "quality_mean": "another quality of the picture",
    }
)
"""What sets a day apart from the baseline, by the condition; the first that holds is named."""

TOO_LITTLE: Final = "too little of it could be read"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days in a row that were filmed differently.

    Attributes:
        kind: what was different.
        condition: the column that tells it.
        since, until: the first and the last such day; `until` is None where it is the last day there is.
        days: how many days have a recording.
        now, before: the condition's median on these days, and usually; NaN for a camera or network.
    """

    kind: Literal["light", "camera", "network"]
    condition: str
    since: dt.date
    until: dt.date | None
    days: int
    now: float
    before: float


def unlike(days: pd.DataFrame, baseline: Baseline) -> pd.DataFrame:
    """Mark the days that were filmed differently.

    Args:
        days: one row a day, by date; see `Baseline.of`.
        baseline: the person's own.

    Returns:
        One row for each usable day behind the baseline, one column of booleans for each condition that is
        known.
    """
    new = usable(days)
    new = new.loc[new.index > baseline.end]
    marks = {
        name: _far(new[name], baseline, name)
        for name in LEAST_SPREAD
        if name in new and name in baseline.measures
    }
    if "camera" in new and baseline.cameras:
        marks["camera"] = np.array(
            [_is_other(cameras_of(each), baseline) for each in new["camera"]], np.bool_
        )
    if "network" in new:
        marks["network"] = np.array([not same_network(each, baseline) for each in new["network"]], np.bool_)
    return pd.DataFrame(marks, index=new.index, dtype=bool)


def alike(days: pd.DataFrame, baseline: Baseline) -> pd.DataFrame:
    """Return the usable days that were filmed and read as the baseline was: only they can be compared."""
    marks = unlike(days, baseline)
    kept = usable(days)
    if "network" in kept:
        kept = kept.loc[[same_network(each, baseline) for each in kept["network"]]]
    return kept.loc[~kept.index.isin(marks.index[marks.any(axis=1)])]


def days_apart(days: pd.DataFrame, baseline: Baseline | NotReady) -> dict[dt.date, str]:
    """Return the days that can't be compared with the others, each with why.

    Args:
        days: one row a day, by date.
        baseline: the person's own; without one, only days with too little are told.

    Returns:
        By rising date: one of `APART`, or `TOO_LITTLE`.
    """
    kept = usable(days)
    apart = dict.fromkeys((_date(each) for each in days.index), TOO_LITTLE)
    for day in kept.index:
        del apart[day]
    if isinstance(baseline, NotReady):
        return apart
    marks = unlike(days, baseline)
    if "network" in kept:
        # Days of the baseline's own time are told as well, which `unlike` doesn't look at.
        others = ~np.array([same_network(each, baseline) for each in kept["network"]], np.bool_)
        marks = marks.reindex(kept.index, fill_value=False).assign(network=others)
    for day, row in marks.iterrows():
        if why := next((words for name, words in APART.items() if row.get(name)), None):
            apart[_date(day)] = why
    return dict(sorted(apart.items()))


def stretches(days: pd.DataFrame, marks: pd.DataFrame, baseline: Baseline) -> list[Stretch]:
    """Return the runs of marked days, by date: those of at least three days, and those that still last."""
    found = [run for name in marks for run in _runs(str(name), days, marks[name], baseline)]
    return sorted(found, key=lambda run: (run.since, run.condition))


def _is_other(cameras: frozenset[str], baseline: Baseline) -> bool:
    return bool(cameras) and cameras.isdisjoint(baseline.cameras)


def _far(figures: pd.Series[Any], baseline: Baseline, name: str) -> Bools:
    own = baseline.measures[name]
    scale = np.log if name == "face_px" else np.asarray
    with np.errstate(divide="ignore", invalid="ignore"):
        values, before = scale(figures.to_numpy(np.float64)), scale(own.values)
    middle = np.median(before)
    spread = max(MAD_TO_SD * float(np.median(np.abs(before - middle))), LEAST_SPREAD[name])
    distance = pd.Series((values - middle) / spread)
    # Drawn in, so that a few very dark days are no drift.
    run = distance.clip(-ONE_DAY_SD, ONE_DAY_SD).rolling(RUN_DAYS, min_periods=RUN_DAYS).mean()
    drifted = (run.abs() > RUN_SD) & (distance.abs() > RUN_SD) & (distance * run > 0)
    return ((distance.abs() > ONE_DAY_SD) | drifted).to_numpy()


def _runs(name: str, days: pd.DataFrame, marked: pd.Series[bool], baseline: Baseline) -> list[Stretch]:
    figures = usable(days)[name]
    number = (marked != marked.shift()).cumsum()
    found = []
    for _, run in marked[marked].groupby(number[marked]):
        lasts = run.index[-1] == marked.index[-1]
        if lasts or len(run) >= 3:
            is_name = name in ("camera", "network")
            found.append(
                Stretch(
                    kind=name if is_name else "light",  # type: ignore[arg-type]
                    condition=name,
                    since=run.index[0],
                    until=None if lasts else run.index[-1],
                    days=len(run),
                    now=np.nan if is_name else float(figures[run.index].median()),
                    before=np.nan if is_name else baseline.measures[name].median,
                )
            )
    return found


def _date(day: Any) -> dt.date:
    return pd.Timestamp(day).date()
