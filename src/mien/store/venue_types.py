"""A venue's stations, and what is kept of their visitors: cells of at least k visits, and nothing smaller.

Times are aware, and come back from the store in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final, Literal

from mien.errors import ConfigError

LEAST_VISITS: Final = 10
"""The fewest visits of which anything is said, or stored."""

MOST_LEAST: Final = 1000
"""The most that `Station.least` can be."""

LONGEST_MARK: Final = 200
"""Characters of a mark: it stands in charts and tables."""

QUARTER_S: Final = 900
"""A cell begins and ends at a full quarter of an hour; it is longer where visits are few."""

LENGTHS_S: Final = (0.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Where the bins of a histogram of visits' lengths begin, in seconds; the last one has no end."""

SIMULATED: Final = "simulated"
"""The source of a station that is made up: there is no camera."""

ANSWERS: Final = ("very bad", "bad", "neither", "good", "very good")
"""What a guest can touch at the kiosk, from 1 to 5."""

Use = Literal["count", "ignore"]
Point = tuple[float, float]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How days are written in hours."""

_HOURS: Final = re.compile(
    r"(?:(?P<days>[a-z,-]+)\s+)?(?P<opens>\d{1,2}:\d{2})\s*[-\u2013]\s*(?P<closes>\d{1,2}:\d{2})"
)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MOST_CORNERS: Final = 32


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of a station's picture.

    Attributes:
        use: "count" where visitors are counted, "ignore" where Mien never looks: staff, screens, the street.
        corners: of a polygon, as shares of the picture's sides from its top left corner, each 0 to 1.

    Raises:
        ConfigError: it is no polygon within the picture.
    """

    use: Use
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        if self.use not in ("count", "ignore"):
            raise ConfigError(f"zone: expected count or ignore, received {self.use!r}")
        if not 3 <= len(self.corners) <= _MOST_CORNERS:
            raise ConfigError(f"zone: expected 3 to {_MOST_CORNERS} corners, received {len(self.corners)}")
        for x, y in self.corners:
            if not (0 <= x <= 1 and 0 <= y <= 1):
                raise ConfigError(
                    f"zone: the corner {x:g},{y:g} is outside the picture; expected shares of its width and"
                    " height, 0 to 1"
                )
        if self.area < 1e-4:
            raise ConfigError("zone: expected an area, received corners in one line or in one place")

    @property
    def area(self) -> float:
        """Its share of the picture (shoelace formula)."""
        shifted = (*self.corners[1:], self.corners[0])
        pairs = zip(self.corners, shifted, strict=True)
        return abs(sum(x * other_y - other_x * y for (x, y), (other_x, other_y) in pairs)) / 2

    @classmethod
    def parse(cls, text: str) -> Zone:
        """Read a zone such as "count 0.1,0.2 0.9,0.2 0.9,1 0.1,1".

        Raises:
            ConfigError: it is none.
        """
        use, *corners = text.split() or [""]
        try:
            points = tuple((float(x), float(y)) for x, y in (each.split(",") for each in corners))
        except ValueError:
            raise ConfigError(
                f"zone: expected count or ignore, then corners such as 0.1,0.2, received {text!r}"
            ) from None
        return cls(use, points)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return " ".join((self.use, *(f"{x:g},{y:g}" for x, y in self.corners)))


@dataclass(frozen=True, slots=True)
class Hours:
    """When a station counts, by the clock of the machine that it runs on.

    Attributes:
        days: 0 (Monday) to 6, rising, at least one.
        opens, closes: of each of these days; the last minute is that before `closes`. Midnight as `closes` is
            the end of the day.

    Raises:
        ConfigError: they end before they begin.
    """

    days: tuple[int, ...] = tuple(range(7))
    opens: time = time(0)
    closes: time = time(0)

    def __post_init__(self) -> None:
        if not self.days or list(self.days) != sorted({*self.days} & {*range(7)}):
            raise ConfigError(f"hours: expected days from 0 (Monday) to 6, rising, received {self.days}")
        if self.closes != time(0) and self.closes <= self.opens:
            raise ConfigError(
                f"hours: {self.opens:%H:%M}-{self.closes:%H:%M} end before they begin; past midnight,"
                " expected two stretches: until 24:00, and from 0:00 on the next day"
            )

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Read hours such as "mon-fri 11:00-14:30", "sat,sun 0:00-24:00" or "9:00-17:00" (every day).

        Raises:
            ConfigError: they are none.
        """
        match = _HOURS.fullmatch(text.strip().lower())
        if match is None:
            raise ConfigError(f"hours: expected hours such as mon-fri 11:00-14:30, received {text!r}")
        days = _parse_days(match["days"], text) if match["days"] else tuple(range(7))
        return cls(days, _parse_clock(match["opens"], text), _parse_clock(match["closes"], text, end=True))

    def __str__(self) -> str:
        until = "24:00" if self.closes == time(0) else f"{self.closes:%H:%M}"
        return f"{_name_days(self.days)} {self.opens:%H:%M}-{until}"

    def hold(self, at: datetime) -> bool:
        """Return whether a moment, in the machine's own zone, is within them."""
        clock = at.time()
        closed = self.closes != time(0) and clock >= self.closes
        return at.weekday() in self.days and self.opens <= clock and not closed


def _parse_days(text: str, whole: str) -> tuple[int, ...]:
    days: set[int] = set()
    for stretch in text.split(","):
        first, _, last = stretch.partition("-")
        try:
            ends = DAYS.index(first), DAYS.index(last or first)
        except ValueError:
            ends = (1, 0)
        if ends[0] > ends[1]:
            raise ConfigError(
                f"hours: expected days such as mon-fri or sat,sun, {', '.join(DAYS)} in this order,"
                f" received {whole!r}"
            )
        days |= {*range(ends[0], ends[1] + 1)}
    return tuple(sorted(days))


