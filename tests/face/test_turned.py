"""Faces on their heads and sides are found upright; pictures in which none is turned are read as before."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.config import Settings
from mien.face.turned import detect_turned
from mien.geometry import iou_matrix
from mien.pipeline import Pipeline, Tally
from mien.source.images import read_image
from mien.source.photograph import PhotographSource
from mien.types import Faces, Frame, Image


class Marks:
    """Finds a white block, and says that one of its points is the red pixel in it."""

    name = "marks"

    def detect(self, image: Image) -> Faces:
        white, red = np.argwhere(image[:, :, 1] > 200), np.argwhere(image[:, :, 0] > image[:, :, 1])
        if not len(white):
            return Faces.empty()
        (top, left), (bottom, right) = white.min(axis=0), white.max(axis=0) + 1
        point = np.tile(red[0][::-1] + 0.5, (1, 5, 1))
        return Faces(np.array([[left, top, right, bottom]], np.float32), points=point)

    def close(self) -> None:
        """Hold nothing."""


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("scale", [1, 4])
def test_what_is_found_in_a_turned_picture_is_told_in_its_own_pixels(quarters: int, scale: int) -> None:
    image = np.zeros((100, 180, 3), np.uint8)
    image[20:50, 30:100] = 255
    image[25, 90] = 250, 0, 0
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    found = detect_turned(Marks(), image, quarters)
    np.testing.assert_allclose(found.xyxy[0] / scale, [30, 20, 100, 50], atol=1)
    np.testing.assert_allclose(found.points[0, 0] / scale, [90.5, 25.5], atol=1)


def test_nothing_found_turned_is_nothing() -> None:
    assert len(detect_turned(Marks(), np.zeros((9, 9, 3), np.uint8), 1)) == 0


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Settings(threads=1))


def roll_degrees(faces: Faces) -> float:
    """By how much the line from eye to eye is turned, clockwise."""
    x, y = faces.points[0, 1] - faces.points[0, 0]
    return float(np.degrees(np.arctan2(y, x)))


@pytest.mark.parametrize(("quarters", "degrees"), [(1, -90), (2, 180), (3, 90)])
def test_a_turned_portrait_is_read_as_upright(
    pipeline: Pipeline, portrait_path: Path, quarters: int, degrees: int
) -> None:
    portrait = read_image(portrait_path)
    upright = pipeline.read(portrait)
    seen = pipeline.read(np.ascontiguousarray(np.rot90(portrait, quarters)))
    assert seen.labels == upright.labels
    np.testing.assert_allclose(seen.probabilities, upright.probabilities, atol=0.05)
    off = (roll_degrees(seen) - roll_degrees(upright) - degrees + 180) % 360 - 180
    assert abs(off) < 5
    assert seen.track.tolist() == [0]


def test_shared_faces_on_their_heads_are_read_as_upright(pipeline: Pipeline, shared: Path) -> None:
    files = sorted((shared / "data/people/london").glob("*/*.jpg"))[::12]
    sizes_wh = (400, 400)
    images = [
        np.asarray(cv2.resize(read_image(file), sizes_wh, interpolation=cv2.INTER_AREA)) for file in files
    ]
    upright = [pipeline.read(image).labels for image in images]
    on_their_heads = [pipeline.read(np.ascontiguousarray(image[::-1, ::-1])).labels for image in images]
    assert all(len(labels) == 1 for labels in upright)
    agree = np.mean([one == other for one, other in zip(upright, on_their_heads, strict=True)])
    assert agree >= 0.85  # none did, and a third were read as sadness or fear


def test_where_a_face_is_upright_nothing_is_looked_at_again(
    pipeline: Pipeline, portrait_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered() -> int:
        count = 0
        answer = type(pipeline.network).answer

        def counting(network: object, crops: Image) -> object:
            nonlocal count
            count += 1
            return answer(pipeline.network, crops)

        with monkeypatch.context() as patch:
            patch.setattr(type(pipeline.network), "answer", counting)
            pipeline.read(read_image(portrait_path))
        return count

    usual = answered()
    monkeypatch.setattr("mien.face_reader.SURE", -1.0)
    assert usual == answered()
    tally = Tally()
    list(pipeline.stream(PhotographSource(portrait_path), tally))
    assert tally.detections == 1


def test_a_films_frame_without_a_face_is_looked_at_once(pipeline: Pipeline) -> None:
    class Counting(Marks):
        calls = 0

        def detect(self, image: Image) -> Faces:
            self.calls += 1
            return Faces.empty()

    for still, calls in ((False, 1), (True, 4)):
        counting = Counting()
        look = Pipeline(pipeline.settings, detector=counting, network=pipeline.network)._look(Tally())
        assert len(look(Frame(np.zeros((90, 90, 3), np.uint8), 0, 0.0, "dark", still=still))) == 0
        assert counting.calls == calls


def test_a_face_on_its_head_in_a_film_is_followed_upright(pipeline: Pipeline, portrait_path: Path) -> None:
    """Of a detection that has eyes and mouth the wrong way round, as detectors give it."""
    portrait = read_image(portrait_path)
    upright = pipeline.read(portrait)
    image = np.ascontiguousarray(portrait[::-1, ::-1])
    height, width = image.shape[:2]

    class WrongWayRound(Marks):
        def detect(self, image: Image) -> Faces:
            left, top, right, bottom = upright.xyxy[0]
            return Faces(
                np.array([[width - right, height - bottom, width - left, height - top]], np.float32),
                detection=np.ones(1, np.float32),
            )

    look = Pipeline(pipeline.settings, detector=WrongWayRound(), network=pipeline.network)._look(Tally())
    for index in range(3):
        seen = look(Frame(image, index, index / 25, "film"))
        assert seen.labels == upright.labels
        assert abs(abs(roll_degrees(seen)) - 180) < 10
        assert (
            iou_matrix(seen.xyxy, np.array([[width, height] * 2]) - upright.xyxy[:, [2, 3, 0, 1]])[0, 0] > 0.8
        )
