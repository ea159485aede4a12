"""What whole cells of a venue say together: shares, smiles, valence, lengths and answers, with intervals.

Each figure is of a sum of whole cells, so that the difference of two figures is one of whole cells as well:
at least k visits, or none. Nothing is finer than an hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from mien.places.quantification import DRAWS, LEVEL, Interval, Quantifier, interval
from mien.places.visits import SMILE_FALSE, SMILE_FOUND, SMILE_PEOPLE
from mien.store.venue_types import LENGTHS_S, AnswerCell, VisitCell

Floats = NDArray[np.float64]

SMILE_DRAWS: Final = 1000

GOOD: Final = 4
"""The lowest answer (`ANSWERS`) that counts as good."""


class SmileDetector(NamedTuple):
    """How well smiles are found, and by how many visits that is known.

    Attributes:
        found: share of the visits with a smile in which one is found.
        false: share of the visits without one in which one is found all the same.
        with_smile, without: how many visits of each this was measured on.
    """

    found: float
    false: float
    with_smile: int
    without: int

    def share(self, smiles: float, visits: float) -> float:
        """Return the share of visits with a smile, from those in which one was found (Rogan & Gladen 1978).

        Chance may put it below 0 or above 1.
        """
        return (smiles / visits - self.false) / (self.found - self.false)

    def interval(self, smiles: int, visits: int) -> Interval:
        """Return the share within 0 and 1; its interval draws all three shares by Jeffreys' prior."""
        random = np.random.default_rng(0)

        def drawn(hits: float, of: float) -> Floats:
            return random.beta(hits + 0.5, of - hits + 0.5, SMILE_DRAWS)

        found = drawn(self.found * self.with_smile, self.with_smile)
        false = drawn(self.false * self.without, self.without)
        samples = (drawn(smiles, visits) - false) / (found - false).clip(0.05)
        return interval(float(np.clip(self.share(smiles, visits), 0, 1)), samples.clip(0, 1))


SMILES: Final = SmileDetector(SMILE_FOUND, SMILE_FALSE, SMILE_PEOPLE, SMILE_PEOPLE)
"""How well smiles are found in visits."""


@dataclass(frozen=True, slots=True)
class VisitFigures:
    """What some visits show together.

    Attributes:
        visits: how many.
        open_s: seconds in which they were counted.
        blind_s: seconds of those without a usable view.
        shares: how common each expression is, by label; empty where it was not asked for, or can't be said.
        smiling: share of the visits in which somebody smiled.
        valence: mean over the visits, -1 to 1.
        change: mean change of valence from arrival to leaving.
        length_s: mean length.
        lengths: visits by length (`LENGTHS_S`).
    """

    visits: int
    open_s: float
    blind_s: float
    shares: dict[str, Interval]
    smiling: Interval
    valence: Interval
    change: Interval
    length_s: float
    lengths: tuple[int, ...]

    @property
    def seen(self) -> float | None:
        """The share of the time in which there was a usable view; None where there was no time."""
        return 1 - self.blind_s / self.open_s if self.open_s > 0 else None

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, rounded to what it is worth."""
        return {
            "visits": self.visits,
            "open_s": round(self.open_s),
            "blind_s": round(self.blind_s),
            "seen": None if self.seen is None else round(self.seen, 3),
            "shares": {label: rounded(each) for label, each in self.shares.items()},
            **{name: rounded(getattr(self, name)) for name in ("smiling", "valence", "change")},
            "length_s": round(self.length_s, 1),
            "lengths": list(self.lengths),
        }


@dataclass(frozen=True, slots=True)
class AnswerFigures:
    """What some answers at a kiosk say together.

    Attributes:
        counts: (5,) answers by `ANSWERS`.
        mean: of them as 1 to 5.
        good: share of the answers that are good or very good.
    """

    counts: tuple[int, ...]
    mean: Interval
    good: Interval

    @property
    def answers(self) -> int:
        """How many."""
        return sum(self.counts)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, rounded to what it is worth."""
        return {
            "answers": self.answers,
            "counts": list(self.counts),
            "mean": rounded(self.mean),
            "good": rounded(self.good),
        }


