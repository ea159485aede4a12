"""A hidden Markov model over what a network says of frames: states that last, not labels that flicker.

The hidden states are the network's own labels. A state's evidence in a frame is the network's probability for
it, which is its likelihood where the network was trained on about as many faces of each label (Bourlard &
Morgan 1994). The most likely course of states is Viterbi's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LONGEST_GAP_S: Final = 10.0
"""A state is carried over a longer time without a face by nobody: the course starts anew behind it."""

MOST_S: Final = 86_400.0

_LEAST: Final = 1e-6
"""No label is impossible in a frame: a network that is sure and wrong must not forbid a whole course."""


@dataclass(frozen=True, slots=True, eq=False)
class StateModel:
    """How states follow one another.

    Attributes:
        labels: the k states.
        start: (k,) how likely each is at first; they sum to 1.
        transitions: (k, k) from a row's state to a column's, within one step; rows sum to 1.
        step_s: seconds from one frame to the next.
    """

    labels: tuple[str, ...]
    start: Floats
    transitions: Floats
    step_s: float

    def decode(self, probabilities: Floats) -> Places:
        """Return the most likely course of states (Viterbi).

        Args:
            probabilities: (n, k) of a network, a row each step; NaN where no face was read, which speaks for
                no state.

        Returns:
            (n,) places in `labels`.
        """
        if not len(probabilities):
            return np.empty(0, np.int64)
        return np.asarray(self._hmm().predict(self._evidence(probabilities)), np.int64)

    def posterior(self, probabilities: Floats) -> Floats:
        """Return how likely each state is at each step, given the whole course (forward-backward).

        Args:
            probabilities: as for `decode`.

        Returns:
            (n, k); rows sum to 1.
        """
        if not len(probabilities):
            return np.empty((0, len(self.labels)))
        return np.asarray(self._hmm().predict_proba(self._evidence(probabilities)), np.float64)

    def _evidence(self, probabilities: Floats) -> Floats:
        """(n, k) logarithm of the likelihoods; 0 where there is no face."""
        with np.errstate(invalid="ignore"):
            logarithm = np.log(np.maximum(probabilities, _LEAST))
        return np.nan_to_num(logarithm, nan=0.0)

    def _hmm(self) -> Any:
        from hmmlearn.base import BaseHMM

        class _Evidence(BaseHMM):  # type: ignore[misc]
            """Its observations are the logarithm of each state's likelihood already."""

            def _compute_log_likelihood(self, X: Floats) -> Floats:  # noqa: N803 - hmmlearn's own name
                return X

        made = _Evidence(n_components=len(self.labels), algorithm="viterbi")
        made.startprob_, made.transmat_ = self.start, self.transitions
        return made


def lasting(labels: Sequence[str], *, mean_s: float, step_s: float) -> StateModel:
    """Make a model of states that last, where no labelled courses are there to learn it from.

    Each state lasts for a geometric time with one mean, and is followed by each other one equally often.

    Args:
        labels: the states, at least two.
        mean_s: how long a state lasts on average, in seconds; more than a step.
        step_s: seconds from one frame to the next.

    Raises:
        ConfigError: a number is out of range, or there are too few labels.
    """
    _check(labels)
    if not step_s < mean_s <= MOST_S:
        raise ConfigError(
            f"expected states that last longer than one step ({step_s:g} s) and at most a day on average,"
            f" received {mean_s:g} s"
        )
    k = len(labels)
    leaves = step_s / mean_s
    transitions = np.full((k, k), leaves / (k - 1))
    np.fill_diagonal(transitions, 1 - leaves)
    return StateModel(tuple(labels), np.full(k, 1 / k), transitions, step_s)


def learned(labels: Sequence[str], courses: Sequence[Places], *, step_s: float) -> StateModel:
    """Learn how states follow one another from labelled courses, by counting.

    Each count has one added, spread evenly over a row's states (Dirichlet prior), so that what never happened
    in the courses stays possible.

    Args:
        labels: the states, at least two.
        courses: of each film, the place in `labels` at each step; -1 where it isn't known.
        step_s: seconds from one frame to the next.

    Raises:
        ConfigError: there is no pair of labelled frames next to each other, or there are too few labels.
    """
    _check(labels)
    k = len(labels)
    counts, start = np.full((k, k), 1 / k), np.full(k, 1 / k)
    pairs = 0
    for course in courses:
        before = course[:-1]
        after = course[1:]
        both = (before >= 0) & (after >= 0)
        np.add.at(counts, (before[both], after[both]), 1)
        pairs += int(both.sum())
        if len(course) and course[0] >= 0:
            start[course[0]] += 1
    if not pairs:
        raise ConfigError(
            "no two labelled frames follow each other: there is nothing to learn transitions from"
        )
    return StateModel(tuple(labels), start / start.sum(), counts / counts.sum(axis=1, keepdims=True), step_s)


def _check(labels: Sequence[str]) -> None:
    if len(set(labels)) != len(labels) or len(labels) < 2:
        raise ConfigError(
            f"expected at least two states with names of their own, received {', '.join(labels)}"
        )


@dataclass(frozen=True, slots=True)
class Spell:
    """A state from its start to its end.

    Attributes:
        label: the state.
        start_s, end_s: seconds.
        probability: mean of how likely it was over its steps, 0 to 1; None where that isn't known.
    """

    label: str
    start_s: float
    end_s: float
    probability: float | None = None

    @property
    def length_s(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s


def spells(
    labels: Sequence[str | None], times_s: Floats, step_s: float, probability: Floats | None = None
) -> list[Spell]:
    """Join steps of one state into spells; steps without one (None), and gaps in time, end a spell.

    Args:
        labels: of each step.
        times_s: (n,) rising.
        step_s: how long the last step of a spell lasts.
        probability: (n,) of each step's state.
    """
    found: list[Spell] = []
    for first, last in _runs(labels, times_s, step_s):
        name = labels[first]
        if name is not None:
            mean = None if probability is None else float(np.mean(probability[first : last + 1]))
            found.append(Spell(name, float(times_s[first]), float(times_s[last]) + step_s, mean))
    return found


def _runs(labels: Sequence[str | None], times_s: Floats, step_s: float) -> Iterator[tuple[int, int]]:
    """Yield the first and the last place of each run of one label without a gap in time."""
    first = 0
    for place in range(1, len(labels) + 1):
        over = place == len(labels) or labels[place] != labels[first]
        if over or times_s[place] - times_s[place - 1] > 1.5 * step_s:
            yield first, place - 1
            first = place


def changes(labels: Sequence[object]) -> int:
    """Return how often a label differs from the one before; steps without one (None) are passed over."""
    known = [each for each in labels if each is not None]
    return sum(one != other for one, other in pairwise(known))
