"""What whole cells say: against plain sums, the exact formulas, and truths that were drawn."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.places.quantification import Quantifier
from mien.places.venue_figures import (
    SMILES,
    SmileDetector,
    answer_figures,
    by_day,
    by_hour,
    length_names,
    place_of,
    visit_figures,
    week_of,
)
from mien.store.venue_types import LENGTHS_S, VisitCell
from places.made_cells import MONDAY, NETWORK, QUARTER, answers, cell

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def quantifier() -> Quantifier:
    return Quantifier(read_sidecar(sidecar_path(find_network("mien"))))


def joined(one: VisitCell, other: VisitCell) -> VisitCell:
    """Add two cells up, as if they had been one from the start."""
    sums = {}
    for each in fields(VisitCell):
        a, b = getattr(one, each.name), getattr(other, each.name)
        if each.name not in ("venue", "station", "start", "end", "network"):
            added = np.add(a, b).tolist()
            sums[each.name] = tuple(map(tuple, added)) if each.name == "products" else added
    return replace(one, **sums, end=other.end)


def test_figures_depend_on_the_sums_alone(quantifier: Quantifier) -> None:
    one, other = cell(seed=1, visits=12), cell(MONDAY + QUARTER, seed=2, visits=31)
    known = {NETWORK: quantifier}
    apart, whole = (
        visit_figures([one, other], SMILES, known),
        visit_figures([joined(one, other)], SMILES, known),
    )
    assert apart is not None
    assert whole is not None
    assert apart.as_dict() == whole.as_dict()
    assert apart.visits == 43
    assert sum(apart.lengths) == 43
    assert sum(each.value for each in apart.shares.values()) == pytest.approx(1)


def test_the_mean_has_students_interval() -> None:
    values = np.array([0.1, 0.4, -0.2, 0.3, 0.0, 0.2, 0.5, -0.1, 0.3, 0.1])
    made = cell(valence=float(values.sum()), valence_squares=float((values**2).sum()))
    figures = visit_figures([made])
    assert figures is not None
    error = values.std(ddof=1) / np.sqrt(10)
    low, high = stats.t.interval(0.9, 9, values.mean(), error)
    assert figures.valence == pytest.approx((values.mean(), low, high))


def test_nothing_is_said_of_no_cell_and_shares_only_of_known_networks(quantifier: Quantifier) -> None:
    assert visit_figures([]) is None
    assert answer_figures([]) is None
    other = replace(cell(MONDAY + QUARTER), network="another")
    figures = visit_figures([cell(), other], SMILES, {NETWORK: quantifier})
    assert figures is not None
    assert figures.shares == {}
    assert figures.visits == 20
    both = visit_figures([cell(), other], SMILES, {NETWORK: quantifier, "another": quantifier})
    assert both is not None
    assert sum(each.value for each in both.shares.values()) == pytest.approx(1)


def test_coverage_is_the_share_of_the_time_with_a_view() -> None:
    figures = visit_figures([cell(open_s=900.0, blind_s=90.0), cell(MONDAY + QUARTER, open_s=600.0)])
    assert figures is not None
    assert figures.seen == pytest.approx(1 - 90 / 1500)
    unknown = visit_figures([cell(open_s=0.0)])
    assert unknown is not None
    assert unknown.seen is None


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0, 0.2))
def test_the_share_smiling_is_corrected_for_what_the_detector_gets_wrong(
    true: float, found: float, false: float
) -> None:
    detector = SmileDetector(found, false, 40, 40)
    assert detector.share(1000 * (true * found + (1 - true) * false), 1000) == pytest.approx(true, abs=1e-9)


@pytest.mark.parametrize(("visits", "true"), [(30, 0.3), (300, 0.3), (300, 0.05), (3000, 0.7)])
def test_nine_of_ten_intervals_hold_the_true_share_smiling(visits: int, true: float) -> None:
    random, held, rounds = np.random.default_rng(3), 0, 300
    for _ in range(rounds):
        # The detector was measured on 50 visits of each kind, and so is itself only known about.
        measured = SmileDetector(random.binomial(50, 0.85) / 50, random.binomial(50, 0.06) / 50, 50, 50)
        smiles = int(random.binomial(visits, true * 0.85 + (1 - true) * 0.06))
        found = measured.interval(smiles, visits)
        held += found.low <= true <= found.high
    assert 0.85 <= held / rounds <= 0.98


def test_answers_are_a_mean_and_a_share_of_good_ones() -> None:
    made = [answers(MONDAY, (1, 2, 3, 10, 14)), answers(MONDAY + 4 * QUARTER, (0, 0, 5, 5, 10))]
    figures = answer_figures(made)
    assert figures is not None
    values = np.repeat([1, 2, 3, 4, 5], [1, 2, 8, 15, 24])
    assert figures.answers == 50
    assert figures.mean.value == pytest.approx(values.mean())
    assert figures.good.value == pytest.approx(39 / 50)
    low, high = stats.beta(39.5, 11.5).interval(0.9)
    assert figures.good[1:] == pytest.approx((low, high), abs=0.02)
    least = answer_figures([answers(MONDAY, (9, 1, 0, 0, 0))])
    assert least is not None
    assert least.mean.low == 1


@pytest.mark.parametrize(
    ("start", "quarters", "expected"),
    [
        ("09:00", 1, (9, 10)),
        ("09:45", 1, (9, 10)),
        ("09:45", 2, (10, 11)),  # its middle is ten
        ("09:30", 4, (10, 11)),
        ("09:00", 6, (9, 10)),
        ("09:30", 8, (10, 11)),
        ("09:15", 8, (9, 11)),
        ("12:00", 16, (12, 16)),
        ("23:45", 1, (23, 24)),
        ("00:00", 96, (0, 24)),
    ],
)
def test_a_cell_belongs_to_whole_hours(start: str, quarters: int, expected: tuple[int, int]) -> None:
    made = cell(datetime.fromisoformat(f"2026-05-04T{start}").replace(tzinfo=UTC), quarters=quarters)
    assert place_of(made, UTC) == (date(2026, 5, 4), *expected)


def test_hours_and_days_are_those_of_the_venue() -> None:
    late = cell(datetime(2026, 5, 4, 22, 30, tzinfo=UTC))
    assert place_of(late, UTC) == (date(2026, 5, 4), 22, 23)
    assert place_of(late, BERLIN) == (date(2026, 5, 5), 0, 1)
    autumn = [cell(datetime(2026, 10, 25, hour, 15, tzinfo=UTC)) for hour in (0, 1)]  # 2:15 comes twice
    assert [place_of(each, BERLIN)[1] for each in autumn] == [2, 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 95), st.integers(1, 30), st.sampled_from(["a", "b"])),
        min_size=1,
        max_size=12,
    )
)
def test_hours_are_whole_apart_and_hold_all_visits(spans: list[tuple[int, int, str]]) -> None:
    cells = [
        cell(MONDAY + first * QUARTER, quarters=min(many, 96 - first), station=station)
        for first, many, station in spans
    ]
    hours = by_hour(cells, zone=UTC)
    assert sum(each.figures.visits for each in hours) == 10 * len(cells)
    assert all(0 <= each.first < each.end <= 24 and each.figures.visits >= 10 for each in hours)
    assert all(one.end <= other.first for one, other in pairwise(hours))
    week = week_of(cells, zone=UTC)
    assert sum(each.figures.visits for each in week) == 10 * len(cells)


def test_days_rise_and_the_week_counts_its_days() -> None:
    cells = [cell(MONDAY + timedelta(days=day, hours=9)) for day in (7, 0, 1)]
    assert [*by_day(cells, UTC)] == [date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 11)]
    assert [
        (each.weekday, each.hour, each.days, each.figures.visits) for each in week_of(cells, zone=UTC)
    ] == [
        (0, 9, 2, 20),
        (1, 9, 1, 10),
    ]


def test_lengths_have_names() -> None:
    assert length_names() == (
        "under 5 s", "5 s to 15 s", "15 s to 30 s", "30 s to 1 min",
        "1 min to 2 min", "2 min to 5 min", "5 min on",
    )  # fmt: skip
    assert len(length_names()) == len(LENGTHS_S)
