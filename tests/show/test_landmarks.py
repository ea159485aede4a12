from __future__ import annotations

import numpy as np

from mien.show.landmarks import LINES, draw_landmarks
from mien.types import Faces


def face(points: np.ndarray, side: float = 100) -> Faces:
    return Faces(np.array([[10, 10, 10 + side, 10 + side]], np.float32), landmarks=points[None])


def ring(centre: float = 60, radius: float = 40) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return np.stack([centre + radius * np.cos(turn), centre + radius * np.sin(turn)], axis=1).astype(
        np.float32
    )


def test_every_point_lies_on_one_line() -> None:
    assert sorted(place for places, _ in LINES for place in places) == list(range(68))


def test_points_are_drawn_where_they_are_and_the_picture_is_not_changed() -> None:
    image = np.full((120, 120, 3), 90, np.uint8)
    drawn = draw_landmarks(image, face(ring()))
    assert (image == 90).all()
    for x, y in ring():
        assert drawn[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() > 140
    inside = (np.indices((120, 120)) - 60.0) ** 2
    near = np.sqrt(inside.sum(axis=0))
    assert (drawn[near > 46] == 90).all()


def test_faces_without_landmarks_and_small_ones_stay_as_they_are() -> None:
    image = np.full((120, 120, 3), 90, np.uint8)
    assert (draw_landmarks(image, Faces.empty()) == image).all()
    assert (draw_landmarks(image, face(np.full((68, 2), np.nan))) == image).all()
    assert (draw_landmarks(image, face(ring(20, 8), side=20)) == image).all()


def test_points_outside_the_picture_do_no_harm() -> None:
    image = np.full((60, 60, 3), 90, np.uint8)
    assert draw_landmarks(image, face(ring(centre=55))).shape == image.shape
    assert (draw_landmarks(image, face(ring(centre=500))) == image).all()
    assert (draw_landmarks(image, face(ring(centre=-500))) == image).all()
