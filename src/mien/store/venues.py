"""Venues: their stations, what is kept of visits and of answers at the kiosk, and marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, TypeVar

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from mien.errors import MissingError, OverlapError, StoreError
from mien.store.ledger import Part
from mien.store.schema import AnswerCellRow, StationRow, VenueMarkRow, VisitCellRow, value_of
from mien.store.validation import checked_span, checked_text, checked_time
from mien.store.venue_types import (
    LONGEST_MARK,
    AnswerCell,
    Hours,
    Station,
    VenueMark,
    VisitCell,
    Zone,
    check_name,
)

_Cell = TypeVar("_Cell", VisitCell, AnswerCell)

_ROWS: Final[dict[type[Any], type[Any]]] = {VisitCell: VisitCellRow, AnswerCell: AnswerCellRow}


class Venues(Part):
    """The venues of a store; nothing here is about one person.

    Stations and marks are sealed in the audit log like a user; cells are sums over many people and are not.
    """

    def names(self) -> list[str]:
        """Return the names of all venues."""
        with self._database.reading() as session:
            return list(session.scalars(select(StationRow.venue).distinct().order_by(StationRow.venue)))

    def stations(self, venue: str | None = None) -> list[Station]:
        """Return the stations of a venue, or of all of them, by name."""
        chosen = select(StationRow).order_by(StationRow.venue, StationRow.name)
        if venue is not None:
            chosen = chosen.where(StationRow.venue == venue)
        with self._database.reading() as session:
            return [_station(row) for row in session.scalars(chosen)]

    def station(self, venue: str, name: str) -> Station:
        """Return a station.

        Raises:
            MissingError: there is none under this name.
        """
        with self._database.reading() as session:
            return _station(_find(session, venue, name))

    def add(self, station: Station) -> Station:
        """Add a station, and its venue where it is the first.

        Raises:
            StoreError: there is one with its name.
        """
        with self._database.transaction() as session:
            taken = (StationRow.venue == station.venue) & (StationRow.name == station.name)
            if session.scalar(select(exists().where(taken))):
                raise StoreError(f"{station.venue} already has a station {station.name}; choose another name")
            row = StationRow(venue=station.venue, name=station.name, **_cells(station))
            session.add(row)
            session.flush()
            self._ledger.added(session, row, action="station", added=f"{row.venue}/{row.name}")
            return _station(row)

    def change(self, station: Station) -> Station:
        """Change all of a station but its names, and when its notice was confirmed.

        Raises:
            MissingError: there is none with its name.
        """
        cells = {name: value for name, value in _cells(station).items() if name != "notice_at"}
        return self._change(station.venue, station.name, "changed", **cells)

    def switch(self, venue: str, name: str, *, on: bool) -> Station:
        """Switch a station on or off; whoever runs it follows within seconds.

        Raises:
            MissingError: there is none.
        """
        return self._change(venue, name, "switched on" if on else "switched off", enabled=on)

    def confirm_notice(self, venue: str, name: str, at: datetime | None) -> Station:
        """Note that the notice hangs at a station; it may count from then on.

        Args:
            venue: where.
            name: of the station.
            at: when it was confirmed; None where it was taken down.

        Raises:
            MissingError: there is no such station.
            StoreError: the time can't be.
        """
        if at is not None:
            checked_time("notice", at)
        return self._change(venue, name, "notice confirmed" if at else "notice taken down", notice_at=at)

    def _change(self, venue: str, name: str, what: str, **cells: Any) -> Station:
        with self._database.transaction() as session:
            row = _find(session, venue, name)
            with self._ledger.changing(session, row, action="station", changed=f"{venue}/{name}", what=what):
                for column, value in cells.items():
                    setattr(row, column, value)
            return _station(row)

    def remove(self, venue: str, name: str) -> None:
        """Remove a station with its cells; with a venue's last one its marks go too.

        Raises:
            MissingError: there is none.
        """
        with self._database.transaction() as session:
            row = _find(session, venue, name)
            self._ledger.remove(session, row, action="station", removed=f"{venue}/{name}")
            if not session.scalar(select(exists().where(StationRow.venue == venue))):
                for mark in session.scalars(select(VenueMarkRow).where(VenueMarkRow.venue == venue)).all():
                    self._ledger.remove(session, mark, action="venue mark", number=mark.id)

    def add_cells(self, cells: Sequence[VisitCell | AnswerCell]) -> None:
        """Keep closed cells, all of them or none.

        Raises:
            MissingError: there is no such station.
            OverlapError: a cell overlaps with another of its station and kind.
            StoreError: the store can't be written just now.
        """
        groups: dict[tuple[str, str, type[Any]], list[VisitCell | AnswerCell]] = {}
        for each in cells:
            groups.setdefault((each.venue, each.station, type(each)), []).append(each)
        with self._database.transaction() as session:
            for (venue, name, kind), group in sorted(groups.items(), key=lambda each: each[0][:2]):
                row = _find(session, venue, name, lock=True)
                _check_apart(session, row, _ROWS[kind], group)
                session.add_all(
                    _ROWS[kind](
                        station_id=row.id,
                        **{key: _plain(value) for key, value in _own(each).items()},
                    )
                    for each in group
                )

    def has(self, cell: VisitCell | AnswerCell) -> bool:
        """Return whether just this cell is kept.

        Raises:
            StoreError: the store can't be read just now.
        """
        where = cell.venue, cell.station, cell.start, cell.end
        return cell in (self.cells(*where) if isinstance(cell, VisitCell) else self.answer_cells(*where))

    def cells(
        self,
        venue: str,
        station: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[VisitCell]:
        """Return what is kept of visits, by station and time.

        Args:
            venue: where.
            station: its name; all of the venue's, where it is None.
            since: cells that start then or later.
            until: cells that start earlier.
        """
        return self._cells(VisitCell, venue, station, since, until)

    def answer_cells(
        self,
        venue: str,
        station: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AnswerCell]:
        """Return what is kept of answers at kiosks; see `cells`."""
        return self._cells(AnswerCell, venue, station, since, until)

    def kept_until(
        self,
        venue: str,
        station: str,
        kind: type[VisitCell | AnswerCell],
        before: datetime | None = None,
    ) -> datetime | None:
        """Return where the last cell of a station ends; None where it has none.

        Args:
            venue: where.
            station: its name.
            kind: of visits or of answers.
            before: cells that start later don't count; None counts all.
        """
        row = _ROWS[kind]
        chosen = select(func.max(row.end)).join(StationRow, StationRow.id == row.station_id)
        chosen = chosen.where(StationRow.venue == venue, StationRow.name == station)
        if before is not None:
            chosen = chosen.where(row.start < checked_time("before", before))
        with self._database.reading() as session:
            return session.scalar(chosen)

    def _cells(
        self,
        kind: type[_Cell],
        venue: str,
        station: str | None,
        since: datetime | None,
        until: datetime | None,
    ) -> list[_Cell]:
        row = _ROWS[kind]
        chosen = select(row, StationRow.name).join(StationRow, StationRow.id == row.station_id)
        chosen = chosen.where(StationRow.venue == venue)
        if station is not None:
            chosen = chosen.where(StationRow.name == station)
        if since is not None:
            chosen = chosen.where(row.start >= checked_time("since", since))
        if until is not None:
            chosen = chosen.where(row.start < checked_time("until", until))
        with self._database.reading() as session:
            found = session.execute(chosen.order_by(StationRow.name, row.start)).all()
            return [_cell(kind, each, venue, name) for each, name in found]

    def marks(self, venue: str) -> list[VenueMark]:
        """Return a venue's marks, by time."""
        chosen = select(VenueMarkRow).where(VenueMarkRow.venue == venue)
        with self._database.reading() as session:
            rows = session.scalars(chosen.order_by(VenueMarkRow.at, VenueMarkRow.id))
            return [value_of(VenueMark, row) for row in rows]

    def add_mark(self, mark: VenueMark) -> VenueMark:
        """Set a mark; its number is a new one.

        Raises:
            MissingError: there is no such venue.
            StoreError: a value can't be.
        """
        check_name("venue", mark.venue)
        checked_span("mark", mark.at, mark.until)
        text = checked_text("text", mark.text, blank=False)
        if len(text) > LONGEST_MARK:
            raise StoreError(f"text: expected {LONGEST_MARK} characters at most, received {len(text)}")
        with self._database.transaction() as session:
            _require_venue(session, mark.venue)
            row = VenueMarkRow(venue=mark.venue, at=mark.at, until=mark.until, text=text)
            session.add(row)
            session.flush()
            self._ledger.added(session, row, action="venue mark", number=row.id)
            return value_of(VenueMark, row)

    def remove_mark(self, venue: str, mark_id: int) -> None:
        """Take a mark of a venue away.

        Raises:
            MissingError: the venue has none with that number.
        """
        with self._database.transaction() as session:
            row = session.get(VenueMarkRow, mark_id)
            if row is None or row.venue != venue:
                raise MissingError(f"{venue} has no mark {mark_id}")
            self._ledger.remove(session, row, action="venue mark", number=mark_id)


