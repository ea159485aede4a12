from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from mien.record.subject_face import GivenTracks, SubjectFace, clearly_largest
from mien.types import Faces

SIZE_WH = 640, 480
STEP_S = 0.1


def faces(people: Mapping[int, tuple[float, float, float]]) -> Faces:
    """Faces by track: centre and side in pixels."""
    boxes = [[x - side / 2, y - side / 2, x + side / 2, y + side / 2] for x, y, side in people.values()]
    return Faces(np.array(boxes, np.float32).reshape(-1, 4), track=list(people))


class Scene:
    """Shows a `SubjectFace` frame after frame, ten a second, and tells which track it took."""

    def __init__(self, face: SubjectFace | None = None) -> None:
        self.face = face or SubjectFace()
        self.time_s = 0.0

    def show(self, *tracks: tuple[int, tuple[float, float, float]], frames: int = 1) -> int | None:
        took = None
        for _ in range(frames):
            seen = faces(dict(tracks))
            place = self.face.find(seen, self.time_s, SIZE_WH)
            took = None if place is None else int(seen.track[place])
            self.time_s += STEP_S
        return took

    def move(
        self, start: Mapping[int, tuple[float, float, float]], end: Mapping[int, tuple[float, float, float]],
        frames: int = 20,
    ) -> list[int | None]:  # fmt: skip
        """Let people go straight from one place to another."""
        took = []
        for share in np.linspace(0, 1, frames):
            now = {
                track: tuple(
                    (1 - share) * a + share * b for a, b in zip(start[track], end[track], strict=True)
                )
                for track in start
            }
            took.append(self.show(*now.items()))  # type: ignore[arg-type]
        return took


LEFT, MIDDLE, RIGHT = (150, 240, 100), (320, 240, 100), (490, 240, 100)


@pytest.fixture
def scene() -> Scene:
    """The subject is track 0, alone in the middle."""
    scene = Scene()
    assert scene.show((0, MIDDLE), frames=10) == 0
    return scene


def test_alone_for_half_a_second_is_the_subject() -> None:
    scene = Scene()
    assert scene.show(frames=20) is None
    assert scene.face.state == "waiting"
    assert scene.show((7, MIDDLE), frames=5) is None
    assert scene.show((7, MIDDLE)) == 7
    assert scene.face.state == "following"


def test_a_face_that_flickers_up_is_not_taken() -> None:
    scene = Scene()
    scene.show((0, LEFT), frames=2)
    scene.show(frames=1)
    assert scene.show((1, MIDDLE), frames=5) is None
    assert scene.show((1, MIDDLE), frames=2) == 1


def test_clearly_the_largest_is_taken_and_of_two_alike_none() -> None:
    assert Scene().show((0, (150, 240, 100)), (1, (400, 240, 150)), frames=6) == 1
    scene = Scene()
    assert scene.show((0, (150, 240, 100)), (1, (400, 240, 130)), frames=6) is None
    assert scene.face.state == "choose"
    # Whoever of the two stays: nobody knows whether it is the subject.
    assert scene.show((0, (150, 240, 100)), frames=50) is None


def test_the_largest_by_area() -> None:
    assert clearly_largest(Faces.empty()) is None
    assert clearly_largest(faces({3: LEFT})) == 0
    assert clearly_largest(faces({3: (0, 0, 10), 4: (0, 0, 14.2)})) == 1
    assert clearly_largest(faces({3: (0, 0, 10), 4: (0, 0, 14.1)})) is None


def test_without_settling_the_first_frame_counts() -> None:
    assert Scene(SubjectFace(settle_s=0)).show((4, MIDDLE)) == 4


def test_another_face_is_never_stored(scene: Scene) -> None:
    assert scene.show((0, MIDDLE), (1, (490, 240, 200)), frames=30) == 0
    assert scene.show((1, (490, 240, 200)), frames=100) is None
    assert scene.face.state == "choose"


def test_a_moment_out_of_sight_beside_somebody_else_is_no_doubt(scene: Scene) -> None:
    scene.show((0, MIDDLE), (1, RIGHT), frames=10)
    assert scene.show((1, RIGHT), frames=5) is None
    assert scene.face.state == "away"
    assert scene.show((0, MIDDLE), (1, RIGHT)) == 0


def test_back_in_the_same_place_alone_and_soon_is_the_subject(scene: Scene) -> None:
    assert scene.show(frames=15) is None
    assert scene.face.state == "away"
    assert scene.show((1, (350, 250, 110))) == 1
    assert scene.show((1, MIDDLE), frames=10) == 1


@pytest.mark.parametrize(
    "who",
    [(2, (450, 240, 100)), (2, (320, 240, 170)), (2, (320, 240, 60))],
    ids=["elsewhere", "much larger", "much smaller"],
)
def test_back_elsewhere_or_of_another_size_is_not(
    scene: Scene, who: tuple[int, tuple[float, float, float]]
) -> None:
    scene.show(frames=5)
    assert scene.show(who, frames=60) is None
    assert scene.face.state == "choose"


def test_back_too_late_is_not(scene: Scene) -> None:
    scene.show(frames=31)
    assert scene.face.state == "choose"
    assert scene.show((1, MIDDLE), frames=60) is None


def test_who_comes_in_company_is_not(scene: Scene) -> None:
    scene.show(frames=5)
    assert scene.show((1, MIDDLE), (2, RIGHT), frames=10) is None
    assert scene.face.state == "choose"


def test_after_company_a_new_face_is_not_taken(scene: Scene) -> None:
    """The subject goes, and the other one moves onto the chair, found anew."""
    scene.show((0, MIDDLE), (1, RIGHT), frames=10)
    scene.show((0, MIDDLE), frames=20)
    scene.show(frames=5)
    assert scene.show((2, MIDDLE), frames=10) is None
    assert scene.face.state == "choose"


