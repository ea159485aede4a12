"""Micro-expressions: a short movement is found where it was made; blinks, drift and noise are not found."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import mien
from cli.helpers import save_clip
from lifted_mouth import bump, lifted_mouth
from mien.config import load_settings
from mien.errors import ConfigError, SourceError
from mien.pipeline import Pipeline
from mien.source import open_source
from mien.videos.micro import THRESHOLD, Movement, micro, spot
from mien.videos.micro_motion import REGIONS, Motion, crop, read_motion
from mien.videos.micro_picture import (
    difference_of_crops,
    difference_of_pictures,
    differences_along,
    differences_in_film,
)

BROWS, MOUTH, EYES = (0, 1, 2, 3), (4, 5, 6, 7), (8, 9)


def motion(
    *moves: tuple[tuple[int, ...], NDArray[np.float64]], rate_hz: float = 200, seconds: float = 3
) -> Motion:
    """A face at rest but for drift, noise, and what is made to move upwards."""
    random = np.random.default_rng(3)
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    moved = random.normal(0, 0.05, (len(times_s), len(REGIONS), 2))
    moved += 2 * np.sin(times_s)[:, None, None]
    for regions, course in moves:
        moved[:, list(regions), 1] -= course[:, None]
    return Motion(times_s, moved)


TIMES_S = np.arange(600) / 200


@pytest.mark.parametrize(
    ("onset_s", "apex_s", "offset_s"),
    [(1.0, 1.02, 1.04), (1.5, 1.56, 1.65), (0.02, 0.09, 0.2), (2.8, 2.88, 2.97)],
)
def test_onset_apex_and_offset_are_found(onset_s: float, apex_s: float, offset_s: float) -> None:
    """Also at the film's beginning and end."""
    (found,), blinks_s = spot(motion((MOUTH, 2 * bump(TIMES_S, onset_s, apex_s, offset_s))), THRESHOLD)
    assert found.region == "mouth"
    assert [found.onset_s, found.apex_s, found.offset_s] == pytest.approx(
        [onset_s, apex_s, offset_s], abs=0.03
    )
    assert found.moved == pytest.approx(2, rel=0.35)
    assert blinks_s == []


def test_noise_drift_and_slow_movements_are_not_found() -> None:
    assert spot(motion(), THRESHOLD) == ([], [])
    slow = bump(TIMES_S, 0.5, 1.5, 2.5)
    assert spot(motion((MOUTH, 5 * slow)), THRESHOLD) == ([], [])


def test_a_blink_is_no_movement_of_the_brows_but_the_mouth_is_read_through_it() -> None:
    blink = bump(TIMES_S, 1.0, 1.08, 1.2)
    movements, (blink_s,) = spot(motion((EYES, -3 * blink), (BROWS, -blink)), THRESHOLD)
    assert movements == []
    assert blink_s == pytest.approx(1.08, abs=0.02)
    movements, _ = spot(motion((EYES, -3 * blink), (MOUTH, 2 * blink)), THRESHOLD)
    assert [each.region for each in movements] == ["mouth"]


def test_brows_and_mouth_in_one_movement_are_one() -> None:
    course = bump(TIMES_S, 1.0, 1.06, 1.15)
    movements, _ = spot(motion((BROWS, 3 * course), (MOUTH, course)), THRESHOLD)
    assert [each.region for each in movements] == ["brows"]


