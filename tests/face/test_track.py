from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from mien.face.detect.base import Detector
from mien.face.track import Tracker
from mien.geometry import iou_matrix
from mien.types import Faces, Frame, Image

PICTURE = np.zeros((700, 1000, 3), np.uint8)


class Finder:
    """A detector that is told what there is to see."""

    name = "fake"

    def __init__(self) -> None:
        self.seen = Faces.empty()

    def show(self, *centre_side: tuple[float, float, float]) -> None:
        rows = [(x - s / 2, y - s / 2, x + s / 2, y + s / 2) for x, y, s in centre_side]
        self.seen = Faces(np.array(rows).reshape(-1, 4), detection=np.ones(len(rows)))

    def detect(self, image: Image) -> Faces:
        return self.seen

    def close(self) -> None:
        pass


class Looker(Finder):
    """The same; around given boxes it sees what overlaps them."""

    def refine(self, image: Image, faces: Faces) -> Faces:
        near = self.seen[(iou_matrix(self.seen.xyxy, faces.xyxy) > 0.2).any(axis=1)]
        overlap = iou_matrix(near.xyxy, near.xyxy) > 0.5
        kept: list[int] = []
        for index in range(len(near)):
            if not overlap[index, kept].any():
                kept.append(index)
        return near[kept]


def at(time_s: float) -> Frame:
    return Frame(PICTURE, 0, time_s, "fake")


@pytest.fixture(params=[Finder, Looker])
def finder(request: pytest.FixtureRequest) -> Finder:
    return request.param()


def followed(
    finder: Finder, places: Callable[[float], list[tuple[float, float, float]]], times_s: ArrayLike
) -> Iterator[tuple[float, Faces]]:
    tracker = Tracker(finder)
    for time_s in np.asarray(times_s).tolist():
        finder.show(*places(time_s))
        yield time_s, tracker.follow(at(time_s))


def test_a_face_that_stays_keeps_its_number(finder: Finder) -> None:
    for _, faces in followed(finder, lambda t: [(50, 50, 40)], np.arange(0, 5, 0.1)):
        assert faces.track.tolist() == [0]


@pytest.mark.parametrize("frame_rate_hz", [5, 30])
def test_faces_keep_their_numbers_whatever_their_order(finder: Finder, frame_rate_hz: int) -> None:
    rng = np.random.default_rng(1)
    sides_px: list[NDArray[np.float32]] = []

    def places(time_s: float) -> list[tuple[float, float, float]]:
        both = [(50 + 40 * time_s, 50, 40), (250 - 20 * time_s, 60, 60)]
        return [both[place] for place in rng.permutation(2)]

    for _, faces in followed(finder, places, np.arange(0, 2, 1 / frame_rate_hz)):
        sides_px.append(faces.size_wh[:, 0])
    np.testing.assert_allclose(sides_px, [sides_px[0]] * len(sides_px), rtol=1e-5)


def test_a_small_fast_face_is_followed_without_overlap(finder: Finder) -> None:
    for _, faces in followed(finder, lambda t: [(50 + 180 * t, 50, 15)], np.arange(0, 3, 0.1)):
        assert faces.track.tolist() == [0]


def test_a_short_gap_keeps_the_number_and_gives_no_row(finder: Finder) -> None:
    tracker = Tracker(finder, max_gap_s=1.0)
    for time_s in (0.0, 0.1, 0.2):
        finder.show((50 + 100 * time_s, 50, 40))
        tracker.follow(at(time_s))
    finder.show()
    for time_s in (0.3, 0.4, 0.5):
        assert len(tracker.follow(at(time_s))) == 0
    finder.show((110, 50, 40))
    assert tracker.follow(at(0.6)).track.tolist() == [0]


def test_a_long_gap_ends_the_track_and_its_number_never_comes_again(finder: Finder) -> None:
    tracker = Tracker(finder, max_gap_s=1.0)
    for start_s, number in ((0, 0), (10, 1), (20, 2)):
        finder.show((50, 50, 40))
        assert tracker.follow(at(start_s)).track.tolist() == [number]
        finder.show()
        for time_s in np.arange(0.5, 2, 0.5):
            assert len(tracker.follow(at(start_s + time_s))) == 0


def test_frames_far_apart_are_no_gap(finder: Finder) -> None:
    for _, faces in followed(finder, lambda t: [(50, 50, 40)], [0, 3, 6, 60]):
        assert faces.track.tolist() == [0]


@pytest.mark.parametrize("elsewhere", [(150, 50, 40), (50, 50, 140), (120, 120, 80)])
def test_a_scene_cut_starts_a_new_track(finder: Finder, elsewhere: tuple[float, float, float]) -> None:
    tracker = Tracker(finder)
    for time_s in (0.0, 0.04, 0.08):
        finder.show((50, 50, 40))
        tracker.follow(at(time_s))
    finder.show(elsewhere)
    assert tracker.follow(at(0.12)).track.tolist() == [1]


