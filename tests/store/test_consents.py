"""Consents."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mien.errors import ConsentError, StoreError
from mien.store.store import Store
from mien.store.types import Consent, Subject
from store_fixtures import FakeClock

DAY = timedelta(days=1)


@pytest.fixture
def subject(store: Store) -> Subject:
    return store.subjects.add("P-017")


def give(store: Store, subject: Subject, **chosen: object) -> Consent:
    return store.consents.give(subject, given_by="the subject", purpose="her own record", **chosen)  # type: ignore[arg-type]


def test_without_one_nothing_may_be_recorded(store: Store, subject: Subject) -> None:
    assert store.consents.valid(subject) is None
    with pytest.raises(StoreError, match="P-017 has no consent for expression: mien consent give P-017"):
        store.consents.require(subject)


def test_it_holds_for_its_signals(store: Store, subject: Subject, clock: FakeClock) -> None:
    given = give(store, subject, signals=["expression", "expression"])
    assert (given.signals, given.given_at, given.withdrawn_at) == (("expression",), clock(), None)
    store.consents.require(subject, "expression")
    assert store.consents.valid(subject) == given
    with pytest.raises(StoreError, match="no consent for measures: "):
        store.consents.require(subject, "measures")


def test_it_holds_from_its_first_moment_up_to_its_last(
    store: Store, subject: Subject, clock: FakeClock
) -> None:
    start = clock()
    given = give(store, subject, given_at=start + DAY, valid_until=start + 3 * DAY)
    with pytest.raises(StoreError, match=r"begins on 2026-05-05"):
        store.consents.require(subject)
    assert store.consents.valid(subject, at=start + DAY) == given
    assert store.consents.valid(subject, at=start + 3 * DAY - timedelta(microseconds=1)) == given
    clock.advance(days=3)
    with pytest.raises(ConsentError, match=r"ended on 2026-05-07"):
        store.consents.require(subject)


def test_it_can_be_withdrawn(store: Store, subject: Subject, clock: FakeClock) -> None:
    first, second = give(store, subject), give(store, subject, signals=["measures"])
    clock.advance(hours=1)
    (withdrawn,) = store.consents.withdraw(subject, first.id)
    assert (withdrawn.id, withdrawn.withdrawn_at) == (first.id, clock())
    assert store.consents.valid(subject, at=clock() - timedelta(minutes=1)) == withdrawn
    with pytest.raises(StoreError, match=r"withdrawn on 2026-05-04"):
        store.consents.require(subject)
    store.consents.require(subject, "measures")
    assert [each.id for each in store.consents.withdraw(subject)] == [second.id]
    with pytest.raises(StoreError, match="no consent that could be withdrawn"):
        store.consents.withdraw(subject)
    with pytest.raises(StoreError, match=f"no consent number {first.id}"):
        store.consents.withdraw(subject, first.id)
    assert [each.id for each in store.consents.of(subject)] == [first.id, second.id]


def test_one_that_has_yet_to_begin_can_be_withdrawn(store: Store, subject: Subject, clock: FakeClock) -> None:
    give(store, subject, given_at=clock() + DAY)
    (withdrawn,) = store.consents.withdraw(subject)
    assert withdrawn.withdrawn_at == withdrawn.given_at
    assert store.consents.valid(subject, at=clock() + 2 * DAY) is None


@pytest.mark.parametrize("also_the_later", [True, False])
def test_one_that_has_yet_to_begin_hides_no_withdrawal(
    store: Store, subject: Subject, clock: FakeClock, also_the_later: bool
) -> None:
    first = give(store, subject)
    give(store, subject, given_at=clock() + DAY)
    clock.advance(hours=2)
    store.consents.withdraw(subject, None if also_the_later else first.id)
    while_it_held = clock() - timedelta(hours=1)
    with pytest.raises(ConsentError, match=r"withdrawn on 2026-05-04"):
        store.consents.require(subject, None, while_it_held)
    with pytest.raises(ConsentError, match=r"withdrawn on 2026-05-04"):
        store.self_reports.add(subject, "mood", total=4, at=while_it_held)


def test_the_newest_counts(store: Store, subject: Subject, clock: FakeClock) -> None:
    newest = give(store, subject, given_at=clock() - DAY)
    give(store, subject, given_at=clock() - 2 * DAY)
    assert store.consents.valid(subject) == newest


@pytest.mark.parametrize(
    "wrong",
    [
        {"given_by": " "},
        {"purpose": ""},
        {"signals": []},
        {"signals": ["voice"]},
        {"valid_until": FakeClock()()},
        {"given_at": FakeClock()().replace(tzinfo=None)},
        {"valid_until": (FakeClock()() + DAY).replace(tzinfo=None)},
    ],
)
def test_what_cannot_be_is_refused(store: Store, subject: Subject, wrong: dict[str, object]) -> None:
    with pytest.raises(StoreError, match="expected"):
        store.consents.give(subject, **{"given_by": "her", "purpose": "x", **wrong})  # type: ignore[arg-type]


def test_an_erased_subject_can_give_none(store: Store, subject: Subject) -> None:
    store.erase(subject)
    with pytest.raises(StoreError, match="subject P-017 no longer exists"):
        give(store, subject)


def test_others_consents_are_not_touched(store: Store, subject: Subject) -> None:
    other = store.subjects.add("P-018")
    given = give(store, other)
    with pytest.raises(StoreError, match="no consent number"):
        store.consents.withdraw(subject, given.id)
    assert store.consents.valid(other) == given


def test_it_is_logged(store: Store, subject: Subject, clock: FakeClock) -> None:
    given = give(store, subject)
    store.consents.withdraw(subject)
    lines = store.audit.entries()[1:]
    for each in lines:
        assert list(each.details.pop("rows")) == [f"consents/{given.id}"]
    signals = ["expression", "measures"]
    assert [(each.action, each.subject, each.details) for each in lines] == [
        (
            "consent",
            subject.number,
            {"consent": given.id, "signals": signals, "given_at": clock().isoformat()},
        ),
        ("withdraw", subject.number, {"consents": [given.id]}),
    ]
