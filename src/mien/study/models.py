"""Linear mixed models: how a measure differs by condition and group, with people as random effects.

Each combination of group and condition has its own mean in the model, and what is told are differences of
these means, so that a condition's effect is the mean of its effects in the groups, however many are in each.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import t as student

from mien.study.tables import Floats

if TYPE_CHECKING:
    import pandas as pd

SLOPES, INTERCEPTS = "intercepts and slopes", "intercepts"
"""What differs between people: their level and how they respond to conditions, or their level only."""

_LEAST_REPEATED: Final = 2
_SAME: Final = 1e-12

_OPTIMIZERS: Final = ("bfgs", "powell")
"""The first is exact; the second also arrives where a spread is 0, as that of levels against a baseline."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A difference of means.

    Attributes:
        name: such as "smile - neutral".
        estimate, low, high: with its 95 % interval.
        error: its standard error.
        t, df, p: against 0; the degrees of freedom are people less the groups of people.
    """

    name: str
    estimate: float
    low: float
    high: float
    error: float
    t: float
    df: int
    p: float


@dataclass(frozen=True, slots=True)
class Term:
    """Whether several effects are all 0: those of all conditions, of all groups, or of one on the other.

    Attributes:
        name: condition, group, or condition x group.
        f, df1, df2, p: Hotelling's F.
    """

    name: str
    f: float
    df1: int
    df2: int
    p: float


@dataclass(frozen=True, slots=True)
class MixedModel:
    """A linear mixed model, by restricted maximum likelihood.

    Attributes:
        effects: of condition, group, and how conditions' effects differ between groups; none where it could
            not be fitted.
        terms: the same, each kind of effect together; not where people are too few for it.
        random: `SLOPES` or `INTERCEPTS`; None where it could not be fitted.
        person_sd, epoch_sd: how far people's levels and single epochs spread.
        notes: what was tried in vain, in sentences.
    """

    effects: tuple[Effect, ...] = ()
    terms: tuple[Term, ...] = ()
    random: str | None = None
    person_sd: float | None = None
    epoch_sd: float | None = None
    notes: tuple[str, ...] = field(default=())


def mixed_model(rows: pd.DataFrame, conditions: Sequence[str], groups: Sequence[str]) -> MixedModel:
    """Fit epochs' values by condition and group.

    Args:
        rows: an epoch each: `person`, `condition`, `group`, `value`; there are some of each combination.
        conditions: the first is what the others are compared with.
        groups: as well.
    """
    if float(np.ptp(rows["value"])) <= _SAME * float(np.abs(rows["value"]).max()):
        return MixedModel(notes=("the measure is the same in all epochs: there is nothing to model",))
    within = bool((rows.groupby("person")["condition"].nunique() > 1).any())
    of_people = len(groups) if within else len(groups) * len(conditions)
    df = rows["person"].nunique() - of_people
    if df < 1:
        few = (
            f"{rows['person'].nunique()} people are too few for a mixed model of {of_people} groups of people"
        )
        return MixedModel(notes=(few,))
    cell = rows["group"].map({each: at for at, each in enumerate(groups)}) * len(conditions)
    place = rows["condition"].map({each: at for at, each in enumerate(conditions)})
    means = np.eye(len(groups) * len(conditions))[(cell + place).to_numpy(int)]
    level = np.ones((len(rows), 1))
    # Coded around their middle, slopes and intercepts can be drawn apart.
    slopes = np.eye(len(conditions))[place.to_numpy(int)][:, 1:] - 1 / len(conditions)
    tried, notes = [(INTERCEPTS, level)], []
    if within and len(conditions) > 1:
        if _repeated(rows):
            tried.insert(0, (SLOPES, np.hstack([level, slopes])))
        else:
            notes.append(
                "people have one epoch in a condition, so their own slopes can't be told: intercepts only"
            )
    for random, of_person in tried:
        fitted = _fitted(rows["value"].to_numpy(float), means, rows["person"].to_numpy(), of_person)
        if fitted is None:
            notes.append(f"the mixed model with people's {random} did not converge")
            continue
        if random == INTERCEPTS and len(tried) > 1:
            notes.append(
                "it has people's intercepts only: if people differ in how they respond, its p are too small"
            )
        values, covariance, person_sd, epoch_sd = fitted
        contrasts = _contrasts(conditions, groups)
        return MixedModel(
            tuple(
                _effect(name, row, values, covariance, df)
                for _, some in contrasts for name, row in some
            ),
            tuple(
                _term(kind, np.array([row for _, row in some]), values, covariance, df)
                for kind, some in contrasts if len(some) <= df
            ),
            random, person_sd, epoch_sd, tuple(notes),
        )  # fmt: skip
    notes.append("no mixed model converged, so it gives no effects: are there enough people and epochs?")
    return MixedModel(notes=tuple(notes))


def _repeated(rows: pd.DataFrame) -> bool:
    """Whether most people have several epochs in each of their conditions."""
    least = rows.groupby(["person", "condition"]).size().groupby("person").min()
    return bool((least >= _LEAST_REPEATED).mean() > 0.5)


def _fitted(
    values: Floats, means: Floats, person: Any, of_person: Floats
) -> tuple[Floats, Floats, float, float] | None:
    """Return the cells' means, their covariance, and the spread of people and of epochs; None without."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    # In units of its own spread: the optimizers' steps are made for values around 1.
    unit = float(values.std()) or 1.0
    best = None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they say is looked at below
        model = MixedLM(values / unit, means, groups=person, exog_re=of_person)
        for method in _OPTIMIZERS:
            try:
                result = model.fit(reml=True, method=method)
            except (np.linalg.LinAlgError, ValueError):
                continue
            better = best is None or result.llf > best.llf
            if result.converged and np.isfinite(result.llf) and better:
                best = result
    if best is None:
        return None
    spread = np.asarray(best.cov_re, np.float64)
    estimates, covariance = _least_squares(values / unit, means, person, of_person, spread, float(best.scale))
    person_sd, epoch_sd = float(np.sqrt(spread[0, 0].clip(0))), float(np.sqrt(best.scale))
    return estimates * unit, covariance * unit**2, person_sd * unit, epoch_sd * unit


