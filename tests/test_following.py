"""Following by a network that finds landmarks: on discs, that a fake sees exactly, and on real faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from discs import DiscDetector, DiscNetwork, draw, landmarks_of
from mien.config import Settings, load_settings
from mien.expression.network import OnnxNetwork, load_network
from mien.face.landmarks import interocular_px
from mien.pipeline import Pipeline, Tally
from mien.source import SourceReport, open_source
from mien.types import Faces, Frame, Image

RATE_HZ = 25

Disc = tuple[float, float, float]
Scene = Callable[[float], list[Disc]]


class Film:
    """Pictures drawn as they are asked for."""

    name, live = "film", False

    def __init__(self, picture: Callable[[float], Image], seconds: float, rate_hz: float = RATE_HZ) -> None:
        self.report = SourceReport()
        self._picture, self._count, self._rate_hz = picture, round(seconds * rate_hz), rate_hz

    def frames(self) -> Iterator[Frame]:
        for index in range(self._count):
            yield Frame(self._picture(index / self._rate_hz), index, index / self._rate_hz, self.name)

    def close(self) -> None:
        pass


class Stage:
    """Follows discs, and remembers what was done for it."""

    def __init__(self, **settings: float) -> None:
        self.detector, self.network, self.tally = DiscDetector(), DiscNetwork(), Tally()
        self._pipeline = Pipeline(Settings(**settings), detector=self.detector, network=self.network)  # type: ignore[arg-type]

    def follow(self, scene: Scene, seconds: float, rate_hz: float = RATE_HZ) -> list[tuple[float, Faces]]:
        film = Film(lambda time_s: draw(*scene(time_s)), seconds, rate_hz)
        rows = [(frame.time_s, faces) for frame, faces in self._pipeline.stream(film, self.tally)]
        for _, faces in rows:
            assert_apart(faces)
        return rows


def assert_apart(faces: Faces) -> None:
    """No two tracks sit on one face."""
    middles = faces.points.mean(axis=1)
    for place, middle in enumerate(middles):
        others = np.delete(middles, place, axis=0)
        assert (np.linalg.norm(others - middle, axis=1) > 0.25 * faces.size_wh[place, 0]).all()


def paths(rows: list[tuple[float, Faces]]) -> dict[int, NDArray[np.float64]]:
    """(k, 2) time and x of each track's nose."""
    found: dict[int, list[tuple[float, float]]] = {}
    for time_s, faces in rows:
        for number, points in zip(faces.track.tolist(), faces.points, strict=True):
            found.setdefault(number, []).append((time_s, float(points[2, 0])))
    return {number: np.array(path) for number, path in found.items()}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def moving(time_s: float) -> list[Disc]:
    return [(60 + 40 * time_s, 90, 30)]


def test_a_face_is_followed_by_one_pass_a_frame_and_the_detector_hardly_runs(stage: Stage) -> None:
    rows = stage.follow(moving, 4)
    assert [faces.track.tolist() for _, faces in rows] == [[0]] * len(rows)
    assert stage.detector.calls == stage.tally.detections == 4
    assert stage.network.crops == len(rows) + stage.detector.calls - 1


def test_landmarks_are_where_the_face_is_and_all_follows_from_them(stage: Stage) -> None:
    for time_s, faces in stage.follow(moving, 2):
        off = np.linalg.norm(faces.landmarks[0] - landmarks_of(moving(time_s)[0][:2], 30), axis=1)
        assert off.max() < 0.06 * 30
        np.testing.assert_allclose(faces.points[0, 0], faces.landmarks[0, 36:42].mean(axis=0), atol=1e-3)
        assert faces.detection[0] == faces.presence[0] > 0.9
        assert np.isfinite(faces.quality).all()
        assert np.isfinite(faces.confidence).all()


def test_a_face_that_jumps_is_looked_at_twice_and_found(stage: Stage) -> None:
    rows = stage.follow(lambda t: [(60 if t < 1 else 82, 90, 30)], 1.2)
    assert set(paths(rows)) == {0}
    assert stage.network.crops == len(rows) + 2  # a detection after a second, and the second look
    assert rows[25][1].points[0, 2, 0] == pytest.approx(82, abs=5)


