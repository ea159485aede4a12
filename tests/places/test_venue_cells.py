"""Cells of visits and of answers: never fewer than k, never overlapping, whatever comes when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.places.venue import Visit
from mien.places.venue_cells import AnswerMaker, CellMaker
from mien.store.venue_types import LEAST_VISITS, LENGTHS_S, Station, VisitCell

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = datetime(2026, 5, 4, 8, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
TILL = Station("corner", "till-1", "camera:0")


def visit(valence: float = 0.5, length_s: float = 20.0, *, smiled: bool = False) -> Visit:
    return Visit(0.0, length_s, (0.25, 0.75), (1.0,), valence, 2 * valence, smiled)


def maker(least: int = LEAST_VISITS, after: datetime | None = None) -> CellMaker:
    return CellMaker(Station("corner", "till-1", "camera:0", least=least), "mien", after=after, zone=BERLIN)


def come(cells: CellMaker, count: int, at: datetime) -> None:
    for _ in range(count):
        cells.add(visit(), at)


def spans(cells: Sequence[VisitCell]) -> list[tuple[str, str, int]]:
    return [(f"{each.start:%H:%M}", f"{each.end:%H:%M}", each.visits) for each in cells]


def test_a_cell_is_the_sum_of_its_visits() -> None:
    cells = maker()
    some = [visit(0.1 * number, 4.0 + 7 * number, smiled=number % 3 == 0) for number in range(12)]
    for each in some:
        cells.add(each, MORNING)
    cells.watched(MORNING, 600.0, blind=False)
    cells.watched(MORNING, 30.0, blind=True)
    (cell,) = cells.close()
    assert (cell.start, cell.end, cell.visits) == (MORNING, MORNING + QUARTER, 12)
    evidence = np.array([each.evidence for each in some])
    assert cell.evidence == pytest.approx(evidence.sum(axis=0))
    assert np.array(cell.products) == pytest.approx(evidence.T @ evidence)
    assert (cell.valence, cell.valence_squares) == pytest.approx((6.6, 0.01 * sum(i * i for i in range(12))))
    assert (cell.change, cell.change_squares) == pytest.approx((13.2, 0.04 * sum(i * i for i in range(12))))
    lengths = [each.length_s for each in some]
    assert cell.lengths == tuple(np.histogram(lengths, [*LENGTHS_S, np.inf])[0].tolist())
    assert cell.length_s == pytest.approx(sum(lengths))
    assert (cell.smiles, cell.open_s, cell.blind_s, cell.sizes) == (4, 630.0, 30.0, (12.0,))


def test_a_cell_grows_until_it_has_k_and_waits_for_the_next() -> None:
    cells = maker()
    come(cells, 6, MORNING)
    assert cells.tick(MORNING + QUARTER) == []
    come(cells, 5, MORNING + 20 * MINUTE)
    assert cells.tick(MORNING + 30 * MINUTE) == []  # it has k, and is held back
    come(cells, 10, MORNING + 31 * MINUTE)
    assert spans(cells.tick(MORNING + 45 * MINUTE)) == [("08:00", "08:30", 11)]
    come(cells, 3, MORNING + 50 * MINUTE)
    assert spans(cells.close()) == [("08:30", "09:00", 13)]  # fewer than k join the last one


def test_a_day_with_fewer_than_k_is_not_kept() -> None:
    cells = maker()
    come(cells, 9, MORNING)
    midnight = datetime(2026, 5, 5, tzinfo=BERLIN)
    assert cells.tick(midnight + MINUTE) == []
    come(cells, 10, midnight + 2 * MINUTE)
    assert spans(cells.close()) == [("22:00", "22:15", 10)]
    assert cells.dropped_days == 1


def test_what_is_left_at_midnight_joins_the_last_cell_of_its_day() -> None:
    cells = maker()
    evening = datetime(2026, 5, 4, 23, tzinfo=BERLIN)
    come(cells, 12, evening)
    come(cells, 4, evening + 50 * MINUTE)
    come(cells, 1, evening + 61 * MINUTE)
    assert spans(cells.tick(evening + 62 * MINUTE)) == [("21:00", "22:00", 16)]


def test_fewer_than_k_at_lunch_wait_for_dinner() -> None:
    cells = maker()
    come(cells, 7, MORNING)
    assert cells.settle() == []
    come(cells, 7, MORNING + timedelta(hours=9))
    assert spans(cells.close()) == [("08:00", "17:15", 14)]


def test_what_can_be_closed_at_lunch_is_and_dinner_begins_anew() -> None:
    cells = maker()
    come(cells, 10, MORNING)
    come(cells, 10, MORNING + QUARTER)
    assert spans(cells.tick(MORNING + 2 * QUARTER)) == [("08:00", "08:15", 10)]
    cells.watched(MORNING + 2 * QUARTER, 60, blind=False)
    assert spans(cells.settle()) == [("08:15", "08:45", 10)]
    assert cells.settle() == []
    come(cells, 10, MORNING + 10 * QUARTER)
    assert spans(cells.close()) == [("10:30", "10:45", 10)]


def test_a_new_start_within_a_quarter_overlaps_with_nothing() -> None:
    cells = maker()
    come(cells, 10, MORNING + MINUTE)
    (first,) = cells.close()
    for again in (cells, maker(after=first.end)):
        come(again, 10, MORNING + 3 * MINUTE)
        assert spans(again.tick(MORNING + 4 * QUARTER)) == []
        assert spans(again.close()) == [("08:15", "08:30", 10)]


def test_hours_without_a_visitor_are_coverage_and_hours_without_a_look_are_nothing() -> None:
    cells = maker()
    cells.watched(MORNING, 100, blind=False)
    come(cells, 10, MORNING + 2 * QUARTER)
    (watched,) = cells.close()
    assert (watched.start, watched.open_s) == (MORNING, 100.0)
    cells = maker()
    assert cells.tick(MORNING) == []
    come(cells, 10, MORNING + 2 * QUARTER)
    assert spans(cells.close()) == [("08:30", "08:45", 10)]


@pytest.mark.parametrize("back", [timedelta(minutes=59), timedelta(hours=20)])
def test_while_a_clock_set_back_catches_up_time_stands_still(back: timedelta) -> None:
    cells = maker()
    late = MORNING + timedelta(hours=13)
    come(cells, 10, late)
    come(cells, 10, late - back)
    assert spans(cells.tick(late + QUARTER)) == []
    come(cells, 10, late + QUARTER)
    assert spans(cells.close()) == [("21:00", "21:15", 20), ("21:15", "21:30", 10)]


def test_a_clock_without_battery_begins_in_1970_and_is_put_right() -> None:
    cells = maker()
    come(cells, 3, datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    come(cells, 12, MORNING)
    assert spans(cells.close()) == [("08:00", "08:15", 12)]
    assert cells.dropped_days == 1


def test_a_clock_that_was_years_ahead_goes_on_when_it_is_put_right() -> None:
    cells = maker()
    come(cells, 12, MORNING.replace(year=2030))
    come(cells, 12, MORNING)
    assert [each.start.year for each in cells.close()] == [2030, 2026]


def test_a_machine_that_slept_overnight_ends_its_cell_when_it_was_last_awake() -> None:
    cells = maker()
    come(cells, 12, MORNING)
    come(cells, 3, MORNING + QUARTER)
    come(cells, 12, MORNING + timedelta(days=1))
    assert spans(cells.close()) == [("08:00", "08:30", 15), ("08:00", "08:15", 12)]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_change_to_summer_time_neither_loses_nor_repeats_an_hour(day: date) -> None:
    cells = maker()
    start = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    end = datetime(day.year, day.month, day.day + 1, tzinfo=BERLIN).astimezone(UTC)
    found: list[VisitCell] = []
    now = start
    while now < end:
        come(cells, 11, now)
        found += cells.tick(now)
        now += QUARTER
    found += cells.tick(end)
    assert (found[0].start, found[-1].end) == (start, end)
    assert all(one.end == other.start for one, other in pairwise(found))
    assert sum(each.visits for each in found) == 11 * (end - start) // QUARTER


def test_answers_are_counted_by_what_was_touched() -> None:
    answers = AnswerMaker(TILL, zone=BERLIN)
    for answer in (1, 5, 5, 4, 3, 5, 5, 4, 4, 2, 5):
        answers.add(answer, MORNING)
    assert answers.tick(MORNING + QUARTER) == []
    (cell,) = answers.close()
    assert (cell.start, cell.end, cell.counts) == (MORNING, MORNING + QUARTER, (1, 1, 1, 3, 5))
    for wrong in (0, 6):
        with pytest.raises(ValueError, match="expected 1 to 5"):
            answers.add(wrong, MORNING)


# Minutes to the next visit, and what happens then: mostly visits, at times a stop, a new start, a set clock.
COURSES = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 20), st.integers(0, 900)),
        st.sampled_from(["visit"] * 12 + ["tick", "settle", "close", "back", "again"]),
    ),
    max_size=300,
)


def run(course: list[tuple[int, str]], least: int) -> tuple[list[VisitCell], list[tuple[datetime, float]]]:
    """Play a course, and return the cells with the visits that came, each with a valence of its own."""
    cells, found, came = maker(least), [], []
    now = MORNING
    for number, (minutes, what) in enumerate(course):
        now += minutes * MINUTE
        if what == "visit":
            valence = number / 1024
            cells.add(visit(valence), now)
            came.append((now, valence))
        elif what == "tick":
            found += cells.tick(now)
        elif what == "settle":
            found += cells.settle()
        elif what == "back":
            now -= timedelta(minutes=2 * minutes)
        else:
            found += cells.close()
            if what == "again":
                cells = maker(least, found[-1].end if found else None)
    return found + cells.close(), came


@given(COURSES, st.integers(10, 14))
def test_cells_have_k_and_follow_upon_one_another(course: list[tuple[int, str]], least: int) -> None:
    cells, _ = run(course, least)
    assert all(each.visits >= least for each in cells)
    assert all(one.end <= other.start for one, other in pairwise(cells))


@given(COURSES, st.integers(10, 14))
def test_each_visit_is_in_one_cell_or_in_none_for_want_of_k(
    course: list[tuple[int, str]], least: int
) -> None:
    """The cells hold the visits in their order; what is between them was fewer than k."""
    cells, came = run(course, least)
    valences = [valence for _, valence in came]
    place = 0
    for cell in cells:
        skipped = next(
            skip
            for skip in range(len(valences) - place - cell.visits + 1)
            if abs(sum(valences[place + skip : place + skip + cell.visits]) - cell.valence) < 1e-4
        )
        stops = sum(what in ("close", "again") for _, what in course)
        days = len({at.astimezone(BERLIN).date() for at, _ in came[place : place + skipped + 1]})
        assert skipped <= (least - 1) * (days + stops)
        place += skipped + cell.visits


def queries(cells: Sequence[VisitCell]) -> Iterator[frozenset[int]]:
    """What can be asked for: any stretch of time of any stations, so each day's total and all of it, too."""
    for names in ({"till-1"}, {"till-2"}, {"till-1", "till-2"}):
        starts = sorted({each.start for each in cells})
        for since, until in combinations([*starts, datetime.max.replace(tzinfo=UTC)], 2):
            yield frozenset(
                number
                for number, each in enumerate(cells)
                if each.station in names and since <= each.start < until
            )


@given(st.lists(st.tuples(st.integers(0, 240), st.integers(1, 2)), max_size=150))
def test_no_difference_of_figures_is_about_fewer_than_k(arrivals: list[tuple[int, int]]) -> None:
    """Whatever is subtracted from whatever: over days, stations, and the total of a day or of all days."""
    makers = {number: CellMaker(Station("corner", f"till-{number}", ""), "mien") for number in (1, 2)}
    now, cells = MORNING, []
    for minutes, number in arrivals:
        now += minutes * MINUTE / 4
        makers[number].add(visit(), now)
        cells += makers[number].tick(now)
    for each in makers.values():
        cells += each.close()
    asked = list(dict.fromkeys(queries(cells)))[:60]
    for one, other in combinations(asked, 2):
        for rest in (one - other, other - one):
            assert sum(cells[number].visits for number in rest) not in range(1, LEAST_VISITS)
