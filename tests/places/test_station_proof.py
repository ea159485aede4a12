"""What a venue may rely on: a killed station loses its open cells at most, two share a store, and so on."""

from __future__ import annotations

import gc
import random
import sys
import tracemalloc
from dataclasses import replace
from datetime import UTC, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from mien.places.station import StationRunner
from mien.places.venue_cells import AnswerMaker, CellMaker
from mien.store.store import Store
from mien.store.venue_types import LEAST_VISITS, Station, VisitCell
from places.station_children import GUESTS, Child
from places.station_fakes import START, Till, Times, equipment, until
from places.test_venue_cells import visit

TILL = Station("corner", "till-1", "camera:0", notice_at=START - timedelta(days=1))
QUARTER = timedelta(minutes=15)

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="children as on Unix")


@on_unix
@pytest.mark.exhaustive
def test_a_station_that_is_killed_loses_at_most_its_open_cells(tmp_path: Path) -> None:
    """What is held back and what has not ended yet is lost; everything before is there, once."""
    wait_s = random.Random(17)
    lost = []
    for number in range(8):
        url = str(tmp_path / f"{number}.sqlite")
        with Store(url) as store:
            store.venues.add(TILL)
        counted = Child(url, "till-1", quarters=1000).kill_after(wait_s.uniform(0, 6))
        with Store(url) as store:
            cells, answers = store.venues.cells("corner"), store.venues.answer_cells("corner")
            assert store.check().altered == []
        ended = (counted - 1) // GUESTS  # quarters that had ended for certain
        for kept, sizes in (
            (cells, [each.visits for each in cells]),
            (answers, [sum(each.counts) for each in answers]),
        ):
            assert sizes == [GUESTS] * len(sizes)
            assert [each.start for each in kept] == [START + place * QUARTER for place in range(len(kept))]  # type: ignore[attr-defined]
            assert ended - 1 <= len(kept) <= ended + 1
        lost.append(counted - sum(each.visits for each in cells))
    assert all(0 < each <= 2 * GUESTS for each in lost)


@pytest.mark.exhaustive
@on_unix
def test_two_stations_write_into_one_store_at_the_same_time(store_url: str) -> None:
    with Store(store_url) as store:
        store.venues.add(TILL)
        store.venues.add(replace(TILL, name="till-2"))
    children = [Child(store_url, name, quarters=3) for name in ("till-1", "till-2")]
    assert [each.end() for each in children] == [3 * GUESTS] * 2
    with Store(store_url) as store:
        for name in ("till-1", "till-2"):
            cells = store.venues.cells("corner", name)
            assert [each.visits for each in cells] == [GUESTS] * 3
            assert all(one.end == other.start for one, other in pairwise(cells))
            assert [sum(each.counts) for each in store.venues.answer_cells("corner", name)] == [GUESTS] * 3
        assert store.check().altered == []


def test_the_clock_of_a_running_station_is_set_back_and_forth() -> None:
    times, till = Times(), Till()
    runner = StationRunner(TILL, equipment(lambda *_: till, times))
    until(lambda: runner.watch() or till.asked)  # type: ignore[func-returns-value]
    cells: list[VisitCell] = []
    for step in (0, 60, -60, 15, 15, 45, -30, 15, 60):  # minutes; summer time is none of these
        times.set(times.wall() + timedelta(minutes=step))
        till.guests(4)
        till.settled()
        runner.watch()
        cells += runner.take()
    runner.close()
    cells += runner.take()
    assert sum(each.visits for each in cells) == 9 * 4
    assert all(each.visits >= LEAST_VISITS for each in cells)
    assert all(one.end <= other.start for one, other in pairwise(cells))


@pytest.mark.exhaustive
def test_memory_stays_flat_over_weeks() -> None:
    """Nothing of what was handed on stays; `benchmarks/venue_week.py` runs a whole station for a week."""
    cells, answers = CellMaker(TILL, "mien", zone=UTC), AnswerMaker(TILL, zone=UTC)
    now = START

    def week() -> int:
        nonlocal now
        kept = 0
        for quarter in range(7 * 96):
            for _ in range(quarter % 5):
                cells.add(visit(), now)
                answers.add(3, now)
            cells.watched(now, 900, blind=False)
            kept += len(cells.tick(now)) + len(answers.tick(now))
            now += QUARTER
        return kept

    week()
    tracemalloc.start()
    sizes = []
    for _ in range(3):
        assert week() > 100
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(sizes) < 100_000
    assert sizes[-1] - sizes[0] < 5_000
