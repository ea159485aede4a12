from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.labels import EMOTIONS
from mien.videos.summary.choose import choose
from mien.videos.summary.moments import Moment, Option

STATES = (None, "happiness", "sadness", "fear")
SHARES = {"happiness": 0.5, "sadness": 0.2, "fear": 0.1}


@st.composite
def moments(draw: st.DrawFn) -> list[Moment]:
    """Up to six moments with one to three options each, side by side."""
    made, start = [], 0
    for _ in range(draw(st.integers(0, 6))):
        lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True))
        scores = [draw(st.integers(-3, 20)) for _ in lengths]
        options = tuple(Option(start, start + n, float(s)) for n, s in zip(lengths, scores, strict=True))
        made.append(Moment(draw(st.sampled_from(STATES)), options, np.ones(len(EMOTIONS))))
        start += max(lengths)
    return made


def worth(chosen: list[tuple[Moment, Option]]) -> tuple[int, float, float]:
    """How many states are shown, of which share of the film, and the sum of the scores."""
    states = {moment.state for moment, _ in chosen} - {None}
    share = sum(SHARES[each] for each in states if each)
    return len(states), round(share, 9), sum(option.score for _, option in chosen)


def takes(chosen: list[tuple[Moment, Option]]) -> int:
    return sum(option.end - option.start for _, option in chosen)


@given(moments(), st.integers(0, 30))
def test_no_other_choice_is_better(given_moments: list[Moment], length: int) -> None:
    chosen = choose(given_moments, length, SHARES)
    assert takes(chosen) <= length
    assert len({id(moment) for moment, _ in chosen}) == len(chosen)
    assert all(option in moment.options for moment, option in chosen)
    best = max(
        worth(each)
        for ways in product(*((None, *moment.options) for moment in given_moments))
        if takes(each := [(m, way) for m, way in zip(given_moments, ways, strict=True) if way]) <= length
    )
    assert worth(chosen) == best


def test_the_chosen_stand_in_the_order_of_the_film() -> None:
    late, early = (
        Moment(state, (Option(start, start + 5, 9.0),), np.ones(8))
        for state, start in (("fear", 50), ("sadness", 0))
    )
    assert [option.start for _, option in choose([late, early], 10)] == [0, 50]


def test_of_states_that_do_not_all_fit_those_that_last_come_first() -> None:
    three = [
        Moment(state, (Option(at, at + 10, score),), np.ones(8))
        for at, (state, score) in enumerate({"happiness": 1.0, "sadness": 30.0, "fear": 99.0}.items())
    ]
    assert {moment.state for moment, _ in choose(three, 20, SHARES)} == {"happiness", "sadness"}