@pytest.mark.parametrize("frame_rate_hz", [10, 30])
@pytest.mark.parametrize("hidden_s", [0.2, 0.4])
@pytest.mark.parametrize("height_px", [0, 15])
@pytest.mark.parametrize("looking", [Finder, Looker])
def test_two_faces_that_cross_keep_their_numbers_though_one_hides_the_other(
    frame_rate_hz: int, hidden_s: float, height_px: int, looking: type[Finder]
) -> None:
    rng = np.random.default_rng(2)

    def places(time_s: float) -> list[tuple[float, float, float]]:
        jitter = rng.normal(0, 0.8, (2, 2))
        behind = (100 + 80 * time_s, 100, 40)
        before = (260 - 80 * time_s, 100 + height_px, 44)
        both = [(x + jx, y + jy, s) for (x, y, s), (jx, jy) in zip((behind, before), jitter, strict=True)]
        return both[1:] if abs(time_s - 1) < hidden_s / 2 else both

    direction: dict[int, list[float]] = {}
    for _, faces in followed(looking(), places, np.arange(0, 2, 1 / frame_rate_hz)):
        for number, left in zip(faces.track.tolist(), faces.xyxy[:, 0].tolist(), strict=True):
            direction.setdefault(number, []).append(left)
    assert sorted(direction) == [0, 1]
    ends = {number: lefts[-1] - lefts[0] for number, lefts in direction.items()}
    assert ends[0] > 100
    assert ends[1] < -100


def test_a_detector_that_can_look_again_runs_in_full_only_when_it_must() -> None:
    looker, tracker = Looker(), None
    tracker = Tracker(looker, redetect_s=1.0)
    looker.show((50, 50, 40))
    for time_s in np.arange(0, 3.95, 0.1).round(3):
        tracker.follow(at(time_s))
    assert tracker.detections == 4
    looker.show((50, 50, 40), (200, 50, 40))
    assert tracker.follow(at(3.95)).track.tolist() == [0]
    assert tracker.follow(at(4.95)).track.tolist() == [0, 1]


def test_a_lost_face_is_searched_for_at_once_and_then_with_growing_pauses_until_the_gap_is_over() -> None:
    looker = Looker()
    tracker = Tracker(looker, redetect_s=10, max_gap_s=4)
    looker.show((50, 50, 40), (200, 50, 40))
    tracker.follow(at(0))
    looker.show((50, 50, 40))
    searched_at = []
    for time_s in (np.arange(1, 200) / 32).tolist():
        before = tracker.detections
        tracker.follow(at(time_s))
        if tracker.detections > before:
            searched_at.append(time_s)
    assert np.diff(searched_at) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6], abs=1 / 32)
    assert searched_at[0] == 1 / 32
    assert searched_at[-1] < 4


def test_the_pauses_do_not_outgrow_the_time_between_detections() -> None:
    looker = Looker()
    tracker = Tracker(looker, redetect_s=0.3, max_gap_s=10)
    looker.show((50, 50, 40), (200, 50, 40))
    tracker.follow(at(0))
    looker.show((50, 50, 40))
    for time_s in (np.arange(1, 97) / 32).tolist():
        tracker.follow(at(time_s))
    assert tracker.detections == pytest.approx(1 + 3 / 0.3, abs=2)


def test_without_a_face_every_frame_is_searched() -> None:
    tracker = Tracker(Looker())
    for time_s in (0, 0.1, 0.2):
        assert len(tracker.follow(at(time_s))) == 0
    assert tracker.detections == 3


def test_a_face_that_only_looking_again_confirms_is_kept() -> None:
    looker = Looker()
    tracker = Tracker(looker, redetect_s=0.2)
    looker.show((50, 50, 40))
    tracker.follow(at(0))
    looker.detect = lambda image: Faces.empty()  # type: ignore[method-assign]
    for time_s in (0.1, 0.2, 0.3, 0.5):
        assert tracker.follow(at(time_s)).track.tolist() == [0]


def test_one_face_found_twice_is_one_face(finder: Finder) -> None:
    finder.show((50, 50, 40), (53, 50, 42), (150, 50, 40))
    assert Tracker(finder).follow(at(0)).track.tolist() == [0, 1]


def test_points_and_scores_stay_with_their_face() -> None:
    finder = Finder()
    tracker = Tracker(finder)
    finder.show((50, 50, 40), (150, 50, 40))
    tracker.follow(at(0))
    points = np.arange(20).reshape(2, 5, 2)
    finder.show((151, 50, 40), (50, 50, 40))
    finder.seen = finder.seen.fill(points=points, detection=[0.6, 0.9])
    faces = tracker.follow(at(0.1))
    assert faces.track.tolist() == [0, 1]
    assert faces.detection.tolist() == pytest.approx([0.9, 0.6])
    np.testing.assert_array_equal(faces.points, points[::-1])


box = st.tuples(st.floats(0, 300), st.floats(0, 300), st.floats(5, 120))
scenes = st.lists(st.tuples(st.floats(0, 5), st.lists(box, max_size=4)), min_size=1, max_size=12)