def test_newcomers_are_found_in_time(stage: Stage) -> None:
    rows = stage.follow(lambda t: [(60, 90, 30), (240, 90, 30)][: 1 + (t > 1.3)], 3)
    assert 1.3 < paths(rows)[1][0, 0] <= 2.3


def test_the_first_face_is_found_in_its_first_frame(stage: Stage) -> None:
    rows = stage.follow(lambda t: [(60, 90, 30)] if t >= 1.28 else [], 2)
    assert paths(rows)[0][0, 0] == 1.28


@pytest.mark.parametrize("height_px", [0, 12])
@pytest.mark.parametrize("rate_hz", [12.5, 25])
def test_two_faces_that_cross_keep_their_numbers(stage: Stage, rate_hz: float, height_px: float) -> None:
    def scene(time_s: float) -> list[Disc]:
        return [(60 + 80 * time_s, 90, 28), (260 - 80 * time_s, 90 + height_px, 32)]

    found = paths(stage.follow(scene, 2.5, rate_hz))
    assert sorted(found) == [0, 1]
    assert sorted(np.sign(path[-1, 1] - path[0, 1]) for path in found.values()) == [-1, 1]
    assert all(abs(path[-1, 1] - path[0, 1]) > 150 for path in found.values())


@pytest.mark.parametrize(("away_s", "numbers"), [(0.6, {0}), (2.0, {0, 1})])
def test_a_face_that_leaves_and_comes_back(stage: Stage, away_s: float, numbers: set[int]) -> None:
    rows = stage.follow(lambda t: [] if 1 <= t < 1 + away_s else [(90, 90, 30)], 5)
    assert set(paths(rows)) == numbers
    assert all(len(faces) == (not 1 <= time_s < 1 + away_s) for time_s, faces in rows)


def test_a_face_that_goes_out_of_the_picture_leaves_no_row_behind(stage: Stage) -> None:
    rows = stage.follow(lambda t: [(160 + 100 * t, 90, 30)], 3)
    assert max(time_s for time_s, faces in rows if len(faces)) < 1.75


@pytest.mark.exhaustive
def test_a_lost_face_does_not_keep_the_detector_busy() -> None:
    stage = Stage(max_gap_s=3.0)
    stage.follow(lambda t: [(60, 90, 30), (240, 90, 30)][: 1 + (t < 1)], 4)
    assert stage.detector.calls <= 9


def test_a_face_that_is_wholly_covered_for_a_second_keeps_its_number() -> None:
    stage = Stage(max_gap_s=1.5)
    rows = stage.follow(lambda t: [] if 1 <= t < 2 else [(90, 90, 30)], 3)
    assert set(paths(rows)) == {0}
    assert not any(len(faces) for time_s, faces in rows if 1 <= time_s < 2)


def test_a_cut_ends_all_tracks_even_where_the_next_face_is_in_the_same_place(stage: Stage) -> None:
    def picture(time_s: float) -> Image:
        picture = draw((160, 90, 16))
        dark = (picture < 100).all(axis=2)
        grain = np.random.default_rng(int(time_s >= 1)).integers(0, 110, (9, 16)).astype(np.uint8)
        picture[dark] = cv2.resize(grain, (320, 180), interpolation=cv2.INTER_NEAREST)[dark, None]
        return picture

    numbers = [faces.track.tolist() for _, faces in stage._pipeline.stream(Film(picture, 2), stage.tally)]
    assert numbers == [[0]] * RATE_HZ + [[1]] * RATE_HZ
    assert stage.tally.cuts == 1


def test_what_the_network_takes_for_no_face_is_left_out(stage: Stage) -> None:
    found = stage.detector.detect
    false = np.array([[200, 20, 260, 80]], np.float32)
    stage.detector.detect = lambda image: Faces(  # type: ignore[method-assign]
        np.concatenate([found(image).xyxy, false]), detection=np.ones(2, np.float32)
    )
    assert [faces.track.tolist() for _, faces in stage.follow(lambda t: [(60, 90, 30)], 1.2)] == [[0]] * 30


