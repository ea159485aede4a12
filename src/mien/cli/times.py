"""Times as people write them on the command line."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Final

from mien.errors import ConfigError
from mien.moments import AmbiguousMomentError, by_this_clock, parse_moment

_CLOCK: Final = re.compile(r"\d\d:\d\d(:\d\d)?")
"""A time of today; without colons it could be a day: 20260503 is one, and 20:26:05 another."""


def read_moment(option: str, text: str, now: datetime) -> datetime:
    """Return the moment that somebody means.

    Args:
        option: names it in the error.
        text: HH:MM or HH:MM:SS, today; or ISO 8601: 2026-05-03, 2026-05-03T14:30, with or without a zone.
        now: says which day is today.

    Returns:
        The moment; where the text has no zone, by the clock of this computer.

    Raises:
        ConfigError: it is none of these; or the clock never showed it, or twice (summer time).
    """
    try:
        if _CLOCK.fullmatch(text):
            return by_this_clock(datetime.combine(now.astimezone().date(), time.fromisoformat(text)))
        return parse_moment(text)
    except AmbiguousMomentError as error:
        raise ConfigError(f"{option}: {error}") from error
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"{option}: expected a time such as 14:30 or 2026-05-03T14:30, received {text!r}"
        ) from error


def read_end(option: str, text: str, now: datetime) -> datetime:
    """Return the moment at which something ends; a day is meant with all its hours.

    Raises:
        ConfigError: it is no time.
    """
    try:
        # Where summer time begins or ends at midnight, this is the first moment of the next day all the same.
        return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time()).astimezone()
    except (ValueError, OverflowError):
        return read_moment(option, text, now)


def read_last_day(option: str, text: str, now: datetime) -> datetime:
    """Return the end of something that still holds on a day, or until a moment.

    Raises:
        ConfigError: it is no time, or past.
    """
    end = read_end(option, text, now)
    if end <= now:
        raise ConfigError(f"{option}: {text} is in the past")
    return end


def shown_end(at: datetime) -> str:
    """Return the end of something as people read it: a day's end is the day, as `read_end` takes it."""
    local = at.astimezone()
    return shown(at) if local.time() != time() else f"{local - timedelta(days=1):%Y-%m-%d}"


def shown(at: datetime) -> str:
    """Return a moment as people read it, by the clock of this computer."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
