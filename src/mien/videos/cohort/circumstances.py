"""Whether a site, a camera, a length or an age tells the label by itself, and what the measures add to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import expit

from mien.videos.cohort.figures import (
    Area,
    Bools,
    Floats,
    Interval,
    Ints,
    area,
    difference,
    less_fold_means,
    newton,
)
from mien.videos.cohort.table import Cohort

if TYPE_CHECKING:
    import pandas as pd

_BINS: Final = 5
"""Strata of a number: five take away nine tenths of what it confounds (Cochran 1968)."""
_PRIOR: Final = 4.0
_PENALTY: Final = 3.0
_LEAST_PAIRS: Final = 100
_LEAST: Final = 5
_MOST_GROUPS: Final = 8
_BANDS: Final = 4


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What one circumstance, or all together, says of the label.

    Attributes:
        name: of the column; `ALL` for all together.
        alone: the area under the curve by it alone, held out; its interval allows for how many were tried.
        found: whether it tells the label better than chance.
        within: the measures' area among pairs that are alike in it; None where there are too few.
        added: what the measures and all circumstances have more than the circumstances; of `ALL` alone.
    """

    name: str
    alone: Interval
    found: bool
    within: Interval | None
    added: Interval | None = None


@dataclass(frozen=True, slots=True)
class GroupOfPeople:
    """How the logistic regression did in a part of the people.

    Attributes:
        column, value: which part.
        people, with_label: how many units, and how many of them have the label.
        area: None where it has too few of one class.
        predicted, observed: the mean probability, and the share with the label.
    """

    column: str
    value: str
    people: int
    with_label: int
    area: Interval | None
    predicted: float
    observed: float


ALL: Final = "all together"


def look_around(cohort: Cohort, odds: Floats, fold: Ints) -> tuple[Circumstance, ...]:
    """Predict the label by each circumstance, with the same people held out as for the measures.

    Args:
        cohort: with circumstances, or without any.
        odds: (repeats, n) what the measures say.
        fold: (repeats, n) in which fold they said it.

    Returns:
        Each circumstance, then all together where there are several; the most telling first.
    """
    kinds = {name: _kinds(column) for name, column in cohort.circumstances.items()}
    first, centred = fold[0], less_fold_means(odds, fold)
    rows = [
        _one(str(name), cohort, centred, _rates(codes, cohort.y, first), first, codes, len(kinds))
        for name, codes in kinds.items()
    ]
    rows.sort(key=lambda each: -each.alone.value)
    if not kinds:
        return ()
    together = _fitted(_indicators(list(kinds.values())), cohort.y, first)
    strata = _kinds_of_score(together) if len(kinds) > 1 else next(iter(kinds.values()))
    whole = _one(ALL, cohort, centred, together, first, strata, 1)
    both = _fitted(np.column_stack([together, odds.mean(axis=0)]), cohort.y, first)
    joint = area(cohort.y, both, cohort.subject, first)
    alone = area(cohort.y, together, cohort.subject, first)
    added = difference(joint, alone) if joint and alone else None
    return (*rows, Circumstance(ALL, whole.alone, whole.found, whole.within, added))


def _one(
    name: str, cohort: Cohort, odds: Floats, score: Floats, fold: Ints, strata: Ints, tried: int
) -> Circumstance:
    found = area(cohort.y, score, cohort.subject, fold)
    alone = found.interval(tried) if found else Interval(0.5, 0.0, 1.0)
    within = _within(cohort, odds, strata)
    return Circumstance(name, alone, alone.low > 0.5, within.interval() if within else None)


def _within(cohort: Cohort, odds: Floats, strata: Ints) -> Area | None:
    pairs = sum(
        int((cohort.y & (strata == each)).sum()) * int((~cohort.y & (strata == each)).sum())
        for each in np.unique(strata)
    )
    return area(cohort.y, odds, cohort.subject, strata) if pairs >= _LEAST_PAIRS else None


