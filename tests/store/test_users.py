"""Users."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from mien.errors import StoreError
from mien.store.store import Store


def test_a_user_comes_in_with_the_password(store: Store) -> None:
    anna = store.users.add("anna", "correct horse", "admin")
    assert (anna.name, anna.role, anna.subject_id) == ("anna", "admin", None)
    assert store.users.check("anna", "correct horse") == anna
    for name, password in (("anna", "wrong"), ("anna", ""), ("bert", "correct horse"), ("anna", "x" * 2000)):
        assert store.users.check(name, password) is None


def test_an_accent_may_be_typed_in_two_ways(store: Store) -> None:
    store.users.add("anna", "caf\u00e9 au lait", "admin")
    assert store.users.check("anna", "cafe\u0301 au lait")


def test_the_password_is_not_kept(store: Store) -> None:
    store.users.add("anna", "correct horse", "admin")
    with store.reading() as session:
        (kept,) = session.scalars(text("SELECT password FROM users")).all()
    assert kept.startswith("$argon2id$")
    assert "correct horse" not in kept


def test_self_sees_one_subject_and_goes_with_it(store: Store) -> None:
    subject = store.subjects.add("P-017")
    with pytest.raises(StoreError, match="first user has to be an admin"):
        store.users.add("paula", "1234567890", "self", subject)
    anna = store.users.add("anna", "1234567890", "admin")
    user = store.users.add("paula", "1234567890", "self", subject)
    assert user.subject_id == subject.id
    for role, whose in (("self", None), ("clinician", subject)):
        with pytest.raises(StoreError, match="expected a subject with it"):
            store.users.add("other", "1234567890", role, whose)  # type: ignore[arg-type]
    assert store.erase(subject)["users"] == 1
    assert store.users.all() == [anna]


@pytest.mark.parametrize(
    ("name", "password", "role"),
    [
        ("a b", "1234567890", "admin"),
        ("anna", "123456789 ", "admin"),
        ("anna", "x" * 1001, "admin"),
        ("anna", "1234567890", "boss"),
    ],
)
def test_what_cannot_be_is_refused(store: Store, name: str, password: str, role: str) -> None:
    with pytest.raises(StoreError, match="expected"):
        store.users.add(name, password, role)  # type: ignore[arg-type]
    assert store.users.all() == []


def test_a_name_is_taken_once(store: Store) -> None:
    store.users.add("anna", "1234567890", "admin")
    with pytest.raises(StoreError, match="already a user anna"):
        store.users.add("anna", "0987654321", "clinician")
    assert [each.role for each in store.users.all()] == ["admin"]


def test_a_password_can_be_changed(store: Store) -> None:
    store.users.add("anna", "1234567890", "admin")
    store.users.set_password("anna", "0987654321")
    assert store.users.check("anna", "1234567890") is None
    assert store.users.check("anna", "0987654321")
    with pytest.raises(StoreError, match="no user bert"):
        store.users.set_password("bert", "0987654321")
    with pytest.raises(StoreError, match="10 to 1000"):
        store.users.set_password("anna", "short")


def test_the_last_admin_stays_while_there_are_others(store: Store) -> None:
    store.users.add("anna", "1234567890", "admin")
    store.users.add("bert", "1234567890", "clinician")
    with pytest.raises(StoreError, match="only admin"):
        store.users.remove("anna")
    store.users.remove("bert")
    store.users.remove("anna")
    assert store.users.all() == []
    with pytest.raises(StoreError, match="no user anna"):
        store.users.remove("anna")


def test_it_is_logged(store: Store) -> None:
    anna = store.users.add("anna", "1234567890", "admin")
    store.users.set_password("anna", "0987654321")
    store.users.remove("anna")
    lines = [each.details for each in store.audit.entries()]
    assert [list(each.pop("rows")) for each in lines] == [[f"users/{anna.id}"]] * 3
    assert lines == [
        {"added": anna.id, "role": "admin"},
        {"password": anna.id},
        {"removed": anna.id},
    ]
