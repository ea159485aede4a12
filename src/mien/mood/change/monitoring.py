"""The charts of the measures that are watched, each with its share of the promise about false alarms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import pandas as pd

from mien.mood.baseline import Baseline
from mien.mood.change.charts import Chart, cusum, ewma, watchable
from mien.mood.change.conditions import alike

WORN: Final = ("resting_heart_rate", "body_arousal")
"""What is watched where the baseline has it: who wears no sensor pays nothing for it."""

WATCHED: Final = ("expressivity", "valence_mean", "smiles_per_min", *WORN)
"""What is watched for changes. Few, because the promise about false alarms is shared among them."""

_NINE_OF_TEN_SD: Final = 1.645

_DRAW: Final = {"ewma": ewma, "cusum": cusum}


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
