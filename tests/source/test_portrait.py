"""The demo's portrait: the same every time, and where it says it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.source.portrait import PortraitSource, portrait_pose

TIMES_S = np.arange(0, 8, 0.04)


def test_it_lasts_eight_seconds_and_is_the_same_every_time() -> None:
    one, two = list(PortraitSource(fps=2).frames()), list(PortraitSource(fps=2).frames())
    assert [frame.time_s for frame in one] == [frame.time_s for frame in two]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, two, strict=True))
    assert [frame.index for frame in one][:4] == [0, 13, 25, 38]
    assert one[0].size_wh == (640, 360)
    assert len({frame.image.tobytes() for frame in one}) == len(one) == 16


def test_length_rate_and_size_can_be_chosen() -> None:
    source = PortraitSource(size_wh=(200, 300), duration_s=0.5, frame_rate_hz=10, name="me")
    frames = list(source.frames())
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert {frame.size_wh for frame in frames} == {(200, 300)}
    assert {frame.source for frame in frames} == {"me"}


@pytest.mark.parametrize("size_wh", [(640, 360), (1280, 720), (360, 640), (100, 100)])
def test_the_face_stays_inside_and_moves_smoothly(size_wh: tuple[int, int]) -> None:
    boxes = np.array([portrait_pose(time_s, size_wh).xyxy for time_s in TIMES_S])
    assert (boxes[:, :2] > 0).all()
    assert (boxes[:, 2:] < size_wh).all()
    steps = np.abs(np.diff(boxes, axis=0)) / min(size_wh)
    assert 0.001 < steps.max() < 0.02
    np.testing.assert_allclose(portrait_pose(8.0, size_wh).xyxy, boxes[0], atol=1e-6)


def test_it_pans_zooms_and_turns() -> None:
    poses = [portrait_pose(time_s) for time_s in TIMES_S]
    centres = np.array([(pose.xyxy[:2] + pose.xyxy[2:]) / 2 for pose in poses])
    widths = np.array([pose.xyxy[2] - pose.xyxy[0] for pose in poses])
    assert np.ptp(centres[:, 0]) > 100
    assert widths.max() / widths.min() > 1.2
    assert np.ptp([pose.roll_deg for pose in poses]) > 8


@pytest.mark.parametrize("time_s", [0.0, 1.0, 3.4, 6.2])
def test_the_pose_is_where_the_picture_is(portrait: NDArray[np.uint8], time_s: float) -> None:
    source = PortraitSource()
    frame = next(frame for frame in source.frames() if frame.time_s >= time_s)
    pose = portrait_pose(frame.time_s)
    back = cv2.warpAffine(frame.image, cv2.invertAffineTransform(pose.matrix), portrait.shape[1::-1])
    face = (slice(140, 310), slice(190, 345))
    difference = np.abs(back[face].astype(int) - portrait[face].astype(int)).mean()
    moved = np.abs(np.roll(back, 3, axis=1)[face].astype(int) - portrait[face].astype(int)).mean()
    assert difference < 0.5 * moved


@pytest.mark.parametrize("time_s", [0.0, 1.0, 3.4])
def test_roll_is_the_angle_between_the_eyes(time_s: float) -> None:
    pose, straight = portrait_pose(time_s), portrait_pose(0.0)
    angles = [np.degrees(np.arctan2(*(p.points[1] - p.points[0])[::-1])) for p in (pose, straight)]
    assert angles[0] - angles[1] == pytest.approx(pose.roll_deg, abs=1e-6)


def test_a_detector_finds_the_face_where_the_pose_says(shared: Path) -> None:
    model = shared / "models" / "face_detection_yunet_2026may.onnx"
    detector = cv2.FaceDetectorYN.create(str(model), "", (640, 360), 0.6)
    for frame in PortraitSource(fps=1).frames():
        pose = portrait_pose(frame.time_s)
        _, found = detector.detect(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))
        assert found is not None
        assert len(found) == 1
        points = found[0, 4:14].reshape(5, 2)
        assert np.abs(points - pose.points).max() < 0.05 * 360
        box = np.concatenate([found[0, :2], found[0, :2] + found[0, 2:4]])
        assert np.abs(box - pose.xyxy).max() < 0.06 * 360


def test_the_photograph_is_in_matplotlib_s_package(portrait_path: Path) -> None:
    import mien.source.portrait

    assert mien.source.portrait.portrait_path() == portrait_path
    assert portrait_path.is_file()
