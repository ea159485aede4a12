"""Which measures are watched, over which days, and with which share of the promise about false alarms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from mien.mood.baseline import Baseline, NotReady, same_network, usable
from mien.mood.change.charts import Chart, cusum, ewma, watchable
from mien.mood.change.conditions import unlike

WATCHED: Final = ("expressivity", "valence_mean", "smiles_per_min")
"""What is watched for changes. Few, because the promise about false alarms is shared among them."""

_NINE_OF_TEN_SD: Final = 1.645

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

_DRAW: Final = {"ewma": ewma, "cusum": cusum}


def alike(days: pd.DataFrame, baseline: Baseline) -> pd.DataFrame:
    """Return the usable days that were filmed and read as the baseline was: only they can be compared."""
    marks = unlike(days, baseline)
    kept = usable(days)
    if "network" in kept:
        kept = kept.loc[[same_network(each, baseline) for each in kept["network"]]]
    return kept.loc[~kept.index.isin(marks.index[marks.any(axis=1)])]


def standard_errors(days: pd.DataFrame, measure: str) -> pd.Series[Any] | None:
    """Return the standard error of each day's figure by its 90 % interval; None where days have none.

    Args:
        days: with `MEASURE_low` and `MEASURE_high`.
        measure: its name.
    """
    low, high = f"{measure}_low", f"{measure}_high"
    if low not in days or high not in days:
        return None
    return (days[high] - days[low]) / (2 * _NINE_OF_TEN_SD)


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


def charts(
    days: pd.DataFrame,
    baseline: Baseline,
    *,
    false_alarm_days: float | None,
    kinds: Sequence[str] = ("ewma",),
    watched: Sequence[str] = WATCHED,
    of: Collection[str] | None = None,
) -> list[Chart]:
    """Draw the charts of the measures that are watched.

    Each gets its share of the promise: with m measures, one false alarm in m times the chosen days. Their
    false alarms then add up to the chosen number at most, however the measures hang together.

    Args:
        days: one row a day, by date.
        baseline: the person's own.
        false_alarm_days: of all watched measures together; None: nobody has chosen, and there are no charts.
        kinds: some of "ewma" and "cusum".
        watched: the measures that share the promise.
        of: those of them whose charts are wanted; all where left out.

    Returns:
        By measure, then by kind; none while the baseline can't carry an alarm.
    """
    if not baseline.alarms_ready or not false_alarm_days:
        return []
    able = [name for name in watched if name in days and watchable(name, baseline)]
    kept = alike(days, baseline)
    drawn = [
        _DRAW[kind](
            kept[name],
            baseline,
            false_alarm_days=false_alarm_days * len(able),
            errors=standard_errors(kept, name),
        )
        for name in able
        if of is None or name in of
        for kind in kinds
    ]
    return [each for each in drawn if each is not None]


def _date(day: Any) -> dt.date:
    return pd.Timestamp(day).date()
