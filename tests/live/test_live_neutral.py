"""Learning the own neutral face of who is before a live source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from live.session_fakes import FakeSource
from mien.config import load_settings
from mien.errors import ConfigError
from mien.labels import NEUTRALS
from mien.live.live_neutral import LiveNeutral
from mien.live.session import LiveSession
from mien.pipeline import Pipeline
from mien.types import Faces, Frame


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    with Pipeline(load_settings(threads=1)) as made:
        yield made


@pytest.fixture(scope="module")
def her(pipeline: Pipeline, portrait: NDArray[np.uint8]) -> Faces:
    return pipeline.read(portrait).fill(track=[0])


def origins(faces: Faces) -> list[str]:
    return [NEUTRALS[each] for each in faces.neutral]


def test_off_learning_on_and_off_again(pipeline: Pipeline, her: Faces, portrait: NDArray[np.uint8]) -> None:
    neutral = LiveNeutral()

    def see(faces: Faces, time_s: float) -> Faces:
        return neutral.read(pipeline, Frame(portrait, round(time_s * 10), time_s, "x"), faces, 0)

    assert origins(see(her, 0.0)) == ["average"]
    assert neutral.status.state == "off"
    neutral.learn(1.0)
    for tenth in range(10):
        assert origins(see(her, 1 + tenth / 10)) == ["average"]
    assert (neutral.status.state, neutral.status.seconds) == ("learning", pytest.approx(0.9))
    see(her, 2.0)
    assert neutral.status.state == "on"
    read = see(her, 2.1)
    assert origins(read) == ["first"]
    assert read.labels == ["neutral"]
    assert neutral.status.following
    see(Faces.empty(), 2.2)
    assert not neutral.status.following
    neutral.forget()
    assert origins(see(her, 2.3)) == ["average"]
    assert neutral.status.state == "off"


def test_who_is_not_seen_is_not_waited_for_for_ever(pipeline: Pipeline, portrait: NDArray[np.uint8]) -> None:
    neutral = LiveNeutral(learn_s=1.0)
    for second in range(7):
        neutral.read(pipeline, Frame(portrait, second, float(second), "x"), Faces.empty(), 0)
    assert neutral.status.state == "off"
    assert "no face was seen well for 1 s" in str(neutral.status.note)


def test_behind_a_cut_it_may_be_somebody_else(
    pipeline: Pipeline, her: Faces, portrait: NDArray[np.uint8]
) -> None:
    neutral = LiveNeutral()
    neutral.learn(1.0)
    for tenth in range(12):
        neutral.read(pipeline, Frame(portrait, tenth, tenth / 10, "x"), her, 0)
    assert neutral.status.state == "on"
    after = neutral.read(pipeline, Frame(portrait, 13, 1.3, "x"), her.fill(track=[1]), 1)
    assert origins(after) == ["average"]


@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.5, 61.0, float("nan")])
def test_seconds_that_cannot_be(seconds: float) -> None:
    with pytest.raises(ConfigError, match="expected from"):
        LiveNeutral().learn(seconds)


def test_a_station_has_one_for_each_source() -> None:
    with LiveSession(load_settings(threads=1), watch_every_s=None) as session:
        session.add("one", FakeSource)
        session.neutral_of("one").learn()
        (status,) = session.statuses()
        assert status.neutral.state == "learning"
        assert status.as_dict()["neutral"]["wanted_s"] == 3
        with pytest.raises(ConfigError, match="no such source"):
            session.neutral_of("two")
        session.remove("one")
        with pytest.raises(ConfigError, match="no such source"):
            session.neutral_of("one")
