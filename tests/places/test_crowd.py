"""Crowds: what is counted, what is never told, and made crowds read whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

import mien
from mien.errors import ConfigError, ModelError, SourceError
from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.places.cells import Grid
from mien.places.crowd import Counter, Crowd, Moment
from mien.places.group import SIZES, Readings, by_size, group_of, sizes_px
from mien.places.picture import covered, draw_cells, percent, plot, signed
from mien.places.quantification import Interval, Quantifier
from mien.types import Faces, Frame
from places.made import crowd_picture, made_crowds

QUANTIFIER = Quantifier(read_sidecar(sidecar_path(find_network("mien"))))
BLANK = np.zeros((90, 160, 3), np.uint8)
FORBIDDEN = {"x", "y", "xy", "track", "person", "face", "logits", "evidence", "box", "xyxy", "landmarks"}


def faces(count: int, seed: int = 0, px: float = 30, track: int = 0) -> Faces:
    """So many faces somewhere, read somehow."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 1, (count, 2)) * (160, 90)
    return Faces(
        xyxy=np.hstack([corner, corner + px]),
        track=np.arange(track, track + count),
        logits=random.normal(0, 2, (count, 15)),
        valence=random.uniform(-0.6, 0.8, count),
        arousal=random.uniform(-0.2, 0.6, count),
    )


def frame(time_s: float, still: bool = False) -> Frame:
    return Frame(BLANK, round(10 * time_s), time_s, "made", still=still)


def counted(counter: Counter, looks: list[tuple[float, Faces]]) -> list[Moment]:
    """All moments of looks by their times."""
    found = [counter.add(frame(time_s), each) for time_s, each in looks]
    return [moment for moment in (*found, counter.finish()) if moment is not None]


def leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """Each name that has a number or a text, and what it has."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield name, None
            yield from ((name, inner),) if not isinstance(inner, dict | list) else leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)


ARRIVALS = st.lists(st.tuples(st.floats(0.05, 3), st.integers(0, 26), st.integers(0, 99)), max_size=25)


@given(ARRIVALS, st.integers(10, 15))
@settings(max_examples=30, deadline=None)
def test_no_figure_is_of_fewer_than_k_people_however_they_come(
    arrivals: list[tuple[float, int, int]], least: int
) -> None:
    """Also where the cells of an interval are subtracted from the whole: what is left has k, or nobody."""
    counter = Counter(QUANTIFIER, Grid(3, 2), least, interval_s=5)
    time_s, looks = 0.0, []
    for pause_s, count, seed in arrivals:
        time_s += pause_s
        looks.append((time_s, faces(count, seed)))
    for moment in counted(counter, looks):
        told = [moment.whole, *(group for _, group in moment.cells)]
        assert all(group is None or group.faces >= least for group in told)
        assert (moment.whole is None) == (moment.cells == ())
        if moment.whole is not None:
            assert sum(group.faces for _, group in moment.cells) >= moment.whole.faces
            columns = sum((cell.right - cell.left) * (cell.bottom - cell.top) for cell, _ in moment.cells)
            assert columns == 6


@pytest.mark.exhaustive
@given(st.integers(10, 20), st.integers(0, 9), st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_an_interval_with_too_few_is_in_no_sum(many: int, few: int, seed: int) -> None:
    """There is no figure over several intervals from which one that is not shown could be found."""
    counter = Counter(QUANTIFIER, interval_s=5)
    looks = [(float(s), faces(many if s < 5 or s >= 10 else few, seed + s)) for s in range(15)]
    moments = counted(counter, looks)
    assert [each.whole is None for each in moments] == [False, True, False]
    crowd = Crowd("made", False, tuple(moments), (), {"least": 10})
    assert set(crowd.as_dict()) == {"source", "photograph", "settings", "moments", "turns"}
    assert crowd.as_dict()["moments"][1]["cells"] == []
    assert (crowd.frame["faces"] >= 10).all()
    assert 5.0 not in set(crowd.frame["start_s"])


def test_readings_are_gone_when_their_interval_has_been_counted() -> None:
    counter = Counter(QUANTIFIER, interval_s=5)
    for second in range(5):
        assert counter.add(frame(second), faces(12, second)) is None
    assert counter.add(frame(5), faces(12)) is not None
    assert len(counter._looks) == len(counter._sizes) == 1


def test_only_one_look_a_second_is_counted_and_pauses_are_no_intervals() -> None:
    counter = Counter(QUANTIFIER, interval_s=5)
    looks = [(tenths / 10, faces(11, tenths)) for tenths in range(50)]
    moments = counted(counter, [*looks, (62.0, faces(13)), (63.0, faces(12))])
    assert [(each.start_s, each.end_s) for each in moments] == [(0.0, 5.0), (60.0, 63.0)]
    assert [each.read for each in moments] == [11, 13]


def test_faces_that_are_too_small_are_seen_and_not_read() -> None:
    counter = Counter(QUANTIFIER, read_from_px=20)
    small, large = faces(30, 1, px=17), faces(11, 2, px=25, track=30)
    both = Faces(
        **{
            name: np.concatenate([getattr(small, name), getattr(large, name)])
            for name in ("xyxy", "track", "logits", "valence", "arousal")
        }
    )
    counter.add(frame(0, still=True), both)
    moment = counter.finish()
    assert moment is not None
    assert (moment.seen, moment.read) == (41, 11)
    assert moment.sizes == dict.fromkeys(SIZES, 0) | {"16-20": 30, "24-32": 11}
    assert moment.whole is not None
    assert moment.whole.faces == 11


def test_sizes_are_told_by_their_least() -> None:
    assert list(by_size(np.array([1, 15.9, 16, 20, 23, 24, 31, 47, 48, 500])).values()) == [2, 1, 2, 2, 1, 2]
    assert sum(by_size(np.empty(0)).values()) == 0
    assert sizes_px(Faces.empty()).shape == (0,)


def test_a_group_is_what_its_readings_say() -> None:
    group = group_of(Readings.of(faces(40, 3), BLANK, 0, QUANTIFIER), QUANTIFIER)
    assert sum(share.value for share in group.shares.values()) == pytest.approx(1)
    tense = sum(group.shares[label].value for label in ("anger", "fear", "disgust"))
    assert group.tension.value == pytest.approx(tense)
    assert group.valence.value == pytest.approx(faces(40, 3).valence.mean(), abs=1e-6)
    for each in (*group.shares.values(), group.valence, group.arousal, group.tension):
        assert each.low <= each.value <= each.high


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"least": 1}, "expected at least 10 faces in a cell, received 1"),
        ({"interval_s": 0.5}, "interval: expected at least 1 s, received 0.5"),
        ({"interval_s": float("nan")}, "interval: expected at least 1 s"),
        ({"read_from_px": 8}, "faces are read from 16 pixels on, received 8"),
    ],
)
def test_numbers_out_of_range_are_refused(choices: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Counter(QUANTIFIER, **choices)


@pytest.fixture(scope="module")
def photo(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty people, of whom half smile."""
    image, people = crowd_picture(shared, (1280, 720), 40, (22, 60), 0.5)
    assert len(people) == 40
    path = tmp_path_factory.mktemp("crowd") / "square.png"
    Pillow.fromarray(image).save(path)
    return path


