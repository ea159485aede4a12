"""Figures that can be taken of all faces, of resampled faces, and of one group of faces alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.expression.calibration import expected_calibration_error
from mien.train.evaluation.metrics import CALIBRATION_BINS, Interval, confusion_matrix, macro_f1

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
    """

    name: str
    faces: Index
    rows: Rows
    statistic: Callable[[Rows], float]
    unit: Unit = "share"

    @property
    def of_labelled_faces(self) -> bool:
        """Whether it is of faces of the data, which may belong to groups."""
        return bool(len(self.faces)) and bool(self.faces.min() >= 0)

    @cached_property
    def value(self) -> float:
        """The figure of all faces that count; NaN where none does."""
        return self.statistic(self.rows) if len(self.rows) else float("nan")

    def of(self, mask: NDArray[np.bool_]) -> float:
        """Give the figure of some of the faces that count for it; NaN where there are none.

        Args:
            mask: (m,) which.
        """
        return self.statistic(self.rows[mask]) if mask.any() else float("nan")

    @cached_property
    def interval(self) -> Interval:
        """The 95 % percentile bootstrap interval over faces (Efron & Tibshirani 1993, chapter 13)."""
        return self.interval_of(np.ones(len(self.rows), bool))

    def interval_of(self, mask: NDArray[np.bool_], seed: int = 0) -> Interval:
        """Give the interval of some of the faces.

        Args:
            mask: (m,) which.
            seed: of the resampling.
        """
        rows = self.rows[mask]
        if not len(rows):
            return float("nan"), float("nan")
        random = np.random.default_rng(seed)
        samples = [self.statistic(rows[random.integers(0, len(rows), len(rows))]) for _ in range(_RESAMPLES)]
        low, high = np.percentile(samples, [2.5, 97.5])
        return float(low), float(high)

    def shown(self, value: float) -> str:
        """Write a value of this figure for people; "-" where there was nothing to measure."""
        if np.isnan(value):
            return "-"
        return f"{100 * value:.1f} %" if self.unit == "share" else f"{value:.3f}"

    def as_dict(self) -> dict[str, Any]:
        """Give everything as a dictionary for JSON; a figure of no faces is None."""
        measured = bool(len(self.rows))
        return {
            "name": self.name,
            "value": self.value if measured else None,
            "interval_95": list(self.interval) if measured else None,
            "faces": len(self.faces),
            "unit": self.unit,
        }


def mean_figure(name: str, faces: Index, values: ArrayLike, unit: Unit = "share") -> Figure:
    """Make a figure that is the mean of one number a face, as an accuracy is."""
    return Figure(name, faces, _column(values), lambda rows: float(rows[:, 0].mean()), unit)


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


def _calibration_error(rows: Rows) -> float:
    # A right label is output 0 of one output, and a wrong one is none.
    return expected_calibration_error(rows[:, :1], np.where(rows[:, 1] > 0, 0, 1), CALIBRATION_BINS)


def _right_among_surest(rows: Rows) -> float:
    count = max(1, round(SURE_SHARE * len(rows)))
    surest = np.argsort(-rows[:, 0], kind="stable")[:count]
    return float(rows[surest, 1].mean())


def _column(values: ArrayLike) -> Rows:
    return np.asarray(values, np.float64)[:, None]
