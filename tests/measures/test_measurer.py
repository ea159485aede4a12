from __future__ import annotations

import numpy as np
import pytest

from measures.synthetic import Floats, moved, seen
from mien.labels import EMOTIONS, MEASURES, POSE, SHAPE
from mien.measures.measurer import Measurer
from mien.measures.shape import measure
from mien.types import Faces

CHANGES = [MEASURES.index(f"{name}_change") for name in SHAPE]
SMILE = moved([48, 54], (0, -0.05, 0))


def faces(*landmarks: Floats, neutral: float = 0.9, presence: float = np.nan, first_track: int = 0) -> Faces:
    count = len(landmarks)
    probabilities = np.full((count, len(EMOTIONS)), (1 - neutral) / 7)
    probabilities[:, EMOTIONS.index("neutral")] = neutral
    return Faces(
        np.tile(np.array([[0, 0, 9, 9]], np.float32), (count, 1)),
        landmarks=np.stack(landmarks),
        track=np.arange(first_track, first_track + count),
        shares=probabilities,
        presence=np.full(count, presence),
    )


def changes_after(measurer: Measurer, shown: Faces, seconds: float = 2.0) -> Floats:
    """The changes of a smile after so many seconds of something at 25 frames a second."""
    steps = int(seconds * 25)
    for index in range(steps):
        measurer.measure(shown, index / 25)
    return measurer.measure(faces(seen(SMILE), neutral=0.1), steps / 25).measures[0, CHANGES]


def test_what_is_measured_is_filled_in() -> None:
    shown = faces(seen(), seen(SMILE, yaw=10))
    filled = Measurer().measure(shown, 0.0).measures
    expected = measure(shown.landmarks)
    np.testing.assert_allclose(filled[:, : len(POSE) + len(SHAPE)], expected, rtol=1e-6)
    assert np.isnan(filled[:, CHANGES]).all()


def test_a_smile_is_a_change_from_ones_own_neutral_face() -> None:
    change = changes_after(Measurer(), faces(seen()))
    by_name = dict(zip(SHAPE, change.tolist(), strict=True))
    assert by_name.pop("lip_corner_lift") == pytest.approx(0.05, rel=0.01)
    assert np.abs(list(by_name.values())).max() < 1e-4


@pytest.mark.parametrize(
    "shown",
    [
        faces(seen(), neutral=0.4),
        faces(seen(yaw=25)),
        faces(seen(pitch=-25)),
        faces(seen(), presence=0.3),
        faces(np.full((68, 2), np.nan)),
    ],
    ids=["not neutral", "turned", "nodding", "not there", "no landmarks"],
)
def test_other_faces_are_not_learnt_from(shown: Faces) -> None:
    assert np.isnan(changes_after(Measurer(), shown)).all()


def test_a_face_that_is_there_is_learnt_from() -> None:
    assert np.isfinite(changes_after(Measurer(), faces(seen(), presence=0.9))).all()


def test_a_second_of_neutral_face_is_needed() -> None:
    assert np.isnan(changes_after(Measurer(), faces(seen()), 0.9)).all()
    assert np.isfinite(changes_after(Measurer(), faces(seen()), 1.1)).all()


def test_each_track_has_its_own_neutral_face() -> None:
    measurer = Measurer()
    wide = moved([54], (0.1, 0, 0))
    for index in range(50):
        measurer.measure(faces(seen(), seen(wide)), index / 25)
    both = measurer.measure(faces(seen(SMILE), seen(wide)), 2.0).measures[:, CHANGES]
    assert both[0, SHAPE.index("lip_corner_lift")] == pytest.approx(0.05, rel=0.01)
    assert np.abs(both[1]).max() < 1e-6


def test_who_has_not_been_seen_for_a_minute_is_forgotten() -> None:
    measurer = Measurer()
    for index in range(50):
        measurer.measure(faces(seen()), index / 25)
    measurer.measure(faces(seen(), first_track=1), 90.0)
    assert np.isnan(measurer.measure(faces(seen()), 90.1).measures[0, CHANGES]).all()


def test_no_face_is_no_measure() -> None:
    assert len(Measurer().measure(Faces.empty(), 0.0)) == 0
