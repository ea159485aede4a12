"""Self-reports: what subjects said of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mien.errors import MissingError, StoreError
from mien.store.ledger import Part
from mien.store.scales import SCALES, Answers, checked_answers, fold, known, near
from mien.store.schema import SelfReportRow, SubjectRow, value_of
from mien.store.types import Mistyped, SelfReport, Subject
from mien.store.validation import checked_text, checked_time, require_subject


class SelfReports(Part):
    """The self-reports of a store's subjects."""

    def add(
        self,
        subject: Subject,
        scale: str,
        *,
        items: Sequence[int | None] | None = None,
        total: float | None = None,
        at: datetime | None = None,
        note: str = "",
        difficulty: int | None = None,
        limits: tuple[float, float] | None = None,
    ) -> SelfReport:
        """Add what a subject said.

        Args:
            subject: who.
            scale: "mood" (a total from 0 to 10), "phq9" or "gad7" (items or a total), however they are
                written; or another (a total), with its `limits` when the subject answers it first.
            items: the answers, in order; None for one that was not given.
            total: their sum; follows from the items where they are all given.
            at: when; by default now.
            note: free text.
            difficulty: of the PHQ-9, how difficult the problems made things, 0 to 3.
            limits: the lowest and the highest total of a scale that Mien does not know.

        Raises:
            ConsentError: no consent held then, it was withdrawn, or the time is still to come.
            StoreError: the subject is gone, there is no such scale, or the answers don't fit it.
        """
        with self._database.transaction() as session:
            require_subject(session, subject)
            scale, limits = _as_before(session, subject, scale, limits)
            answers = checked_answers(scale, items, total, difficulty=difficulty, limits=limits)
            return self._put(session, subject, answers, at or self._database.now(), note)

    def restore(self, subject: Subject, report: SelfReport) -> SelfReport:
        """Put back what a store kept already: it may be as an earlier Mien took it.

        A known scale gets its own name where the answers fit it; where they don't, the report stays as it is,
        and is found as mistyped.

        Raises:
            ConsentError: no consent held then, or it was withdrawn.
            StoreError: the subject is gone, or no Mien would have kept that.
        """
        limits = None
        if report.lowest is not None and report.highest is not None:
            limits = (report.lowest, report.highest)
        with self._database.transaction() as session:
            require_subject(session, subject)
            return self._put(session, subject, _as_kept(report, limits), report.at, report.note)

    def of(
        self,
        subject: Subject,
        scale: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[SelfReport]:
        """Return a subject's self-reports from `start` up to `end`, of one scale or all, by time."""
        self._audit.read(subject.id, "self-reports")
        chosen = select(SelfReportRow).where(SelfReportRow.subject_id == subject.id)
        if scale is not None:
            meant = known(scale)
            chosen = chosen.where(SelfReportRow.scale == (meant.name if meant else scale))
        if start is not None:
            chosen = chosen.where(SelfReportRow.at >= start)
        if end is not None:
            chosen = chosen.where(SelfReportRow.at < end)
        with self._database.reading() as session:
            rows = session.scalars(chosen.order_by(SelfReportRow.at, SelfReportRow.id)).all()
            return [_report(row) for row in rows]

    def mistyped(self) -> list[Mistyped]:
        """Find the self-reports of all subjects that an earlier Mien kept under a mistyped name.

        One that was given the range of its own scale is none.
        """
        with self._database.reading() as session:
            names = session.scalars(select(SelfReportRow.scale).distinct()).all()
            meant = {name: each for name in names if (each := _meant(name))}
            rows = session.execute(
                select(SelfReportRow, SubjectRow.code)
                .join(SubjectRow, SubjectRow.id == SelfReportRow.subject_id)
                .where(SelfReportRow.scale.in_(meant), SelfReportRow.lowest.is_(None))
                .order_by(SubjectRow.code, SelfReportRow.at, SelfReportRow.id)
            ).all()
            found = [_mistyped(_report(row), code, meant[row.scale]) for row, code in rows]
        with self._audit.as_one():
            for one in found:
                self._audit.read(one.report.subject_id, "self-reports")
        return found

    def repair(
        self, subject: Subject, report_id: int, scale: str, *, limits: tuple[float, float] | None = None
    ) -> SelfReport:
        """Put a self-report under the scale that was meant; the audit log keeps the name that it had.

        Args:
            subject: whose.
            report_id: of the self-report.
            scale: a known one, or another with its `limits`.
            limits: the lowest and the highest total of another scale.

        Raises:
            MissingError: the subject has none with that id.
            StoreError: the answers don't fit the scale.
        """
        with self._database.transaction() as session:
            row = _row(session, subject, report_id)
            answers = checked_answers(
                scale, row.items, row.total, difficulty=row.difficulty, limits=limits, kept=bool(known(scale))
            )
            told = {"what": "self-report", "number": row.id, "was": row.scale, "scale": answers.scale}
            with self._ledger.changing(session, row, action="repair", **told):
                for name, value in asdict(answers).items():
                    setattr(row, name, list(value) if isinstance(value, tuple) else value)
            return _report(row)

    def remove(self, subject: Subject, report_id: int) -> None:
        """Take a self-report of a subject away.

        Raises:
            MissingError: the subject has none with that id.
        """
        with self._database.transaction() as session:
            self._ledger.remove(
                session, _row(session, subject, report_id), what="self-report", number=report_id
            )

    def _put(
        self, session: Session, subject: Subject, answers: Answers, at: datetime, note: str
    ) -> SelfReport:
        row = SelfReportRow(
            subject_id=subject.id,
            at=checked_time("self-report", at),
            note=checked_text("note", note),
            **{**asdict(answers), "items": list(answers.items) if answers.items is not None else None},
        )
        self._ledger.add(session, row, "self-report", row.at)
        return _report(row)


def _as_before(
    session: Session, subject: Subject, scale: str, limits: tuple[float, float] | None
) -> tuple[str, tuple[float, float] | None]:
    """Return another scale the spelling and the range that it has in a subject's record already."""
    if known(scale):
        return scale, limits
    rows = session.execute(
        select(SelfReportRow.scale, SelfReportRow.lowest, SelfReportRow.highest)
        .where(SelfReportRow.subject_id == subject.id, SelfReportRow.lowest.is_not(None))
        .distinct()
    )
    for name, lowest, highest in rows:
        if lowest is not None and highest is not None and fold(name) == fold(scale):
            if limits is not None and limits != (lowest, highest):
                raise StoreError(f"{name}: its range is {lowest:g} to {highest:g} in this record")
            return name, (lowest, highest)
    return scale, limits


def _as_kept(report: SelfReport, limits: tuple[float, float] | None) -> Answers:
    scale = known(report.scale)
    options = {"difficulty": report.difficulty, "limits": limits}
    try:
        return checked_answers(report.scale, report.items, report.total, kept=True, **options)  # type: ignore[arg-type]
    except StoreError:
        if scale is None or scale.name == report.scale or report.items is not None or report.total is None:
            raise
        return Answers(report.scale, None, report.total)


def _row(session: Session, subject: Subject, report_id: int) -> SelfReportRow:
    row = session.get(SelfReportRow, report_id)
    if row is None or row.subject_id != subject.id:
        raise MissingError(
            f"{subject.code} has no self-report {report_id}: mien self-report list {subject.code}"
        )
    return row


def _meant(name: str) -> str | None:
    scale = None if name in SCALES else known(name) or near(name)
    return scale.name if scale else None


def _mistyped(report: SelfReport, code: str, meant: str) -> Mistyped:
    try:
        checked_answers(meant, report.items, report.total, kept=True)
    except StoreError:
        fits = False
    else:
        fits = True
    return Mistyped(report, code, meant, known(report.scale) is not None, fits)


def _report(row: SelfReportRow) -> SelfReport:
    return value_of(SelfReport, row, items=tuple(row.items) if row.items is not None else None)
