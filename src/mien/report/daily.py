"""Columns of the days' table as what pictures and tables are made from."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import date

import pandas as pd


def dates_of(index: Iterable[Hashable]) -> list[date]:
    """Give an index's dates.

    Args:
        index: of `datetime.date`.
    """
    return [each for each in index if isinstance(each, date)]


def dated(values: pd.Series[float]) -> list[tuple[date, float]]:
    """Give the dates and values of a column."""
    return list(zip(dates_of(values.index), values.tolist(), strict=True))


def measured(days: pd.DataFrame, name: str) -> pd.DataFrame:
    """Give one measure of the days that have it: columns "value", "low" and "high"."""
    columns = {name: "value", f"{name}_low": "low", f"{name}_high": "high"}
    found = days.reindex(columns=list(columns)).rename(columns=columns).astype(float)
    return found.dropna(subset=["value"])


def smoothed(values: pd.Series[float]) -> pd.Series[float]:
    """Give the median of seven days around each day that has a value.

    Args:
        values: indexed by rising dates.

    Returns:
        Of the same days; a day with fewer than three values around it keeps its own.
    """
    index = pd.DatetimeIndex(values.index)
    every_day = pd.Series(values.to_numpy(), index).resample("D").mean()
    medians = every_day.rolling(7, center=True, min_periods=3).median().reindex(index)
    return pd.Series(medians.to_numpy(), values.index).fillna(values)