@pytest.mark.parametrize(("presence", "stays"), [(0.6, False), (0.8, True)])
def test_what_the_detector_does_not_see_any_more_must_be_surely_there(presence: float, stays: bool) -> None:
    stage = Stage()
    whole, shown = stage.network._see, 0

    def see(crop: NDArray[np.uint8]) -> tuple[float, float, float, float]:
        nonlocal shown
        shown += 1
        x, y, radius, there = whole(crop)
        return x, y, radius, there if shown < 10 else presence

    stage.network._see = see  # type: ignore[method-assign]
    frames = stage._pipeline.stream(Film(lambda t: draw((60, 90, 30)), 2))
    numbers = []
    for frame, faces in frames:
        stage.detector.blind = frame.time_s > 0.5
        numbers.append(faces.track.tolist())
    assert numbers[24] == [0]
    assert numbers[-1] == ([0] if stays else [])


def test_one_picture_gives_what_a_film_begins_with(stage: Stage) -> None:
    picture = draw((60, 90, 30), (240, 90, 25))
    first = next(iter(stage._pipeline.stream(Film(lambda t: picture, 1))))[1]
    alone = stage._pipeline.read(picture)
    assert alone.track.tolist() == [0, 1]
    np.testing.assert_array_equal(alone.landmarks, first.landmarks)


def test_a_crop_has_landmarks_and_keeps_its_box() -> None:
    with Pipeline(Settings(crops=True), network=DiscNetwork()) as pipeline:
        faces = pipeline.read(np.ascontiguousarray(draw((48, 48, 40), size_wh=(96, 96))[:, ::2]))
    assert faces.xyxy.tolist() == [[0, 0, 48, 96]]
    assert faces.detection.tolist() == [1]
    expected = landmarks_of((48, 48), 40) * (0.5, 1)
    assert np.linalg.norm(faces.landmarks[0] - expected, axis=1).max() < 3


def test_the_tally_tells_stages_apart(stage: Stage) -> None:
    stage.follow(moving, 1)
    assert all(stage.tally.seconds[stage_] > 0 for stage_ in ("find", "crop", "quality", "expression"))


@pytest.fixture(scope="module")
def real() -> Iterator[OnnxNetwork]:
    network = load_network(load_settings().network)
    if not network.sidecar.finds_landmarks:
        pytest.skip(f"the network {network.sidecar.name} finds no landmarks")
    yield network
    network.close()


@pytest.fixture
def pipeline(real: OnnxNetwork) -> Iterator[Pipeline]:
    with Pipeline(Settings(max_gap_s=1.5), network=real) as pipeline:
        yield pipeline


def watch(pipeline: Pipeline, picture: Callable[[float], Image], seconds: float) -> list[tuple[float, Faces]]:
    rows = [(frame.time_s, faces) for frame, faces in pipeline.stream(Film(picture, seconds))]
    for _, faces in rows:
        assert_apart(faces)
    return rows


@pytest.fixture(scope="module")
def head(portrait: Image) -> Image:
    return np.asarray(
        cv2.resize(portrait[40:412, 84:456], (120, 120), interpolation=cv2.INTER_AREA), np.uint8
    )


