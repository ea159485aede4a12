"""Whether a site, a camera, a length or an age tells the label by itself, and what the measures add to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mien.videos.cohort.figures import Area, Bools, Floats, Interval, Ints, area, difference, newton
from mien.videos.cohort.table import Cohort

if TYPE_CHECKING:
    import pandas as pd

_BINS: Final = 5
"""Strata of a number: five take away nine tenths of what it confounds (Cochran 1968)."""
_PRIOR: Final = 4.0
_PENALTY: Final = 3.0
_LEAST_PAIRS: Final = 100
_LEAST: Final = 5


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


ALL: Final = "all together"


def look_around(cohort: Cohort, odds: Floats, fold: Ints) -> tuple[Circumstance, ...]:
    """Predict the label by each circumstance, with the same people held out as for the measures.

    Args:
        cohort: with circumstances, or without any.
        odds: (repeats, n) what the measures say.
        fold: (n,) of the first repeat.

    Returns:
        Each circumstance, then all together where there are several; the most telling first.
    """
    kinds = {name: _kinds(column) for name, column in cohort.circumstances.items()}
    rows = [
        _one(str(name), cohort, odds, _rates(codes, cohort.y, fold), codes, len(kinds))
        for name, codes in kinds.items()
    ]
    rows.sort(key=lambda each: -each.alone.value)
    if not kinds:
        return ()
    together = _fitted(_indicators(list(kinds.values())), cohort.y, fold)
    strata = _kinds_of_score(together) if len(kinds) > 1 else next(iter(kinds.values()))
    whole = _one(ALL, cohort, odds, together, strata, 1)
    both = _fitted(np.column_stack([together, odds.mean(axis=0)]), cohort.y, fold)
    joint, alone = area(cohort.y, both, cohort.subject), area(cohort.y, together, cohort.subject)
    added = difference(joint, alone) if joint and alone else None
    return (*rows, Circumstance(ALL, whole.alone, whole.found, whole.within, added))


def _one(name: str, cohort: Cohort, odds: Floats, score: Floats, strata: Ints, tried: int) -> Circumstance:
    found = area(cohort.y, score, cohort.subject)
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
            # Less the others' mean, lower where the fold's own is higher: else noise falls below 0.5.
            score[(fold == each) & (codes == kind)] = rate - usual
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
