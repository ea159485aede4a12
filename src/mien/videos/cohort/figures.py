"""The figures of a study: areas under the curve with intervals by subject, calibration, withholding, people.

Everything here is a function of labels, scores and subjects; nothing is fitted but calibration curves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

Z95: Final = float(norm.ppf(0.975))
COVERAGES: Final = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Shares of people for whom withholding is told."""

_EDGE: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """An area under the ROC curve, and what each subject contributes to its error.

    Attributes:
        value: the area.
        influence: (subjects,) their sum of squares is the variance.
        sure: the smaller class's size, for the bound where nobody is misplaced.
    """

    value: float
    influence: Floats
    sure: int

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(np.square(self.influence).sum()))

    def interval(self, comparisons: int = 1, least_error: float = 0.0) -> Interval:
        """Return the area with its interval on the logit scale, which stays between 0 and 1.

        Args:
            comparisons: how many areas are looked at together (Bonferroni).
            least_error: the standard error is taken to be at least so large.

        Where one class lies wholly above the other the error is 0 in the sample alone; the bound is then
        that of a share that was met every time among the smaller class (Clopper and Pearson).
        """
        z = float(norm.ppf(1 - 0.025 / comparisons))
        sure = (0.025 / comparisons) ** (1 / max(self.sure, 1))
        if self.value >= 1 - _EDGE or self.value <= _EDGE:
            return Interval(self.value, *((sure, 1.0) if self.value > 0.5 else (0.0, 1 - sure)))
        half = z * max(self.error, least_error) / (self.value * (1 - self.value))
        middle = logit(self.value)
        return Interval(self.value, float(expit(middle - half)), float(expit(middle + half)))


