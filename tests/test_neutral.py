"""Learning a neutral face from pictures, and reading faces by it."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.config import load_settings
from mien.errors import ConfigError
from mien.expression.decision import Decider
from mien.expression.network import OnnxNetwork, load_network
from mien.expression.personal import Rest
from mien.face.crop import crop_faces, face_squares
from mien.labels import EMOTIONS, NEUTRALS
from mien.neutral import (
    LEAST_QUALITY,
    Look,
    Own,
    OwnFaces,
    RestMeter,
    everybodys_reading,
    find_rest,
    gentle_views,
    require_own_neutral,
)
from mien.pipeline import Pipeline
from mien.types import Faces, Frame


@pytest.fixture(scope="module")
def network() -> OnnxNetwork:
    return load_network("mien")


@pytest.fixture(scope="module")
def decider(network: OnnxNetwork) -> Decider:
    return Decider(network.sidecar)


@pytest.fixture(scope="module")
def read_portrait(portrait: NDArray[np.uint8]) -> Faces:
    with Pipeline(load_settings(threads=1)) as pipeline:
        return pipeline.read(portrait)


def test_the_first_view_is_the_crop_and_each_has_its_mirror_image(
    portrait: NDArray[np.uint8], read_portrait: Faces
) -> None:
    [corner], [edge] = face_squares(read_portrait)
    views = gentle_views(portrait, corner, edge, 48)
    assert (views[0] == crop_faces(portrait, read_portrait, 48)[0]).all()
    assert len(views) == 18
    assert (views[9:] == views[:9, :, ::-1]).all()


def test_views_are_moved_scaled_and_turned_about_the_middle() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    cv2.circle(image, (100, 100), 4, (255, 255, 255), -1)
    views = gentle_views(image, np.array([50.0, 50.0]), np.array([100.0, 0.0]), 100).astype(float)
    columns, rows = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
    middle = np.array([[(v * columns).sum(), (v * rows).sum()] / v.sum() for v in views[:9]])
    np.testing.assert_allclose(middle[[0, 5, 6, 7, 8]], 50.5, atol=0.6)
    np.testing.assert_allclose(middle[1:5] - middle[0], [[-3, 0], [3, 0], [0, -3], [0, 3]], atol=0.1)


def test_a_meter_counts_the_seconds_in_which_the_face_was_good(
    network: OnnxNetwork, portrait: NDArray[np.uint8], read_portrait: Faces
) -> None:
    meter = RestMeter(network)
    for time_s in (0.0, 0.1, 0.2, 0.3, 0.4):
        meter.see(portrait, read_portrait, time_s)
    assert meter.seconds == pytest.approx(0.4)
    assert meter.rest() is None  # too little
    poor = read_portrait.fill(quality=[LEAST_QUALITY - 0.01])
    for faces in (
        poor,
        read_portrait.fill(quality=[np.nan]),
        read_portrait.fill(logits=np.full((1, 15), np.nan)),
    ):
        meter.see(portrait, faces, 10.0)
    meter.see(portrait, read_portrait, 20.0)  # the gap before it does not count
    meter.see(portrait, read_portrait, 21.0)
    assert meter.seconds == pytest.approx(1.4)
    assert [round(time_s, 1) for time_s, _ in meter.looks] == [0.0, 0.3, 20.0, 21.0]
    rest = meter.rest()
    assert rest is not None
    assert rest.seconds == pytest.approx(1.4)
    assert rest.noise > 0
    # The mean over gentle views of the same picture is near what one look at it gives.
    np.testing.assert_allclose(rest.logits, read_portrait.logits[0], atol=1.0)


def own_of(faces: Faces, network: OnnxNetwork) -> Own:
    logits = tuple(faces.logits[0].astype(float).tolist())
    return Own(Rest(network.sidecar.sha256, logits, 0.2, 1e9, 0.0, 0.0, 0.5), "photo")


class First:
    """The person is the first face."""

    cuts = 0

    def find(self, faces: Faces, time_s: float, size_wh: tuple[int, int]) -> int | None:
        return 0 if len(faces) else None

    def cut(self) -> None:
        self.cuts += 1


def test_only_the_person_is_read_by_their_own(
    network: OnnxNetwork, decider: Decider, portrait: NDArray[np.uint8], read_portrait: Faces
) -> None:
    two = Faces(
        **{
            name: np.concatenate([getattr(read_portrait, name)] * 2)
            for name in ("xyxy", "points", "landmarks", "presence", "quality", "logits", "probabilities",
                         "expression", "confidence", "shares", "valence", "arousal")
        },
        track=[0, 1],
    )  # fmt: skip
    face = First()
    own = OwnFaces(decider, own_of(read_portrait, network), face)
    read = own.read(Frame(portrait, 0, 0.0, "x"), two)
    assert [NEUTRALS[each] for each in read.neutral] == ["photo", "average"]
    assert read.labels[0] == "neutral"  # she looks as she does at rest, by definition
    assert (read.probabilities[1] == two.probabilities[1]).all()
    # Shares, valence and arousal are nobody's: recordings stay comparable.
    for name in ("shares", "valence", "arousal"):
        assert (getattr(read, name) == getattr(two, name)).all()
    own.read(Frame(portrait, 1, 0.1, "x"), Faces.empty(), cuts=1)
    assert face.cuts == 1
    assert own.report()["readings"] == {"photo": 1, "average": 1}


def test_a_face_without_logits_is_left_as_it_is(
    network: OnnxNetwork, decider: Decider, portrait: NDArray[np.uint8], read_portrait: Faces
) -> None:
    unread = read_portrait.fill(logits=np.full((1, 15), np.nan), track=[0])
    own = OwnFaces(decider, own_of(read_portrait, network), First())
    read = own.read(Frame(portrait, 0, 0.0, "x"), unread)
    assert NEUTRALS[read.neutral[0]] == "average"
    assert own.report() == {"readings": {"average": 1}, "widened_median": None, "widened_most": None}


def test_a_network_that_was_not_calibrated_for_it() -> None:
    with pytest.raises(ConfigError, match="zhou was not calibrated for own neutral faces"):
        require_own_neutral(load_network("zhou").sidecar)


# Looking for rest without being told.


def looks_of(decider: Decider, *states: tuple[NDArray[np.float64], float]) -> list[tuple[float, Look]]:
    """Looks four times a second: of each state so many seconds, with a little noise."""
    random, looks, time_s = np.random.default_rng(0), [], 0.0
    for logits, seconds in states:
        for _ in range(round(4 * seconds)):
            looks.append((time_s, Look(logits + random.normal(0, 0.05, 15), 0.04, 0.0, 0.0, 0.5)))
            time_s += 0.25
    return looks


@pytest.fixture(scope="module")
def faces_of(decider: Decider) -> dict[str, NDArray[np.float64]]:
    """Everybody's neutral face, surely neutral, and showing each expression."""
    own, decision = decider.sidecar.own_neutral, decider.sidecar.decision
    assert own is not None
    assert decision is not None
    average, weights = np.array(own.average), np.array(decision.weights)
    ways = weights - weights.mean(axis=1, keepdims=True)
    return {"average": average} | {
        label: next(
            looks
            for looks in (average + 0.2 * step * ways[:, place] for step in range(500))
            if everybodys_reading(decider, looks)[place] >= 0.9
        )
        for place, label in enumerate(EMOTIONS)
    }


