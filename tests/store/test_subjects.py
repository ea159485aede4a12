"""Subjects."""

from __future__ import annotations

import pytest

from mien.errors import StoreError
from mien.store.store import Store
from store_fixtures import FakeClock


def test_a_subject_is_found_by_code(store: Store, clock: FakeClock) -> None:
    added = store.subjects.add("P-017", birth_year=1980, notes=" left-handed ", retention_days=90)
    assert store.subjects.get("P-017") == store.subjects.find("P-017") == added
    assert (added.birth_year, added.notes, added.retention_days) == (1980, "left-handed", 90)
    assert added.created_at == clock()
    assert len(added.number) == 32


def test_they_are_listed_by_code(store: Store) -> None:
    for code in ("b", "P-2", "P-10", "a.x_1"):
        store.subjects.add(code)
    assert [each.code for each in store.subjects.all()] == ["P-10", "P-2", "a.x_1", "b"]
    assert len({each.number for each in store.subjects.all()}) == 4


def test_who_is_missing_is_named_with_the_remedy(store: Store) -> None:
    assert store.subjects.find("P-1") is None
    with pytest.raises(StoreError, match="no subject P-1: mien subject list"):
        store.subjects.get("P-1")


def test_codes_that_differ_by_capitals_would_be_mixed_up(store: Store) -> None:
    store.subjects.add("P-1")
    for code in ("P-1", "p-1"):
        with pytest.raises(StoreError, match="already a subject P-1"):
            store.subjects.add(code)
    with pytest.raises(StoreError, match="did you mean P-1"):
        store.subjects.get("p-1")
    assert store.subjects.find("p-1") is None


@pytest.mark.parametrize("code", ["", "a b", "../x", ".x", "-x", "ä", "x" * 65, "x\n", "x/y"])
def test_a_code_that_could_not_name_a_file_is_refused(store: Store, code: str) -> None:
    with pytest.raises(StoreError, match="expected 1 to 64"):
        store.subjects.add(code)


@pytest.mark.parametrize(
    "wrong",
    [
        {"birth_year": 1700},
        {"birth_year": 2027},
        {"birth_year": "1980"},
        {"retention_days": 0},
        {"retention_days": True},
        {"notes": "x\0"},
        {"notes": "\ud800"},
        {"notes": "x" * 20_001},
    ],
)
def test_what_cannot_be_is_refused(store: Store, wrong: dict[str, object]) -> None:
    with pytest.raises(StoreError, match="expected"):
        store.subjects.add("P-1", **wrong)  # type: ignore[arg-type]
    store.subjects.add("P-1")
    with pytest.raises(StoreError, match="expected"):
        store.subjects.change("P-1", **wrong)


def test_fields_can_be_changed(store: Store) -> None:
    added = store.subjects.add("P-1", birth_year=1980, notes="x")
    changed = store.subjects.change("P-1", code="P-001", notes="", retention_days=30)
    assert (changed.id, changed.number, changed.created_at) == (added.id, added.number, added.created_at)
    assert (changed.code, changed.notes, changed.birth_year, changed.retention_days) == (
        "P-001",
        "",
        1980,
        30,
    )
    assert store.subjects.all() == [changed]
    assert store.subjects.change("P-001", code="p-001").code == "p-001"
    store.subjects.add("P-2")
    with pytest.raises(StoreError, match="already a subject P-2"):
        store.subjects.change("p-001", code="P-2")
    with pytest.raises(StoreError, match="received number"):
        store.subjects.change("P-2", number="0")


def test_ids_are_never_given_out_twice(store: Store) -> None:
    first = store.subjects.add("P-1")
    store.erase(first)
    assert store.subjects.add("P-1").id > first.id


def test_it_is_logged_by_random_number(store: Store) -> None:
    subject = store.subjects.add("P-017", notes="secret")
    store.subjects.change("P-017", notes="other")
    lines = store.audit.entries()
    for each in lines:
        assert list(each.details.pop("rows")) == [f"subjects/{subject.id}"]
    assert [(each.action, each.subject, each.details) for each in lines] == [
        ("add", subject.number, {"what": "subject"}),
        ("change", subject.number, {"what": "subject", "fields": ["notes"]}),
    ]