def area(label: Bools, score: Floats, subject: Ints, stratum: Ints | None = None) -> Area | None:
    """Compute the share of pairs, one of each class, in which the labelled one has the higher score.

    The error is DeLong's (DeLong, DeLong & Clarke-Pearson 1988), with what belongs to one subject summed
    first (Obuchowski 1997), so that several units of a person don't count as several people. Inside small
    strata it is a little too large: by 13 % in folds of ten, by 4 % in folds of forty, less with repeats.

    Args:
        label: (n,) which class.
        score: (n,) or (r, n) scores; the pairs of r repeats are averaged.
        subject: (n,) whose, from 0.
        stratum: (n,) or (r, n) pairs count only inside one of these, such as a fold: scores of two models
            are not compared then. None counts all.

    Returns:
        The area; None where there is no pair.
    """
    scores = np.atleast_2d(score)
    strata = np.broadcast_to(np.zeros(len(label), np.int64) if stratum is None else stratum, scores.shape)
    wins, against = np.zeros(len(label)), np.zeros(len(label))
    sure = 0
    for row, its in zip(scores, strata, strict=True):
        for each in np.unique(its):
            up, down = np.flatnonzero((its == each) & label), np.flatnonzero((its == each) & ~label)
            m, n = len(up), len(down)
            if not (m and n):
                continue
            whole = rankdata(row[np.concatenate([up, down])])
            wins[up] += whole[:m] - rankdata(row[up])
            wins[down] += m - (whole[m:] - rankdata(row[down]))
            against[up] += n
            against[down] += m
            sure += min(m, n)
    pairs = against[label].sum()
    if not pairs:
        return None
    value = float(wins[label].sum() / pairs)
    placed = (wins - value * against) / pairs
    for own in (label, ~label):
        many = int((against[own] > 0).sum())
        placed[own] *= math.sqrt(many / max(many - 1, 1))
    influence = np.bincount(subject, placed, int(subject.max()) + 1).astype(np.float64)
    return Area(value, influence, sure // len(scores))


def chance_error(true: float, chance: Floats) -> float:
    """Return the least standard error of an area across folds; 0 where it is surely above chance.

    DeLong's error takes the people as independent. The folds' models are not: each learns from those whom the
    others hold out, so that where there is nothing to learn the areas spread 1.3 times as far. The areas by
    exchanged labels have that spread, and it counts until chance does as well in less than 1 of 100 rounds.

    Args:
        true: the area, as `models.shuffled_areas` gives it.
        chance: (rounds,) likewise.
    """
    p = (1 + int((chance >= true).sum())) / (1 + len(chance))
    return float(chance.std()) if p >= 0.01 else 0.0


def less_fold_means(odds: Floats, fold: Ints) -> Floats:
    """Return (r, n) log-odds less the mean of their fold, for parts of people too small to compare in folds.

    The models' intercepts, which move against the mixes of the people held out, go out of them. What is left
    is a little more even inside a fold than people are: an area of 0.75 rises by 0.01 in folds of ten.
    """
    centred = np.array(odds)
    for row, its in zip(centred, fold, strict=True):
        row -= (np.bincount(its, row) / np.bincount(its))[its]
    return centred


def difference(more: Area, less: Area) -> Interval:
    """Return how much larger one area is than another of the same people."""
    half = Z95 * float(np.sqrt(np.square(more.influence - less.influence).sum()))
    value = more.value - less.value
    return Interval(value, value - half, value + half)


# --- how many people it takes (Hanley & McNeil 1982)


def area_error(value: float, positives: float, negatives: float) -> float:
    """Return the standard error of an area by the numbers of people (Hanley & McNeil 1982)."""
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    square = value * (1 - value) + (positives - 1) * (q1 - value**2) + (negatives - 1) * (q2 - value**2)
    return math.sqrt(square / (positives * negatives))


def people_to_tell(value: float, share: float, *, power: float = 0.8) -> int:
    """Return how many people it takes to tell an area from 0.5, two-sided at 5 %.

    Args:
        value: the area that is worth finding.
        share: of the people who have the label.
        power: how likely it is to be told.
    """
    z = float(norm.ppf(power))

    def told(people: int) -> bool:
        up, down = people * share, people * (1 - share)
        needed = Z95 * area_error(0.5, up, down) + z * area_error(value, up, down)
        return min(up, down) >= 1 and needed <= value - 0.5

    return _least(told)


def people_to_know(value: float, share: float, within: float = 0.05) -> int:
    """Return how many people it takes to know an area to within so much, at 95 %."""
    value = min(max(value, 0.5), 0.99)
    return _least(lambda n: Z95 * area_error(value, max(n * share, 1), max(n * (1 - share), 1)) <= within)


def _least(enough: Callable[[int], bool]) -> int:
    low, high = 2, 4
    while not enough(high):
        low, high = high, 2 * high
        if high > 2**24:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


# --- calibration


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities can be taken at their word.

    Attributes:
        slope: of the label's log-odds over the predicted ones; below 1 is too sure of itself, above too shy.
        intercept: how much higher the log-odds should be throughout; 0 is right on average.
        predicted, observed: the mean probability, and the share with the label.
        mean_error: mean distance between the probabilities and a smooth calibration curve (ICI, Austin &
            Steyerberg 2019).
        binned_error: the same in ten groups of equal size (ECE); chance alone makes it larger than 0.
        binned_by_chance: what it is on average where every probability is right.
        curve: predicted and smoothed, at forty places from the lowest to the highest prediction.
        bins: of each tenth: mean prediction, share with the label, how many.
    """

    slope: Interval
    intercept: Interval
    predicted: float
    observed: float
    mean_error: float
    binned_error: float
    binned_by_chance: float
    curve: tuple[tuple[float, float], ...]
    bins: tuple[tuple[float, float, int], ...]


def calibration(label: Bools, probability: Floats, seed: int = 0) -> Calibration:
    """Compare probabilities with what came true (Van Calster et al. 2016).

    Args:
        label: (n,) both classes are there.
        probability: (n,) 0 to 1.
        seed: of the simulated binned error.
    """
    from sklearn.preprocessing import SplineTransformer

    sure = np.clip(probability, _EDGE, 1 - _EDGE)
    odds = logit(sure)
    knots = min(4, max(2, len(label) // 25))
    spline = SplineTransformer(knots, 3, knots="quantile", extrapolation="linear", include_bias=False)
    if np.ptp(odds) > _EDGE:
        splines = spline.fit_transform(odds[:, None])
        weights, _ = newton(_with_ones(splines), label, np.append(0.0, np.full(splines.shape[1], 0.1)))
        grid = np.linspace(odds.min(), odds.max(), 40)
        fitted = expit(_with_ones(splines) @ weights)
        drawn = expit(_with_ones(spline.transform(grid[:, None])) @ weights)
        curve = tuple(zip(expit(grid).tolist(), drawn.tolist(), strict=True))
    else:
        fitted, curve = np.full(len(label), label.mean()), ((float(sure[0]), float(label.mean())),)
    ones = np.ones(len(odds))
    tenths = np.array_split(np.argsort(sure, kind="stable"), min(10, len(label)))
    drawn_labels = np.random.default_rng(seed).random((200, len(label))) < sure
    return Calibration(
        slope=_wald(label, np.column_stack([ones, odds]), 0.0, 1),
        intercept=_wald(label, ones[:, None], odds, 0),
        predicted=float(sure.mean()),
        observed=float(label.mean()),
        mean_error=float(np.abs(fitted - sure).mean()),
        binned_error=_binned(label, sure, tenths),
        binned_by_chance=float(np.mean([_binned(each, sure, tenths) for each in drawn_labels])),
        curve=curve,
        bins=tuple((float(sure[t].mean()), float(label[t].mean()), len(t)) for t in tenths),
    )


def _with_ones(columns: Floats) -> Floats:
    return np.column_stack([np.ones(len(columns)), columns])


def _binned(label: Bools, probability: Floats, bins: list[Ints]) -> float:
    apart = [len(each) * abs(probability[each].mean() - label[each].mean()) for each in bins]
    return float(sum(apart) / len(label))


def _wald(label: Bools, columns: Floats, offset: Floats | float, which: int) -> Interval:
    """Fit a logistic regression without a penalty, and return one coefficient with Wald's interval."""
    weights, information = newton(columns, label, np.full(columns.shape[1], 1e-9), offset)
    half = Z95 * float(np.sqrt(np.linalg.inv(information)[which, which]))
    value = float(weights[which])
    return Interval(value, value - half, value + half)


def newton(
    columns: Floats,
    label: Bools,
    penalty: Floats,
    offset: Floats | float = 0.0,
    start: Floats | None = None,
) -> tuple[Floats, Floats]:
    """Fit a logistic regression, of the sum of its losses and half its weights' squares by the penalties.

    scikit-learn's solvers give the same, and take ten times as long for a few hundred people, which is most
    of what a nested study waits for.

    Returns:
        The weights, and the information matrix.
    """
    weights = np.zeros(columns.shape[1]) if start is None else start
    information = np.eye(columns.shape[1])
    for _ in range(60):
        p = expit(columns @ weights + offset)
        information = (columns.T * (p * (1 - p))) @ columns
        information.flat[:: len(weights) + 1] += penalty
        step = np.linalg.solve(information, columns.T @ (label - p) - penalty * weights)
        weights = weights + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-7:
            break
    return weights, information


# --- withholding


@dataclass(frozen=True, slots=True)
class Withheld:
    """What is right where only the surest are answered.

    Attributes:
        coverage: share of the people who get an answer.
        right: share of right answers among these, with Wilson's interval.
        larger_class: what is right by always answering the class that is larger among these.
        people: how many get an answer.
    """

    coverage: float
    right: Interval
    larger_class: float
    people: int


def withholding(label: Bools, probability: Floats) -> tuple[tuple[Withheld, ...], Floats]:
    """Return how answers get better where the less sure ones are withheld (risk and coverage).

    Returns:
        The table at `COVERAGES`; and (n,) the share of right answers among the surest 1, 2, ... n.
    """
    order = np.argsort(-np.abs(probability - 0.5), kind="stable")
    right = ((probability >= 0.5) == label)[order]
    course = np.cumsum(right) / np.arange(1, len(right) + 1)
    table = []
    for coverage in COVERAGES:
        many = max(1, round(coverage * len(label)))
        share = float(label[order[:many]].mean())
        table.append(Withheld(coverage, wilson(int(right[:many].sum()), many), max(share, 1 - share), many))
    return tuple(table), course


def wilson(hits: int, many: int) -> Interval:
    """Return a share with Wilson's interval (1927)."""
    share, square = hits / many, Z95**2
    middle = (share + square / (2 * many)) / (1 + square / many)
    half = Z95 * math.sqrt(share * (1 - share) / many + square / (4 * many**2)) / (1 + square / many)
    return Interval(share, min(share, middle - half), max(share, middle + half))


def standard_difference(values: Floats, label: Bools) -> Interval:
    """Return how far apart two classes' means lie, in standard deviations (Hedges' g), with its interval."""
    up, down = values[label], values[~label]
    m, n = len(up), len(down)
    spread = math.sqrt(((m - 1) * up.var(ddof=1) + (n - 1) * down.var(ddof=1)) / (m + n - 2))
    g = (1 - 3 / (4 * (m + n) - 9)) * float(up.mean() - down.mean()) / spread if spread > 0 else 0.0
    half = Z95 * math.sqrt((m + n) / (m * n) + g * g / (2 * (m + n)))
    return Interval(g, g - half, g + half)
