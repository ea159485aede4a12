"""Self-reports: what subjects said of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import select

from mien.errors import StoreError
from mien.store.checks import checked_text, checked_time, require_subject
from mien.store.engine import Database
from mien.store.scales import checked_answers
from mien.store.schema import SelfReportRow
from mien.store.types import SelfReport, Subject


class SelfReports:
    """The self-reports of a store's subjects.

    Args:
        database: an open one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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
            session.add(row)
            session.flush()
            return _report(row)

    def of(
        self,
        subject: Subject,
        scale: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> list[SelfReport]:
        """Give a subject's self-reports from `start` up to `end`, of one scale or all, by time."""
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

    def remove(self, report_id: int) -> None:
        """Take a self-report away.

        Raises:
            StoreError: there is none with that id.
        """
        with self._database.transaction() as session:
            row = session.get(SelfReportRow, report_id)
            if row is None:
                raise StoreError(f"there is no self-report {report_id}")
            session.delete(row)


def _report(row: SelfReportRow) -> SelfReport:
    values = {each.name: getattr(row, each.name) for each in fields(SelfReport)}
    return SelfReport(**{**values, "items": tuple(row.items) if row.items is not None else None})