def _kinds(column: pd.Series) -> Ints:
    """Return (n,) a number for each kind: of words each, of numbers fifths; missing is one of its own."""
    import pandas as pd

    missing = column.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > _BINS:
        values = column.to_numpy(np.float64)
        edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
        return np.where(missing, -1, np.searchsorted(edges, np.nan_to_num(values), side="right"))
    codes = pd.factorize(column)[0]
    rare = np.bincount(codes + 1)[codes + 1] < _LEAST
    return np.where(rare & ~missing, -2, codes).astype(np.int64)


def _kinds_of_score(score: Floats) -> Ints:
    edges = np.unique(np.quantile(score, np.linspace(0, 1, 2 * _BINS + 1)[1:-1]))
    return np.searchsorted(edges, score, side="right")


def _rates(codes: Ints, y: Bools, fold: Ints) -> Floats:
    """Return (n,) how common the label is among the others of one's kind, who are in other folds."""
    score = np.zeros(len(y))
    for each in np.unique(fold):
        others, usual = fold != each, float(y[fold != each].mean())
        for kind in np.unique(codes):
            same = others & (codes == kind)
            rate = (y[same].sum() + _PRIOR * usual) / (same.sum() + _PRIOR)
            score[(fold == each) & (codes == kind)] = rate
    return score


def _indicators(kinds: list[Ints]) -> Floats:
    return np.column_stack([codes == each for codes in kinds for each in np.unique(codes)]).astype(float)


def _fitted(x: Floats, y: Bools, fold: Ints) -> Floats:
    """Return (n,) held-out log-odds of a logistic regression."""
    score = np.zeros(len(y))
    for each in np.unique(fold):
        held = fold == each
        mean, spread = x[~held].mean(axis=0), x[~held].std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        columns = np.column_stack([np.ones(len(x)), (x - mean) / spread])
        weights, _ = newton(columns[~held], y[~held], np.append(0.0, np.full(x.shape[1], _PENALTY)))
        score[held] = columns[held] @ weights
    return score


# --- parts of the people


def groups_of(read: Cohort, by: tuple[str, ...], odds: Floats, fold: Ints) -> tuple[GroupOfPeople, ...]:
    """Return how the measures did in parts of the people.

    Args:
        read: the people.
        by: circumstances by whose values they are parted.
        odds: (repeats, n) what the measures say.
        fold: (repeats, n) in which fold they said it.
    """
    rows = []
    probability, centred = expit(odds.mean(axis=0)), less_fold_means(odds, fold)
    for column in by:
        if column not in read.circumstances:
            continue
        parts = _parts(read.circumstances[column])
        for value in parts.cat.categories:
            inside = (parts == value).to_numpy()
            own = inside & read.y
            few = min(own.sum(), (inside & ~read.y).sum()) < 5
            there = None if few else area(read.y[inside], centred[:, inside], read.subject[inside])
            rows.append(
                GroupOfPeople(
                    column, str(value), int(inside.sum()), int(own.sum()),
                    there.interval() if there else None,
                    float(probability[inside].mean()), float(read.y[inside].mean()),
                )
            )  # fmt: skip
    return tuple(rows)


def _parts(column: pd.Series) -> pd.Series:
    """Return the group of each unit: of numbers quarters at whole numbers, of words the most common ones."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and column.nunique() > _MOST_GROUPS:
        cuts = np.nanquantile(column, np.linspace(0, 1, _BANDS + 1)[1:-1])
        step = 10 ** math.floor(math.log10(max(float(np.nanmax(column) - np.nanmin(column)), 1e-9) / 20))
        edges = np.unique(np.round(cuts / step) * step)
        names = [f"below {edges[0]:g}"]
        names += [f"{low:g} to below {high:g}" for low, high in pairwise(edges)]
        names += [f"{edges[-1]:g} and more"]
        return pd.cut(column, [-np.inf, *edges, np.inf], right=False, labels=names)
    words = column.map(lambda each: f"{each:g}" if isinstance(each, float) else each, na_action="ignore")
    common = words.value_counts().index[:_MOST_GROUPS]
    return words.where(words.isin(common)).astype(pd.CategoricalDtype(sorted(common)))
