"""A store as a whole."""

from __future__ import annotations

from mien.store.store import Store


def test_it_opens(store: Store) -> None:
    subject = store.subjects.add("P-017", notes="a note")
    store.consents.give(subject, given_by="herself", purpose="to see")
    assert store.consents.require(subject)
    store.annotations.add(subject, "note", "hm", at=store.now())
    store.self_reports.add(subject, "phq9", items=[1] * 9)
    store.users.add("anna", "12345678", "admin")
    store.texts.set("crisis", "call")
    assert store.erase(subject)["consents"] == 1
    assert store.audit.verify() == 5
