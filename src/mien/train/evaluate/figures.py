"""Figures that can be taken of all faces, of resampled faces, and of one group of faces alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from mien.expression.calibration import expected_calibration_error
from mien.train.evaluate.metrics import CALIBRATION_BINS, Interval, confusion_matrix, macro_f1

Rows = NDArray[np.float64]
Index = NDArray[np.int64]
Unit = Literal["share", "nats"]

SURE_SHARE: Final = 0.8
"""Of the faces that a network is surest of, this share is looked at."""

_RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure, with all that it is computed from.

    Attributes:
        name: in plain words.
        faces: (m,) places, among the faces that were measured, of those that count for it; -1 for a picture
            that is none of them.
        rows: (m, d) what the statistic needs of each.
        statistic: from rows, at least one, to the figure.
        unit: "share" is 0 to 1, and shown as a percentage.
        people: (m,) who each row is of, as a number; None where every row counts as a person of its own.
    """

    name: str
    faces: Index
    rows: Rows
    statistic: Callable[[Rows], float]
    unit: Unit = "share"
    people: Index | None = None

    def of_people(self, people: Index) -> Figure:
        """Return the same figure, with pictures of one person no longer taken as independent.

        Args:
            people: (n,) who each face that was measured is of, as a number.
        """
        return replace(self, people=people[self.faces]) if self.of_labelled_faces else self

    @property
    def of_labelled_faces(self) -> bool:
        """Whether it is of faces of the data, which may belong to groups."""
        return bool(len(self.faces)) and bool(self.faces.min() >= 0)

    @cached_property
    def value(self) -> float:
        """The figure of all faces that count; NaN where none does."""
        return self.statistic(self.rows) if len(self.rows) else float("nan")

    def of(self, mask: NDArray[np.bool_]) -> float:
        """Return the figure of some of the faces that count for it; NaN where there are none.

        Args:
            mask: (m,) which.
        """
        return self.statistic(self.rows[mask]) if mask.any() else float("nan")

    @cached_property
    def interval(self) -> Interval:
        """The 95 % percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13).

        People are drawn, each with all their pictures, where they are known (the cluster bootstrap: Davison &
        Hinkley 1997, Bootstrap methods and their application, section 3.8); else faces. A share of none or of
        all, of which every sample says the same, has the exact interval (Clopper & Pearson 1934).
        """
        return self.interval_of(np.ones(len(self.rows), bool))

    def interval_of(self, mask: NDArray[np.bool_], seed: int = 0) -> Interval:
        """Return the interval of some of the faces; NaN where there are fewer than two people.

        Args:
            mask: (m,) which.
            seed: of the resampling.
        """
        rows = self.rows[mask]
        random = np.random.default_rng(seed)
        if self.people is None:
            count, draw = len(rows), partial(_drawn_rows, random, len(rows))
        else:
            order, starts, lengths = _by_person(self.people[mask])
            rows, count, draw = rows[order], len(lengths), partial(_drawn_people, random, starts, lengths)
        if count < 2:
            return float("nan"), float("nan")
        if self.unit == "share" and self.statistic is _mean and _alike(rows):
            return _exact_interval(float(rows[0, 0]), count)
        samples = np.array([self.statistic(rows[draw()]) for _ in range(_RESAMPLES)])
        # A sample by chance without one of the classes has no such figure.
        measured = samples[~np.isnan(samples)]
        if not len(measured):
            return float("nan"), float("nan")
        low, high = np.percentile(measured, [2.5, 97.5])
        return float(low), float(high)

    def shown(self, value: float) -> str:
        """Write a value of this figure for people; "-" where there was nothing to measure."""
        return written(value, self.unit)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON; a figure of no faces is None."""
        return {
            "name": self.name,
            "value": none_if_nan(self.value),
            "interval_95": None if np.isnan(self.interval).any() else list(self.interval),
            "faces": len(self.faces),
            "unit": self.unit,
        }


def written(value: float, unit: Unit) -> str:
    """Write a figure for people; "-" where there was nothing to measure."""
    if np.isnan(value):
        return "-"
    return f"{100 * value:.1f} %" if unit == "share" else f"{value:.3f}"


def none_if_nan(value: float) -> float | None:
    """Return a figure for JSON, which knows no NaN."""
    return None if np.isnan(value) else float(value)


def mean_figure(name: str, faces: Index, values: ArrayLike, unit: Unit = "share") -> Figure:
    """Make a figure that is the mean of one number a face, as an accuracy is."""
    return Figure(name, faces, _column(values), _mean, unit)


def median_figure(name: str, faces: Index, values: ArrayLike) -> Figure:
    """Make a figure that is the median of one number a face."""
    return Figure(name, faces, _column(values), lambda rows: float(np.median(rows[:, 0])))


def macro_f1_figure(name: str, faces: Index, targets: Index, answers: Index, classes: int) -> Figure:
    """Make the mean F1 of the classes that occur."""

    def statistic(rows: Rows) -> float:
        target, answer = rows.T.astype(np.int64)
        return float(macro_f1(confusion_matrix(answer, target, classes)))

    return Figure(name, faces, np.column_stack([targets, answers]).astype(np.float64), statistic)


def recall_figure(name: str, faces: Index, classes: Index, right: ArrayLike) -> Figure:
    """Make the mean recall over the classes that occur."""

    def statistic(rows: Rows) -> float:
        _, place = np.unique(rows[:, 0], return_inverse=True)
        return float((np.bincount(place, weights=rows[:, 1]) / np.bincount(place)).mean())

    return Figure(name, faces, np.column_stack([classes, right]).astype(np.float64), statistic)


def calibration_figure(name: str, faces: Index, confidence: ArrayLike, right: ArrayLike) -> Figure:
    """Make the expected calibration error, 15 bins."""
    rows = np.column_stack([confidence, right]).astype(np.float64)
    return Figure(name, faces, rows, _calibration_error)


def surest_figure(name: str, faces: Index, certainty: ArrayLike, right: ArrayLike) -> Figure:
    """Make the share of right labels among the `SURE_SHARE` of the faces that it is surest of."""
    rows = np.column_stack([certainty, right]).astype(np.float64)
    return Figure(name, faces, rows, _right_among_surest)


def auc_figure(name: str, faces: Index, scores: ArrayLike, positive: ArrayLike) -> Figure:
    """Make the area under the ROC curve: how often a positive face has the higher score of two.

    By ranks, ties counting half (Mann & Whitney 1947); NaN where all faces are of one kind.
    """
    return Figure(name, faces, np.column_stack([scores, positive]).astype(np.float64), _auc)


def _mean(rows: Rows) -> float:
    return float(rows[:, 0].mean())


def _alike(rows: Rows) -> bool:
    return bool((rows == 0).all() or (rows == 1).all())


def _exact_interval(share: float, count: int) -> Interval:
    least = 0.025 ** (1 / count)
    return (least, 1.0) if share == 1 else (0.0, 1 - least)


def _auc(rows: Rows) -> float:
    positive = rows[:, 1] > 0
    ones, others = int(positive.sum()), int((~positive).sum())
    if not ones or not others:
        return float("nan")
    ranks = rankdata(rows[:, 0])
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * others))


def _calibration_error(rows: Rows) -> float:
    # A right label is output 0 of one output, and a wrong one is none.
    return expected_calibration_error(rows[:, :1], np.where(rows[:, 1] > 0, 0, 1), CALIBRATION_BINS)


def _right_among_surest(rows: Rows) -> float:
    count = max(1, round(SURE_SHARE * len(rows)))
    surest = np.argsort(-rows[:, 0], kind="stable")[:count]
    return float(rows[surest, 1].mean())


def _drawn_rows(random: np.random.Generator, count: int) -> Index:
    return random.integers(0, count, count)


def _by_person(people: Index) -> tuple[Index, Index, Index]:
    """Return an order in which each person's rows stand together, where each begins, and how many."""
    order = np.argsort(people, kind="stable")
    lengths = np.unique(people, return_counts=True)[1]
    return order, np.cumsum(lengths) - lengths, lengths


def _drawn_people(random: np.random.Generator, starts: Index, lengths: Index) -> Index:
    drawn = random.integers(0, len(lengths), len(lengths))
    counts = lengths[drawn]
    before = np.cumsum(counts) - counts
    return np.repeat(starts[drawn] - before, counts) + np.arange(counts.sum())


def _column(values: ArrayLike) -> Rows:
    return np.asarray(values, np.float64)[:, None]
