"""The tables, the same ones on SQLite and PostgreSQL; a change here needs a migration beside it."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, TypeVar

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

REVISION: Final = "0008"
"""The newest version of the tables; see `migrations`."""

VERSION_TABLE: Final = "mien_version"
"""Where a store says which version of the tables it has."""


_Value = TypeVar("_Value")


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database, to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into UTC; SQLite knows no zones, so there it is left out.

        Raises:
            ValueError: the time is naive.
        """
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"expected a time with its zone, received {value.isoformat()}")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a moment in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables share: constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )
    type_annotation_map: Final = {
        datetime: UtcTime(),
        float: Double(),
        str: Text(),
        bytes: LargeBinary(),
        dict[str, Any]: JSON(none_as_null=True),
    }


def _of(table: str, *, primary_key: bool = False, index: bool = False) -> Mapped[Any]:
    """A row's owner, with whom it goes."""
    return mapped_column(ForeignKey(f"{table}.id", ondelete="CASCADE"), primary_key=primary_key, index=index)


# Numbers are never given out twice: what a page remembers of an erased subject must not meet the next one.
_NEVER_AGAIN: Final = {"sqlite_autoincrement": True}


class SubjectRow(Base):
    """A person under a code; see `types.Subject`."""

    __tablename__ = "subjects"
    __table_args__ = _NEVER_AGAIN

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(64), unique=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    birth_year: Mapped[int | None]
    notes: Mapped[str]
    retention_days: Mapped[int | None]
    created_at: Mapped[datetime]


class SubjectKeyRow(Base):
    """The secret with which a subject's rows are sealed, 64 hexadecimal digits; see `seals`."""

    __tablename__ = "subject_keys"

    subject_id: Mapped[int] = _of("subjects", primary_key=True)
    key: Mapped[str] = mapped_column(String(64))


class ConsentRow(Base):
    """What a subject has agreed to; see `types.Consent`."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = _of("subjects", index=True)
    given_by: Mapped[str]
    purpose: Mapped[str]
    signals: Mapped[list[str]] = mapped_column(JSON)
    given_at: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class RecordingRow(Base):
    """One recording; see `types.StoredRecording`.

    `started_at` is in UTC as every time here; `utc_offset_s` is how far ahead of it the clock was
    where it was made. `heartbeat_at` is when its writer last said that it lives. `chunks_hash` and
    `signals_hash` bind what is not packed yet; see `seals.chained`.
    """

    __tablename__ = "recordings"
    __table_args__ = (Index("ix_recordings_subject_id_started_at", "subject_id", "started_at"), _NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = _of("subjects")
    uuid: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    source: Mapped[str]
    started_at: Mapped[datetime]
    utc_offset_s: Mapped[int]
    length_s: Mapped[float]
    frames: Mapped[int]
    coverage: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(16))
    heartbeat_at: Mapped[datetime | None]
    models: Mapped[dict[str, Any]]
    settings: Mapped[dict[str, Any]]
    version: Mapped[str]
    chunks_hash: Mapped[str | None] = mapped_column(String(64))
    signals_hash: Mapped[str | None] = mapped_column(String(64))

    @property
    def local_start(self) -> datetime:
        """Its start as the clock showed it where it was made."""
        return self.started_at.astimezone(timezone(timedelta(seconds=self.utc_offset_s)))


class ChunkRow(Base):
    """A second or so of readings, as they come in."""

    __tablename__ = "chunks"

    recording_id: Mapped[int] = _of("recordings", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start_s: Mapped[float]
    end_s: Mapped[float]
    rows: Mapped[int]
    data: Mapped[bytes]


class SegmentRow(Base):
    """A stretch of readings, packed."""

    __tablename__ = "segments"

    recording_id: Mapped[int] = _of("recordings", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    format: Mapped[str] = mapped_column(String(16))
    start_s: Mapped[float]
    end_s: Mapped[float]
    rows: Mapped[int]
    data: Mapped[bytes]


class SignalRow(Base):
    """Some figures of body sensors, of one of `types.BODY`: as they came in, or packed; see `signals`."""

    __tablename__ = "signals"

    recording_id: Mapped[int] = _of("recordings", primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    signal: Mapped[str] = mapped_column(String(16))
    packed: Mapped[bool]
    start_s: Mapped[float]
    end_s: Mapped[float]
    rows: Mapped[int]
    data: Mapped[bytes]


class EventRow(Base):
    """Something found in a recording; see `types.Event`."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[int] = _of("recordings", index=True)
    kind: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(32))
    onset_s: Mapped[float]
    apex_s: Mapped[float]
    offset_s: Mapped[float]
    peak: Mapped[float]