def test_rest_is_found_though_it_is_seldom(
    decider: Decider, faces_of: dict[str, NDArray[np.float64]]
) -> None:
    found = find_rest(decider, looks_of(decider, (faces_of["happiness"], 30), (faces_of["neutral"], 4)))
    assert found.rest is not None
    np.testing.assert_allclose(found.rest.logits, faces_of["neutral"], atol=0.1)
    assert found.sure is not None
    assert 0.7 <= found.sure <= 1
    assert found.rest.seconds == pytest.approx(4)


@pytest.mark.parametrize("label", ["sadness", "happiness"])
def test_what_is_commonest_is_not_taken_for_rest(
    decider: Decider, faces_of: dict[str, NDArray[np.float64]], label: str
) -> None:
    found = find_rest(decider, looks_of(decider, (faces_of[label], 60)))
    assert found.rest is None
    assert found.sure is None
    assert "no 3 still seconds" in found.reason


def test_a_face_that_may_be_a_mild_smile_is_not_taken_for_rest(
    decider: Decider, faces_of: dict[str, NDArray[np.float64]]
) -> None:
    found = find_rest(decider, looks_of(decider, (faces_of["average"], 60)))
    assert found.rest is None
    assert found.sure is not None
    assert found.sure < 0.9
    assert "less than 90%" in found.reason


def test_a_face_that_moves_is_not_at_rest(decider: Decider, faces_of: dict[str, NDArray[np.float64]]) -> None:
    looks = looks_of(decider, (faces_of["neutral"], 10))
    restless = [
        (time_s, look._replace(logits=look.logits + (1.5 if place % 2 else -1.5)))
        for place, (time_s, look) in enumerate(looks)
    ]
    assert find_rest(decider, restless).rest is None


def test_nothing_to_look_at(decider: Decider) -> None:
    assert find_rest(decider, []).rest is None


def test_nan_pose_stays_unknown(decider: Decider, faces_of: dict[str, NDArray[np.float64]]) -> None:
    looks = [
        (time_s, look._replace(yaw_deg=math.nan, pitch_deg=math.nan))
        for time_s, look in looks_of(decider, (faces_of["happiness"], 5), (faces_of["neutral"], 5))
    ]
    found = find_rest(decider, looks)
    assert found.rest is not None
    assert math.isnan(found.rest.yaw_deg)
