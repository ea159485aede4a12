"""A venue's summary: what page, reports and exports show of it, coverage first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple

from mien.config import load_settings
from mien.errors import ConfigError, ModelError
from mien.expression.network import built_in_networks, find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.mood.congruence import with_self_report
from mien.places.effects import USUAL_DAYS, Comparison, MarkEffects, compare_day, mark_effects
from mien.places.level_changes import WATCHED_DAYS, Levels, level_changes
from mien.places.quantification import Interval, Quantifier
from mien.places.venue_figures import (
    SMILES,
    AnswerFigures,
    Hour,
    Slot,
    SmileDetector,
    VisitFigures,
    answer_figures,
    by_day,
    by_hour,
    place_of,
    rounded,
    visit_figures,
    week_of,
)
from mien.store.venue_types import ANSWERS, LENGTHS_S, AnswerCell, Station, VenueMark, VisitCell

if TYPE_CHECKING:
    from mien.store.store import Store


class Day(NamedTuple):
    """A day of a venue.

    Attributes:
        day: the day.
        figures: of its visits; None where there were none, or too few.
        answers: at the kiosk; None where there were none, or too few.
    """

    day: date
    figures: VisitFigures | None
    answers: AnswerFigures | None


@dataclass(frozen=True, slots=True)
class VenueSummary:
    """What a venue's cells say about some days.

    Attributes:
        venue: its name.
        station: which station it is about; None for all together.
        first, last: the days, both belonging to it.
        whole: the figures of all of it; None where there is nothing.
        days: each day, also those without figures.
        hours: of the last day.
        week: by weekday and hour, over all of it.
        answers: at the kiosk, over all of it; None where there are none.
        agreement: rank correlation of the days' mean answers with their valence; None below ten days.
        agreement_days: days with both.
        marks: what was changed, with the effects; those whose days before or after are among these days.
        usual: the last day against the same weekday and hours before; empty where these are too few.
        levels: what has left its usual level, by the weeks up to the last day.
    """

    venue: str
    station: str | None
    first: date
    last: date
    whole: VisitFigures | None
    days: tuple[Day, ...]
    hours: tuple[Hour, ...]
    week: tuple[Slot, ...]
    answers: AnswerFigures | None
    agreement: Interval | None
    agreement_days: int
    marks: tuple[MarkEffects, ...]
    usual: tuple[Comparison, ...]
    levels: Levels

    @property
    def days_counted(self) -> int:
        """On how many days there were enough visits."""
        return sum(each.figures is not None for each in self.days)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "venue": self.venue,
            "station": self.station,
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "days_counted": self.days_counted,
            "whole": self.whole and self.whole.as_dict(),
            "days": [
                {
                    "day": each.day.isoformat(),
                    "figures": each.figures and each.figures.as_dict(),
                    "answers": each.answers and each.answers.as_dict(),
                }
                for each in self.days
            ],
            "hours": [
                {
                    "day": each.day.isoformat(),
                    "first": each.first,
                    "end": each.end,
                    "figures": each.figures.as_dict(),
                }
                for each in self.hours
            ],
            "week": [
                {
                    "weekday": each.weekday,
                    "hour": each.hour,
                    "days": each.days,
                    "figures": each.figures.as_dict(),
                }
                for each in self.week
            ],
            "answers": self.answers and self.answers.as_dict(),
            "agreement": self.agreement and rounded(self.agreement),
            "agreement_days": self.agreement_days,
            "marks": [each.as_dict() for each in self.marks],
            "usual": [each.as_dict() for each in self.usual],
            "levels": self.levels.as_dict(),
            "lengths_s": list(LENGTHS_S),
            "answer_names": list(ANSWERS),
        }


def summarize(
    venue: str,
    cells: Sequence[VisitCell],
    *,
    first: date,
    last: date,
    smiles: SmileDetector = SMILES,
    quantifiers: Mapping[str, Quantifier] | None = None,
    answers: Iterable[AnswerCell] = (),
    marks: Sequence[VenueMark] = (),
    marks_from: date | None = None,
    station: str | None = None,
    zone: tzinfo | None = None,
) -> VenueSummary:
    """Summarize some days of a venue.

    Args:
        venue: its name.
        cells: of the venue; those outside the days count for effects of marks and for what is usual only.
        first: the first day.
        last: the last day, which belongs to it.
        smiles: how well smiles are found.
        quantifiers: by `VisitCell.network`, for shares by expression; see `visit_figures`.
        answers: of its kiosks.
        marks: what was changed in it.
        marks_from: the first day whose marks are told; by itself the first day.
        station: only this station's cells and answers; None for all.
        zone: the venue's; None is the machine's own.
    """
    own = [each for each in cells if station is None or each.station == station]
    asked = [each for each in answers if station is None or each.station == station]
    counted = {day: inside for day, inside in by_day(own, zone).items() if first <= day <= last}
    answered: dict[date, list[AnswerCell]] = {}
    for answer_cell in asked:
        day = place_of(answer_cell, zone)[0]
        if first <= day <= last:
            answered.setdefault(day, []).append(answer_cell)
    inside = [cell for of_day in counted.values() for cell in of_day]
    days = tuple(
        Day(day, visit_figures(counted.get(day, ()), smiles), answer_figures(answered.get(day, ())))
        for day in (first + timedelta(n) for n in range((last - first).days + 1))
    )
    agreement, both = _agreement(days)
    return VenueSummary(
        venue=venue,
        station=station,
        first=first,
        last=last,
        whole=visit_figures(inside, smiles, quantifiers),
        days=days,
        hours=tuple(by_hour(counted.get(last, ()), smiles, zone)),
        week=tuple(week_of(inside, smiles, zone)),
        answers=answer_figures(each for of_day in answered.values() for each in of_day),
        agreement=agreement,
        agreement_days=both,
        marks=tuple(
            mark_effects(mark, marks, own, smiles, zone)
            for mark in sorted(marks, key=lambda each: each.at)
            if (marks_from or first) <= mark.at.astimezone(zone).date() <= last
        ),
        usual=compare_day(last, own, smiles, zone),
        levels=level_changes(last, own, smiles, zone),
    )


def read_summary(
    store: Store,
    venue: str,
    *,
    first: date | None = None,
    last: date | None = None,
    marks_from: date | None = None,
    station: str | None = None,
    zone: tzinfo | None = None,
) -> VenueSummary:
    """Summarize some days of a venue, from the store.

    Args:
        store: where it is kept.
        venue: its name.
        first: the first day; by itself the last `USUAL_DAYS`.
        last: the last day; by itself the last one with visits, or today.
        marks_from: the first day whose marks are told; by itself the first day.
        station: only this one; None for all.
        zone: the venue's; None is the machine's own.

    Raises:
        MissingError: there is no such venue or station.
        ConfigError: the days end before they begin.
    """
    with store.reading():
        newest = last_day(store, venue, station, zone)
        last = last or newest
        first = first or last - timedelta(USUAL_DAYS - 1)
        if last < first:
            raise ConfigError(f"the days end before they begin: from {first} to {last}")
        earliest = min(
            min(first, marks_from or first) - timedelta(USUAL_DAYS), last - timedelta(WATCHED_DAYS)
        )
        since, until = (local_midnight(each, zone) for each in (earliest, last + timedelta(1)))
        cells = store.venues.cells(venue, station, since, until)
        return summarize(
            venue,
            cells,
            first=first,
            last=last,
            quantifiers=quantifiers(),
            answers=store.venues.answer_cells(venue, station, since, until),
            marks=store.venues.marks(venue),
            marks_from=marks_from,
            station=station,
            zone=zone,
        )


def last_day(store: Store, venue: str, station: str | None = None, zone: tzinfo | None = None) -> date:
    """Return the last day with visits; today where there are none.

    Raises:
        MissingError: there is no such venue or station.
    """
    now = store.now()
    ends = [
        store.venues.kept_until(venue, each.name, VisitCell, now)
        for each in stations_of(store, venue, station)
    ]
    newest = max((each for each in ends if each is not None), default=now)
    return (newest - timedelta(seconds=1)).astimezone(zone).date()


def stations_of(store: Store, venue: str, station: str | None = None) -> list[Station]:
    """Return one station of a venue, or all, at least one.

    Raises:
        MissingError: there is no such venue or station.
    """
    found = store.venues.stations(venue) if station is None else []
    return found or [store.venues.station(venue, station or "")]


def quantifiers() -> dict[str, Quantifier]:
    """Return what counts the faces of each network that is here and can count, by `VisitCell.network`."""
    found: dict[str, Quantifier] = {}
    for name in {*built_in_networks(), load_settings().network}:
        with suppress(ModelError):  # it can't count, or is not here any more
            quantifier = Quantifier(read_sidecar(sidecar_path(find_network(name))))
            found[quantifier.network] = quantifier
    return found


def local_midnight(day: date, zone: tzinfo | None = None) -> datetime:
    """Return when a day begins, aware; None is the machine's own zone."""
    naive = datetime.combine(day, time())
    return naive.astimezone() if zone is None else naive.replace(tzinfo=zone)


def _agreement(days: Sequence[Day]) -> tuple[Interval | None, int]:
    pairs = [
        (each.figures.valence.value, each.answers.mean.value)
        for each in days
        if each.figures is not None and each.answers is not None
    ]
    found = with_self_report(*zip(*pairs, strict=True)) if pairs else None
    if found is None or found.low is None or found.high is None:
        return None, len(pairs)
    return Interval(found.value, found.low, found.high), len(pairs)
