"""When a file was recorded, as far as it tells."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from PIL import ExifTags
from PIL import Image as Pillow

from mien.film import jumps, played_length_s
from mien.source.container import open_video
from mien.source.images import is_photograph

_FIRST_YEAR: Final = 1990
"""Cameras whose clock was never set write years before this one."""

_BY_CAMERA: Final = ("com.apple.quicktime.creationdate", "date")
"""Tags in which a camera writes its own time with its zone: QuickTime's metadata keys, and its ©day."""

_BY_CONTAINER: Final = "creation_time"

# What Pillow raises where a picture's EXIF data are damaged.
_DAMAGE: Final = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, RuntimeError, EOFError, struct.error,
    Pillow.DecompressionBombError,
)  # fmt: skip


class RecordedAt(NamedTuple):
    """When a photograph, or a film's first frame, was taken.

    Attributes:
        at: the moment, in the zone of the camera where the file names it, else in this machine's.
        said: whether the file or the user says so; else it follows from the file's last change.
    """

    at: datetime
    said: bool


def recorded_at(path: Path, length_s: float) -> RecordedAt:
    """Return when a photograph, or a film's first frame, was taken.

    That is what the camera says: with its zone (phones do), in UTC (`creation_time` of a film, by ISO/IEC
    14496-12), or without a zone, which is then taken for this machine's (EXIF before 2.31, AVI). Where it is
    missing or impossible, it is when the file was last changed, less its length.

    Args:
        path: a video or photograph.
        length_s: of a film, in seconds, as far as it is known.

    Raises:
        SourceError: it is neither.
    """
    changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    if is_photograph(path):
        said, length_s = _said_by_exif(path), 0.0
    else:
        said, length_s = _said_by_film(path, length_s)
    # A file can't be older than its recording; a day is for clocks and zones that are wrong.
    latest_at = changed_at + timedelta(days=1)
    for moment in said:
        at = moment if moment.tzinfo is not None else moment.astimezone()
        if at <= latest_at:
            return RecordedAt(at, True)
    return RecordedAt((changed_at - timedelta(seconds=length_s)).astimezone(), False)


def zoned_start(film: Path) -> datetime | None:
    """Return when a film's first frame was taken, if the film itself says so with a time zone.

    Raises:
        SourceError: it is no film.
    """
    latest_at = datetime.fromtimestamp(film.stat().st_mtime, UTC) + timedelta(days=1)
    said, _ = _said_by_film(film, 0.0)
    return next((each for each in said if each.tzinfo is not None and each <= latest_at), None)


def _said_by_film(path: Path, length_s: float) -> tuple[list[datetime], float]:
    """Return what a film says of when it was made, the best first, and its length in seconds."""
    container, stream = open_video(path)
    with closing(container):
        said = list(_read_tags({**stream.metadata, **container.metadata}))
        if jumps(container) and not said:
            length_s = played_length_s(container, stream) or length_s
    return said, length_s


def _read_tags(tags: dict[str, str]) -> Iterator[datetime]:
    for name in _BY_CAMERA:
        moment = _moment(tags.get(name, ""))
        if moment is not None and moment.tzinfo is not None:
            # "Z" is no zone where anybody films.
            yield moment.astimezone() if tags[name].endswith("Z") else moment
    moment = _moment(tags.get(_BY_CONTAINER, ""))
    if moment is not None:
        yield moment if moment.tzinfo is None else moment.astimezone()


def _said_by_exif(path: Path) -> list[datetime]:
    """Return when a photograph was taken, if it says so."""
    tags = ExifTags.Base
    with warnings.catch_warnings(), suppress(*_DAMAGE):
        warnings.simplefilter("ignore")
        with Pillow.open(path) as picture:
            exif = picture.getexif().get_ifd(ExifTags.IFD.Exif)
            day, _, time = str(exif.get(tags.DateTimeOriginal, "")).strip("\0 ").partition(" ")
            zone = str(exif.get(tags.OffsetTimeOriginal, "")).strip("\0 ")
        clock = f"{day.replace(':', '-')}T{time}"
        moment = _moment(f"{clock}{zone}") or _moment(clock)
        if moment is not None:
            return [moment if moment.tzinfo is not None else moment.astimezone()]
    return []


def _moment(text: str) -> datetime | None:
    """Read a day with a time of day in ISO 8601; None where it is none, or in no year that can be."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment if ":" in text and moment.astimezone(UTC).year >= _FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None
