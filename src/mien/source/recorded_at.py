"""When a file was recorded, as far as it tells."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from mien.film import jumps, played_length_s
from mien.source.container import open_video

_FIRST_YEAR: Final = 1990
"""Cameras whose clock was never set write years before this one."""

_BY_CAMERA: Final = ("com.apple.quicktime.creationdate", "date")
"""Tags in which a camera writes its own time with its zone: QuickTime's metadata keys, and its ©day."""

_BY_CONTAINER: Final = "creation_time"


class RecordedAt(NamedTuple):
    """When a film's first frame was taken.

    Attributes:
        at: the moment, in the zone of the camera where the film names it, else in this machine's.
        said: whether the container or the user says so; else it follows from the file's last change.
    """

    at: datetime
    said: bool


def recorded_at(path: Path, length_s: float) -> RecordedAt:
    """Say when a film's first frame was taken.

    That is what the camera says with its zone (as phones do), or its container (`creation_time`, UTC by
    ISO/IEC 14496-12; without a zone, as in AVI, it is taken for this machine's). Where both are missing or
    impossible, it is when the file was last changed, less its length.

    Args:
        path: a video or photograph.
        length_s: in seconds; 0 for a photograph.

    Raises:
        SourceError: it is no film.
    """
    changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if not length_s:
        return RecordedAt(changed_at.astimezone(), False)
    # A file can't be older than its recording; a day is for clocks and zones that are wrong.
    latest_at = changed_at + timedelta(days=1)
    container, stream = open_video(path)
    with closing(container):
        for moment in _said({**stream.metadata, **container.metadata}):
            if moment.year >= _FIRST_YEAR and moment <= latest_at:
                return RecordedAt(moment, True)
        if jumps(container):
            length_s = played_length_s(container, stream) or length_s
    return RecordedAt((changed_at - timedelta(seconds=length_s)).astimezone(), False)


def _said(tags: dict[str, str]) -> Iterable[datetime]:
    for name in _BY_CAMERA:
        moment = _moment(tags.get(name, ""))
        if moment is not None and moment.tzinfo is not None:
            # "Z" is no zone where anybody films.
            yield moment.astimezone() if tags[name].endswith("Z") else moment
    moment = _moment(tags.get(_BY_CONTAINER, ""))
    if moment is not None:
        yield moment.astimezone()


def _moment(text: str) -> datetime | None:
    """Read a day with a time of day in ISO 8601; None where it is none, or in no year that can be."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment if ":" in text and moment.astimezone(UTC).year >= _FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None
