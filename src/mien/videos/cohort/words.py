"""What a study found, in sentences: the gravest first, and what to be careful of."""

from __future__ import annotations

import math

import numpy as np

from mien.videos.cohort.circumstances import ALL
from mien.videos.cohort.models import LOGISTIC
from mien.videos.cohort.study import CohortResult


def findings(result: CohortResult) -> list[str]:
    """Return in sentences what was found, and what to be careful of; the gravest first."""
    first, label = result.models[0], f"{result.label} {result.classes[0]}"
    told = [
        f"Of two people, one with {label}, the recordings give that one the higher probability in"
        f" {100 * first.area.value:.0f} of 100 pairs (AUC {first.area}; people whom the model had not seen)."
    ]
    by_chance = result.shuffled
    told.append(
        f"Labels exchanged between people give {by_chance.mean.value:.2f}, 95 % of the time"
        f" {by_chance.mean.low:.2f} to {by_chance.mean.high:.2f}"
        + (
            f"; the true ones give {by_chance.true:.2f} (p {_p(by_chance.p)})."
            if by_chance.p < 0.05
            else f": the true ones, at {by_chance.true:.2f}, can't be told from chance (p {_p(by_chance.p)})."
        )
    )
    told += _said_of_circumstances(result)
    told += _said_of_measures(result)
    own = first.calibration
    told.append(
        f"Probabilities are off by {100 * own.mean_error:.1f} % on average: {100 * own.predicted:.1f} %"
        f" predicted, {100 * own.observed:.1f} % observed; slope {own.slope}, intercept {own.intercept}."
    )
    trees = result.trees_add
    if trees.low > 0 or trees.high < 0:
        better = "more" if trees.low > 0 else "less"
        told.append(f"Boosted trees find {better}: AUC {result.models[1].area}, a difference of {trees}.")
    return told + _said_of_numbers(result)


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0015 else "below 0.002"


def _said_of_circumstances(result: CohortResult) -> list[str]:
    told = []
    single = [each for each in result.circumstances if each.found and each.name != ALL]
    for each in single[:3]:
        inside = (
            f"Among people alike in it the measures give {each.within}."
            if each.within
            else "There are too few people alike in it to see what the measures give."
        )
        told.append(f"Careful: {each.name} alone tells the label, AUC {each.alone}. {inside}")
    if len(single) > 3:
        told.append(f"So do {', '.join(each.name for each in single[3:8])}{' ...' if single[8:] else ''}.")
    whole = next((each for each in result.circumstances if each.name == ALL), None)
    if whole and whole.found and whole.added:
        nothing = whole.added.low <= 0
        told.append(
            f"All circumstances together give {whole.alone}; with the measures it is {whole.added.value:.2f}"
            f" [{whole.added.low:.2f}, {whole.added.high:.2f}] more"
            + (
                ": no more than chance. The measures may only say where somebody was recorded."
                if nothing
                else "."
            )
        )
    return told


def _said_of_measures(result: CohortResult) -> list[str]:
    stable = [each for each in result.measures if each.selected >= 0.75]
    told = []
    if stable and result.shuffled.p < 0.05:
        names = ", ".join(
            f"{each.name} ({'higher' if each.coefficient.value > 0 else 'lower'})" for each in stable[:4]
        )
        told.append(f"Carried, in three of four random halves of the people or more, by {names}.")
    elif result.shuffled.p < 0.05:
        told.append("No single measure carries it in three of four random halves of the people.")
    if (
        result.without_first
        and result.shuffled.p < 0.05
        and result.area.value - result.without_first.value > 0.05
    ):
        told.append(
            f"Much hangs on {result.measures[0].name}: without it the AUC is {result.without_first}."
            " Make sure that it was made in the same way for both groups."
        )
    return told


def _said_of_numbers(result: CohortResult) -> list[str]:
    many = sum(result.people)
    told = []
    if result.with_twice is not None and result.shuffled.p < 0.05:
        gained = result.with_twice - result.area.value
        told.append(
            "More people would hardly make it better."
            if gained < 0.01
            else f"With twice as many people the learning curve points to {result.with_twice:.2f}."
        )
    if result.people_for_interval > many:
        told.append(
            f"To know such an AUC to within 0.05 takes {result.people_for_interval:,} people;"
            f" there are {many:,} here (Hanley & McNeil 1982)."
        )
    needed = unpenalised_people(result)
    if needed > many:
        told.append(
            f"A regression of {len(result.measure_names)} measures without a penalty would take {needed:,}"
            " people (Riley et al. 2019); this one is penalised."
        )
    return told


def unpenalised_people(result: CohortResult) -> int:
    """Return how many people a regression without a penalty would take (Riley et al. 2019, criterion 1).

    Its coefficients are to be too large by a tenth at most, at the explained share that is seen here: 15 % of
    the most there can be where less is seen.
    """
    share = result.people[0] / sum(result.people)
    most = 1 - math.exp(2 * (share * math.log(share) + (1 - share) * math.log(1 - share)))
    y, odds = result.cohort.y, result.odds[LOGISTIC].mean(axis=0)
    loss = float(np.logaddexp(0, np.where(y, -odds, odds)).mean())
    null = -(share * math.log(share) + (1 - share) * math.log(1 - share))
    explained = min(max(1 - math.exp(-2 * (null - loss)), 0.15 * most), 0.85)
    return math.ceil(len(result.measure_names) / (-0.1 * math.log(1 - explained / 0.9)))
