"""Makes the first page one page: notes and marks give way, then findings; never coverage, safety, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from mien.report.content import Entries, Entry, ReportContent, TextTable
from mien.report.formatting import shortened
from mien.wording import count


@dataclass(frozen=True, slots=True)
class Room:
    """How much of what can give way stands on the page.

    Attributes:
        notes, note_length: how many notes, and characters of each.
        marks, mark_length: of medicines and events.
        sentences: on what changed, and on coverage.
        rows: of each table.
        low: the picture is drawn with lower strips.
        scale: of type and spaces; 1 is the usual.
    """

    notes: int
    note_length: int
    marks: int
    mark_length: int
    sentences: int = 4
    rows: int = 4
    low: bool = False
    scale: float = 1.0


ROOMS: Final = (
    *(Room(30, 400, 30, 400, 8, 8), Room(24, 240, 24, 200, 8, 8), Room(16, 200, 16, 150, 6, 6)),
    *(Room(12, 160, 12, 90, 6), Room(8, 140, 12, 60), Room(6, 110, 12, 50), Room(4, 90, 8, 50)),
    *(Room(3, 80, 6, 50, 3), Room(2, 70, 4, 40, 2)),
)
"""From wide to narrow; `fit` tries them with each look."""

_LEAST: Final = Room(0, 70, 0, 40, 1, 3, low=True, scale=0.68)
_LOOKS: Final = (
    (False, 1.0),
    (True, 1.0),
    (True, 0.94),
    (True, 0.88),
    (True, 0.82),
    (True, 0.75),
    (True, 0.68),
)


def fit(content: ReportContent, fits: Callable[[ReportContent, Room], bool]) -> tuple[ReportContent, Room]:
    """Choose the widest room in which a report is one page; entries are shortened before type gets small.

    Args:
        content: a short report with all its entries.
        fits: says whether a shortened report is one page.

    Returns:
        The shortened report and its room; the narrowest where none fits, which only a clinic's own texts of
        several thousand characters bring about.
    """
    for low, scale in _LOOKS:
        rooms = [replace(room, low=low, scale=scale) for room in ROOMS]
        if fits(put_into(content, rooms[-1]), rooms[-1]):
            chosen = next(room for room in rooms if room is rooms[-1] or fits(put_into(content, room), room))
            return put_into(content, chosen), chosen
    return put_into(content, _LEAST), _LEAST


def put_into(content: ReportContent, room: Room) -> ReportContent:
    """Shorten a report to a room; what is left out is counted."""
    return replace(
        content,
        notes=_some(content.notes, room.notes, room.note_length),
        marks=_some(content.marks, room.marks, room.mark_length),
        changes=_first(content.changes, room.sentences, content.elsewhere),
        remarks=_first(content.remarks, room.sentences, content.elsewhere),
        tables=tuple(_top(each, room.rows) for each in content.tables),
        picture=content.low_picture if room.low else content.picture,
    )


def _some(entries: Entries, most: int, length: int) -> Entries:
    shown = tuple(_short(each, length) for each in entries.shown[:most])
    return Entries(shown, entries.more + len(entries.shown) - len(shown))


def _short(entry: Entry, length: int) -> Entry:
    return replace(entry, text=shortened(entry.text, length))


def _top(table: TextTable, most: int) -> TextTable:
    left = max(len(table.rows) - most, 0)
    return replace(table, rows=table.rows[:most], more=table.more + left)


def _first(sentences: tuple[str, ...], most: int, elsewhere: str) -> tuple[str, ...]:
    if len(sentences) <= most:
        return sentences
    left = count(len(sentences) - most, "more finding")
    return (*sentences[:most], f"And {left}: see {elsewhere}." if elsewhere else f"And {left}.")