class AnnotationRow(Base):
    """A mark that a person set; see `types.Annotation`."""

    __tablename__ = "annotations"
    __table_args__ = (Index("ix_annotations_subject_id_at", "subject_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = _of("subjects")
    recording_id: Mapped[int | None] = _of("recordings", index=True)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    until: Mapped[datetime | None]
    text: Mapped[str]
    data: Mapped[dict[str, Any]]


class SelfReportRow(Base):
    """What a subject said of themselves; see `types.SelfReport`."""

    __tablename__ = "self_reports"
    __table_args__ = (Index("ix_self_reports_subject_id_at", "subject_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = _of("subjects")
    at: Mapped[datetime]
    scale: Mapped[str] = mapped_column(String(64))
    items: Mapped[list[int | None] | None] = mapped_column(JSON(none_as_null=True))
    total: Mapped[float | None]
    note: Mapped[str]
    difficulty: Mapped[int | None]
    lowest: Mapped[float | None]
    highest: Mapped[float | None]


class BaselineRow(Base):
    """What was taken as usual for a subject; see `types.StoredReference`."""

    __tablename__ = "baselines"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = _of("subjects", index=True)
    made_at: Mapped[datetime]
    value: Mapped[str]


class NeutralFaceRow(Base):
    """A subject's own neutral face; see `types.StoredReference`."""

    __tablename__ = "neutral_faces"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject_id: Mapped[int] = _of("subjects", index=True)
    made_at: Mapped[datetime]
    value: Mapped[str]


class UserRow(Base):
    """Somebody who may come in; `password` is an Argon2 hash."""

    __tablename__ = "users"
    __table_args__ = _NEVER_AGAIN

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    password: Mapped[str]
    role: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[int | None] = _of("subjects", index=True)


class AuditRow(Base):
    """A line of the audit log, which triggers refuse to change; it outlives its subject: no foreign key."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str]
    action: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str | None] = mapped_column(String(32), index=True)
    details: Mapped[dict[str, Any]]
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHeadRow(Base):
    """The one row that says how long the audit log is; who adds a line holds it meanwhile."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lines: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class TextRow(Base):
    """A text or number that the clinic sets."""

    __tablename__ = "texts"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class StationRow(Base):
    """A camera that counts visits; see `venue_types.Station`."""

    __tablename__ = "stations"
    __table_args__ = (UniqueConstraint("venue", "name"), _NEVER_AGAIN)

    id: Mapped[int] = mapped_column(primary_key=True)
    venue: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(32))
    source: Mapped[str]
    zones: Mapped[list[str]] = mapped_column(JSON)
    hours: Mapped[list[str]] = mapped_column(JSON)
    least: Mapped[int]
    notice_at: Mapped[datetime | None]
    enabled: Mapped[bool]


class VisitCellRow(Base):
    """What is kept of at least k visits; see `venue_types.VisitCell`."""

    __tablename__ = "visit_cells"

    station_id: Mapped[int] = _of("stations", primary_key=True)
    start: Mapped[datetime] = mapped_column(primary_key=True)
    end: Mapped[datetime]
    visits: Mapped[int]
    evidence: Mapped[list[float]] = mapped_column(JSON)
    products: Mapped[list[list[float]]] = mapped_column(JSON)
    sizes: Mapped[list[float]] = mapped_column(JSON)
    valence: Mapped[float]
    valence_squares: Mapped[float]
    change: Mapped[float]
    change_squares: Mapped[float]
    smiles: Mapped[int]
    lengths: Mapped[list[int]] = mapped_column(JSON)
    length_s: Mapped[float]
    open_s: Mapped[float]
    blind_s: Mapped[float]
    network: Mapped[str]


class AnswerCellRow(Base):
    """What is kept of at least k answers at a kiosk; see `venue_types.AnswerCell`."""

    __tablename__ = "answer_cells"

    station_id: Mapped[int] = _of("stations", primary_key=True)
    start: Mapped[datetime] = mapped_column(primary_key=True)
    end: Mapped[datetime]
    counts: Mapped[list[int]] = mapped_column(JSON)


class VenueMarkRow(Base):
    """Something that was changed in a venue; see `venue_types.VenueMark`."""

    __tablename__ = "venue_marks"

    id: Mapped[int] = mapped_column(primary_key=True)
    venue: Mapped[str] = mapped_column(String(32), index=True)
    at: Mapped[datetime]
    until: Mapped[datetime | None]
    text: Mapped[str]


class FigureRow(Base):
    """A figure that was computed already; it can always be computed again."""

    __tablename__ = "figures"

    subject_id: Mapped[int] = _of("subjects", primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(64))
    value: Mapped[dict[str, Any]]


def value_of(kind: type[_Value], row: Base, **others: Any) -> _Value:
    """Return a row as one of the frozen values in `types`.

    Args:
        kind: the value's class, whose fields are columns of the row.
        row: of a table.
        **others: fields that are not simply what stands in the column.
    """
    names = [each.name for each in fields(kind) if each.name not in others]  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **others)