def _least_squares(
    values: Floats, means: Floats, person: Any, of_person: Floats, spread: Floats, scale: float
) -> tuple[Floats, Floats]:
    """Return generalized least squares' means and their covariance, for known spreads.

    statsmodels takes the covariance from the curvature of all parameters together, which is none where a
    spread is 0.
    """
    weight, sums = np.zeros((means.shape[1], means.shape[1])), np.zeros(means.shape[1])
    for each in np.unique(person):
        rows = person == each
        own = of_person[rows]
        inverse = np.linalg.inv(scale * np.eye(len(own)) + own @ spread @ own.T)
        weight += means[rows].T @ inverse @ means[rows]
        sums += means[rows].T @ inverse @ values[rows]
    covariance = np.asarray(np.linalg.inv(weight), np.float64)
    return covariance @ sums, covariance


def _contrasts(
    conditions: Sequence[str], groups: Sequence[str]
) -> list[tuple[str, list[tuple[str, Floats]]]]:
    """Return the differences of the cells' means that are told, by kind."""
    among_conditions = np.eye(len(conditions))[1:] - np.eye(len(conditions))[0]
    among_groups = np.eye(len(groups))[1:] - np.eye(len(groups))[0]
    all_conditions, all_groups = (np.full(len(each), 1 / len(each)) for each in (conditions, groups))
    of_conditions = [
        (difference(each, conditions[0]), np.kron(all_groups, row))
        for each, row in zip(conditions[1:], among_conditions, strict=True)
    ]
    of_groups = [
        (difference(each, groups[0]), np.kron(row, all_conditions))
        for each, row in zip(groups[1:], among_groups, strict=True)
    ]
    of_both = [
        (f"({difference(one, conditions[0])}) x ({difference(other, groups[0])})", np.kron(of_group, row))
        for other, of_group in zip(groups[1:], among_groups, strict=True)
        for one, row in zip(conditions[1:], among_conditions, strict=True)
    ]
    kinds = (("condition", of_conditions), ("group", of_groups), ("condition x group", of_both))
    return [(kind, some) for kind, some in kinds if some]


def difference(one: str, other: str) -> str:
    """Return how a difference is called."""
    return f"{one} - {other}"


def _effect(name: str, row: Floats, values: Floats, covariance: Floats, df: int) -> Effect:
    estimate, error = float(row @ values), float(np.sqrt(row @ covariance @ row))
    reach = float(student.ppf(0.975, df)) * error
    p = float(2 * student.sf(abs(estimate) / error, df))
    return Effect(name, estimate, estimate - reach, estimate + reach, error, estimate / error, df, p)


def _term(kind: str, rows: Floats, values: Floats, covariance: Floats, df: int) -> Term:
    apart, many = rows @ values, len(rows)
    # As Hotelling's T squared, whose covariance comes from `df` people.
    rest = df - many + 1
    f = float(apart @ np.linalg.solve(rows @ covariance @ rows.T, apart)) * rest / (many * df)
    return Term(kind, f, many, rest, float(fisher.sf(f, many, rest)))
