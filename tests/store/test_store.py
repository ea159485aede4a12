"""A store as a whole."""

from __future__ import annotations

from sqlalchemy import text

from mien.store.schema import SubjectRow
from mien.store.store import Store


def test_it_opens(store: Store, clock) -> None:
    with store.transaction() as session:
        session.add(
            SubjectRow(
                code="P-1",
                number="0" * 32,
                birth_year=None,
                notes="",
                retention_days=None,
                created_at=clock(),
            )
        )
    with store.reading() as session:
        assert session.scalars(text("select code from subjects")).all() == ["P-1"]
