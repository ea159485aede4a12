"""From visits and answers to cells of at least k: held in memory until they have k; nothing smaller leaves.

A cell grows by quarters of an hour until it has k, and is then held back until the next one has k too: what
is left over at the end of the day, fewer than k, is merged into it. A day with fewer than k as a whole is not
kept. So the cells of a station follow upon one another without overlapping, each has at least k, and whatever
sums of them are subtracted from one another, what is left is whole cells again, or nothing. What is not
closed yet is lost with the program; that is the price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from threading import Lock
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.places.venue import Visit
from mien.store.venue_types import ANSWERS, LENGTHS_S, QUARTER_S, AnswerCell, Station, VisitCell

Floats = NDArray[np.float64]

GAP_QUARTERS: Final = 4
"""When nothing was heard for longer, and it is another day, the cell ended with the last that was heard."""

_DAY_QUARTERS: Final = 24 * 3600 // QUARTER_S

_DECIMALS: Final = 6


class Tally(Protocol):
    """What is summed in a cell."""

    @property
    def count(self) -> int:
        """Of visits or answers."""
        ...

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it, not even time."""
        ...

    def merge(self, other: Self) -> None:
        """Add another's sums."""
        ...


_Tally = TypeVar("_Tally", bound=Tally)


@dataclass(slots=True)
class _Span(Generic[_Tally]):
    """A cell that may still grow: from one quarter, as a number since 1970, to before another."""

    start: int
    end: int
    tally: _Tally


class Quarters(Generic[_Tally]):
    """Cuts time into spans of whole quarters with at least k each; not for two threads at a time.

    Time never runs backwards here: while a clock that was set back by up to a day catches up, all counts to
    the quarter that was reached. In UTC a change to summer time is no change.

    Args:
        new: makes an empty tally.
        least: k.
        after: where the last cell that was kept ends; none begins earlier.
        zone: in which days end at midnight; None for the machine's.

    Attributes:
        tally: of the span that is open, to be added to after `advance`.
        dropped_days: days, or what was left of them, that had fewer than k and were not kept.
    """

    def __init__(
        self,
        new: Callable[[], _Tally],
        least: int,
        after: datetime | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        self._new, self._least, self._zone = new, least, zone
        self._first = None if after is None else _quarter(after)
        self._open: _Span[_Tally] | None = None
        self._held: _Span[_Tally] | None = None
        self._closed: list[_Span[_Tally]] = []
        self.dropped_days = 0

    def advance(self, now: datetime) -> _Tally:
        """Go on to a moment, and return the tally of the quarter that it is in."""
        quarter = _quarter(now)
        if self._open is None:
            self._open = self._span(quarter if self._first is None else max(quarter, self._first))
        ahead = quarter - (self._open.end - 1)
        if ahead < -_DAY_QUARTERS or (
            ahead > GAP_QUARTERS and self._day(quarter) != self._day(self._open.end - 1)
        ):
            self._settle(self._open, final=True)
            self._open = self._span(quarter)
        while self._open.end <= quarter:
            self._open = self._next(self._open)
        return self._open.tally

    def settle(self) -> None:
        """Close what can be closed now, as counting stops for a while; fewer than k wait on."""
        if self._open is not None:
            self._open = self._settle(self._open, final=False)

    def close(self) -> None:
        """Close what can be closed, and forget the rest."""
        if self._open is not None:
            self._first = self._settle(self._open, final=True).start
            self._open = None

    def take(self) -> list[tuple[datetime, datetime, _Tally]]:
        """Return the start, end and sums of what was closed since the last time."""
        closed, self._closed = self._closed, []
        return [(_moment(each.start), _moment(each.end), each.tally) for each in closed]

    def _span(self, quarter: int) -> _Span[_Tally]:
        return _Span(quarter, quarter + 1, self._new())

    def _next(self, span: _Span[_Tally]) -> _Span[_Tally]:
        """Return what is open in the quarter after a span's last one."""
        if self._day(span.end) != self._day(span.end - 1):
            return self._settle(span, final=True)
        if span.tally.count >= self._least:
            if self._held is not None:
                self._closed.append(self._held)
            self._held = span
            return self._span(span.end)
        if span.tally.is_empty:
            return self._span(span.end)
        span.end += 1
        return span

    def _settle(self, span: _Span[_Tally], *, final: bool) -> _Span[_Tally]:
        """Close a span that has k, else merge it into what was held back; return what is open behind it."""
        held = self._held
        if span.tally.count >= self._least:
            self._closed += [span] if held is None else [held, span]
        elif held is not None:
            if not span.tally.is_empty:
                held.tally.merge(span.tally)
                held.end = span.end
            self._closed.append(held)
        elif not final:
            return span
        else:
            self.dropped_days += span.tally.count > 0
        self._held = None
        return self._span(span.end)

    def _day(self, quarter: int) -> date:
        return _moment(quarter).astimezone(self._zone).date()


def _quarter(at: datetime) -> int:
    """Return a moment's quarter, as a number since 1970."""
    return int(at.timestamp() // QUARTER_S)


def _moment(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER_S, UTC)


@dataclass(slots=True)
class _VisitSums:
    """The sums of a `VisitCell`; evidence, products and sizes are None before the first visit."""

    count: int = 0
    evidence: Floats | None = None
    products: Floats | None = None
    sizes: Floats | None = None
    figures: Floats = field(default_factory=lambda: np.zeros(5))
    smiles: int = 0
    lengths: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(LENGTHS_S), np.int64))
    open_s: float = 0.0
    blind_s: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether neither visits nor time are in it."""
        return self.count == 0 and self.open_s == 0

    def merge(self, other: _VisitSums) -> None:
        """Add another's sums."""
        for name in self.__slots__:
            own, more = getattr(self, name), getattr(other, name)
            setattr(self, name, more if own is None else own if more is None else own + more)


