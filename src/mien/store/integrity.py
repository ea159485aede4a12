"""The record against its log: what other programs have changed, and what was stored without a consent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from mien.store import seals
from mien.store.audit import Audit
from mien.store.database import Database
from mien.store.erasing import UNCLEAN
from mien.store.ledger import about, consents_of, held
from mien.store.schema import (
    REVISION,
    AnnotationRow,
    AuditHeadRow,
    AuditRow,
    BaselineRow,
    ChunkRow,
    ConsentRow,
    NeutralFaceRow,
    RecordingRow,
    SelfReportRow,
    SignalRow,
    StationRow,
    SubjectKeyRow,
    SubjectRow,
    TextRow,
    UserRow,
    VenueMarkRow,
)

UNBOUND: Final = "unbound"
"""The text that notes that the rows are not bound to the log yet, and why."""

_NOBODY: Final = ""
_AT_ONCE: Final = 1000

_WORDS: Final = {
    "subjects": "subject",
    "consents": "consent",
    "self_reports": "self-report",
    "annotations": "mark",
    "baselines": "baseline",
    "neutral_faces": "neutral face",
    "recordings": "recording",
    "segments": "readings of recording",
    "chunks": "newest readings of recording",
    "signals": "signals of recording",
    "signal_rows": "newest signals of recording",
    "events": "events of recording",
    "users": "user",
    "texts": "text",
    "stations": "station",
    "venue_marks": "mark of venue",
}

_Sealed = dict[str, str]
"""Seals by the rows' names."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found.

    Attributes:
        lines: of the audit log, each of which follows upon the one before.
        altered: what was changed, put in or taken out by other means than Mien, a sentence each.
        without_consent: what was recorded when no consent held, a sentence for each subject and kind; it came
            in before Mien refused it.
        bound: when rows that were there already were bound to the log, and why.
    """

    lines: int
    altered: list[str]
    without_consent: list[str]
    bound: list[str]


def check(database: Database, lines: int) -> Checked:
    """Compare all rows with what the log says of them.

    Args:
        database: an open one, whose log is whole.
        lines: of the log.
    """
    with database.reading() as session:
        known, altered, bound = _replayed(session)
        without_consent = []
        altered += _differences("", known.pop(_NOBODY, {}), dict(_of_nobody(session)))
        for subject in session.scalars(select(SubjectRow).order_by(SubjectRow.code)):
            expected = known.pop(subject.number, {})
            if session.get(SubjectKeyRow, subject.id) is None:
                altered.append(f"{subject.code}: the key of the seals was removed by another program")
                continue
            altered += _differences(f"{subject.code}: ", expected, dict(_of_subject(session, subject)))
            altered += _altered_unpacked(session, subject)
            without_consent += _without_consent(session, subject)
        altered += [
            f"the subject with the number {number} was removed by another program" for number in known
        ]
    return Checked(lines, altered, without_consent, bound)


def is_unbound(session: Session) -> bool:
    """Return whether there are rows that the log knows nothing of."""
    return bool(session.scalar(select(exists().where(TextRow.name == UNBOUND))))


def bind(database: Database, audit: Audit) -> None:
    """Bind the rows to the log as they are: an older Mien's, or what was saved of a damaged record."""
    with database.transaction() as session:
        session.scalars(select(AuditHeadRow).with_for_update()).one()
        marker = session.get(TextRow, UNBOUND)
        if marker is None:  # another program was quicker
            return
        why = {"tables": REVISION, "why": str(marker.value)}
        session.execute(delete(TextRow).where(TextRow.name == UNBOUND))
        audit.write("bind", None, why | {"rows": _added(_of_nobody(session))})
        for subject in session.scalars(select(SubjectRow).order_by(SubjectRow.id)):
            recordings = select(RecordingRow).where(RecordingRow.subject_id == subject.id)
            for recording in session.scalars(recordings):
                recording.chunks_hash = seals.unpacked_hash(session, recording.id, ChunkRow)
                recording.signals_hash = seals.unpacked_hash(session, recording.id, SignalRow)
            audit.write("bind", subject.number, why | {"rows": _added(_of_subject(session, subject))})


def _added(sealed: Iterator[tuple[str, str]]) -> seals.Rows:
    return {name: [None, found] for name, found in sealed}


def _of_nobody(session: Session) -> Iterator[tuple[str, str]]:
    texts = select(TextRow).where(TextRow.name.not_in((UNBOUND, UNCLEAN)))
    users = select(UserRow).where(UserRow.subject_id.is_(None))
    venues = (*session.scalars(select(StationRow)), *session.scalars(select(VenueMarkRow)))
    for row in (*session.scalars(texts), *session.scalars(users), *venues):
        yield seals.name_of(row), seals.seal_row(session, None, row)


