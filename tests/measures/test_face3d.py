from __future__ import annotations

import numpy as np
import pytest

from mien.measures.face3d import MIRROR, RIGID, STANDARD_FACE


def length(one: int, other: int) -> float:
    return float(np.linalg.norm(STANDARD_FACE[one] - STANDARD_FACE[other]))


def test_mirroring_twice_changes_nothing() -> None:
    assert MIRROR[MIRROR].tolist() == list(range(68))
    np.testing.assert_allclose(STANDARD_FACE[MIRROR], STANDARD_FACE * (-1, 1, 1), atol=1e-12)


def test_the_unit_is_the_distance_between_the_outer_corners_of_the_eyes() -> None:
    assert length(36, 45) == pytest.approx(1, abs=2e-3)
    assert STANDARD_FACE[27].tolist() == [0, 0, 0]


def test_left_is_left_as_seen_and_the_nose_is_nearest() -> None:
    assert STANDARD_FACE[36, 0] < STANDARD_FACE[45, 0]
    assert STANDARD_FACE[8, 1] > STANDARD_FACE[27, 1]
    assert STANDARD_FACE[:, 2].argmin() == 30


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        (39, 42, 0.33, 0.41),  # en-en 32.2 mm of ex-ex 98.2 (Virdi et al. 2019); 0.36 in Farkas's norms
        (48, 54, 0.53, 0.63),  # ch-ch 55.9
        (27, 33, 0.49, 0.63),  # n-sn 51.0 and 47.6; the point between the eyes lies lower than nasion
        (0, 16, 1.30, 1.62),  # zy-zy 133.8 = 1.36, 130.1 of 94.4 = 1.38; before the ears, so a little more
    ],
)
def test_lengths_agree_with_measured_people(one: int, other: int, least: float, most: float) -> None:
    assert least <= length(one, other) <= most


def test_what_keeps_its_place_has_both_sides_and_is_not_flat() -> None:
    assert sorted(MIRROR[RIGID]) == sorted(RIGID)
    assert np.linalg.svd(STANDARD_FACE[RIGID] - STANDARD_FACE[RIGID].mean(axis=0))[1][2] > 0.3
