"""Several stations, as the store has them: what is followed, what is kept, and what comes through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from live.session_fakes import live_threads
from mien.config import Settings
from mien.errors import MissingError, StoreError
from mien.live.inputs import LiveInput
from mien.places.station import StationStatus
from mien.places.venue_runner import VenueRunner
from mien.places.waiting_cells import Cell
from mien.source import Source
from mien.store.store import Store
from mien.store.venue_types import AnswerCell, Station, VisitCell, Zone
from patience import LIMIT_S
from places.station_fakes import NOBODY, START, Till, Times, equipment, until

POSTED = START - timedelta(days=1)
ONE = Station("corner", "till-1", "camera:0", notice_at=POSTED)
TWO = Station("corner", "till-2", "camera:1", notice_at=POSTED)
PARK = Station("park", "gate", "camera:2", notice_at=POSTED)


class Cameras:
    """The newest till of each name."""

    def __init__(self) -> None:
        self.tills: dict[str, Till] = {}

    def __call__(self, camera: LiveInput, settings: Settings) -> Source:
        self.tills[camera.name] = Till(camera.name)
        return self.tills[camera.name]


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[Cell] = []
        self.last: Sequence[StationStatus] = ()
        self.closed = False

    def cells(self, cells: Sequence[Cell]) -> None:
        self.got += cells

    def states(self, statuses: Sequence[StationStatus]) -> None:
        self.last = statuses

    def close(self) -> None:
        self.closed = True


class World:
    """A store with stations, and what runs them when the test says so."""

    def __init__(self, store: Store) -> None:
        self.store, self.times, self.cameras, self.sink = store, Times(), Cameras(), Kept()
        self.purpose: str | None = "venue"
        self.runners: list[VenueRunner] = []

    def run(self, **choices: object) -> VenueRunner:
        runner = VenueRunner(
            self.store,
            equipment(self.cameras, self.times),
            sinks=[self.sink],
            watch_every_s=None,
            purpose=lambda: self.purpose,
            **choices,  # type: ignore[arg-type]
        )
        self.runners.append(runner)
        return runner

    def look(self) -> None:
        """Go on to the next look at the store."""
        self.times.go(seconds=1)
        self.runners[-1].watch()

    def guests(self, name: str, count: int) -> None:
        until(lambda: name in self.cameras.tills)
        till = self.cameras.tills[name]
        till.guests(count)
        till.settled()
        self.runners[-1].watch()

    def state(self, venue: str, station: str) -> str | None:
        doing = self.runners[-1].doing(venue, station)
        return doing and doing[0]


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    made = World(store)
    yield made
    for runner in made.runners:
        runner.close()
    for thread in live_threads():
        thread.join(LIMIT_S)
    assert live_threads() == []


def test_what_is_added_changed_and_removed_is_followed(world: World) -> None:
    runner = world.run()
    assert runner.statuses() == []
    world.store.venues.add(replace(ONE, notice_at=None))
    world.store.venues.add(PARK)
    world.look()
    assert (world.state("corner", "till-1"), world.state("corner", "door")) == ("unposted", None)
    assert world.state("park", "gate") in ("starting", "counting")
    world.store.venues.confirm_notice("corner", "till-1", POSTED)
    world.store.venues.switch("park", "gate", on=False)
    runner.refresh()
    assert world.state("corner", "till-1") in ("starting", "counting")
    assert world.state("park", "gate") == "off"
    world.store.venues.remove("corner", "till-1")
    world.look()
    assert [each.station for each in runner.statuses()] == ["gate"]
    assert [each.state for each in world.sink.last] == ["off"]


def test_only_those_asked_for_are_run(world: World) -> None:
    for each in (ONE, TWO, PARK):
        world.store.venues.add(each)
    names = [each.station for each in world.run(venues=["corner"]).statuses()]
    assert names == ["till-1", "till-2"]
    assert [each.station for each in world.run(stations=["gate", "till-2"]).statuses()] == ["till-2", "gate"]


def test_a_camera_belongs_to_one_station(world: World) -> None:
    """Cells of two zones that differ by one seat would differ by who sat there."""
    seat = Zone.parse("count 0,0 1,0 1,0.9 0,0.9")
    for each in (ONE, replace(TWO, source=ONE.source, zones=(seat,)), replace(PARK, source="")):
        world.store.venues.add(each)
    runner = world.run()
    words = {each.station: each.words for each in runner.statuses()}
    assert "belongs to corner/till-1" in words["till-2"]
    assert "belongs" not in words["till-1"] + words["gate"]
    assert [*world.cameras.tills] in (["till-1"], [])
    assert "belongs" not in world.run(stations=["till-2"]).statuses()[0].words, "camera:0 of another machine"
    for each in (ONE, TWO):
        world.store.venues.change(replace(each, source="rtsp://127.0.0.1:1/till"))
    assert "belongs to corner/till-1" in world.run(stations=["till-2"]).statuses()[0].words


@pytest.mark.parametrize("purpose", [None, "research", "self"])
def test_another_purpose_reads_nobody(world: World, purpose: str | None) -> None:
    world.purpose = purpose
    world.store.venues.add(ONE)
    runner = world.run()
    world.look()
    assert world.cameras.tills == {}
    assert [(each.state, "another purpose" in each.words) for each in runner.statuses()] == [
        ("stopped", True)
    ]
    world.purpose = "venue"
    world.look()
    until(lambda: "till-1" in world.cameras.tills)


def test_closed_cells_are_kept_and_handed_on(world: World) -> None:
    world.store.venues.add(ONE)
    world.store.venues.add(TWO)
    runner = world.run()
    for name, count in (("till-1", 10), ("till-2", 13)):
        world.guests(name, count)
    world.times.go(minutes=15)
    for answer in (1, 5, 5, 4, 3, 5, 5, 4, 4, 2, 5):
        runner.answers("corner", "till-1").add(answer, world.times.wall())
    world.look()
    assert world.store.venues.cells("corner") == world.sink.got == []  # they are held back
    runner.close()
    kept = world.store.venues.cells("corner")
    assert [(each.station, each.visits) for each in kept] == [("till-1", 10), ("till-2", 13)]
    (answers,) = world.store.venues.answer_cells("corner")
    assert answers.counts == (1, 1, 1, 3, 5)
    assert {(type(each), each.station) for each in world.sink.got} == {
        (VisitCell, "till-1"),
        (VisitCell, "till-2"),
        (AnswerCell, "till-1"),
    }
    assert world.sink.closed
    with pytest.raises(MissingError, match="corner has no station door that runs here"):
        runner.answers("corner", "door")


def test_a_new_start_goes_on_behind_what_is_kept(world: World) -> None:
    world.store.venues.add(ONE)
    world.run()
    world.guests("till-1", 10)
    world.runners[-1].close()
    world.cameras.tills.clear()
    world.times.go(minutes=1)
    world.cameras.tills.clear()
    world.run()
    world.guests("till-1", 10)
    world.runners[-1].close()
    first, second = world.store.venues.cells("corner")
    assert (first.visits, second.visits, first.end) == (10, 10, second.start)


def test_cells_wait_while_the_store_cannot_be_written(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.store.venues.add(ONE)
    runner = world.run()
    tries = 0

    def fail(*_: object) -> None:
        nonlocal tries
        tries += 1
        raise StoreError("the server is away")

    for count in (10, 11):
        world.guests("till-1", count)
        world.times.go(minutes=15)
    with monkeypatch.context() as patch:
        patch.setattr(world.store.venues, "add_cells", fail)
        for _ in range(5):
            world.look()
    assert (world.store.venues.cells("corner"), world.sink.got, tries) == ([], [], 1)
    assert caplog.messages == ["the server is away; closed cells wait in memory, and are tried again"]
    for _ in range(8):
        world.look()
    assert [each.visits for each in world.store.venues.cells("corner")] == [10]
    runner.close()
    assert [each.visits for each in world.sink.got] == [10, 11]  # type: ignore[union-attr]


def test_cells_of_a_program_that_ended_while_the_store_was_away_are_kept_by_the_next_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("cryptography")
    folder = tmp_path / "waiting"
    world.store.venues.add(ONE)
    runner = world.run(waiting=folder)
    for count in (10, 11):
        world.guests("till-1", count)
        world.times.go(minutes=15)
    add_cells = world.store.venues.add_cells
    written = 0

    def written_without_an_answer(cells: Sequence[Cell]) -> None:
        nonlocal written
        if not written:
            add_cells(cells)
        written += 1
        raise StoreError("the server is away")

    with monkeypatch.context() as patch:
        patch.setattr(world.store.venues, "add_cells", written_without_an_answer)
        world.look()
        runner.close()
    assert (written, world.sink.got, len(list(folder.iterdir()))) == (2, [], 1)
    assert caplog.messages == [
        "the server is away; closed cells wait on this computer's disk, and are tried again",
        "2 closed cells wait on this computer until stations run here again with this record",
    ]
    world.cameras.tills.clear()
    world.times.go(minutes=1)
    world.run(waiting=folder)
    first, second = world.store.venues.cells("corner")
    assert (first.visits, second.visits, first.end) == (10, 11, second.start)
    assert world.sink.got == [first, second]
    world.guests("till-1", 10)
    world.runners[-1].close()
    assert [each.visits for each in world.store.venues.cells("corner")] == [10, 11, 10]
    assert list(folder.iterdir()) == []
    assert len(caplog.messages) == 2


def test_what_cannot_be_kept_is_no_hindrance(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.store.venues.add(ONE)
    world.store.venues.add(TWO)
    runner = world.run()
    world.guests("till-1", 10)
    world.guests("till-2", 10)
    world.store.venues.remove("corner", "till-1")
    runner.close()
    assert [each.station for each in world.store.venues.cells("corner")] == ["till-2"]
    assert "a cell was not kept: corner has no station till-1" in caplog.text


def test_one_camera_that_breaks_leaves_the_other_alone(world: World) -> None:
    world.store.venues.add(ONE)
    world.store.venues.add(TWO)
    runner = world.run()
    until(lambda: len(world.cameras.tills) == 2)
    world.cameras.tills["till-1"].fail(RuntimeError("a driver"))
    world.guests("till-2", 10)
    until(lambda: world.runners[-1].watch() or world.state("corner", "till-1") == "away")  # type: ignore[func-returns-value]
    assert world.state("corner", "till-2") == "counting"
    runner.close()
    assert [each.station for each in world.store.venues.cells("corner")] == ["till-2"]


def test_a_picture_to_draw_zones_on(world: World) -> None:
    world.store.venues.add(ONE)
    runner = world.run()
    world.guests("till-1", 1)
    assert runner.snapshot(ONE).shape == NOBODY.shape


def test_its_own_thread_watches(store: Store) -> None:
    store.venues.add(replace(ONE, notice_at=None))
    with VenueRunner(store, equipment(Cameras(), Times()), watch_every_s=0.005) as runner:
        store.venues.add(replace(TWO, source=""))
        runner.refresh()
        assert len(runner.statuses()) == 2
