"""The best choice of moments under a length: an exact knapsack, in which states count before scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from mien.videos.summary.moments import Moment, Option

_NEVER: Final = -np.inf
_EVEN: Final[Mapping[str, float]] = {}


def choose(
    moments: Sequence[Moment], length: int, shares: Mapping[str, float] = _EVEN
) -> list[tuple[Moment, Option]]:
    """Choose which moments to show, and how: as many states as possible, then those that last, then the best.

    Dynamic programming over tenths of a second (Bellman 1957), with two more conditions: of each moment one
    option at most, and a reward for the first moment of each state that is larger than all scores together.
    A moment has one state, so the states are gone through one after another, and whether the present one has
    been shown is all that has to be remembered.

    Args:
        moments: what there is to choose from.
        length: tenths of a second that the summary may have.
        shares: of the film that each state takes; at most 1 in all.

    Returns:
        The chosen ones, by time.
    """
    length = max(0, length)
    reward = 1e3 * (1 + sum(max(abs(each.score) for each in moment.options) for moment in moments))
    order = sorted(range(len(moments)), key=lambda place: moments[place].state or "")
    groups: list[list[int]] = []
    for place in order:
        if not groups or moments[groups[-1][0]].state != moments[place].state:
            groups.append([])
        groups[-1].append(place)
    best = np.zeros(length + 1)
    steps = []
    for group in groups:
        state = moments[group[0]].state
        first = 0.0 if state is None else reward * (1 + shares.get(state, 0.0) / 2)
        shown, taken = np.full(length + 1, _NEVER), []
        for place in group:
            shown, choice = _with(moments[place], shown, best + first)
            taken.append((place, choice))
        steps.append((taken, shown > best))
        best = np.maximum(best, shown)
    return sorted(_trace(moments, steps, length), key=lambda pair: pair[1].start)


def _with(moment: Moment, shown: _Line, fresh: _Line) -> tuple[_Line, _Choices]:
    """Return the best with one moment more, and which option does it: k after others, -k as the first."""
    result, choice = shown.copy(), np.zeros(len(shown), np.int8)
    for number, option in enumerate(moment.options, 1):
        takes = option.end - option.start
        if takes >= len(shown):
            continue
        for base, sign in ((shown, 1), (fresh, -1)):
            worth = base[: len(base) - takes] + option.score
            better = worth > result[takes:]
            result[takes:][better] = worth[better]
            choice[takes:][better] = sign * number
    return result, choice


def _trace(
    moments: Sequence[Moment], steps: Sequence[tuple[list[tuple[int, _Choices]], _Mask]], length: int
) -> list[tuple[Moment, Option]]:
    chosen, room = [], length
    for taken, better in reversed(steps):
        if not better[room]:
            continue
        for place, choice in reversed(taken):
            number = int(choice[room])
            if number:
                option = moments[place].options[abs(number) - 1]
                chosen.append((moments[place], option))
                room -= option.end - option.start
            if number < 0:
                break
    return chosen


_Line = np.ndarray[tuple[int], np.dtype[np.float64]]
_Choices = np.ndarray[tuple[int], np.dtype[np.int8]]
_Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
