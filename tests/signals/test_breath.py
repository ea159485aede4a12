"""The breath in the beats of made hearts."""

from __future__ import annotations

import numpy as np
import pytest

from mien.signals.breath import breath_of_beats
from mien.signals.figures import figures
from mien.signals.heart import find_beats
from mien.signals.types import Kind, Signals
from signals import bodies

pytest.importorskip("neurokit2")


@pytest.mark.parametrize("kind", ["ecg", "ppg"])
def test_the_breath_is_found_where_the_three_agree(kind: Kind) -> None:
    errors = []
    for seed, per_min in enumerate((9.0, 13.0, 17.0, 21.0)):
        signal, true = bodies.breathing(per_min, 62, kind, seed=seed)
        told = breath_of_beats(signal, find_beats(signal), 1, 61)
        if told.value is not None:
            errors.append(abs(told.value - true))
    assert len(errors) >= 3
    assert max(errors) < 1


def test_what_disagrees_or_is_too_short_says_nothing() -> None:
    told = []
    for seed in range(4):
        signal, _ = bodies.breathing(14, 62, seed=seed)
        other, _ = bodies.breathing(24, 62, seed=seed + 10)
        beats = find_beats(signal)
        # The heart breathes at one rate, its waves' heights at another.
        mixed = bodies.course("ppg", other.values, 64)
        told.append(breath_of_beats(mixed, beats, 1, 61))
    assert all(each.value is None or each.quality >= 0.6 for each in told)
    assert sum(each.value is None for each in told) >= 3
    signal, _ = bodies.breathing(14, 62)
    assert breath_of_beats(signal, find_beats(signal), 1, 25).value is None
    still = bodies.course("ppg", np.zeros(4000), 64)
    assert breath_of_beats(still, find_beats(still), 0, 60) == (told[0].__class__)(None, 0.0)


def test_a_belt_is_preferred() -> None:
    signal, true = bodies.breathing(15, 62)
    belt = bodies.course("respiration", np.sin(2 * np.pi * 0.25 * np.arange(620) / 10), 10)
    alone = [each for each in figures(Signals((signal,))) if each.measure == "breathing_rate"]
    assert [each.signal for each in alone] == ["BVP"]
    assert alone[0].value == pytest.approx(true, abs=1)
    both = [each for each in figures(Signals((signal, belt))) if each.measure == "breathing_rate"]
    assert [each.signal for each in both] == ["x"]
    short = figures(Signals((signal,)), 20)
    assert not [each for each in short if each.measure == "breathing_rate"]
