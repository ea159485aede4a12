"""Made clips: what was planted is found again, and wrong wishes are answered."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.config import load_settings
from mien.errors import ConfigError, DatasetError, OutputError, SourceError
from mien.measures.pose import solve_pose
from mien.pipeline import Pipeline
from mien.videos.made.morph import MorphedFace
from mien.videos.made.people import Morpher, Person, read_buckets, read_people
from mien.videos.made.plan import MICRO_LABELS, Event, Wishes, draw_plan
from mien.videos.made.render import morphed_frames, strung_frames
from mien.videos.made.write import write_clips


@pytest.fixture(scope="module")
def people(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of London's people, as a user's folder would hold them."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "people.csv").write_text("id,age\n001,24\n003,38\n")
    for kind in ("neutral", "smiling"):
        (folder / kind).mkdir()
        for code in ("001", "003"):
            photograph = shared / "data" / "people" / "london" / kind / f"{code}.jpg"
            (folder / kind / f"{code}.jpg").write_bytes(photograph.read_bytes())
    return folder


@pytest.fixture(scope="module")
def person(people: Path) -> Person:
    return read_people(people)[0]


@pytest.fixture(scope="module")
def face(person: Person) -> MorphedFace:
    morpher = Morpher(192)
    try:
        return morpher.face(person)
    finally:
        morpher.close()


def corners_px(face: MorphedFace, strength: float) -> float:
    points = face.points(strength)
    return float(np.hypot(*(points[54] - points[48])))


def test_the_mouth_widens_by_the_strength(face: MorphedFace) -> None:
    widths = [corners_px(face, strength) for strength in (0, 0.25, 0.5, 1)]
    assert np.all(np.diff(widths) > 0)
    rest, quarter, half, whole = widths
    assert (half - rest) / (whole - rest) == pytest.approx(0.5, abs=0.05)
    assert (quarter - rest) / (whole - rest) == pytest.approx(0.25, abs=0.05)


def test_the_network_sees_the_strength(face: MorphedFace) -> None:
    """Read by what knows nothing of the mesh, the mouth widens and happiness becomes likelier."""
    with Pipeline(load_settings(threads=1)) as pipeline:
        seen = [pipeline.read(face.picture(strength)) for strength in (0, 0.5, 1)]
    widths = np.array([np.hypot(*(each.landmarks[0, 54] - each.landmarks[0, 48])) for each in seen])
    assert (widths[1] - widths[0]) / (widths[2] - widths[0]) == pytest.approx(0.5, abs=0.25)
    happy = [each.probabilities[0, 1] for each in seen]
    assert happy[0] < 0.3 < happy[2]
    assert happy == sorted(happy)


def test_pictures_between_two_levels_lie_between_them(face: MorphedFace) -> None:
    low, middle, high = (face.picture(each).astype(int) for each in (8 / 24, 8.5 / 24, 9 / 24))
    assert np.all((middle >= np.minimum(low, high) - 1) & (middle <= np.maximum(low, high) + 1))
    assert np.array_equal(face.picture(0), face._neutral_image)


@pytest.mark.parametrize("pose_deg", [(20, 0, 0), (-20, 0, 0), (0, 10, 0), (0, 0, 12), (15, -8, 5)])
def test_heads_turn_as_planned(face: MorphedFace, pose_deg: tuple[float, float, float]) -> None:
    picture = face.picture(0)
    _, before = face.turned(picture, 0, np.zeros(3), np.zeros(2))
    _, after = face.turned(picture, 0, np.array(pose_deg, float), np.zeros(2))
    turned = solve_pose(np.stack([before, after])).angles_deg
    assert turned[1] - turned[0] == pytest.approx(pose_deg, abs=4)


def test_an_event_rises_and_falls_where_it_says() -> None:
    event = Event("happiness", 1.0, 1.4, 0.6, 2.5, 0.7)
    course = event.course(np.array([0.9, 1.0, 1.05, 1.4, 1.7, 2.0, 2.4, 2.5, 3.0]))
    assert course[[0, 1, 7, 8]] == pytest.approx(0, abs=1e-9)
    assert course[[3, 4, 5]] == pytest.approx(0.7)
    assert 0 < course[2] < 0.7
    assert 0 < course[6] < 0.7


def test_frames_move_from_the_onset_on(face: MorphedFace) -> None:
    wishes = Wishes(seconds=(1.5, 1.5), without=0, still=True, seed=4, size_px=192)
    drawn = draw_plan(0, wishes)
    event = drawn.events[0]
    steady = {"pose_deg": 0 * drawn.pose_deg, "shift": 0 * drawn.shift, "blinks_s": np.empty(0), "noise": 0.0}
    plan = type(drawn)(**{name: steady.get(name, getattr(drawn, name)) for name in drawn.__slots__})
    frames = np.stack(list(morphed_frames(plan, face)))
    moved = np.abs(frames[1:].astype(int) - frames[0]).max(axis=(1, 2, 3)) > 0
    inside = (plan.times_s > event.onset_s + 0.04) & (plan.times_s < event.offset_s - 0.04)
    outside = (plan.times_s <= event.onset_s) | (plan.times_s >= event.offset_s)
    assert moved[inside[1:]].all()
    assert not moved[outside[1:]].any()


@pytest.mark.parametrize("micro", [False, True])
def test_plans_keep_to_what_is_wished(micro: bool) -> None:
    rate = 200 if micro else 25
    wishes = Wishes(seconds=(2, 4), without=0.4, micro=micro, frames_per_second=rate, seed=3)
    plans = [draw_plan(number, wishes, MICRO_LABELS) for number in range(60)]
    assert sum(not plan.events for plan in plans) == pytest.approx(24, abs=1)
    for event in (each for plan in plans for each in plan.events):
        assert 0 < event.onset_s < event.apex_s <= event.apex_s + event.hold_s < event.offset_s < 4
        if micro:
            assert 0.039 <= event.offset_s - event.onset_s <= 0.201
    assert min(len(plan.times_s) for plan in plans) >= 2 * rate
    assert draw_plan(7, wishes).times_s[-1] == draw_plan(7, wishes).times_s[-1]


def test_several_events_do_not_overlap() -> None:
    plan = draw_plan(0, Wishes(seconds=(12, 12), events=5, without=0), ("happiness", "anger"))
    ends = [each.offset_s for each in plan.events]
    assert all(after.onset_s > end for after, end in zip(plan.events[1:], ends, strict=False))
    assert len(ends) == 5


def test_strung_faces_show_the_event_only_inside_it() -> None:
    wishes = Wishes(seconds=(4, 4), without=0, still=True, size_px=96)
    plan = draw_plan(0, wishes, ("anger",), whole=True)
    faces = {"neutral": [np.full((48, 48), 60, np.uint8)], "anger": [np.full((48, 48), 200, np.uint8)]}
    middles = np.array([frame[40:56, 40:56].mean() for frame in strung_frames(plan, faces, 96)])
    event = plan.events[0]
    at = np.searchsorted(plan.times_s, event.apex_s + event.hold_s / 2)
    assert middles[at] == pytest.approx(200, abs=3)
    assert middles[plan.times_s <= event.onset_s] == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"seconds": (0.5, 2)}, "lengths from 1"),
        ({"seconds": (4, 2)}, "the shorter first"),
        ({"size_px": 97}, "even number"),
        ({"micro": True}, "expected 100 to 240"),
        ({"without": 2}, "a share from 0 to 1"),
    ],
)
def test_wrong_wishes_are_answered(wrong: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Wishes(**wrong)


def test_what_people_are_made_of_is_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected people"):
        write_clips(tmp_path / "x", 1, Wishes())
    with pytest.raises(SourceError, match=r"people\.csv: there is no such file"):
        read_people(tmp_path)
    (tmp_path / "people.csv").write_text("name\nA\n")
    with pytest.raises(DatasetError, match="column id"):
        read_people(tmp_path)
    (tmp_path / "people.csv").write_text("id\nA\n")
    with pytest.raises(DatasetError, match=r"A\.jpg"):
        read_people(tmp_path)
    with pytest.raises(DatasetError, match="Parquet"):
        read_buckets(tmp_path / "people.csv")
    with pytest.raises(OutputError, match="empty folder"):
        write_clips(tmp_path, 1, Wishes(), people=tmp_path)


def test_people_are_read_from_a_spreadsheets_semicolons(tmp_path: Path) -> None:
    for kind in ("neutral", "smiling"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "007.jpg").write_bytes(b"")
    (tmp_path / "people.csv").write_text("id;sex;age\n007;female;24\n", encoding="utf-16")
    [found] = read_people(tmp_path)
    assert (found.code, found.facts["sex"], found.facts["age"]) == ("007", "female", "24")


def test_a_photograph_without_a_face_is_named(tmp_path: Path) -> None:
    for kind in ("neutral", "smiling"):
        (tmp_path / kind).mkdir()
        cv2.imwrite(str(tmp_path / kind / "A.png"), np.full((96, 96, 3), 128, np.uint8))
    (tmp_path / "people.csv").write_text("id\nA\n")
    morpher = Morpher(96)
    try:
        with pytest.raises(DatasetError, match="no face found"):
            morpher.face(read_people(tmp_path)[0])
    finally:
        morpher.close()