def paste(head: Image, *centres_xy: tuple[float, float]) -> Image:
    """Paste heads as ovals on a wall; later ones hide earlier ones, every second is seen in a mirror."""
    side = len(head)
    oval = np.zeros((side, side), np.uint8)
    cv2.ellipse(oval, (side // 2, side // 2), (round(0.38 * side), round(0.48 * side)), 0, 0, 360, 1, -1)
    y, x = np.mgrid[:220, :400]
    picture = np.repeat((100 + 30 * np.sin(x / 31) * np.cos(y / 23)).astype(np.uint8)[..., None], 3, axis=2)
    for place, centre in enumerate(centres_xy):
        matrix = np.array([[1, 0, centre[0] - side / 2], [0, 1, centre[1] - side / 2]])
        turned = head[:, ::-1] if place % 2 else head
        moved = cv2.warpAffine(np.ascontiguousarray(turned), matrix, (400, 220))
        mask = cv2.warpAffine(oval, matrix, (400, 220))
        picture[mask > 0] = moved[mask > 0]
    return picture


@pytest.mark.parametrize("height_px", [0, 40])
def test_two_portraits_that_cross(pipeline: Pipeline, head: Image, height_px: int) -> None:
    rows = watch(
        pipeline,
        lambda t: paste(head, (70 + 130 * t, 110 - height_px / 2), (330 - 130 * t, 110 + height_px / 2)),
        2,
    )
    found = paths(rows)
    assert sorted(found) == [0, 1]
    assert sorted(np.sign(path[-1, 1] - path[0, 1]) for path in found.values()) == [-1, 1]
    assert all(abs(path[-1, 1] - path[0, 1]) > 200 for path in found.values())


def test_a_portrait_that_leaves_and_returns(pipeline: Pipeline, head: Image) -> None:
    def picture(time_s: float) -> Image:
        return paste(head, (200 + 400 * min(time_s, abs(1.4 - time_s)), 110))

    rows = watch(pipeline, picture, 1.4)
    assert set(paths(rows)) == {0}
    assert not all(len(faces) for _, faces in rows)


@pytest.mark.exhaustive
def test_a_portrait_that_is_covered_for_a_second(pipeline: Pipeline, head: Image) -> None:
    def picture(time_s: float) -> Image:
        drawn = paste(head, (200 + 10 * time_s, 110))
        if 1 <= time_s < 2:
            drawn[30:190, 140:290] = (150, 120, 100)
        return drawn

    rows = watch(pipeline, picture, 3)
    assert set(paths(rows)) == {0}
    assert not any(len(faces) for time_s, faces in rows if 1 <= time_s < 2)
    assert all(len(faces) for time_s, faces in rows if not 1 <= time_s < 2)


def test_boxes_do_not_jump_when_the_detector_has_run(pipeline: Pipeline, head: Image) -> None:
    rows = watch(pipeline, lambda t: paste(head, (200 + 5 * np.sin(t), 110)), 2.2)
    boxes = np.concatenate([faces.xyxy for _, faces in rows])
    assert np.abs(np.diff(boxes, axis=0)).max() < 0.02 * 120


@pytest.mark.exhaustive
def test_a_hand_before_the_mouth(pipeline: Pipeline, shared: Path) -> None:
    with closing(open_source(shared / "data" / "video" / "grief.mp4", every=3)) as source:
        rows = list(islice(pipeline.stream(source), 80))
    assert all(faces.track.tolist() == [0] for _, faces in rows)


@pytest.mark.exhaustive
def test_a_cut_to_the_first_face(pipeline: Pipeline, shared: Path) -> None:
    tally = Tally()
    rows = list(pipeline.stream(open_source(shared / "data" / "video" / "noface_face.mov"), tally))
    assert [frame.index for frame, faces in rows if len(faces)] == list(range(96, 168))
    assert tally.cuts == 1


@pytest.mark.exhaustive
def test_a_steady_face_has_steady_landmarks(pipeline: Pipeline, head: Image) -> None:
    rng = np.random.default_rng(0)

    def picture(time_s: float) -> Image:
        drawn = paste(head, (200 + 3 * np.sin(time_s), 110 + 2 * np.cos(time_s)))
        return (drawn + rng.normal(0, 4, drawn.shape)).clip(0, 255).astype(np.uint8)

    rows = watch(pipeline, picture, 3)[10:]
    way = np.array([(3 * np.sin(time_s), 2 * np.cos(time_s)) for time_s, _ in rows])
    landmarks = np.concatenate([faces.landmarks for _, faces in rows]).astype(np.float64)
    rest = landmarks - way[:, None]
    off = np.linalg.norm(rest - rest.mean(axis=0), axis=2)
    assert np.sqrt(np.mean(off**2)) < 0.005 * 2 * interocular_px(landmarks[0])
