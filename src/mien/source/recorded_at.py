"""When a file was recorded, as far as it tells."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from mien.source.container import open_video

_FIRST_YEAR: Final = 1990
"""Cameras whose clock was never set write years before this one."""


class RecordedAt(NamedTuple):
    """When a film's first frame was taken, in this machine's zone.

    Attributes:
        at: the moment.
        said: whether the container or the user says so; else it follows from the file's last change.
    """

    at: datetime
    said: bool


def recorded_at(path: Path, length_s: float) -> RecordedAt:
    """Say when a film's first frame was taken.

    That is what its container says (`creation_time`, UTC by ISO/IEC 14496-12); where that is missing or
    impossible, when the file was last changed, less its length.

    Args:
        path: a video or photograph.
        length_s: in seconds; 0 for a photograph.

    Raises:
        SourceError: it is no film.
    """
    changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    written_at = _written_at(path) if length_s else None
    # A file can't be older than its recording; a day is for clocks and zones that are wrong.
    latest_at = changed_at + timedelta(days=1)
    if written_at is not None and written_at.year >= _FIRST_YEAR and written_at <= latest_at:
        return RecordedAt(written_at.astimezone(), True)
    return RecordedAt((changed_at - timedelta(seconds=length_s)).astimezone(), False)


def _written_at(path: Path) -> datetime | None:
    container, stream = open_video(path)
    with closing(container):
        said = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    try:
        moment = datetime.fromisoformat(said) if said else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
