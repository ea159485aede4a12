"""Figures that were computed already, the clinic's texts, and how long the audit log is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables; the audit log's end is that of the log as it is."""
    op.create_table(
        "texts",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
    op.create_table(
        "figures",
        sa.Column(
            "subject_id", sa.Integer, sa.ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON, nullable=False),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    last = op.get_bind().execute(sa.text("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")).first()
    lines, digest = last or (0, "0" * 64)
    op.bulk_insert(head, [{"id": 1, "lines": lines, "hash": digest}])
