"""What body sensors say beside a face: a recording's figures, and a hash of those that are not packed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table and the column."""
    op.create_table(
        "signals",
        sa.Column(
            "recording_id", sa.Integer, sa.ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("signal", sa.String(16), nullable=False),
        sa.Column("packed", sa.Boolean, nullable=False),
        sa.Column("start_s", sa.Double, nullable=False),
        sa.Column("end_s", sa.Double, nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.add_column("recordings", sa.Column("signals_hash", sa.String(64), nullable=True))
