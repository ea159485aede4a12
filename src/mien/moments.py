"""Moments as people write them: ISO 8601, by the clock of this computer where no zone is named."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_FORM: Final = re.compile(r"\d{4}-?(\d\d-?\d\d|W\d\d-?\d)([Tt ]\d.*)?")
"""Python's own reader takes any character for the T."""


class AmbiguousMomentError(ValueError):
    """This computer's clock never showed a time, or twice; says how to name the moment that is meant."""


def parse_moment(text: str) -> datetime:
    """Return the moment that a text names.

    Args:
        text: ISO 8601: 2026-05-03, 20260503, 2026-05-03T14:30, with or without a zone (Z, +02:00).

    Returns:
        The moment with its zone; this computer's, where the text names none.

    Raises:
        AmbiguousMomentError: see `by_this_clock`.
        ValueError: it is no such text.
        OverflowError: it lies beyond the calendar.
    """
    if not _FORM.fullmatch(text):
        raise ValueError(f"expected a time such as 2026-05-03T14:30, received {text!r}")
    return by_this_clock(datetime.fromisoformat(text))


def by_this_clock(at: datetime) -> datetime:
    """Return the moment at which this computer's clock shows a time; one that names its zone stays as it is.

    Raises:
        AmbiguousMomentError: it never showed it, or twice, as summer time began or ended.
        OverflowError: it lies beyond the calendar.
    """
    if at.tzinfo is not None:
        return at
    first, second = (at.replace(fold=fold).astimezone() for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    if first.replace(tzinfo=None) == at:
        raise AmbiguousMomentError(
            f"{at:%Y-%m-%d %H:%M} occurred twice, because the clocks were put back; give its time zone:"
            f" {_iso(first)} or {_iso(second)}"
        )
    raise AmbiguousMomentError(
        f"{at:%Y-%m-%d %H:%M} never occurred, because the clocks were put forward; give another time, perhaps"
        f" {_iso(min(first, second))} or {_iso(max(first, second))}"
    )


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def utc(at_s: float) -> str:
    """Return POSIX seconds as ISO 8601 in UTC, with milliseconds: "2026-05-01T12:00:00.250Z"."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
