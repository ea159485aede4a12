from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from mien.mood.figures import figures
from mien.mood.formulas import FORMULAS, NEEDS
from mien.mood.running import NAMES, Running
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


def agree(running: Running, series: Series) -> None:
    expected = figures([series])
    found = running.figures()
    assert set(found) == {"coverage", *NAMES}
    for name, value in found.items():
        estimate = expected[name]
        assert (value is None) == (estimate is None), name
        if estimate is not None:
            assert value == pytest.approx(estimate.value, abs=1e-9), name


@given(any_readings(max_rows=25))
@settings(max_examples=30)
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
            agree(running, series[: place + 1])


def test_before_data_all_is_none() -> None:
    assert set(Running().figures().values()) == {None}


def test_a_running_figure_is_one_of_the_formulas() -> None:
    assert set(NAMES) <= set(FORMULAS)
    assert np.isfinite([least for _, least in NEEDS.values()]).all()
