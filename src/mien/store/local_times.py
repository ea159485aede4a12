"""Moments with the clock's place: the database keeps UTC, and beside it what the clock showed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from mien.errors import StoreError
from mien.store.schema import RecordingRow


def offset_s(moment: datetime) -> int:
    """Say how far a moment's zone is ahead of UTC, in whole seconds.

    Raises:
        StoreError: it has no zone.
    """
    offset = moment.utcoffset()
    if offset is None:
        raise StoreError(f"expected a time with its zone, received {moment.isoformat()}")
    return round(offset.total_seconds())


def local_start(row: RecordingRow) -> datetime:
    """Give a recording's start as the clock showed it where it was made."""
    return row.started_at.astimezone(timezone(timedelta(seconds=row.utc_offset_s)))
