from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings

from mien.mood.figures import figures
from mien.mood.formulas import FORMULAS, NEEDS
from mien.mood.running import NAMES, Running, _Steps
from mien.mood.series import Series
from mood.readings import any_readings
from mood.test_figures import some


def pushed(running: Running, series: Series, place: int) -> None:
    running.push(
        float(series.time_s[place]),
        series.probabilities[place],
        int(series.expression[place]),
        float(series.valence[place]),
        float(series.arousal[place]),
    )


def agree(running: Running, series: Series, within: float = 1e-7) -> None:
    expected = figures([series])
    found = running.figures()
    assert set(found) == {"coverage", *NAMES}
    for name, value in found.items():
        estimate = expected[name]
        assert (value is None) == (estimate is None), name
        if estimate is not None:
            assert value == pytest.approx(estimate.value, abs=within), name


@given(any_readings(max_rows=25))
@settings(max_examples=30, deadline=None)
def test_running_agrees_with_the_batch_on_every_prefix(series: Series) -> None:
    """With all the least data lowered, so that every formula is tried."""
    with pytest.MonkeyPatch.context() as patch:
        lowered = {name: (total, 1e-3) for name, (total, _) in NEEDS.items()}
        for place in ("mien.mood.figures.NEEDS", "mien.mood.running.NEEDS"):
            patch.setattr(place, lowered)
        running = Running()
        for place in range(len(series)):
            pushed(running, series, place)
            agree(running, series[: place + 1])


def test_running_agrees_over_minutes() -> None:
    series, running = some(1500, 4), Running()
    for place in range(len(series)):
        pushed(running, series, place)
        if place % 300 == 299:
            # The last of some hundreds of readings stands for the median step within a thousandth of it.
            agree(running, series[: place + 1], within=1e-5)


@pytest.mark.exhaustive
def test_hours_take_no_more_memory_than_minutes() -> None:
    """Steps and episodes were kept one by one."""
    series = some(3000, 2)
    running, sizes, start_s = Running(), [], 0.0
    for _ in range(8):
        for place, label in enumerate(series.expression.tolist()):
            running.push(
                start_s + float(series.time_s[place]),
                series.probabilities[place],
                label,
                float(series.valence[place]),
                float(series.arousal[place]),
            )
        start_s += float(series.time_s[-1])
        sizes.append(len(pickle.dumps(running)))
    assert running.figures()["smiles_per_min"]
    assert sizes[-1] <= sizes[0] + 200
    assert sizes[-1] < 200_000


@pytest.mark.parametrize("count", [1, 2, 999, 1000])
def test_the_median_step_is_known_within_a_thousandth(count: int) -> None:
    steps_s = np.random.default_rng(count).lognormal(np.log(0.1), 0.5, count).clip(0.001, 2)
    steps = _Steps()
    for step_s in steps_s:
        steps.count(step_s)
    assert steps.median_s == pytest.approx(np.median(steps_s), rel=0.001)


def test_the_median_of_equal_steps_is_that_step() -> None:
    steps = _Steps()
    assert steps.median_s == 0
    for _ in range(1001):
        steps.count(0.25)
    assert steps.median_s == 0.25


def test_before_data_all_is_none() -> None:
    assert set(Running().figures().values()) == {None}


def test_a_running_figure_is_one_of_the_formulas() -> None:
    assert set(NAMES) <= set(FORMULAS)
    assert np.isfinite([least for _, least in NEEDS.values()]).all()
