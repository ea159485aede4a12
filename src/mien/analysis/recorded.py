"""Into whose record inputs go, and what is said of it in the summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mien.errors import ConfigError
from mien.moments import AmbiguousMomentError, parse_moment

if TYPE_CHECKING:
    from mien.record.writer import RecordStatus
    from mien.source.recorded_at import RecordedAt


@dataclass(frozen=True, slots=True)
class Recorded:
    """Into whose record inputs go, and how.

    Attributes:
        subject: the code.
        store: a path or URL; see `Store`.
        tracks: which tracks are the subject; empty takes the face that is alone or clearly the largest.
        again: an input that is in the record already takes the place of what is there.
        at: when it was recorded, ISO 8601 with a zone; None takes the file's word.
    """

    subject: str
    store: str | None = None
    tracks: tuple[int, ...] = ()
    again: bool = False
    at: str | None = None


@dataclass
class Kept:
    """What of one input was stored; filled in at the end.

    Attributes:
        status: of the recording; None where nothing was to be stored.
        recorded: when it was recorded; None as well.
    """

    status: RecordStatus | None = None
    recorded: RecordedAt | None = None

    def as_record(self) -> dict[str, Any]:
        """Return it as it stands in the summary; empty where nothing was to be stored."""
        status, recorded = self.status, self.recorded
        if status is None or recorded is None:
            return {}
        return {
            "subject": {
                "code": status.subject,
                "recording": status.uuid,
                "frames": status.frames,
                "frames_with_subject": status.with_subject,
                "other_faces": status.others,
                "read_too_rarely": status.too_rarely or None,
                "signals": list(status.signals),
                "signals_refused": status.signals_refused or None,
                "recorded_at": recorded.at.isoformat(),
                "by_file_date": not recorded.said,
            }
        }


def parse_face(text: str) -> tuple[int, ...]:
    """Read which face is the subject's: "largest", or numbers of tracks as in "0,3".

    Raises:
        ConfigError: it is neither.
    """
    if text == "largest":
        return ()
    if not all(each.strip().isdecimal() for each in text.split(",")):
        raise ConfigError(f"face: expected largest or numbers of tracks as in 0,3, received {text!r}")
    return tuple(int(each) for each in text.split(","))


def parse_recorded_at(text: str) -> str:
    """Read a moment in ISO 8601; without a zone it is in this machine's.

    Raises:
        ConfigError: it is none.
    """
    try:
        return parse_moment(text).isoformat()
    except AmbiguousMomentError as error:
        raise ConfigError(f"recorded at: {error}") from error
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"recorded at: expected a time as in 2026-05-01T09:30, received {text!r}"
        ) from error
