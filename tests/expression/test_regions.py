from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from measures.synthetic import seen
from mien.expression.regions import ELSEWHERE, PARTS, Where, locate

LANDMARKS = seen(yaw=0, pitch=0, roll=0, scale=0.4, shift=(0.5, 0.4)).reshape(68, 2)


def spot(x: float, y: float, size: int = 48, radius_px: int = 1) -> NDArray[np.float64]:
    evidence = np.zeros((size, size))
    row, column = int(y * size), int(x * size)
    evidence[
        max(0, row - radius_px) : row + radius_px + 1, max(0, column - radius_px) : column + radius_px + 1
    ] = 1
    return evidence


def where_of(evidence: NDArray[np.float64]) -> Where:
    found = locate(evidence, evidence > 0, LANDMARKS)
    assert found is not None
    return found


@pytest.mark.parametrize("part", PARTS)
def test_a_spot_on_a_part_is_there(part: str) -> None:
    x, y = LANDMARKS[PARTS[part]].mean(axis=0)
    found = where_of(spot(x, y))
    assert max(found.parts, key=found.parts.__getitem__) == part
    assert sum(found.parts.values()) == pytest.approx(1)
    assert found.words.startswith(part)


def test_sides_are_those_of_the_picture() -> None:
    left_eye, mouth = (LANDMARKS[PARTS[part]].mean(axis=0) for part in ("left eye", "mouth"))
    eye = where_of(spot(*left_eye))
    assert (eye.left, eye.upper) == pytest.approx((1, 1))
    assert eye.words.endswith("upper half, left side")
    below = where_of(spot(mouth[0] - 0.01, mouth[1], radius_px=4))
    assert below.upper == 0
    assert below.words.endswith("lower half, left and right alike")


def test_both_eyes_are_named_together() -> None:
    evidence = sum(spot(*LANDMARKS[PARTS[part]].mean(axis=0)) for part in ("left eye", "right eye"))
    assert where_of(np.asarray(evidence)).words == "eyes 100 %; upper half, left and right alike"
    assert where_of(np.asarray(evidence)).plain_words == "around the eyes"


def test_evidence_weighs() -> None:
    evidence = spot(*LANDMARKS[PARTS["mouth"]].mean(axis=0)) * 3 + spot(0.02, 0.02)
    found = where_of(evidence)
    assert found.parts["mouth"] == pytest.approx(27 / 31, abs=0.03)
    assert found.parts[ELSEWHERE] == pytest.approx(4 / 31, abs=0.03)


def test_far_from_the_face_is_elsewhere() -> None:
    assert where_of(spot(0.02, 0.02)).words == "elsewhere 100 %; upper half, left side"
    assert where_of(spot(0.02, 0.02)).plain_words == (
        "beside the features (cheeks, forehead, hair or background)"
    )


def test_several_parts_are_listed_as_people_do() -> None:
    parts = ("mouth", "nose", "left brow")
    evidence = sum(
        spot(*LANDMARKS[PARTS[part]].mean(axis=0)) * weight
        for part, weight in zip(parts, (3, 2, 1.5), strict=True)
    )
    assert where_of(np.asarray(evidence)).plain_words == "around the mouth, the nose and the left brow"


def test_nothing_marked_is_nowhere() -> None:
    evidence = np.zeros((48, 48))
    assert locate(evidence, evidence > 0, LANDMARKS) is None
