"""Venues in the store: stations, cells of at least ten, marks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone

import pytest

from mien.errors import ConfigError, MissingError, StoreError
from mien.store.store import Store
from mien.store.venue_types import AnswerCell, Hours, Station, VenueMark, VisitCell, Zone
from store_fixtures import FakeClock

QUARTER = timedelta(minutes=15)
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TILL = Station(
    "corner",
    "till-1",
    "camera:0",
    zones=(Zone.parse("count 0,0 0.5,0 0.25,1"), Zone.parse("ignore 0.5,0 1,0 1,1")),
    hours=(Hours.parse("mon-fri 11:00-14:30"), Hours.parse("sat,sun 0:00-24:00")),
    least=12,
)
CELL = VisitCell(
    venue="corner", station="till-1", start=NOON, end=NOON + QUARTER, visits=12,
    evidence=(1.1, 10.9), products=((0.1, 1.0), (1.0, 9.9)), sizes=(12.0,), valence=1.5, valence_squares=2.5,
    change=-0.25, change_squares=0.5, smiles=3, lengths=(1, 2, 3, 4, 2, 0, 0), length_s=300.5, open_s=900.0,
    blind_s=30.0, network="mien 0123abcd",
)  # fmt: skip
ANSWERS = AnswerCell("corner", "till-1", NOON, NOON + QUARTER, (0, 1, 2, 3, 4))


@pytest.fixture
def filled(store: Store) -> Store:
    store.venues.add(TILL)
    return store


def test_a_station_comes_back_as_it_was(filled: Store) -> None:
    door = filled.venues.add(Station("corner", "door", "rtsp://10.0.0.2/1"))
    park = filled.venues.add(Station("park", "door", "camera:1"))
    assert filled.venues.names() == ["corner", "park"]
    assert filled.venues.stations("corner") == [door, TILL]
    assert filled.venues.stations() == [door, TILL, park]
    assert filled.venues.station("corner", "till-1") == TILL
    with pytest.raises(StoreError, match="corner already has a station door"):
        filled.venues.add(door)


def test_a_station_that_is_not_there_is_named(filled: Store) -> None:
    with pytest.raises(MissingError, match="corner has no station door"):
        filled.venues.station("corner", "door")
    with pytest.raises(MissingError, match="there is no venue park: mien venue add park"):
        filled.venues.station("park", "door")
    with pytest.raises(MissingError, match="there is no venue park"):
        filled.venues.add_mark(VenueMark("park", NOON, "new menu"))


def test_a_change_leaves_the_notice_as_it_is(filled: Store) -> None:
    assert filled.venues.confirm_notice("corner", "till-1", NOON).notice_at == NOON
    assert not filled.venues.switch("corner", "till-1", on=False).enabled
    changed = filled.venues.change(replace(TILL, source="camera:1", zones=()))
    assert changed == replace(TILL, source="camera:1", zones=(), notice_at=NOON)
    assert filled.venues.confirm_notice("corner", "till-1", None).notice_at is None
    lines = [each for each in filled.audit.entries() if each.action == "station"]
    assert [each.details.get("what") for each in lines] == [
        None, "notice confirmed", "switched off", "changed", "notice taken down"
    ]  # fmt: skip
    assert filled.check().altered == []


def test_cells_come_back_as_they_were_by_station_and_time(filled: Store) -> None:
    filled.venues.add(replace(TILL, name="door"))
    east = timezone(timedelta(hours=2))
    later = replace(CELL, start=(NOON + QUARTER).astimezone(east), end=NOON + 3 * QUARTER)
    door = replace(CELL, station="door")
    filled.venues.add_cells([later, CELL, ANSWERS, door])
    assert filled.venues.cells("corner") == [door, CELL, later]
    assert filled.venues.cells("corner", "till-1", until=NOON + QUARTER) == [CELL]
    assert filled.venues.cells("corner", "till-1", since=NOON + timedelta(seconds=1)) == [later]
    assert filled.venues.answer_cells("corner") == [ANSWERS]
    assert filled.venues.cells("park") == []
    assert filled.venues.kept_until("corner", "till-1", VisitCell) == NOON + 3 * QUARTER
    assert filled.venues.kept_until("corner", "door", AnswerCell) is None
    assert filled.venues.kept_until("corner", "till-1", VisitCell, NOON + QUARTER) == NOON + QUARTER


def test_cells_of_a_station_do_not_overlap(filled: Store) -> None:
    filled.venues.add_cells([CELL, ANSWERS])
    longer = replace(CELL, start=NOON - QUARTER, end=NOON + 2 * QUARTER)
    after = replace(CELL, start=NOON + QUARTER, end=NOON + 2 * QUARTER)
    for wrong in ([CELL], [longer], [after, after], [replace(ANSWERS, counts=(10,) * 5)]):
        with pytest.raises(StoreError, match=r"corner/till-1 has a cell at .* already: does it run twice"):
            filled.venues.add_cells(
                [replace(after, start=NOON + 4 * QUARTER, end=NOON + 5 * QUARTER), *wrong]
            )
    assert filled.venues.cells("corner") == [CELL]
    filled.venues.add_cells([after])
    with pytest.raises(MissingError, match="no station door"):
        filled.venues.add_cells([replace(after, station="door")])


def test_nothing_smaller_than_ten_can_be_a_cell() -> None:
    with pytest.raises(ValueError, match="expected at least 10, received 9"):
        replace(CELL, visits=9)
    with pytest.raises(ValueError, match="expected at least 10, received 9"):
        replace(ANSWERS, counts=(9, 0, 0, 0, 0))
    with pytest.raises(ValueError, match="full quarters"):
        replace(CELL, end=NOON + timedelta(minutes=16))
    with pytest.raises(ValueError, match="full quarters"):
        replace(CELL, end=NOON)


def test_a_station_goes_with_its_cells_and_a_venue_with_its_marks(filled: Store) -> None:
    filled.venues.add(replace(TILL, name="door"))
    filled.venues.add_cells([CELL, ANSWERS])
    mark = filled.venues.add_mark(VenueMark("corner", NOON, "new menu"))
    filled.venues.remove("corner", "till-1")
    assert filled.venues.cells("corner") == filled.venues.answer_cells("corner") == []
    assert filled.venues.marks("corner") == [mark]
    filled.venues.remove("corner", "door")
    assert filled.venues.marks("corner") == filled.venues.names() == []
    assert filled.check().altered == []


def test_marks(filled: Store, clock: FakeClock) -> None:
    later = filled.venues.add_mark(VenueMark("corner", NOON, "music off", until=NOON + QUARTER))
    first = filled.venues.add_mark(VenueMark("corner", NOON - QUARTER, " new menu "))
    assert (first.text, first.id > 0) == ("new menu", True)
    assert filled.venues.marks("corner") == [first, later]
    with pytest.raises(MissingError, match=f"park has no mark {first.id}"):
        filled.venues.remove_mark("park", first.id)
    filled.venues.remove_mark("corner", first.id)
    assert filled.venues.marks("corner") == [later]
    for wrong in (replace(later, text=" "), replace(later, until=NOON), replace(later, at=datetime.min)):
        with pytest.raises(StoreError, match="expected"):
            filled.venues.add_mark(wrong)


def test_two_stations_write_to_one_store(filled: Store, store_url: str, clock: FakeClock) -> None:
    with Store(store_url, now=clock) as other:
        other.venues.add(replace(TILL, name="till-2"))
        other.venues.add_cells([replace(CELL, station="till-2")])
        filled.venues.add_cells([CELL])
        assert [each.station for each in other.venues.cells("corner")] == ["till-1", "till-2"]


def test_what_another_program_changed_is_found(filled: Store) -> None:
    with filled.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE stations SET notice_at = '2026-05-01 00:00:00+00'")
    assert filled.check().altered == ["station 1 was altered by another program"]


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("mon-fri 11:00-14:30", Hours((0, 1, 2, 3, 4), time(11), time(14, 30))),
        ("Sat,Sun 0:00-24:00", Hours((5, 6), time(0), time(0))),
        ("mon,wed-thu,sun 9:15-10:00", Hours((0, 2, 3, 6), time(9, 15), time(10))),
        ("18:00-24:00", Hours(opens=time(18))),
    ],
)
def test_hours_are_read_and_written(text: str, hours: Hours) -> None:
    assert Hours.parse(text) == hours == Hours.parse(str(hours))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mon-fri 14:30-11:00", "end before they begin; past midnight, expected two stretches"),
        ("mon-fri 12:00-12:00", "end before they begin"),
        ("mon-fri 22:00-0:00", "from 0:00 to 24:00"),
        ("mon-fri 11:00-25:00", "from 0:00 to 24:00"),
        ("fri-mon 11:00-12:00", "expected days such as"),
        ("monday 11:00-12:00", "expected days such as"),
        ("always", "expected hours such as"),
        ("mon-fri 11-12", "expected hours such as"),
    ],
)
def test_hours_that_cannot_be_are_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Hours.parse(text)


def test_hours_end_before_their_last_minute() -> None:
    hours = Hours.parse("mon-fri 11:00-14:30")
    monday = datetime(2026, 5, 4)
    held = [hours.hold(monday + timedelta(hours=each)) for each in (10.99, 11, 14.49, 14.5)]
    assert held == [False, True, True, False]
    assert not hours.hold(monday + timedelta(days=5, hours=12))
    assert Hours.parse("mon 22:00-24:00").hold(monday.replace(hour=23, minute=59))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("count 0,0 1,0", "expected 3 to 32 corners, received 2"),
        ("count 0,0 1.2,0 1,1", "corner 1.2,0 is outside the picture"),
        ("count 0,0 nan,0 1,1", "outside the picture"),
        ("count 0,0 0.5,0.5 1,1", "expected an area"),
        ("look 0,0 1,0 1,1", "expected count or ignore, received 'look'"),
        ("count 0,0 1,0 1", "then corners such as"),
        ("", "received"),
    ],
)
def test_zones_that_cannot_be_are_refused(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Zone.parse(text)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"least": 1}, "expected at least 10 visits in a cell, received 1"),
        ({"venue": "The Corner"}, "venue: expected up to 32 small letters"),
        ({"name": ""}, "station: expected up to 32"),
    ],
)
def test_stations_that_cannot_be_are_refused(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        replace(TILL, **wrong)  # type: ignore[arg-type]