def test_long_after_company_it_is(scene: Scene) -> None:
    scene.show((0, MIDDLE), (1, RIGHT), frames=10)
    scene.show((0, MIDDLE), frames=40)
    scene.show(frames=5)
    assert scene.show((2, MIDDLE)) == 2


def test_who_leaves_the_picture_and_another_one_comes() -> None:
    scene = Scene()
    scene.show((0, MIDDLE), frames=10)
    out = scene.move({0: MIDDLE}, {0: (595, 240, 100)}, frames=12)
    assert set(out) == {0}
    scene.show(frames=5)
    assert scene.show((1, (595, 240, 100)), frames=5) is None
    assert scene.face.state == "choose"


def test_a_cut_to_another_face_in_the_same_place(scene: Scene) -> None:
    assert scene.show((1, MIDDLE), frames=10) is None
    assert scene.face.state == "choose"


def test_a_cut_that_somebody_has_noticed(scene: Scene) -> None:
    scene.face.cut()
    assert scene.show((0, MIDDLE), frames=10) is None
    assert scene.face.state == "choose"
    scene.face.choose(0)
    assert scene.show((0, MIDDLE)) == 0


@pytest.mark.parametrize("swapped", [False, True], ids=["numbers kept", "numbers swapped"])
def test_two_who_cross(swapped: bool) -> None:
    """Whatever the tracker makes of it: from the moment when they cover each other, nothing is stored."""
    scene = Scene()
    scene.show((0, LEFT), frames=10)
    halfway = scene.move({0: LEFT, 1: RIGHT}, {0: MIDDLE, 1: (330, 240, 100)})
    assert halfway[0] == 0
    assert halfway[-1] is None
    stopped = halfway.index(None)
    apart_px = (RIGHT[0] - LEFT[0]) * (1 - stopped / 19)
    assert apart_px > 50
    first, second = (1, 0) if swapped else (0, 1)
    after = scene.move({first: MIDDLE, second: (330, 240, 100)}, {first: RIGHT, second: LEFT})
    assert set(after) == {None}
    assert scene.show((0, LEFT), (1, RIGHT), frames=20) is None
    assert scene.face.state == "choose"


def test_two_who_pass_each_other_far_apart_in_depth(scene: Scene) -> None:
    """A far face behind a near one is another size, so neither can be taken for the other."""
    took = scene.move({0: MIDDLE, 1: (560, 240, 40)}, {0: MIDDLE, 1: (80, 240, 40)})
    assert set(took) == {0}


def test_a_track_that_jumps_onto_a_face_in_front(scene: Scene) -> None:
    assert scene.show((0, (320, 240, 200))) is None
    assert scene.face.state == "choose"


def test_a_track_that_leaps_across_the_picture(scene: Scene) -> None:
    assert scene.show((0, (520, 240, 100))) is None
    assert scene.face.state == "choose"


def test_somebody_steps_in_front_and_takes_the_track_along(scene: Scene) -> None:
    """Who hides the subject was never found by itself; when the subject is uncovered, a new face is there."""
    taken = scene.move({0: MIDDLE}, {0: RIGHT}, frames=10)
    assert set(taken) == {0}
    assert scene.show((0, RIGHT), (1, MIDDLE)) is None
    assert scene.face.state == "choose"


def test_a_face_that_comes_up_elsewhere_is_no_doubt(scene: Scene) -> None:
    scene.move({0: MIDDLE}, {0: RIGHT}, frames=10)
    assert scene.show((0, RIGHT), (1, LEFT)) == 0


def test_somebody_in_front_of_the_lost_subject(scene: Scene) -> None:
    scene.show((0, MIDDLE), (1, RIGHT), frames=3)
    assert scene.show((1, (340, 240, 100))) is None
    assert scene.face.state == "choose"
    assert scene.show((0, MIDDLE), (1, RIGHT)) is None


def test_a_quick_walk_and_a_slow_camera_are_no_doubt() -> None:
    """Two frames a second: the box moves by a side from one to the next."""
    face = SubjectFace()
    for number in range(5):
        place = face.find(faces({0: (100 + 90 * number, 240, 100)}), number / 2, SIZE_WH)
    assert place == 0


def test_frames_far_apart_are_no_gap() -> None:
    face = SubjectFace()
    took = [face.find(faces({0: MIDDLE}), 10.0 * number, SIZE_WH) for number in range(4)]
    assert took == [None, 0, 0, 0]


def test_a_choice_ends_every_doubt(scene: Scene) -> None:
    scene.show((0, MIDDLE), (1, (340, 240, 100)), frames=5)
    assert scene.face.state == "choose"
    scene.face.choose(1)
    assert scene.show((0, LEFT), (1, RIGHT), frames=5) == 1


def test_who_was_chosen_and_is_not_there_is_waited_for(scene: Scene) -> None:
    scene.face.choose(5)
    assert scene.show((0, MIDDLE), frames=10) is None
    assert scene.face.state == "choose"
    assert scene.show((0, MIDDLE), (5, RIGHT)) == 5


def test_given_tracks() -> None:
    given = GivenTracks([2, 5])
    shown = [{0: LEFT}, {2: LEFT}, {0: LEFT, 5: RIGHT}, {2: LEFT, 5: RIGHT}, {}]
    assert [given.find(faces(each), 0.0, SIZE_WH) for each in shown] == [None, 0, 1, None, None]
    given.cut()
    given.choose(0)
    assert given.find(faces({0: LEFT}), 0.0, SIZE_WH) == 0
