"""A station: when its camera runs, what it counts, and what becomes of it when things go wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from live.session_fakes import live_threads
from mien.config import Settings
from mien.errors import ConfigError, ModelError, SourceError
from mien.live.inputs import LiveInput
from mien.places.equipment import Equipment, camera_of
from mien.places.station import StationRunner
from mien.source import Source
from mien.store.venue_types import Hours, Station, VisitCell, Zone
from patience import LIMIT_S
from places.station_fakes import NOBODY, START, EvenNetwork, Till, Times, equipment, until

STATION = Station("corner", "till-1", "camera:0", notice_at=START - timedelta(days=1))


class Cameras:
    """Opens one till after the other; counts along."""

    def __init__(self) -> None:
        self.opened: list[Till] = []
        self.broken: Exception | None = None

    def __call__(self, camera: LiveInput, settings: Settings) -> Source:
        if self.broken is not None:
            raise self.broken
        self.opened.append(Till(camera.name))
        return self.opened[-1]

    @property
    def last(self) -> Till:
        return self.opened[-1]


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def cameras() -> Cameras:
    return Cameras()


@pytest.fixture
def runner(times: Times, cameras: Cameras) -> Iterator[StationRunner]:
    runner = StationRunner(STATION, equipment(cameras, times))
    yield runner
    runner.close()
    runner.join(time.monotonic() + LIMIT_S)
    for thread in live_threads():
        thread.join(LIMIT_S)
    assert live_threads() == []


def opened(runner: StationRunner, cameras: Cameras, number: int = 1) -> Till:
    """Watch until the camera was opened so often."""

    def is_open() -> bool:
        runner.watch()
        return len(cameras.opened) >= number

    until(is_open)
    return cameras.last


def guests(runner: StationRunner, till: Till, count: int) -> None:
    till.guests(count)
    till.settled()
    runner.watch()


def counts(cells: list[VisitCell]) -> list[int]:
    return [each.visits for each in cells]


def state(runner: StationRunner) -> str:
    return runner.status().state


def test_visits_become_cells(runner: StationRunner, cameras: Cameras, times: Times) -> None:
    till = opened(runner, cameras)
    guests(runner, till, 11)
    assert state(runner) == "counting"
    times.go(minutes=15)
    guests(runner, till, 12)
    times.go(minutes=15)
    runner.watch()
    (cell,) = runner.take()
    assert (cell.venue, cell.station, cell.start, cell.visits) == ("corner", "till-1", START, 11)
    assert cell.network.startswith("mien ")
    assert cell.length_s == pytest.approx(11 * 1.75)  # from the first frame with a face to the last
    assert len(cell.evidence) == len(cell.products) == len(EvenNetwork().sidecar.quantification.labels)  # type: ignore[union-attr]
    runner.close()
    assert counts(runner.take()) == [12]
    assert till.closed.is_set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"notice_at": None}, "unposted"),
        ({"notice_at": START + timedelta(hours=1)}, "unposted"),
        ({"enabled": False}, "off"),
        ({"hours": (Hours.parse("mon 10:15-12:00"),)}, "closed"),
        ({"source": ""}, "stopped"),
    ],
)
def test_no_camera_is_opened_while_it_may_not_count(
    times: Times, cameras: Cameras, change: dict[str, Any], expected: str
) -> None:
    runner = StationRunner(replace(STATION, **change), equipment(cameras, times))
    runner.watch()
    times.go(seconds=10)
    runner.watch()
    assert (state(runner), cameras.opened) == (expected, [])
    runner.change(STATION, refused="another purpose")
    assert (runner.status().state, runner.status().words) == ("stopped", "another purpose")
    assert cameras.opened == []
    runner.close()


def test_it_stops_at_once_when_it_is_turned_off(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    till = opened(runner, cameras)
    till.see(1, face=True)
    till.settled()
    runner.change(replace(STATION, enabled=False))
    assert state(runner) == "off"
    assert till.closed.wait(LIMIT_S)
    runner.change(STATION)
    opened(runner, cameras, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"enabled": False},
        {"zones": (Zone.parse("count 0,0 1,0 1,1 0,1"),)},
        {"hours": (Hours.parse("20:00-21:00"),)},
    ],
)
def test_who_stands_there_while_it_is_stopped_is_forgotten(
    runner: StationRunner, cameras: Cameras, times: Times, change: dict[str, Any]
) -> None:
    for number in range(1, 11):
        till = opened(runner, cameras, 2 * number - 1)
        till.see(2, face=True)
        till.settled()
        runner.change(replace(STATION, **change))
        if state(runner) in ("starting", "counting"):
            opened(runner, cameras, 2 * number)
        else:
            cameras.opened.append(till)
        runner.change(STATION)
    runner.close()
    assert runner.take() == [], "one person is no ten visits"


def test_it_counts_in_its_hours_only_and_keeps_what_can_be_kept(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    runner.change(replace(STATION, hours=(Hours.parse("10:00-10:30"), Hours.parse("12:00-13:00"))))
    till = opened(runner, cameras)
    guests(runner, till, 10)
    times.go(minutes=15)
    guests(runner, till, 3)
    times.go(minutes=15)
    runner.watch()
    assert state(runner) == "closed"
    assert till.closed.wait(LIMIT_S)
    (cell,) = runner.take()
    assert (cell.visits, cell.end - cell.start) == (13, timedelta(minutes=30))
    times.go(minutes=90)
    opened(runner, cameras, 2)
    assert state(runner) in ("starting", "counting")


def test_a_visit_that_goes_on_at_closing_time_counts(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    till = opened(runner, cameras)
    guests(runner, till, 9)
    till.see(3, face=True)
    till.settled()
    runner.close()
    assert counts(runner.take()) == [10]


def test_a_camera_that_breaks_off_comes_back_and_the_time_between_is_blind(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    till = opened(runner, cameras)
    guests(runner, till, 5)
    times.go(seconds=1)
    runner.watch()
    till.fail(SourceError("the cable is out"))
    cameras.broken = SourceError("no camera")
    until(lambda: not any(thread.name == "mien till-1" for thread in live_threads()))
    for _ in range(60):
        times.go(seconds=1)
        runner.watch()
    until(lambda: runner.status().state == "away")
    assert "no camera" in runner.status().words or "cable" in runner.status().words
    cameras.broken = None

    def is_back() -> bool:
        times.go(seconds=1)
        runner.watch()
        return len(cameras.opened) == 2

    until(is_back)
    again = cameras.last
    guests(runner, again, 5)
    runner.close()
    (cell,) = runner.take()
    assert cell.visits == 10
    assert cell.open_s >= 60
    assert 55 <= cell.blind_s <= cell.open_s


def test_what_was_read_before_a_change_of_zones_is_not_mixed_up(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    till = opened(runner, cameras)
    guests(runner, till, 5)
    runner.change(replace(STATION, zones=(Zone.parse("ignore 0,0 1,0 1,1 0,1"),)))
    second = opened(runner, cameras, 2)
    guests(runner, second, 7)  # all of the picture is ignored
    runner.change(STATION)
    guests(runner, opened(runner, cameras, 3), 5)
    runner.close()
    assert counts(runner.take()) == [10]


def test_another_k_begins_behind_what_is_closed(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    till = opened(runner, cameras)
    guests(runner, till, 10)
    runner.change(replace(STATION, least=12))
    guests(runner, till, 11)
    times.go(minutes=30)
    runner.watch()
    assert counts(runner.take()) == [10]
    guests(runner, till, 1)
    runner.close()
    (cell,) = runner.take()
    assert (cell.visits, cell.start) == (12, START + timedelta(minutes=15))


def test_a_film_ends_and_a_camera_that_cannot_be_is_told(
    times: Times, cameras: Cameras, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film, but a file")
    runner = StationRunner(replace(STATION, source=str(film)), equipment(cameras, times))
    till = opened(runner, cameras)
    till.guests(1)
    till.end()
    until(lambda: runner.watch() or state(runner) == "stopped")  # type: ignore[func-returns-value]
    assert "ended" in runner.status().words
    runner.change(replace(STATION, source=str(tmp_path / "gone.mp4")))
    assert state(runner) == "failed"
    assert "gone.mp4" in runner.status().words
    runner.close()


def test_a_picture_is_shown_in_which_nobody_can_be_known(
    runner: StationRunner, cameras: Cameras, times: Times
) -> None:
    till = opened(runner, cameras)
    with pytest.raises(SourceError, match="gives no picture yet"):
        runner.snapshot()
    till.see(1, face=True)
    till.settled()
    shown = runner.snapshot()
    assert shown.shape == NOBODY.shape
    assert len(np.unique(shown[10:50, 20:60].reshape(-1, 3), axis=0)) <= 36
    runner.change(replace(STATION, enabled=False))
    for broken in (False, True):
        waiting = Till()
        waiting.see(1)
        waiting.end()
        other = StationRunner(replace(STATION, notice_at=None), equipment(lambda *_: waiting, times))  # noqa: B023
        if broken:
            list(waiting.frames())
            waiting.end()
            with pytest.raises(SourceError, match="gives no picture"):
                other.snapshot()
        else:
            assert other.snapshot().shape == NOBODY.shape  # while it doesn't count, to draw zones on
            assert waiting.closed.is_set()
    with pytest.raises(ConfigError, match="has no camera"):
        StationRunner(replace(STATION, source=""), equipment(cameras, times)).snapshot()


def test_sources_that_cannot_be_a_stations(tmp_path: Path) -> None:
    photograph = tmp_path / "till.jpg"
    photograph.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ConfigError, match=r"till\.jpg is a photograph: a station needs a camera"):
        camera_of(replace(STATION, source=str(photograph)))
    with pytest.raises(ConfigError, match="nobody comes or goes"):
        camera_of(replace(STATION, source="portrait"))
    with pytest.raises(SourceError):
        camera_of(replace(STATION, source="http:/nowhere"))
    assert camera_of(replace(STATION, source="")) is None


def test_a_network_that_was_not_calibrated_for_counting_is_refused(times: Times) -> None:
    network = EvenNetwork()
    network.sidecar = network.sidecar.model_copy(update={"quantification": None})
    with pytest.raises(ModelError, match="not calibrated for counting"):
        Equipment(Settings(), network)