class Hour(NamedTuple):
    """Some full hours of a day, by the venue's clock: several, where a cell is longer than one.

    Attributes:
        day: the day.
        first, end: the hour that it begins with, and the hour behind its last, 0 to 24.
        figures: of the visits in it.
    """

    day: date
    first: int
    end: int
    figures: VisitFigures


class Slot(NamedTuple):
    """The same hour of the same weekday, over all weeks.

    Attributes:
        weekday: 0 is Monday.
        hour: 0 to 23.
        days: on how many days there were enough visits.
        figures: of all of them.
    """

    weekday: int
    hour: int
    days: int
    figures: VisitFigures


def visit_figures(
    cells: Sequence[VisitCell],
    smiles: SmileDetector = SMILES,
    quantifiers: Mapping[str, Quantifier] | None = None,
) -> VisitFigures | None:
    """Compute what the visits of some cells show together.

    Args:
        cells: any.
        smiles: how well smiles are found.
        quantifiers: by `VisitCell.network`; without them, or where a cell's network is not among them, shares
            by expression are left out, as they would be those of some of the visits only.

    Returns:
        The figures; None without a cell.
    """
    if not cells:
        return None
    visits = sum(each.visits for each in cells)
    lengths = np.sum([each.lengths for each in cells], axis=0)
    return VisitFigures(
        visits=visits,
        open_s=sum(each.open_s for each in cells),
        blind_s=sum(each.blind_s for each in cells),
        shares=_shares(cells, quantifiers or {}),
        smiling=smiles.interval(sum(each.smiles for each in cells), visits),
        valence=_mean(
            visits, sum(each.valence for each in cells), sum(each.valence_squares for each in cells), 1
        ),
        change=_mean(
            visits, sum(each.change for each in cells), sum(each.change_squares for each in cells), 2
        ),
        length_s=float(sum(each.length_s for each in cells)) / visits,
        lengths=tuple(lengths.tolist()),
    )


def answer_figures(cells: Iterable[AnswerCell]) -> AnswerFigures | None:
    """Compute what the answers of some cells say together; None without any."""
    counts = np.sum([each.counts for each in cells] or [(0,) * 5], axis=0)
    many = int(counts.sum())
    if many == 0:
        return None
    values = np.arange(1, 6)
    total, squares = float(counts @ values), float(counts @ values**2)
    mean = _mean(many, total, squares, 5)
    good = int(counts[GOOD - 1 :].sum())
    samples = np.random.default_rng(0).beta(good + 0.5, many - good + 0.5, SMILE_DRAWS)
    return AnswerFigures(
        counts=tuple(counts.tolist()),
        mean=Interval(mean.value, max(1.0, mean.low), mean.high),
        good=interval(good / many, samples),
    )


def place_of(cell: VisitCell | AnswerCell, zone: tzinfo | None = None) -> tuple[date, int, int]:
    """Return the day of a cell, the hour that it is put into, and the hour behind its last.

    A cell belongs to the hour of its middle; one of more than an hour to the hours of which it covers half or
    more.

    Args:
        cell: any.
        zone: the venue's; None is the machine's own.
    """
    start, length = cell.start.astimezone(zone), cell.end - cell.start
    middle = (cell.start + length / 2).astimezone(zone)
    day, long_h = middle.date(), length.total_seconds() / 3600
    if long_h <= 1:
        return day, middle.hour, middle.hour + 1
    begins = start.hour + start.minute / 60 - 24 * (day - start.date()).days
    first, end = math.floor(begins + 0.5), math.ceil(begins + long_h - 0.5)
    return day, min(max(0, first), 23), max(min(end, 24), 1)


def by_day(cells: Iterable[VisitCell], zone: tzinfo | None = None) -> dict[date, list[VisitCell]]:
    """Return cells by their day, the days rising."""
    found: dict[date, list[VisitCell]] = {}
    for cell in sorted(cells, key=lambda each: each.start):
        found.setdefault(place_of(cell, zone)[0], []).append(cell)
    return dict(sorted(found.items()))


