"""The record: subjects, consents, recordings with their readings, what stands beside them, the audit log."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)

_REFUSED_BY_SQLITE = """
CREATE TRIGGER audit_refuses_{what} BEFORE {what} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END
"""
_REFUSED_BY_POSTGRES = """
CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append only'; END $$;
CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()
"""


def upgrade() -> None:
    """Make the first tables."""
    _people()
    _recordings()
    _beside_recordings()
    _audit()


def _id(**options: Any) -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True, **options)


def _column(name: str, kind: Any, *, nullable: bool = False, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, **options)


def _owner(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, sa.ForeignKey(f"{name[:-3]}s.id", ondelete="CASCADE"), **options)


def _people() -> None:
    op.create_table(
        "subjects",
        _id(),
        _column("code", sa.String(64), unique=True),
        _column("number", sa.String(32), unique=True),
        _column("birth_year", sa.Integer, nullable=True),
        _column("notes", sa.Text),
        _column("retention_days", sa.Integer, nullable=True),
        _column("created_at", _TIME),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consents",
        _id(),
        _owner("subject_id", nullable=False, index=True),
        _column("given_by", sa.Text),
        _column("purpose", sa.Text),
        _column("signals", sa.JSON),
        _column("given_at", _TIME),
        _column("valid_until", _TIME, nullable=True),
        _column("withdrawn_at", _TIME, nullable=True),
    )
    op.create_table(
        "users",
        _id(),
        _column("name", sa.String(64), unique=True),
        _column("password", sa.Text),
        _column("role", sa.String(16)),
        _owner("subject_id", nullable=True, index=True),
        sqlite_autoincrement=True,
    )


def _recordings() -> None:
    op.create_table(
        "recordings",
        _id(),
        _owner("subject_id", nullable=False),
        _column("uuid", sa.String(32), unique=True),
        _column("kind", sa.String(16)),
        _column("source", sa.Text),
        _column("started_at", _TIME),
        _column("utc_offset_s", sa.Integer),
        _column("length_s", sa.Double),
        _column("frames", sa.Integer),
        _column("coverage", sa.Double, nullable=True),
        _column("state", sa.String(16)),
        _column("heartbeat_at", _TIME, nullable=True),
        _column("models", sa.JSON),
        _column("settings", sa.JSON),
        _column("version", sa.Text),
        sa.Index("ix_recordings_subject_id_started_at", "subject_id", "started_at"),
        sqlite_autoincrement=True,
    )
    _pieces("chunks")
    _pieces("segments", _column("format", sa.String(16)))
    op.create_table(
        "events",
        _id(),
        _owner("recording_id", nullable=False, index=True),
        _column("kind", sa.String(16)),
        _column("label", sa.String(32)),
        _column("onset_s", sa.Double),
        _column("apex_s", sa.Double),
        _column("offset_s", sa.Double),
        _column("peak", sa.Double),
    )


def _pieces(table: str, *more: sa.Column[Any]) -> None:
    op.create_table(
        table,
        _owner("recording_id", primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *more,
        _column("start_s", sa.Double),
        _column("end_s", sa.Double),
        _column("rows", sa.Integer),
        _column("data", sa.LargeBinary),
    )


def _beside_recordings() -> None:
    op.create_table(
        "annotations",
        _id(),
        _owner("subject_id", nullable=False),
        _owner("recording_id", nullable=True, index=True),
        _column("kind", sa.String(16)),
        _column("at", _TIME),
        _column("until", _TIME, nullable=True),
        _column("text", sa.Text),
        _column("data", sa.JSON),
        sa.Index("ix_annotations_subject_id_at", "subject_id", "at"),
    )
    op.create_table(
        "self_reports",
        _id(),
        _owner("subject_id", nullable=False),
        _column("at", _TIME),
        _column("scale", sa.String(64)),
        _column("items", sa.JSON, nullable=True),
        _column("total", sa.Double),
        _column("note", sa.Text),
        sa.Index("ix_self_reports_subject_id_at", "subject_id", "at"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        _id(autoincrement=False),
        _column("at", _TIME),
        _column("who", sa.Text),
        _column("action", sa.String(32)),
        _column("subject", sa.String(32), nullable=True, index=True),
        _column("details", sa.JSON),
        _column("previous", sa.String(64)),
        _column("hash", sa.String(64)),
    )
    if op.get_bind().dialect.name == "sqlite":
        for what in ("update", "delete"):
            op.execute(_REFUSED_BY_SQLITE.format(what=what))
    else:
        op.execute(_REFUSED_BY_POSTGRES)