@pytest.fixture(scope="module")
def read(photo: Path, shared: Path) -> tuple[Crowd, Frame, Faces]:
    kept: list[tuple[Frame, Faces]] = []
    crowd = mien.read_crowd(
        photo,
        detector_model=shared / "models" / "face_detection_yunet_2026may.onnx",
        shown=lambda frame, faces, _: kept.append((frame, faces)),
        threads=1,
    )
    return crowd, *kept[0]


def test_all_people_of_a_made_photograph_are_seen_and_read(read: tuple[Crowd, Frame, Faces]) -> None:
    (moment,) = read[0].moments
    assert read[0].still
    assert read[0].settings["detector"] == "yunet"
    assert 38 <= moment.read <= moment.seen <= 41
    assert moment.whole is not None
    happy = moment.whole.shares["happiness"]
    assert 0.1 < happy.value < 0.6  # half of them smile, many of them mildly
    assert moment.whole.shares["neutral"].value + happy.value > 0.85
    assert moment.whole.tension.value < 0.1
    assert len(moment.cells) >= 2


def test_what_is_given_out_has_groups_only(read: tuple[Crowd, Frame, Faces], tmp_path: Path) -> None:
    crowd = read[0]
    facts, table = crowd.save(tmp_path)
    told = json.loads(facts.read_text())
    assert told == json.loads(json.dumps(crowd.as_dict()))
    names = {name for name, _ in leaves(told)}
    assert not names & FORBIDDEN
    assert len(table.read_text().splitlines()) == 2 + len(crowd.moments[0].cells)
    assert not {name.rsplit("_", 1)[0] for name in crowd.frame.columns} & FORBIDDEN
    assert not set(crowd.frame.columns) & FORBIDDEN
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crowd.csv", "crowd.json"]