@given(scenes, st.sampled_from([Finder, Looker]), st.sampled_from([0.0, 0.5, 2.0]))
def test_laws_for_anything_at_any_time(
    scenes: list[tuple[float, list[tuple[float, float, float]]]], looking: type[Finder], max_gap_s: float
) -> None:
    """Times come in any order, equal ones too."""
    finder = looking()
    tracker = Tracker(finder, max_gap_s=max_gap_s)
    highest, alive = -1, set()
    for time_s, places in scenes:
        finder.show(*places)
        faces = tracker.follow(at(time_s))
        numbers = faces.track.tolist()
        assert numbers == sorted(set(numbers)), "each number once, in order"
        started = set(numbers) - alive
        assert sorted(started) == list(range(highest + 1, highest + 1 + len(started))), "none comes again"
        highest, alive = highest + len(started), alive | started
        assert all(any(np.array_equal(row, seen) for seen in finder.seen.xyxy) for row in faces.xyxy)
        overlap = iou_matrix(faces.xyxy, faces.xyxy) - np.eye(len(faces))
        assert (overlap <= 0.5 + 1e-6).all()


def test_time_that_stands_still_or_goes_back_does_no_harm(finder: Finder) -> None:
    for _, faces in followed(finder, lambda t: [(50, 50, 40)], [3, 3, 3.1, 1, 1, 1.1, 0, 9]):
        assert faces.track.tolist() == [0]


@pytest.fixture(scope="module")
def mtcnn() -> Iterator[Detector]:
    from mien.face.detect.mtcnn import Mtcnn

    detector = Mtcnn(min_face_px=40, min_detection=0.9)
    yield detector
    detector.close()


def pasted(picture: Image, head: Image, centre_xy: tuple[float, float], side_px: int) -> None:
    """Paste a head, as an oval, into a picture that is large enough."""
    mask = np.zeros((side_px, side_px), np.uint8)
    half = side_px // 2
    cv2.ellipse(mask, (half, half), (round(0.76 * half), round(0.96 * half)), 0, 0, 360, 1, -1)
    left, top = (round(c - side_px / 2) for c in centre_xy)
    small = cv2.resize(head, (side_px, side_px), interpolation=cv2.INTER_AREA)
    np.copyto(picture[top : top + side_px, left : left + side_px], small, where=mask[..., None] > 0)


@pytest.mark.parametrize(
    ("frame_rate_hz", "height_px", "before_px"),
    [(30, 60, 112), (30, 0, 150), (10, 0, 112)],
    ids=["they overlap", "one is hidden", "one is hidden, ten frames a second"],
)
def test_two_portraits_that_cross_keep_their_numbers(
    mtcnn: Detector, portrait: Image, frame_rate_hz: int, height_px: int, before_px: int
) -> None:
    head = portrait[40:412, 84:456]
    tracker = Tracker(mtcnn)
    paths: dict[int, list[float]] = {}
    hidden = 0
    for index in range(int(1.4 * frame_rate_hz)):
        time_s = index / frame_rate_hz
        picture = np.full((280, 480, 3), (90, 110, 120), np.uint8)
        pasted(picture, head, (80 + 220 * time_s, 140 - height_px / 2), 112)
        pasted(picture, head[:, ::-1], (400 - 200 * time_s, 140 + height_px / 2), before_px)
        faces = tracker.follow(Frame(picture, index, time_s, "two portraits"))
        hidden += len(faces) < 2
        for number, left in zip(faces.track.tolist(), faces.xyxy[:, 0].tolist(), strict=True):
            paths.setdefault(number, []).append(left)
    assert sorted(paths) == [0, 1]
    ways = sorted(lefts[-1] - lefts[0] for lefts in paths.values())
    assert ways[0] < -200
    assert ways[1] > 200
    assert (hidden > 0) == (height_px == 0)
    assert tracker.detections < 1.4 * frame_rate_hz


def test_what_is_followed_after_a_cut_depends_on_nothing_before_it(finder: Finder) -> None:
    """Not even by the rounding of a clock that adds up steps."""
    times_s = (np.arange(400) / 29.97).tolist()
    rng = np.random.default_rng(1)
    pictures = [cv2.resize(rng.integers(0, 255, (7, 10, 3), np.uint8), (1000, 700)) for _ in range(2)]
    found = []
    for begins in (0, 150):
        tracker = Tracker(finder)
        rows = []
        for index in range(begins, 400):
            if index % 7 == 3:
                finder.show()
            else:
                finder.show((300 + 40 * np.sin(index / 9), 300, 120 + index % 5), (700, 350 + index / 9, 100))
            faces = tracker.follow(Frame(pictures[index >= 150], index, times_s[index], "fake"))
            rows += [(index, *map(float, row)) for row in faces.xyxy] if index >= 150 else []
        found.append(rows)
        assert tracker.cuts == (begins < 150)
    assert len(found[0]) > 400
    assert found[0] == found[1]
