"""Happy or not: windows over a video, no face, and networks that are none."""

from pathlib import Path

import numpy as np
import pytest

from mien.errors import ModelError
from mien.expression.network import find_network
from mien.labels import EMOTIONS
from mien.measures.face3d import STANDARD_FACE
from mien.videos import happy as happy_module
from mien.videos.clip import _NOTHING, FaceClip, _clip
from mien.videos.clip_network import load_clip_network, nose_distances
from mien.videos.happy import HappyWindow, _Course, happy

RATE = 10.0


def clip_of(smiles: np.ndarray, start: int = 0) -> FaceClip:
    """A clip with this P(happiness) at each step; NaN is no face."""
    steps = [
        dict(_NOTHING) if np.isnan(smile) else _NOTHING | {"present": True, "probabilities": shares(smile)}
        for smile in smiles
    ]
    return _clip([((start + number) / RATE, step) for number, step in enumerate(steps)], "film", RATE)


def shares(smile: float) -> np.ndarray:
    said = np.full(len(EMOTIONS), (1 - smile) / 7, np.float32)
    said[EMOTIONS.index("happiness")] = smile
    return said


def windows(*clips: FaceClip, network: str = "maximum") -> list[HappyWindow]:
    says, window_s, rate, _ = happy_module._speaker(network)
    course = _Course(says, window_s, rate)
    for clip in clips:
        course.add(clip)
    course.finish()
    return course.windows


def test_a_short_video_is_one_window() -> None:
    smiles = np.r_[np.full(25, 0.1), 0.9, np.full(10, 0.1)]
    [only] = windows(clip_of(smiles))
    assert (only.start_s, only.end_s) == (0, pytest.approx(3.6))
    assert only.probability == pytest.approx(0.9)
    [mean] = windows(clip_of(smiles), network="mean")
    assert mean.probability == pytest.approx(smiles.mean(), abs=1e-6)


def test_a_long_video_is_covered_by_overlapping_windows_however_it_is_cut() -> None:
    smiles = np.random.default_rng(0).random(137)
    whole = windows(clip_of(smiles))
    assert whole == windows(*(clip_of(smiles[start : start + 30], start) for start in range(0, 137, 30)))
    assert [each.start_s for each in whole][:3] == [0, 1, 2]
    assert whole[-1].end_s == pytest.approx(13.7)
    covered = {step for each in whole for step in range(round(each.start_s * 10), round(each.end_s * 10))}
    assert covered == set(range(137))
    assert max(each.probability or 0 for each in whole) == pytest.approx(smiles.max())


def test_a_window_without_a_face_has_no_number() -> None:
    [only] = windows(clip_of(np.full(20, np.nan)))
    assert only.probability is None


def test_a_film_without_faces_gets_no_answer(shared: Path) -> None:
    none = happy(shared / "data" / "video" / "no_face.mp4", network="mean")
    assert (none.happy, none.probability, none.face_share) == (None, None, 0)


def test_what_is_no_network_for_clips_is_said() -> None:
    with pytest.raises(ModelError, match="no such network for clips; train one"):
        load_clip_network("none.onnx")
    with pytest.raises(ModelError, match=r"reads whole clips.*use `mien happy VIDEO`"):
        find_network("happy-video")


def test_distances_do_not_change_when_the_head_turns() -> None:
    yaw = np.radians(25)
    turn = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    points = np.stack([STANDARD_FACE, STANDARD_FACE @ turn.T])[:, :, :2] * 80 + 200
    straight, turned = nose_distances(points)
    assert np.abs(straight).max() < 1e-3
    assert np.abs(turned).max() < 0.05
    wider = STANDARD_FACE.copy()
    wider[48, 0] -= 0.1  # a corner of the mouth moves outwards
    assert nose_distances(wider[None, :, :2] * 80)[0, 47] > 0.3