def _parse_clock(text: str, whole: str, *, end: bool = False) -> time:
    hour, minute = map(int, text.split(":"))
    if end and (hour, minute) == (24, 0):
        return time(0)
    if hour > 23 or minute > 59 or (end and hour == minute == 0):
        raise ConfigError(f"hours: expected times from 0:00 to 24:00, received {whole!r}")
    return time(hour, minute)


def _name_days(days: tuple[int, ...]) -> str:
    """Write days as `Hours.parse` reads them."""
    stretches: list[list[int]] = []
    for day in days:
        if stretches and stretches[-1][-1] == day - 1:
            stretches[-1].append(day)
        else:
            stretches.append([day])
    return ",".join(
        DAYS[each[0]] if len(each) == 1 else f"{DAYS[each[0]]}-{DAYS[each[-1]]}" for each in stretches
    )


def check_name(what: str, name: str) -> str:
    """Return the name of a venue or a station.

    Raises:
        ConfigError: it has other characters, or too many.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigError(
            f"{what}: expected up to 32 small letters, digits and hyphens, such as till-1, received {name!r}"
        )
    return name


@dataclass(frozen=True, slots=True)
class Station:
    """A camera that counts visits, and where it looks.

    Attributes:
        venue, name: see `check_name`; the name is its own within the venue.
        source: as `mien live` takes it: camera:0, an address, a file, or portrait.
        zones: without one to count in, all of the picture counts that is not ignored.
        hours: when it counts, several stretches; always, where there are none.
        least: visits that each cell needs, `LEAST_VISITS` to `MOST_LEAST`.
        notice_at: when it was confirmed that the notice hangs there; it does not count before.
        enabled: False while it is switched off.
    """

    venue: str
    name: str
    source: str
    zones: tuple[Zone, ...] = ()
    hours: tuple[Hours, ...] = ()
    least: int = LEAST_VISITS
    notice_at: datetime | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        check_name("venue", self.venue)
        check_name("station", self.name)
        if self.least < LEAST_VISITS:
            raise ConfigError(
                f"expected at least {LEAST_VISITS} visits in a cell, received {self.least}: with fewer, a"
                " figure would say something of single people"
            )
        if self.least > MOST_LEAST:
            raise ConfigError(f"expected at most {MOST_LEAST} visits in a cell, received {self.least}")

    @property
    def simulated(self) -> bool:
        """Whether nobody was ever there."""
        return self.source == SIMULATED

    def is_open(self, at: datetime) -> bool:
        """Return whether it counts at a moment, in the machine's own zone, as far as its hours go."""
        return not self.hours or any(each.hold(at) for each in self.hours)


@dataclass(frozen=True, slots=True)
class VisitCell:
    """What is kept of at least k visits to one station: sums, from which nobody can be had back.

    Attributes:
        venue, station: where.
        start, end: full quarters of an hour, aware; cells of one station don't overlap.
        visits: that ended within it.
        evidence: (labels,) sum of the visits' mean calibrated probabilities (`Quantifier.evidence`).
        products: (labels, labels) sum of their outer products, for intervals.
        sizes: sum of the visits' weights by face size, in the order of the calibration's sizes.
        valence, valence_squares: sums of the visits' means, and of their squares.
        change, change_squares: the same of valence at leaving less valence at arrival.
        smiles: visits in which somebody smiled.
        lengths: visits by length (`LENGTHS_S`).
        length_s: sum of the lengths.
        open_s: seconds within it in which the station was to count.
        blind_s: seconds of those without a usable view.
        network: name and hash of what read the faces.

    Raises:
        ValueError: it has fewer than `LEAST_VISITS` visits, or other ends.
    """

    venue: str
    station: str
    start: datetime
    end: datetime
    visits: int
    evidence: tuple[float, ...]
    products: tuple[tuple[float, ...], ...]
    sizes: tuple[float, ...]
    valence: float
    valence_squares: float
    change: float
    change_squares: float
    smiles: int
    lengths: tuple[int, ...]
    length_s: float
    open_s: float
    blind_s: float
    network: str

    def __post_init__(self) -> None:
        _check_cell(self.visits, self.start, self.end)


@dataclass(frozen=True, slots=True)
class AnswerCell:
    """What is kept of at least k answers at a station's kiosk.

    Attributes:
        venue, station: where.
        start, end: as of `VisitCell`.
        counts: (5,) answers by `ANSWERS`.

    Raises:
        ValueError: it has fewer than `LEAST_VISITS` answers, or other ends.
    """

    venue: str
    station: str
    start: datetime
    end: datetime
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        _check_cell(sum(self.counts), self.start, self.end)


def _check_cell(count: int, start: datetime, end: datetime) -> None:
    if count < LEAST_VISITS:
        raise ValueError(f"cell: expected at least {LEAST_VISITS}, received {count}")
    if start >= end or any(each.astimezone(UTC).timestamp() % QUARTER_S for each in (start, end)):
        raise ValueError(f"cell: expected full quarters of an hour, received {start} to {end}")


@dataclass(frozen=True, slots=True)
class VenueMark:
    """Something that was changed in a venue, such as "new menu".

    Attributes:
        venue: where.
        at: from when on, aware.
        until: to when; None where it stays.
        text: in words; names of people don't belong there.
        id: in the store; 0 before it is there.
    """

    venue: str
    at: datetime
    text: str
    until: datetime | None = None
    id: int = 0
