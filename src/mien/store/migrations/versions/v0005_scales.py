"""Self-reports with answers missing, how difficult things were, and the range of scales that aren't known."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Let a total be empty, and add the columns."""
    with op.batch_alter_table("self_reports") as table:
        table.alter_column("total", existing_type=sa.Double, nullable=True)
        table.add_column(sa.Column("difficulty", sa.Integer, nullable=True))
        table.add_column(sa.Column("lowest", sa.Double, nullable=True))
        table.add_column(sa.Column("highest", sa.Double, nullable=True))
