"""A simulated restaurant with a known truth: to look at, and to see whether the figures find what is there.

Guests come by weekday and hour; each shows one expression of the hour's mix, smiles or not, stays a while,
and may touch an answer at the kiosk. What the network would have read of them is drawn by its own confusion.
Visits and answers go through the same makers of cells as those of a camera.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import StoreError
from mien.expression.circumplex import COORDINATES
from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.places.quantification import Quantifier
from mien.places.venue import Visit
from mien.places.venue_cells import AnswerMaker, CellMaker
from mien.places.venue_figures import SMILES, SmileDetector
from mien.store.venue_types import SIMULATED, AnswerCell, Hours, Station, VenueMark, VisitCell

if TYPE_CHECKING:
    from mien.store.store import Store

Floats = NDArray[np.float64]

WEEKS: Final = 8
NETWORK: Final = "mien"

MENU_DAY: Final = 21
"""From this day on there is a new menu ..."""

MENU_SMILES: Final = 0.10
"""... with which so much more of the visits have a smile."""

QUIET_DAY: Final = 35
"""From this day on the music is off ..."""

QUIET_LENGTH: Final = 0.8
"""... and visits are so much shorter; they take this share of the time."""

COVERED_DAY: Final = 47
"""Over noon of this day something stands before the camera."""

_OPEN: Final = (Hours.parse("tue-sun 11:30-14:30"), Hours.parse("tue-sun 17:30-22:30"))
_PER_HOUR: Final = {11: 24, 12: 62, 13: 50, 14: 22, 17: 18, 18: 38, 19: 58, 20: 54, 21: 36, 22: 16}
_BUSY_DAYS: Final = (0.0, 0.8, 0.85, 0.95, 1.25, 1.35, 1.1)
_SMILES: Final = 0.36
_BUSY_SMILES: Final = -0.05
_DAY_SD: Final = 0.03
_BUSY_FROM: Final = 50
_OTHERS: Final = {
    "neutral": 0.72, "sadness": 0.09, "surprise": 0.08, "anger": 0.06, "disgust": 0.03, "fear": 0.02,
}  # fmt: skip
_FACE_PX: Final = 60.0
_FOCUS: Final = 3.0
_LENGTH_S: Final = 46.0
_ANSWERING: Final = 0.17
_CUTS: Final = (-1.9, -1.2, -0.5, 0.5)
_TICK: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SimulatedVenue:
    """A restaurant's weeks, and the truth of them.

    Attributes:
        station: its only one.
        cells, answers, marks: as a real one has them.
        smiling: by day, the true share of visits with a smile.
        shares: by day, the true shares of expressions, by label.
        first, last: the days.
    """

    station: Station
    cells: tuple[VisitCell, ...]
    answers: tuple[AnswerCell, ...]
    marks: tuple[VenueMark, ...]
    smiling: dict[date, float]
    shares: dict[date, dict[str, float]]
    first: date
    last: date


def simulate_venue(
    venue: str,
    quantifier: Quantifier,
    *,
    start: date,
    weeks: int = WEEKS,
    seed: int = 0,
    smiles: SmileDetector = SMILES,
    zone: tzinfo | None = None,
) -> SimulatedVenue:
    """Simulate a restaurant.

    Args:
        venue: its name.
        quantifier: of the network whose readings are drawn.
        start: the first day.
        weeks: how many.
        seed: of all chance.
        smiles: how well smiles are found.
        zone: the venue's; None is the machine's own.

    Raises:
        ConfigError: the name can't be.
    """
    station = Station(
        venue, "till", SIMULATED, hours=_OPEN, notice_at=_moment(start, time(9), zone), enabled=False
    )
    guests = _Guests(quantifier, smiles, np.random.default_rng(seed))
    visits, answers = CellMaker(station, quantifier.network, zone=zone), AnswerMaker(station, zone=zone)
    cells: list[VisitCell] = []
    answered: list[AnswerCell] = []
    smiling, shares = {}, {}
    for number in range(7 * weeks):
        day = start + timedelta(number)
        coming = deque(guests.come(day, number, zone))
        for tick in _ticks(day, zone):
            while coming and coming[0][1] <= tick:
                visit, at, answer = coming.popleft()
                visits.add(visit, at)
                if answer:
                    answers.add(answer, at)
            visits.watched(tick, _TICK.total_seconds(), blind=_covered(number, tick))
            if not any(each.hold(tick + _TICK) for each in _OPEN):
                cells += visits.settle()
        cells += visits.close()
        answered += answers.close()
        if (truth := guests.truth) is not None:
            smiling[day], shares[day] = truth
    last = start + timedelta(7 * weeks - 1)
    marks = [
        VenueMark(venue, _moment(start + timedelta(number), time(9), zone), text)
        for number, text in ((MENU_DAY, "new menu"), (QUIET_DAY, "music off"))
        if number < 7 * weeks
    ]
    return SimulatedVenue(station, tuple(cells), tuple(answered), tuple(marks), smiling, shares, start, last)


def write_simulated_venue(
    store: Store, venue: str, *, weeks: int = WEEKS, seed: int = 0, last: date | None = None
) -> SimulatedVenue:
    """Add a simulated restaurant to a store; its station can't be run, and says that it is simulated.

    Args:
        store: where to.
        venue: its name.
        weeks: how many; the same seed has the same weeks whenever it is shown, as they begin with a Monday.
        seed: of all chance.
        last: the last week ends before or on this day; by itself yesterday.

    Raises:
        ConfigError: the name can't be.
        StoreError: there is such a venue, or it can't be written.
    """
    if store.venues.stations(venue):
        raise StoreError(f"there is a venue {venue} already; choose another name")
    end = (last or store.now().astimezone().date() - timedelta(1)) + timedelta(1)
    start = end - timedelta(days=end.weekday(), weeks=weeks)
    quantifier = Quantifier(read_sidecar(sidecar_path(find_network(NETWORK))))
    made = simulate_venue(venue, quantifier, start=start, weeks=weeks, seed=seed)
    store.venues.add(made.station)
    store.venues.confirm_notice(venue, made.station.name, made.station.notice_at)
    store.venues.add_cells([*made.cells, *made.answers])
    for mark in made.marks:
        store.venues.add_mark(mark)
    return made


class _Guests:
    """Draws a day's guests.

    Attributes:
        truth: of the last day: the share with a smile, and the shares by label; None where nobody came.
    """

    def __init__(self, quantifier: Quantifier, smiles: SmileDetector, random: np.random.Generator) -> None:
        self._quantifier, self._smiles, self._random = quantifier, smiles, random
        self.truth: tuple[float, dict[str, float]] | None = None

    def come(self, day: date, number: int, zone: tzinfo | None) -> list[tuple[Visit, datetime, int]]:
        """Return a day's visits by when they ended, and what each answered, 0 for nothing."""
        random, mood = self._random, float(self._random.normal(0, _DAY_SD))
        hours = np.array([*_PER_HOUR]).repeat(
            random.poisson(np.array([*_PER_HOUR.values()]) * _BUSY_DAYS[day.weekday()])
        )
        minutes = random.integers(0, 60 * 60, len(hours)) / 60
        ends = [
            _moment(day, time(hour), zone) + timedelta(minutes=m)
            for hour, m in zip(hours, minutes, strict=True)
        ]
        here = np.array([any(each.hold(at) for each in _OPEN) for at in ends], np.bool_)
        seen = np.array([not _covered(number, at) for at in ends], np.bool_)
        kept = np.flatnonzero(here & seen) if len(ends) else np.empty(0, np.int64)
        if not len(kept):
            self.truth = None
            return []
        busy = np.array([_PER_HOUR[hour] for hour in hours[kept]]) >= _BUSY_FROM
        visits, answers = self._drawn(busy, mood, number)
        drawn = [
            (visit, ends[place], answer) for visit, place, answer in zip(visits, kept, answers, strict=True)
        ]
        return sorted(drawn, key=lambda each: each[1])

    def _drawn(self, busy: NDArray[np.bool_], mood: float, number: int) -> tuple[list[Visit], list[int]]:
        random, count, labels = self._random, len(busy), self._quantifier.labels
        menu = MENU_SMILES * (number >= MENU_DAY)
        smiles = random.random(count) < _SMILES + _BUSY_SMILES * busy + mood + menu
        shown = np.where(smiles, "happiness", random.choice([*_OTHERS], count, p=[*_OTHERS.values()]))
        place = np.array([labels.index(each) for each in shown])
        self.truth = (
            float(smiles.mean()),
            {label: float((place == at).mean()) for at, label in enumerate(labels)},
        )
        px = np.exp(random.normal(np.log(_FACE_PX), 0.25, count))
        likely = self._quantifier.confusion(px)[np.arange(count), place]
        evidence = random.gamma((_FOCUS * likely).clip(1e-3))
        evidence /= evidence.sum(axis=1, keepdims=True)
        pleasant = 0.45 * np.array([COORDINATES[label][0] for label in shown])
        valence = pleasant + mood + random.normal(0, 0.1, count)
        change = 0.02 + 0.1 * smiles - 0.04 * busy + random.normal(0, 0.15, count)
        length_s = np.exp(random.normal(np.log(_LENGTH_S), 0.6, count)) * np.where(
            number >= QUIET_DAY, QUIET_LENGTH, 1.0
        )
        found = random.random(count) < np.where(smiles, self._smiles.found, self._smiles.false)
        content = 0.9 * smiles + 8 * mood + random.normal(0, 0.8, count)
        answers = np.where(random.random(count) < _ANSWERING, 1 + np.searchsorted(_CUTS, content), 0)
        sizes = self._quantifier.size_weights(px)
        visits = [
            Visit(0.0, length, tuple(read), tuple(size), pleasure, moved, smiled)
            for length, read, size, pleasure, moved, smiled in zip(
                length_s.tolist(),
                evidence.tolist(),
                sizes.tolist(),
                valence.clip(-1, 1).tolist(),
                change.clip(-2, 2).tolist(),
                found.tolist(),
                strict=True,
            )
        ]
        return visits, answers.tolist()


def _ticks(day: date, zone: tzinfo | None) -> Iterator[datetime]:
    """Yield the last moment of each five minutes in which it is open."""
    midnight, almost = _moment(day, time(0), zone), _TICK - timedelta(seconds=1)
    for number in range(24 * 60 // 5):
        at = midnight + number * _TICK
        if any(each.hold(at) for each in _OPEN):
            yield at + almost


def _covered(number: int, at: datetime) -> bool:
    return number == COVERED_DAY and at.hour < 15


def _moment(day: date, clock: time, zone: tzinfo | None) -> datetime:
    naive = datetime.combine(day, clock)
    return naive.astimezone() if zone is None else naive.replace(tzinfo=zone)