def test_nobody_can_be_found_in_the_picture_that_comes_out(
    read: tuple[Crowd, Frame, Faces], shared: Path
) -> None:
    crowd, frame, faces = read
    picture = draw_cells(frame.image, faces, crowd.moments[0], Grid())
    assert picture.shape == frame.image.shape
    again = mien.read(
        picture,
        detector="yunet",
        detector_model=shared / "models" / "face_detection_yunet_2026may.onnx",
        min_face_px=16,
    )
    assert len(again) == 0


def test_a_face_that_was_not_found_is_coarse_too(read: tuple[Crowd, Frame, Faces]) -> None:
    _, frame, _faces = read
    bare = covered(frame.image, Faces.empty())
    block = round(1280 / 160)
    for left, top in ((0, 0), (block * 30, block * 40), (block * 100, block * 20)):
        part = bare[top + 1 : top + block - 1, left + 1 : left + block - 1].reshape(-1, 3)
        assert (part == part[0]).all()


def test_a_plot_is_drawn(read: tuple[Crowd, Frame, Faces], tmp_path: Path) -> None:
    plot(read[0], tmp_path / "crowd.png")
    with Pillow.open(tmp_path / "crowd.png") as picture:
        assert picture.size[0] > 600


@pytest.mark.exhaustive
def test_small_faces_of_a_4k_photograph_are_found_by_tiles(shared: Path, tmp_path: Path) -> None:
    image, people = crowd_picture(shared, (3840, 2160), 60, (20, 40), 0.5, seed=4)
    path = tmp_path / "large.jpg"
    Pillow.fromarray(image).save(path, quality=92)
    crowd = mien.read_crowd(
        path, detector_model=shared / "models" / "face_detection_yunet_2026may.onnx", threads=1
    )
    assert crowd.moments[0].read >= 0.95 * len(people)
    assert crowd.moments[0].seen <= len(people) + 1


@pytest.mark.exhaustive
def test_a_film_by_a_moving_camera_has_a_course(shared: Path, tmp_path: Path) -> None:
    image, people = crowd_picture(shared, (700, 400), 16, (24, 50), 0.0, seed=2)
    assert len(people) >= 14
    film = tmp_path / "film.mp4"
    made_crowds.write_film(film, (made_crowds.moving_camera(image, (640, 360), n / 4) for n in range(24)), 4)
    crowd = mien.read_crowd(
        film,
        detector_model=shared / "models" / "face_detection_yunet_2026may.onnx",
        interval_s=3,
        threads=1,
        seconds=100,
    )
    assert not crowd.still
    assert [round(each.start_s) for each in crowd.moments] == [0, 3]
    for moment in crowd.moments:
        assert moment.read >= 10
        assert moment.whole is not None
        assert moment.whole.shares["neutral"].value > 0.7
    plot(crowd, tmp_path / "course.svg")
    assert (tmp_path / "course.svg").stat().st_size > 1000


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (64, 64)])
def test_a_picture_without_anybody_has_no_figures(size_wh: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    Pillow.new("RGB", size_wh, (90, 120, 80)).save(path)
    crowd = mien.read_crowd(path, detector="mtcnn", threads=1)
    (moment,) = crowd.moments
    assert (moment.seen, moment.read, moment.whole, moment.cells) == (0, 0, None, ())
    assert len(crowd.frame) == 0
    crowd.save(tmp_path / "out")
    plot(crowd, tmp_path / "out" / "crowd.png")
    Pillow.fromarray(draw_cells(np.zeros((*size_wh[::-1], 3), np.uint8), Faces.empty(), moment, Grid()))


def test_what_cant_be_read_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    with pytest.raises(SourceError, match=r"broken\.jpg"):
        mien.read_crowd(broken)
    with pytest.raises(SourceError, match=r"missing\.mp4"):
        mien.read_crowd(tmp_path / "missing.mp4")
    with pytest.raises(ModelError, match="paper was not calibrated for counting many faces"):
        mien.read_crowd(broken, network="paper")
    with pytest.raises(ConfigError, match="received 1: with fewer"):
        mien.read_crowd(broken, least=1)
    with pytest.raises(ConfigError, match="leave out crops"):
        mien.read_crowd(broken, crops=True)
    with pytest.raises(ConfigError, match="false alarms"):
        mien.read_crowd(broken, false_alarm_hours=0)


def test_figures_are_written_with_their_intervals() -> None:
    assert percent(Interval(0.406, 0.33, 0.5)) == "41 % (33-50)"
    assert signed(Interval(0.312, -0.02, 0.4)) == "+0.31 (-0.02 to +0.40)"