def _find(session: Session, venue: str, name: str, *, lock: bool = False) -> StationRow:
    chosen = select(StationRow).where(StationRow.venue == venue, StationRow.name == name)
    row = session.scalars(chosen.with_for_update() if lock else chosen).one_or_none()
    if row is None:
        _require_venue(session, venue)
        raise MissingError(f"{venue} has no station {name}: mien venue list")
    return row


def _require_venue(session: Session, venue: str) -> None:
    if not session.scalar(select(exists().where(StationRow.venue == venue))):
        raise MissingError(f"there is no venue {venue}: mien venue add {venue} STATION --camera SOURCE")


def _check_apart(session: Session, station: StationRow, row: Any, cells: Sequence[Any]) -> None:
    first, last = min(each.start for each in cells), max(each.end for each in cells)
    there = session.execute(
        select(row.start, row.end).where(row.station_id == station.id, row.start < last, row.end > first)
    )
    spans = sorted([(each.start, each.end) for each in cells] + [(start, end) for start, end in there])
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise OverlapError(
                f"{station.venue}/{station.name} has a cell at {start.astimezone():%Y-%m-%d %H:%M} already:"
                " does it run twice?"
            )


def _cells(station: Station) -> dict[str, Any]:
    """Return the columns of a station but its names."""
    return {
        "source": station.source,
        "zones": [str(each) for each in station.zones],
        "hours": [str(each) for each in station.hours],
        "least": station.least,
        "notice_at": station.notice_at,
        "enabled": station.enabled,
    }


def _station(row: StationRow) -> Station:
    zones = tuple(Zone.parse(each) for each in row.zones)
    return value_of(Station, row, zones=zones, hours=tuple(Hours.parse(each) for each in row.hours))


def _own(cell: VisitCell | AnswerCell) -> dict[str, Any]:
    return {name: value for name, value in asdict(cell).items() if name not in ("venue", "station")}


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _cell(kind: type[_Cell], row: Any, venue: str, station: str) -> _Cell:
    names = [each.name for each in fields(kind) if each.name not in ("venue", "station")]
    return kind(venue=venue, station=station, **{each: _frozen(getattr(row, each)) for each in names})