@pytest.fixture(scope="module")
def film(portrait: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lifted_mouth(tmp_path_factory.mktemp("micro"), portrait)


def test_a_lift_of_the_mouth_s_corners_is_found_in_a_film(film: Path, tmp_path: Path) -> None:
    found = mien.micro(film)
    (movement,) = found.movements
    assert isinstance(movement, Movement)
    assert movement.region == "mouth"
    assert [movement.onset_s, movement.apex_s, movement.offset_s] == pytest.approx(
        [0.5, 0.57, 0.66], abs=0.03
    )
    assert found.frames_per_second == pytest.approx(100, rel=0.01)
    assert found.seen_s == pytest.approx(1.19, abs=0.05)
    assert "shorter than 2 s" in found.notes[0]
    table, movements, facts, picture = found.save(tmp_path / "out")
    assert table.read_text().splitlines()[0] == "time_s,brows,mouth,eyes"
    assert len(table.read_text().splitlines()) == 121
    header, row = movements.read_text().splitlines()
    assert header == "onset_s,apex_s,offset_s,region,moved,score"
    assert row.split(",")[:4] == [
        *(f"{each:.4g}" for each in (movement.onset_s, movement.apex_s, movement.offset_s)),
        "mouth",
    ]
    assert json.loads(facts.read_text())["movements"][0]["region"] == "mouth"
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_the_difference_picture_shows_the_movement_and_not_the_head_s(
    film: Path, portrait: NDArray[np.uint8], tmp_path: Path
) -> None:
    mouth, brows = (slice(30, 46), slice(8, 40)), (slice(4, 14), slice(8, 40))
    how = {"size_px": 48, "gain": 4.0}
    with Pipeline(load_settings()) as pipeline:
        (found,) = differences_in_film(film, [(0.5, 0.57)], pipeline=pipeline, **how)
        assert found is not None
        assert found.shape == (48, 48)
        assert np.abs(found[mouth] - 128.0).mean() > 3 * np.abs(found[brows] - 128.0).mean()
        calm, moved = tmp_path / "calm.png", tmp_path / "moved.png"
        image = cv2.resize(portrait, (240, 280))
        for path, shift in ((calm, 0), (moved, 2)):
            cv2.imwrite(str(path), np.roll(image, shift, axis=1)[..., ::-1])
        still = difference_of_pictures(calm, moved, pipeline=pipeline, **how)
        assert still is not None
        onset, apex = (cv2.imread(str(path), 0).astype(float) for path in (calm, moved))
        unaligned = (4.0 * (apex - onset)).clip(-128, 127)
        assert np.abs(still[8:40, 8:40] - 128.0).mean() < 0.5 * np.abs(unaligned[90:200, 60:180]).mean()
        cv2.imwrite(str(moved), np.full((280, 240, 3), 90, np.uint8))
        assert difference_of_pictures(moved, moved, pipeline=pipeline, **how) is None


def test_one_pass_makes_the_picture_of_the_two_nearest_frames_for_each_movement(film: Path) -> None:
    """Movements in any order, one frame in two of them, times between frames and beyond the film's end."""
    how = {"size_px": 48, "gain": 4.0}
    moments = [(0.6, 0.604), (0.5, 0.5749), (0.003, 0.57), (0.5, 1.196)]
    read = read_motion(film)
    with Pipeline(load_settings()) as pipeline:
        learnt_from = differences_in_film(film, moments, pipeline=pipeline, **how)
    source = open_source(film)
    frames = list(source.frames())
    source.close()
    (way,) = read.ways
    times_s = np.array([each.time_s for each in frames])
    for moment, learnt, seen in zip(
        moments, learnt_from, differences_along(film, moments, read.ways, **how), strict=True
    ):
        onset, apex = (frames[int(np.abs(times_s - time_s).argmin())] for time_s in moment)
        wanted = difference_of_crops(*(crop(each, way.at(each.time_s)) for each in (onset, apex)), **how)
        assert seen is not None
        assert learnt is not None
        np.testing.assert_array_equal(seen, wanted)
        np.testing.assert_array_equal(learnt, wanted)
    assert differences_along(film, [(0.5, 2.0)], read.ways, **how) == [None]
    assert differences_along(film, [], read.ways, **how) == []


def test_what_can_t_be_read_is_said(portrait: NDArray[np.uint8], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="threshold: expected a number above 0, received 0"):
        micro("nothing.mp4", threshold=0)
    wall = [np.full((120, 160, 3), 90, np.uint8)]
    with pytest.raises(SourceError, match="received a single frame"):
        micro(save_clip(tmp_path / "one.mp4", wall))
    with pytest.raises(SourceError, match="expected at least 10 frames a second, received 5"):
        micro(save_clip(tmp_path / "slow.mp4", wall * 4, rate_hz=5))


def test_a_film_of_25_frames_a_second_says_what_it_misses(tmp_path: Path) -> None:
    from mien.videos.micro import _notes

    assert "at 25 frames a second a movement of 40 ms is one frame" in _notes(25, 10, seen=True)[0]
    assert _notes(200, 10, seen=True) == ()
