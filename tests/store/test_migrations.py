"""From every earlier version of the tables to this one, with data in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, MetaData, insert, inspect, select, text

from mien.errors import StoreError
from mien.store.database import Database
from mien.store.integrity import check
from mien.store.migrations import migrate, revisions
from mien.store.opening import find_address, migrate_file, open_database
from mien.store.schema import REVISION, VERSION_TABLE, Base
from mien.store.store import Store

AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)

# A row of each table of the first version; those of later versions are compared where they exist.
ROWS: dict[str, dict[str, Any]] = {
    "subjects": {
        "id": 7,
        "code": "P-007",
        "number": "7" * 32,
        "birth_year": 1950,
        "notes": "a note",
        "retention_days": None,
        "created_at": AT,
    },
    "consents": {
        "id": 1,
        "subject_id": 7,
        "given_by": "himself",
        "purpose": "to see",
        "signals": ["expression"],
        "given_at": AT,
        "valid_until": None,
        "withdrawn_at": None,
    },
    "users": {"id": 1, "name": "anna", "password": "$argon2id$", "role": "self", "subject_id": 7},
    "recordings": {
        "id": 3,
        "subject_id": 7,
        "uuid": "3" * 32,
        "kind": "camera",
        "source": "0",
        "started_at": AT,
        "utc_offset_s": 7200,
        "length_s": 1.5,
        "frames": 15,
        "coverage": 0.5,
        "state": "finished",
        "heartbeat_at": None,
        "models": {"network": "mien"},
        "settings": {},
        "version": "0.1",
    },
    "chunks": {"recording_id": 3, "number": 0, "start_s": 0.0, "end_s": 1.0, "rows": 10, "data": b"\0\1"},
    "segments": {
        "recording_id": 3,
        "number": 0,
        "format": "x",
        "start_s": 0.0,
        "end_s": 1.0,
        "rows": 10,
        "data": b"\2",
    },
    "events": {
        "id": 1,
        "recording_id": 3,
        "kind": "smile",
        "label": "",
        "onset_s": 0.1,
        "apex_s": 0.2,
        "offset_s": 0.3,
        "peak": 0.9,
    },
    "annotations": {
        "id": 1,
        "subject_id": 7,
        "recording_id": 3,
        "kind": "note",
        "at": AT,
        "until": None,
        "text": "x",
        "data": {"valence": 0.5},
    },
    "self_reports": {
        "id": 1,
        "subject_id": 7,
        "at": AT,
        "scale": "gad7",
        "items": [1] * 7,
        "total": 7.0,
        "note": "",
    },
    "texts": {"name": "crisis", "value": "call"},
    "baselines": {"id": 1, "subject_id": 7, "made_at": AT, "value": "{}"},
    "neutral_faces": {"id": 1, "subject_id": 7, "made_at": AT, "value": "{}"},
    "stations": {
        "id": 1,
        "venue": "corner",
        "name": "till-1",
        "source": "camera:0",
        "zones": ["count 0,0 1,0 1,1"],
        "hours": ["mon-fri 11:00-14:30"],
        "least": 10,
        "notice_at": AT,
        "enabled": True,
    },
    "visit_cells": {
        "station_id": 1,
        "start": AT,
        "end": AT + timedelta(minutes=15),
        "visits": 10,
        "evidence": [1.0],
        "products": [[1.0]],
        "sizes": [10.0],
        "valence": 1.0,
        "valence_squares": 2.0,
        "change": 1.0,
        "change_squares": 1.0,
        "smiles": 4,
        "lengths": [10, 0, 0, 0, 0, 0, 0],
        "length_s": 20.0,
        "open_s": 900.0,
        "blind_s": 0.0,
        "network": "mien",
    },
    "answer_cells": {
        "station_id": 1,
        "start": AT,
        "end": AT + timedelta(minutes=15),
        "counts": [0, 0, 0, 0, 10],
    },
    "venue_marks": {"id": 1, "venue": "corner", "at": AT, "until": None, "text": "new menu"},
    "figures": {"subject_id": 7, "key": "day", "version": "1", "value": {"a": 1}},
}


def open_at(url: str, revision: str) -> Database:
    """Open a database whose tables are an earlier Mien's."""
    address = find_address(url)
    if address.path:
        address.path.parent.mkdir(parents=True)
        address.path.touch()
    database = Database(address)
    if address.path:
        migrate_file(database, revision)
    else:
        with database.engine.begin() as connection:
            migrate(connection, revision)
    return database