def by_hour(
    cells: Iterable[VisitCell],
    smiles: SmileDetector = SMILES,
    zone: tzinfo | None = None,
    quantifiers: Mapping[str, Quantifier] | None = None,
) -> list[Hour]:
    """Return the hours of one day or several; hours that a cell lies across stay together."""
    joined: list[tuple[date, int, int, list[VisitCell]]] = []
    for (day, first, end), cell in sorted(
        ((place_of(each, zone), each) for each in cells), key=lambda pair: pair[0]
    ):
        if joined and joined[-1][0] == day and first < joined[-1][2]:
            _, begun, until, inside = joined[-1]
            joined[-1] = (day, begun, max(end, until), [*inside, cell])
        else:
            joined.append((day, first, end, [cell]))
    figures = ((*each[:3], visit_figures(each[3], smiles, quantifiers)) for each in joined)
    return [Hour(day, first, end, each) for day, first, end, each in figures if each is not None]


def week_of(
    cells: Iterable[VisitCell], smiles: SmileDetector = SMILES, zone: tzinfo | None = None
) -> list[Slot]:
    """Return what weekdays and hours show over all weeks; a cell counts in the hour of its middle."""
    found: dict[tuple[int, int], list[VisitCell]] = {}
    days: dict[tuple[int, int], set[date]] = {}
    for cell in cells:
        middle = (cell.start + (cell.end - cell.start) / 2).astimezone(zone)
        at = middle.weekday(), middle.hour
        found.setdefault(at, []).append(cell)
        days.setdefault(at, set()).add(middle.date())
    slots = ((*at, len(days[at]), visit_figures(inside, smiles)) for at, inside in sorted(found.items()))
    return [Slot(weekday, hour, many, each) for weekday, hour, many, each in slots if each is not None]


def length_names() -> tuple[str, ...]:
    """Name the bins of a histogram of lengths: "under 5 s", "5-15 s", ..., "5 min on"."""
    names = [_length(each) for each in LENGTHS_S]
    inner = [f"{low} to {high}" for low, high in pairwise(names[1:])]
    return (f"under {names[1]}", *inner, f"{names[-1]} on")


def rounded(each: Interval) -> dict[str, float]:
    """Return an interval for JSON."""
    return {name: round(value, 3) for name, value in each._asdict().items()}


def _length(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def _mean(many: int, total: float, squares: float, most: float) -> Interval:
    """Return the mean of what is at most `most`, with the interval of Student's t."""
    mean = float(total) / many
    variance = max(0.0, squares / many - mean**2) / max(1, many - 1)
    width = float(stdtrit(max(1, many - 1), (1 + LEVEL) / 2)) * math.sqrt(variance)
    return Interval(mean, max(-most, mean - width), min(most, mean + width))


def _shares(cells: Sequence[VisitCell], quantifiers: Mapping[str, Quantifier]) -> dict[str, Interval]:
    """Estimate shares for each network by itself, and join them by their visits."""
    by_network: dict[str, list[VisitCell]] = {}
    for cell in cells:
        by_network.setdefault(cell.network, []).append(cell)
    if not by_network.keys() <= quantifiers.keys():
        return {}
    known = [(inside, quantifiers[network]) for network, inside in by_network.items()]
    labels = known[0][1].labels
    if any(quantifier.labels != labels for _, quantifier in known):
        return {}
    total = sum(each.visits for each in cells)
    shares, samples = np.zeros(len(labels)), np.zeros((DRAWS, len(labels)))
    for inside, quantifier in known:
        visits = sum(each.visits for each in inside)
        sums = [np.sum([getattr(each, name) for each in inside], axis=0) for name in _SUMS]
        found, drawn = quantifier.shares_of_sums(visits, *sums)
        shares, samples = shares + visits / total * found, samples + visits / total * drawn
    return {
        label: interval(float(share), column)
        for label, share, column in zip(labels, shares, samples.T, strict=True)
    }


_SUMS: Final = ("evidence", "products", "sizes")
