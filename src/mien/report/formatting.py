"""Texts made fit for a page: other people's words cleaned, dates and numbers written out."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date, datetime
from typing import Final

import pandas as pd

from mien.wording import count

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
"""In English on every machine, whatever its locale."""

MINUS: Final = "\N{MINUS SIGN}"
DASH: Final = "\N{EN DASH}"
NOTHING: Final = DASH
"""What stands where there is no figure."""

_MOST_MARKS_ON_A_LETTER: Final = 4
_DIRECTIONS: Final = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"


def clean(text: str, most: int | None = None) -> str:
    """Make other people's words safe to lay out in one paragraph.

    Control characters and line ends become spaces; what turns the direction of the text is dropped; what is
    no character becomes U+FFFD; of a pile of combining marks four stay. Letters of all scripts stay.

    Args:
        text: any.
        most: so many characters stay at most, the last of them "…"; None keeps all.
    """
    if text.isascii() and text.isprintable():
        return shortened(" ".join(text.split()), most)
    kept: list[str] = []
    pile = 0
    # What is cut off need not be cleaned: of a very long text only the beginning is looked at.
    for character in text if most is None else text[: 8 * most]:
        kind = unicodedata.category(character)
        pile = pile + 1 if kind in {"Mn", "Me"} else 0
        if character in _DIRECTIONS or pile > _MOST_MARKS_ON_A_LETTER:
            continue
        if kind in {"Cc", "Zl", "Zp"}:
            character = " "
        elif kind == "Cs" or _is_noncharacter(ord(character)):
            character = _UNKNOWN
        kept.append(character)
    return shortened(" ".join("".join(kept).split()), most)


def _is_noncharacter(point: int) -> bool:
    return point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF


def shortened(text: str, most: int | None) -> str:
    """Cut a text to at most so many characters, at a space if one is near, and end it with "…"."""
    if most is None or len(text) <= most:
        return text
    cut = text[: most - 1]
    space = cut.rfind(" ", 2 * most // 3)
    return (cut if space < 0 else cut[:space]).rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def breakable(text: str, longest: int = 24) -> str:
    """Put zero-width spaces into runs without a space, so that they can't run out of their column.

    Args:
        text: clean.
        longest: runs up to this length stay as they are.
    """
    return re.sub(rf"\S{{{longest + 1},}}", lambda run: _broken(run.group(), longest // 2), text)


def _broken(run: str, step: int) -> str:
    pieces = [""]
    for character in run:
        # A mark, a joiner or what follows a joiner belongs to the character before.
        bound = unicodedata.category(character) in {"Mn", "Mc", "Me", "Cf"} or pieces[-1].endswith("\u200d")
        if len(pieces[-1]) >= step and not bound:
            pieces.append("")
        pieces[-1] += character
    return "\u200b".join(pieces)


def day(when: date) -> str:
    """Write a date: 3 May 2026."""
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def short_day(when: date) -> str:
    """Write a date for narrow places: 3 May 26."""
    return f"{when.day} {MONTHS[when.month - 1][:3]} {when.year % 100:02}"


def moment(when: datetime) -> str:
    """Write a date and time of day: 3 May 2026, 14:05."""
    return f"{day(when)}, {when:%H:%M}"


def period(start: date, end: date) -> str:
    """Write a period, both days belonging to it: 3 May to 24 July 2026."""
    if start == end:
        return day(start)
    first = day(start) if start.year != end.year else f"{start.day} {MONTHS[start.month - 1]}"
    return f"{first} to {day(end)}"


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number with a true minus; a dash where there is none."""
    if value is None or pd.isna(value):
        return NOTHING
    return f"{value:.{decimals}f}".replace("-", MINUS)


def significant(value: float | None, digits: int = 3) -> str:
    """Write a number with so many digits that count, and a true minus; a dash where there is none."""
    if value is None or pd.isna(value) or not math.isfinite(value):
        return NOTHING
    decimals = digits - 1 - math.floor(math.log10(abs(value))) if value else digits - 1
    return number(value, min(max(decimals, 0), 6))


def sentence(text: str) -> str:
    """Begin with a capital letter, and end with a full stop."""
    cleaned = re.sub(r"(?<!\S)-(?=\d)", MINUS, clean(text))
    return (
        cleaned if not cleaned else cleaned[0].upper() + cleaned[1:] + ("" if cleaned[-1] in ".!?" else ".")
    )


def whole(value: float) -> str:
    """Write a number without needless decimals: 7, 7.5."""
    return f"{value:g}".replace("-", MINUS)


def listed(words: list[str]) -> str:
    """Join words: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def duration(minutes: float) -> str:
    """Write how long: 45 minutes, 12 hours."""
    return count(round(minutes), "minute") if minutes < 180 else count(round(minutes / 60), "hour")
