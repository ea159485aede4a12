from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.expression.circumplex import COORDINATES, valence_arousal
from mien.labels import EMOTIONS

WEIGHTS = arrays(np.float64, (3, len(EMOTIONS)), elements=st.floats(0.01, 1))


def test_every_label_has_its_place_and_nothing_else() -> None:
    assert set(COORDINATES) == set(EMOTIONS)


@pytest.mark.parametrize("label", EMOTIONS)
def test_a_sure_label_stands_at_its_place(label: str) -> None:
    one_hot = [[float(label == name) for name in EMOTIONS]]
    np.testing.assert_allclose(valence_arousal(one_hot), [COORDINATES[label]], rtol=1e-6)


@given(WEIGHTS)
def test_it_is_the_expectation_written_out(weights: np.ndarray) -> None:
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    for p, received in zip(probabilities, valence_arousal(probabilities), strict=True):
        for axis in (0, 1):
            expected = sum(p[i] * COORDINATES[label][axis] for i, label in enumerate(EMOTIONS))
            assert received[axis] == pytest.approx(expected, abs=1e-6)


@given(WEIGHTS)
def test_it_stays_among_the_places(weights: np.ndarray) -> None:
    index = valence_arousal(weights / weights.sum(axis=1, keepdims=True))
    places = np.array(list(COORDINATES.values()))
    assert (index >= places.min(axis=0) - 1e-6).all()
    assert (index <= places.max(axis=0) + 1e-6).all()


@given(WEIGHTS, st.floats(0, 1))
def test_a_mixture_of_answers_lies_between_them(weights: np.ndarray, share: float) -> None:
    p = weights / weights.sum(axis=1, keepdims=True)
    mixed = valence_arousal([share * p[0] + (1 - share) * p[1]])
    ends = valence_arousal(p[:2])
    np.testing.assert_allclose(mixed[0], share * ends[0] + (1 - share) * ends[1], atol=1e-6)


def test_a_label_that_the_network_lacks_counts_as_nothing() -> None:
    lacking = np.array([[0.5, 0.5, 0, 0, 0, 0, 0, np.nan]])
    np.testing.assert_array_equal(valence_arousal(lacking), valence_arousal(np.nan_to_num(lacking)))


def test_a_face_not_read_yet_has_no_valence() -> None:
    assert np.isnan(valence_arousal(np.full((2, 8), np.nan))).all()


def test_no_faces_give_no_rows() -> None:
    assert valence_arousal(np.empty((0, 8))).shape == (0, 2)
