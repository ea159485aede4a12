"""Self-reports: what subjects said of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import select

from mien.errors import MissingError
from mien.store.audit import Audit
from mien.store.checks import checked_text, checked_time, require_subject
from mien.store.engine import Database
from mien.store.ledger import Ledger
from mien.store.scales import checked_answers
from mien.store.schema import SelfReportRow
from mien.store.types import SelfReport, Subject


class SelfReports:
    """The self-reports of a store's subjects.

    Args:
        database: an open one.
        audit: where it is logged that they are read.
        ledger: where what is added and removed goes.
    """

    def __init__(self, database: Database, audit: Audit, ledger: Ledger) -> None:
        self._database, self._audit, self._ledger = database, audit, ledger

    def add(
        self,
        subject: Subject,
        scale: str,
        *,
        items: Sequence[int] | None = None,
        total: float | None = None,
        at: datetime | None = None,
        note: str = "",
    ) -> SelfReport:
        """Add what a subject said.

        Args:
            subject: who.
            scale: "mood" (a total from 0 to 10), "phq9" or "gad7" (items or a total), or another (a total).
            items: the answers, in order.
            total: their sum; follows from the items where they are given.
            at: when; by default now.
            note: free text.

        Raises:
            ConsentError: no consent held then, or it was withdrawn.
            StoreError: the subject is gone, or the answers don't fit the scale.
        """
        answers, sum_of_them = checked_answers(scale, items, total)
        row = SelfReportRow(
            subject_id=subject.id,
            at=checked_time("self-report", at or self._database.now()),
            scale=scale,
            items=list(answers) if answers is not None else None,
            total=sum_of_them,
            note=checked_text("note", note),
        )
        with self._database.transaction() as session:
            require_subject(session, subject)
            self._ledger.add(session, row, "self-report", row.at)
            return _report(row)

    def of(
        self,
        subject: Subject,
        scale: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[SelfReport]:
        """Give a subject's self-reports from `start` up to `end`, of one scale or all, by time."""
        self._audit.read(subject.id, "self-reports")
        chosen = select(SelfReportRow).where(SelfReportRow.subject_id == subject.id)
        if scale is not None:
            chosen = chosen.where(SelfReportRow.scale == scale)
        if start is not None:
            chosen = chosen.where(SelfReportRow.at >= start)
        if end is not None:
            chosen = chosen.where(SelfReportRow.at < end)
        with self._database.reading() as session:
            rows = session.scalars(chosen.order_by(SelfReportRow.at, SelfReportRow.id)).all()
            return [_report(row) for row in rows]

    def remove(self, subject: Subject, report_id: int) -> None:
        """Take a self-report of a subject away.

        Raises:
            MissingError: the subject has none with that id.
        """
        with self._database.transaction() as session:
            row = session.get(SelfReportRow, report_id)
            if row is None or row.subject_id != subject.id:
                raise MissingError(
                    f"{subject.code} has no self-report {report_id}: mien self-report list {subject.code}"
                )
            self._ledger.remove(session, row, what="self-report", number=report_id)


def _report(row: SelfReportRow) -> SelfReport:
    values = {each.name: getattr(row, each.name) for each in fields(SelfReport)}
    return SelfReport(**{**values, "items": tuple(row.items) if row.items is not None else None})