def fill(engine: Engine) -> dict[str, dict[str, Any]]:
    """Add a row to each table there is, by the tables themselves and not by what this Mien knows of them."""
    there = set(inspect(engine).get_table_names())
    filled = {name: row for name, row in ROWS.items() if name in there}
    with engine.begin() as connection:
        for name, row in filled.items():
            connection.execute(insert(Base.metadata.tables[name]).values(row))
        connection.execute(
            text(
                "INSERT INTO audit (id, at, who, action, subject, details, previous, hash)"
                " VALUES (1, '2026-05-04 09:00:00', 'anna', 'read', NULL, '{}', :zero, :one)"
            ),
            {"zero": "0" * 64, "one": "1" * 64},
        )
        if "audit_head" in there:
            connection.execute(text("UPDATE audit_head SET lines = 1, hash = :one"), {"one": "1" * 64})
    return filled


@pytest.mark.parametrize("revision", revisions())
def test_data_of_every_version_come_through(new_store_url: str, revision: str) -> None:
    old = open_at(new_store_url, revision)
    filled = fill(old.engine)
    old.close()
    with Store(new_store_url) as store, store.engine.connect() as connection:
        for name, row in filled.items():
            (found,) = connection.execute(select(Base.metadata.tables[name])).mappings().all()
            # what later versions added is empty, but the hashes that bind what is not packed yet
            expected = dict.fromkeys(found.keys() - {"chunks_hash", "signals_hash"}) | row
            assert {each: found[each] for each in expected} == expected, name
        assert connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) == REVISION
        first, *bound = store.audit.entries()
        assert first.hash == "1" * 64
        if revision < "0006":
            assert [(each.action, each.subject) for each in bound] == [("bind", None), ("bind", "7" * 32)]
            assert {each.details["why"] for each in bound} == {"an older Mien's record"}
            checked = check(store.database, 0)
            assert (checked.altered, len(checked.bound)) == ([], 1)
            assert "P-007: no consent was valid when marks" not in str(checked.without_consent)
    with Store(new_store_url) as store:  # once is enough
        assert len(store.audit.entries()) == 1 + len(bound)


def test_the_log_of_the_first_version_goes_on_where_it_ended(new_store_url: str) -> None:
    old = open_at(new_store_url, "0001")
    fill(old.engine)
    old.close()
    with Store(new_store_url) as store:
        entry = store.audit.log("read")
        bound = store.audit.entries()[1]
        assert (bound.id, bound.action, bound.previous) == (2, "bind", "1" * 64)
        assert entry.id == 4


def test_the_migrated_tables_are_those_that_the_code_knows(new_store_url: str) -> None:
    database = open_database(find_address(new_store_url))
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE},
        )
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_names_and_constraints_are_the_same_too(new_store_url: str) -> None:
    # compare_metadata doesn't look at all of them
    address = find_address(new_store_url)
    database = open_database(address)
    migrated = description(database.engine)
    with database.engine.begin() as connection:
        found = MetaData()
        found.reflect(connection)
        found.drop_all(connection)
        Base.metadata.create_all(connection)
    assert description(database.engine) == migrated
    database.close()


def description(engine: Engine) -> str:
    """Describe all tables."""
    look = inspect(engine)
    parts = {
        name: [
            [{**each, "type": str(each["type"])} for each in look.get_columns(name)],
            look.get_pk_constraint(name),
            sorted(look.get_foreign_keys(name), key=str),
            sorted(look.get_indexes(name), key=str),
            sorted(look.get_unique_constraints(name), key=str),
        ]
        for name in look.get_table_names()
        if name != VERSION_TABLE
    }
    return json.dumps(parts, indent=1, sort_keys=True, default=str)


def test_the_newest_version_is_the_last_step() -> None:
    assert revisions() == sorted(revisions())
    assert revisions()[-1] == REVISION


def test_a_step_that_fails_leaves_what_was_there(new_store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = open_at(new_store_url, "0001")
    fill(old.engine)
    before = description(old.engine)
    from alembic import op

    def fail(*_: object, **__: object) -> None:
        raise StoreError("no")

    with monkeypatch.context() as patch:
        patch.setattr(op, "bulk_insert", fail)  # the last thing that the second step does
        with pytest.raises(StoreError, match=r"^no$"):
            Store(new_store_url)
    assert description(old.engine) == before
    with old.engine.connect() as connection:
        assert connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}")) == "0001"
    old.close()
    with Store(new_store_url) as store:
        assert [each.code for each in store.subjects.all()] == ["P-007"]