class CellMaker:
    """Makes a station's cells of visits; safe from any thread.

    Args:
        station: whose.
        network: name and hash of what reads the faces.
        after: where the last cell that was kept ends; None without one.
        zone: in which days end at midnight; None for the machine's.
    """

    def __init__(
        self, station: Station, network: str, *, after: datetime | None = None, zone: tzinfo | None = None
    ) -> None:
        self._station, self._network = station, network
        self._quarters = Quarters(_VisitSums, station.least, after, zone)
        self._lock = Lock()

    @property
    def dropped_days(self) -> int:
        """How many days had fewer than k visits, and were not kept."""
        return self._quarters.dropped_days

    def add(self, visit: Visit, at: datetime) -> None:
        """Count a visit.

        Args:
            visit: it is forgotten as soon as it is in the sums.
            at: when it ended, aware.
        """
        evidence = np.asarray(visit.evidence, np.float64)
        figures = [visit.valence, visit.valence**2, visit.change, visit.change**2, visit.length_s]
        place = int(np.searchsorted(LENGTHS_S, visit.length_s, side="right")) - 1
        sums = _VisitSums(
            count=1,
            evidence=evidence,
            products=np.outer(evidence, evidence),
            sizes=np.asarray(visit.sizes, np.float64),
            figures=np.array(figures),
            smiles=int(visit.smiled),
            lengths=np.eye(len(LENGTHS_S), dtype=np.int64)[max(place, 0)],
        )
        with self._lock:
            self._quarters.advance(at).merge(sums)

    def watched(self, at: datetime, seconds: float, *, blind: bool) -> None:
        """Count time in which the station was to count.

        Args:
            at: when it ended, aware.
            seconds: how long.
            blind: there was no usable view.
        """
        with self._lock:
            sums = self._quarters.advance(at)
            sums.open_s += seconds
            sums.blind_s += seconds * blind

    def tick(self, now: datetime) -> list[VisitCell]:
        """Go on to a moment, and return the cells that were closed since the last time."""
        with self._lock:
            self._quarters.advance(now)
            return self._taken()

    def settle(self) -> list[VisitCell]:
        """Close what can be closed, as counting stops for a while; fewer than k wait for the next opening."""
        with self._lock:
            self._quarters.settle()
            return self._taken()

    def close(self) -> list[VisitCell]:
        """Close what can be closed; fewer than k without a cell before them that day are forgotten."""
        with self._lock:
            self._quarters.close()
            return self._taken()

    def _taken(self) -> list[VisitCell]:
        return [self._cell(*each) for each in self._quarters.take()]

    def _cell(self, start: datetime, end: datetime, sums: _VisitSums) -> VisitCell:
        valence, valence_squares, change, change_squares, length_s = _rounded(sums.figures)
        return VisitCell(
            venue=self._station.venue,
            station=self._station.name,
            start=start,
            end=end,
            visits=sums.count,
            evidence=_rounded(sums.evidence),
            products=tuple(map(_rounded, sums.products)),  # type: ignore[arg-type]
            sizes=_rounded(sums.sizes),
            valence=valence,
            valence_squares=valence_squares,
            change=change,
            change_squares=change_squares,
            smiles=sums.smiles,
            lengths=tuple(sums.lengths.tolist()),
            length_s=length_s,
            open_s=round(sums.open_s, 1),
            blind_s=round(sums.blind_s, 1),
            network=self._network,
        )


def _rounded(sums: Any) -> tuple[float, ...]:
    return tuple(np.round(sums, _DECIMALS).tolist())


@dataclass(slots=True)
class _AnswerSums:
    """The counts of an `AnswerCell`."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(ANSWERS), np.int64))

    @property
    def count(self) -> int:
        """How many answers."""
        return int(self.counts.sum())

    @property
    def is_empty(self) -> bool:
        """Whether there are none."""
        return self.count == 0

    def merge(self, other: _AnswerSums) -> None:
        """Add another's counts."""
        self.counts = self.counts + other.counts


class AnswerMaker:
    """Makes a station's cells of answers at the kiosk; safe from any thread.

    Args:
        station: whose.
        after: where the last cell that was kept ends; None without one.
        zone: in which days end at midnight; None for the machine's.

    Attributes:
        least: k.
    """

    def __init__(
        self, station: Station, *, after: datetime | None = None, zone: tzinfo | None = None
    ) -> None:
        self.least = station.least
        self._station = station
        self._quarters = Quarters(_AnswerSums, station.least, after, zone)
        self._lock = Lock()

    def add(self, answer: int, at: datetime) -> None:
        """Count an answer.

        Args:
            answer: 1 to 5, as in `ANSWERS`.
            at: when it was given, aware.

        Raises:
            ValueError: it is another number.
        """
        if not 1 <= answer <= len(ANSWERS):
            raise ValueError(f"answer: expected 1 to {len(ANSWERS)}, received {answer}")
        with self._lock:
            self._quarters.advance(at).counts[answer - 1] += 1

    def tick(self, now: datetime) -> list[AnswerCell]:
        """Go on to a moment, and return the cells that were closed since the last time."""
        with self._lock:
            self._quarters.advance(now)
            return self._taken()

    def close(self) -> list[AnswerCell]:
        """Close what can be closed, and forget the rest; see `CellMaker.close`."""
        with self._lock:
            self._quarters.close()
            return self._taken()

    def _taken(self) -> list[AnswerCell]:
        names = self._station.venue, self._station.name
        return [
            AnswerCell(*names, start, end, tuple(sums.counts.tolist()))
            for start, end, sums in self._quarters.take()
        ]
