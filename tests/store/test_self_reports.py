"""Self-reports."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mien.errors import StoreError
from mien.store.scales import SCALES
from mien.store.store import Store
from mien.store.types import Subject
from store_fixtures import FakeClock, add_agreed


@pytest.fixture
def subject(store: Store) -> Subject:
    return add_agreed(store)


def test_items_add_up(store: Store, subject: Subject, clock: FakeClock) -> None:
    added = store.self_reports.add(subject, "phq9", items=[0, 1, 2, 3, 0, 1, 2, 3, 1], note=" tired ")
    assert (added.items, added.total) == ((0, 1, 2, 3, 0, 1, 2, 3, 1), 13.0)
    assert (added.at, added.note) == (clock(), "tired")
    assert store.self_reports.of(subject) == [added]
    assert store.self_reports.add(subject, "gad7", items=[3] * 7, total=21).total == 21.0


def test_totals_alone_are_kept(store: Store, subject: Subject) -> None:
    for scale, total in (("mood", 7.5), ("phq9", 27.0), ("madrs", 30.0), ("panas-negative", -1.0)):
        added = store.self_reports.add(subject, scale, total=total)
        assert (added.scale, added.items, added.total) == (scale, None, total)


@pytest.mark.parametrize(
    ("scale", "chosen", "said"),
    [
        ("phq9", {}, "its answers or its total"),
        ("phq9", {"items": [0] * 8}, "9 answers from 0 to 3"),
        ("phq9", {"items": []}, "received none"),
        ("phq9", {"items": [4] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [-1] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [0.5] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [True] + [0] * 8}, "from 0 to 3"),
        ("phq9", {"items": [1] * 9, "total": 8}, "total of 9"),
        ("phq9", {"total": 28}, "from 0 to 27"),
        ("gad7", {"total": -1}, "from 0 to 21"),
        ("mood", {"total": 10.1}, "from 0 to 10"),
        ("mood", {"items": [5]}, "only its total"),
        ("madrs", {"items": [1]}, "only its total"),
        ("madrs", {"total": float("nan")}, "finite"),
        ("a scale", {"total": 1}, "1 to 64"),
    ],
)
def test_what_does_not_fit_is_refused(
    store: Store, subject: Subject, scale: str, chosen: dict[str, object], said: str
) -> None:
    with pytest.raises(StoreError, match=said):
        store.self_reports.add(subject, scale, **chosen)  # type: ignore[arg-type]
    assert store.self_reports.of(subject) == []


def test_they_are_found_by_scale_and_time(store: Store, subject: Subject, clock: FakeClock) -> None:
    day = timedelta(days=1)
    old = store.self_reports.add(subject, "mood", total=3, at=clock() - day)
    now = store.self_reports.add(subject, "mood", total=5)
    other = store.self_reports.add(subject, "gad7", total=5)
    store.self_reports.add(add_agreed(store, "P-018"), "mood", total=1)
    assert store.self_reports.of(subject) == [old, now, other]
    assert store.self_reports.of(subject, "mood") == [old, now]
    assert store.self_reports.of(subject, start=clock()) == [now, other]
    assert store.self_reports.of(subject, end=clock()) == [old]


def test_it_can_be_removed(store: Store, subject: Subject) -> None:
    added = store.self_reports.add(subject, "mood", total=3)
    store.self_reports.remove(subject, added.id)
    assert store.self_reports.of(subject) == []
    with pytest.raises(StoreError, match="no self-report"):
        store.self_reports.remove(subject, added.id)


def test_the_scales_are_as_their_papers_say() -> None:
    # PHQ-9: Kroenke, Spitzer and Williams 2001; GAD-7: Spitzer et al. 2006
    assert {name: (each.items, each.highest_total) for name, each in SCALES.items()} == {
        "mood": (0, 10),
        "phq9": (9, 27),
        "gad7": (7, 21),
    }