def _of_subject(session: Session, subject: SubjectRow) -> Iterator[tuple[str, str]]:
    yield seals.name_of(subject), seals.seal_row(session, subject.id, subject)
    tables: Sequence[Any] = (
        ConsentRow, SelfReportRow, AnnotationRow, BaselineRow, NeutralFaceRow, UserRow, RecordingRow
    )  # fmt: skip
    for table in tables:
        for row in session.scalars(select(table).where(table.subject_id == subject.id)):
            yield seals.name_of(row), seals.seal_row(session, subject.id, row)
            if isinstance(row, RecordingRow):
                yield from seals.seal_packed(session, row)
                if events := seals.seal_events(session, row):
                    yield seals.events_name(row.id), events


def _replayed(session: Session) -> tuple[dict[str, _Sealed], list[str], list[str]]:
    """Read the log from its beginning: which rows there should be, and what was altered meanwhile."""
    known: dict[str, _Sealed] = defaultdict(dict)
    altered, bound = [], []
    query = select(AuditRow).order_by(AuditRow.id).execution_options(yield_per=_AT_ONCE)
    with closing(session.scalars(query)) as log:
        for line in log:
            if line.action == "erase":
                known.pop(line.subject or _NOBODY, None)
            elif line.action == "bind" and line.subject is None:
                known.clear()
                bound.append(f"{line.at.astimezone():%Y-%m-%d}: {line.details['why']}")
            rows: seals.Rows = line.details.get("rows", {})
            sealed = known[line.subject or _NOBODY]
            for name, (before, after) in rows.items():
                if sealed.pop(name, None) != before:
                    altered.append(
                        f"{_word(name)} {_was(name)} altered by another program before Mien changed it"
                        f" (line {line.id} of the log)"
                    )
                if after is not None:
                    sealed[name] = after
    return {number: sealed for number, sealed in known.items() if sealed}, altered, bound


def _differences(whose: str, expected: _Sealed, found: _Sealed) -> list[str]:
    done = {
        "removed": [each for each in expected if each not in found],
        "added": [each for each in found if each not in expected],
        "altered": [each for each in found if found[each] != expected.get(each, found[each])],
    }
    return [
        f"{whose}{_word(each)} {_was(each)} {what} by another program"
        for what, names in done.items()
        for each in names
    ]


def _altered_unpacked(session: Session, subject: SubjectRow) -> list[str]:
    recordings = session.scalars(select(RecordingRow).where(RecordingRow.subject_id == subject.id)).all()
    unpacked: list[tuple[str, seals.Unpacked, int, str | None]] = []
    for each in recordings:
        unpacked.append(("chunks", ChunkRow, each.id, each.chunks_hash))
        unpacked.append(("signal_rows", SignalRow, each.id, each.signals_hash))
    return [
        f"{subject.code}: {_word(f'{name}/{number}')} were altered by another program"
        for name, kind, number, expected in unpacked
        if seals.unpacked_hash(session, number, kind) != expected
    ]


def _without_consent(session: Session, subject: SubjectRow) -> list[str]:
    consents = consents_of(session, subject.id)
    tables: dict[str, tuple[Any, Any, str | None]] = {
        "recordings": (RecordingRow, RecordingRow.started_at, "expression"),
        "self-reports": (SelfReportRow, SelfReportRow.at, None),
        "marks": (AnnotationRow, AnnotationRow.at, None),
        "baselines": (BaselineRow, BaselineRow.made_at, None),
        "neutral faces": (NeutralFaceRow, NeutralFaceRow.made_at, "expression"),
    }
    found = []
    for what, (table, moment, signal) in tables.items():
        rows = session.execute(select(table.id, moment).where(table.subject_id == subject.id))
        numbers = [str(number) for number, at in rows if not held(about(consents, signal), signal, at)]
        if numbers:
            found.append(
                f"{subject.code}: no consent was valid when {what} {', '.join(numbers)} were recorded"
            )
    body = (
        select(SignalRow.signal, SignalRow.recording_id, SignalRow.start_s, RecordingRow.started_at)
        .join(RecordingRow, SignalRow.recording_id == RecordingRow.id)
        .where(RecordingRow.subject_id == subject.id)
        .order_by(SignalRow.recording_id, SignalRow.number)
    )
    refused = {
        f"{subject.code}: no consent was valid for {signal} in recording {number}"
        for signal, number, start_s, at in session.execute(body)
        if not held(about(consents, signal), signal, at + timedelta(seconds=start_s))
    }
    return found + sorted(refused)


def _was(name: str) -> str:
    return (
        "were" if name.split("/")[0] in ("segments", "chunks", "events", "signals", "signal_rows") else "was"
    )


def _word(name: str) -> str:
    table, number = name.split("/")[:2]
    return f"{_WORDS.get(table, table)} {number}"
