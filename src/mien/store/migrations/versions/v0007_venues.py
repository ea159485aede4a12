"""Venues: their stations, what is kept of visits and of answers at the kiosk, and marks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "stations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("venue", sa.String(32), nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("zones", sa.JSON, nullable=False),
        sa.Column("hours", sa.JSON, nullable=False),
        sa.Column("least", sa.Integer, nullable=False),
        sa.Column("notice_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.UniqueConstraint("venue", "name", name="uq_stations_venue"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "visit_cells",
        *_of_station(),
        sa.Column("visits", sa.Integer, nullable=False),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("evidence", "products", "sizes")),
        *(
            sa.Column(name, sa.Double, nullable=False)
            for name in ("valence", "valence_squares", "change", "change_squares")
        ),
        sa.Column("smiles", sa.Integer, nullable=False),
        sa.Column("lengths", sa.JSON, nullable=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("length_s", "open_s", "blind_s")),
        sa.Column("network", sa.Text, nullable=False),
    )
    op.create_table("answer_cells", *_of_station(), sa.Column("counts", sa.JSON, nullable=False))
    op.create_table(
        "venue_marks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("venue", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("ix_venue_marks_venue", "venue_marks", ["venue"])


def _of_station() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column(
            "station_id", sa.Integer, sa.ForeignKey("stations.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("start", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
    )
