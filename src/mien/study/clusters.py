"""Cluster permutation tests over time: when do courses differ, with one test for all times.

    Maris, E., & Oostenveld, R. (2007). Nonparametric statistical testing of EEG- and MEG-data.
    Journal of Neuroscience Methods, 164(1), 177-190. https://doi.org/10.1016/j.jneumeth.2007.03.024

Times next to each other whose t is beyond a threshold, with the same sign, are a cluster; its mass is the sum
of their t. What counts is how often the largest mass, of either sign, is as large where signs or groups are
exchanged by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from mien.study.tables import Floats

ROUNDS: Final = 5000
LEAST_WITHIN: Final = 6
"""With fewer people no pattern of signs is rare enough for a two-sided p of 0.05: of five there are 32."""

LEAST_OF_GROUP: Final = 4
"""With two groups of three, there are 20 ways to deal the people: too few for a two-sided p of 0.05."""

SIGNIFICANT: Final = 0.05
"""Of a cluster's p, and of the threshold that t has to pass at a time to be in a cluster."""

_LEAST_KNOWN: Final = 3
_SMALLEST: Final = 1e-12
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Cluster:
    """Times next to each other at which courses differ in the same direction.

    Attributes:
        start, stop: indices of the times, the last one excluded.
        mass: the sum of t over them.
        p: how often chance gives as large a mass anywhere, of either sign.
    """

    start: int
    stop: int
    mass: float
    p: float


@dataclass(frozen=True, slots=True, eq=False)
class ClusterTest:
    """What a test over time found.

    Attributes:
        t: (t,) the statistic at each time.
        clusters: the one with the largest mass first.
        rounds: how many exchanges were made.
        exact: whether these are all that there are.
    """

    t: Floats
    clusters: tuple[Cluster, ...]
    rounds: int
    exact: bool


def signs_flipped(differences: Floats, *, rounds: int = ROUNDS, seed: int = 0) -> ClusterTest:
    """Test whether people's differences over time are other than 0, by flipping their signs.

    Args:
        differences: (people, t), NaN where unknown.
        rounds: exchanges by chance; if there are no more than so many patterns of signs, all are tried.
        seed: of chance.
    """
    people = len(differences)
    exact = 2 ** (people - 1) <= rounds
    if exact:  # the sign of the first is free: a pattern and its opposite give the same mass
        numbers = np.arange(2 ** (people - 1))[:, None]
        signs = 1.0 - 2.0 * ((numbers >> np.arange(people)) & 1)
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (rounds, people))
    known = np.isfinite(differences).sum(axis=0)
    filled = np.where(np.isfinite(differences), differences, 0.0)
    squares = (filled**2).sum(axis=0)

    def statistic(pattern: NDArray[np.floating]) -> Floats:
        mean = pattern @ filled / np.maximum(known, 1)
        variance = (squares - known * mean**2).clip(0) / np.maximum(known - 1, 1)
        return np.asarray(mean / np.sqrt(variance / np.maximum(known, 1)).clip(_SMALLEST))

    own = statistic(np.ones((1, people)))
    return _judged(own[0], statistic(signs), _threshold(known, known - 1), exact)


def groups_exchanged(
    curves: Floats, first: NDArray[np.bool_], *, rounds: int = ROUNDS, seed: int = 0
) -> ClusterTest:
    """Test whether two groups' courses differ, by dealing the people into groups anew.

    Args:
        curves: (people, t), NaN where unknown.
        first: (people,) who is in the first group; t is above 0 where its courses are higher.
        rounds: exchanges by chance; if people can be dealt in no more than so many ways, all are tried.
        seed: of chance.
    """
    people, many = len(curves), int(first.sum())
    exact = comb(people, many) <= rounds
    if exact:
        dealt = np.zeros((comb(people, many), people))
        for row, chosen in enumerate(combinations(range(people), many)):
            dealt[row, list(chosen)] = 1
    else:
        random = np.random.default_rng(seed)
        dealt = random.permuted(np.tile(first.astype(float), (rounds, 1)), axis=1)
    there = np.isfinite(curves).astype(float)
    filled = np.where(there > 0, curves, 0.0)
    known, total, squares = there.sum(axis=0), filled.sum(axis=0), (filled**2).sum(axis=0)

    def statistic(groups: NDArray[np.floating]) -> Floats:
        ones, sums = groups @ there, groups @ filled
        others = known - ones
        enough = (ones > 1) & (others > 1)
        mean, of_others = sums / ones.clip(1), (total - sums) / others.clip(1)
        within = (squares - ones * mean**2 - others * of_others**2).clip(0) / (known - 2).clip(1)
        error = np.sqrt(within * (1 / ones.clip(1) + 1 / others.clip(1))).clip(_SMALLEST)
        return np.where(enough, (mean - of_others) / error, 0.0)

    own = statistic(first.astype(float)[None])
    return _judged(own[0], statistic(dealt), _threshold(known, known - 2), exact)


def _threshold(known: Floats, freedom: Floats) -> Floats:
    """Return the two-sided threshold of t at each time; infinite where too little is known."""
    limits = student.ppf(1 - SIGNIFICANT / 2, np.maximum(freedom, 1))
    return np.where(known >= _LEAST_KNOWN, limits, np.inf)


def _judged(own: Floats, by_chance: Floats, threshold: Floats, exact: bool) -> ClusterTest:
    largest = largest_masses(by_chance, threshold)
    found = []
    for start, stop in _runs(own, threshold):
        mass = float(own[start:stop].sum())
        as_large = int((largest >= abs(mass) * (1 - _SAME)).sum())
        p = as_large / len(largest) if exact else (1 + as_large) / (1 + len(largest))
        found.append(Cluster(start, stop, mass, p))
    found.sort(key=lambda each: -abs(each.mass))
    return ClusterTest(own, tuple(found), len(largest), exact)


def largest_masses(t: Floats, threshold: Floats) -> Floats:
    """Return the largest mass of a cluster, of either sign, in each of many courses of t.

    Args:
        t: (rounds, t).
        threshold: (t,).
    """
    largest = np.zeros(len(t))
    for sign in (1.0, -1.0):
        mass = np.zeros(len(t))
        for at, limit in enumerate(threshold):
            now = sign * t[:, at]
            mass = np.where(now > limit, mass + now, 0.0)
            np.maximum(largest, mass, out=largest)
    return largest


def _runs(t: Floats, threshold: Floats) -> list[tuple[int, int]]:
    """Return from where to where t is beyond the threshold with one sign."""
    side = np.sign(t) * (np.abs(t) > threshold)
    borders = np.flatnonzero(np.diff(side, prepend=0, append=0))
    return [(int(start), int(stop)) for start, stop in pairwise(borders) if side[start]]
