"""The record's rows are bound to the audit log: the subjects' keys, and a hash of readings still in chunks.

What is in the record already is noted as unbound; whoever opens it next binds it, and logs that.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the table and the column, and note what has to be bound."""
    op.create_table(
        "subject_keys",
        sa.Column(
            "subject_id", sa.Integer, sa.ForeignKey("subjects.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("key", sa.String(64), nullable=False),
    )
    op.add_column("recordings", sa.Column("chunks_hash", sa.String(64), nullable=True))
    bind = op.get_bind()
    if any(
        bind.execute(sa.text(f"SELECT 1 FROM {table} LIMIT 1")).first()
        for table in ("subjects", "users", "texts")
    ):
        texts = sa.table("texts", sa.column("name", sa.String), sa.column("value", sa.JSON))
        op.bulk_insert(texts, [{"name": "unbound", "value": "an older Mien's record"}])
