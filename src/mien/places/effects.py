"""Told from chance: the effect of what was changed in a venue, and a day against what is usual.

Days are compared, not visits: a wet Tuesday moves all its visits together. Each weekday is compared with
itself, because Saturdays are unlike Mondays whatever is on the menu.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from mien.places.quantification import LEVEL, Interval
from mien.places.venue_figures import SMILES, SmileDetector, by_day, rounded
from mien.store.venue_types import VenueMark, VisitCell
from mien.wording import count

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Index = NDArray[np.int64]

MEASURES: Final = ("smiling", "valence", "change", "length_s", "visits_per_h")
"""What is compared of a day."""

LEAST_DAYS: Final = 10
"""Days that are needed before and after a mark; with fewer, permutations are too few for a 90 % interval."""

MOST_DAYS: Final = 28
"""Days further from a mark than this are left out: other things change as well."""

USUAL_DAYS: Final = 56
"""What is usual is said by so many days before."""

LEAST_SAME: Final = 3
"""An hour's usual figure needs it on so many earlier days of the same weekday."""

SURE: Final = 0.1
"""How often chance alone may put something down to a mark, over all measures (Bonferroni)."""

_PERMUTATIONS: Final = 4000
_PHIS: Final = np.arange(0, 0.85, 0.05)


@dataclass(frozen=True, slots=True)
class Effect:
    """How a measure differs between the days before and after a mark.

    Attributes:
        measure: one of `MEASURES`.
        before, after: means of the days, each weekday weighing as much before as after.
        difference: after less before, with its 90 % interval.
        p: how often days put into any other order differ as much.
    """

    measure: str
    before: float
    after: float
    difference: Interval
    p: float

    @property
    def sure(self) -> bool:
        """Whether chance alone hardly explains it: one mark in ten has some such measure by chance."""
        return self.p <= SURE / len(MEASURES)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "measure": self.measure,
            "before": round(self.before, 3),
            "after": round(self.after, 3),
            "difference": rounded(self.difference),
            "sure": self.sure,
        }


@dataclass(frozen=True, slots=True)
class MarkEffects:
    """What changed with a mark.

    Attributes:
        mark: what was changed.
        days_before, days_after: days that were compared.
        effects: one for each of `MEASURES`; empty where there are too few days.
        missing: what is missing then, in words; else "".
    """

    mark: VenueMark
    days_before: int
    days_after: int
    effects: tuple[Effect, ...]
    missing: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "id": self.mark.id,
            "at": self.mark.at.isoformat(),
            "until": self.mark.until and self.mark.until.isoformat(),
            "text": self.mark.text,
            "days_before": self.days_before,
            "days_after": self.days_after,
            "effects": [each.as_dict() for each in self.effects],
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """A day against the same weekday and hours of the weeks before.

    Attributes:
        measure: one of `MEASURES`.
        day: mean over the day's hours that can be compared, by their visits.
        usual: mean of the earlier days in these hours; nine of ten such days lie between its ends.
        days: how many earlier days of this weekday there are.
    """

    measure: str
    day: float
    usual: Interval
    days: int

    @property
    def unusual(self) -> bool:
        """Whether fewer than one day in ten is so far from usual."""
        return not self.usual.low <= self.day <= self.usual.high

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "measure": self.measure,
            "day": round(self.day, 3),
            "usual": rounded(self.usual),
            "days": self.days,
            "unusual": self.unusual,
        }


def measures_of(cells: Sequence[VisitCell], smiles: SmileDetector = SMILES) -> dict[str, float]:
    """Return each of `MEASURES` of some cells, at least one; the share smiling may be below 0 by chance.

    Visits an hour are those of the time with a usable view.
    """
    visits = sum(each.visits for each in cells)
    seen_h = sum(each.open_s - each.blind_s for each in cells) / 3600
    return {
        "smiling": smiles.share(sum(each.smiles for each in cells), visits),
        "valence": sum(each.valence for each in cells) / visits,
        "change": sum(each.change for each in cells) / visits,
        "length_s": sum(each.length_s for each in cells) / visits,
        "visits_per_h": visits / seen_h if seen_h > 0 else np.nan,
    }


def mark_effects(
    mark: VenueMark,
    marks: Sequence[VenueMark],
    cells: Sequence[VisitCell],
    smiles: SmileDetector = SMILES,
    zone: tzinfo | None = None,
) -> MarkEffects:
    """Compare the days before and after a mark, as far as no other mark lies between.

    Args:
        mark: what was changed.
        marks: all of the venue's, of which the neighbours count.
        cells: of the venue or of one of its stations.
        smiles: how well smiles are found.
        zone: the venue's; None is the machine's own.
    """
    begin, end = _stretch(mark, marks)
    days = {day: inside for day, inside in by_day(cells, zone).items() if inside}
    before = {
        day: inside
        for day, inside in days.items()
        if inside[0].start >= begin and all(each.end <= mark.at for each in inside)
    }
    after = {
        day: inside
        for day, inside in days.items()
        if all(mark.at <= each.start and each.end <= end for each in inside)
    }
    before, after = _same_weekdays(before, after)
    few = min(len(before), len(after))
    if few < LEAST_DAYS:
        missing = (
            f"needs {LEAST_DAYS} days before and after it, on the same weekdays and without another mark;"
            f" so far {count(len(before), 'day')} before, {len(after)} after"
        )
        return MarkEffects(mark, len(before), len(after), (), missing)
    table = [measures_of(inside, smiles) for inside in (*before.values(), *after.values())]
    weekday = np.array([day.weekday() for day in (*before, *after)])
    is_after = np.arange(len(table)) >= len(before)
    effects = []
    for name in MEASURES:
        values = np.array([each[name] for each in table])
        if not np.isnan(values).any():
            effects.append(_effect(name, values, is_after, weekday))
    return MarkEffects(mark, len(before), len(after), tuple(effects))


def difference_by_permutation(
    values: Floats, after: Bools, strata: Index, *, widening: float = 1.0, seed: int = 0
) -> tuple[float, Interval, float]:
    """Estimate by how much some days differ from others, each stratum compared with itself.

    The interval holds each difference that a permutation test of it (two-sided, at 10 %) would not refuse.
    As the statistic is linear, each permutation has one difference from which on it would have been as far
    out as the days are, so that the ends are quantiles of these (Garthwaite 1996, Biometrics 52, 1387-1393,
    has the search that this replaces).

    Args:
        values: (n,) of the days.
        after: (n,) which days are compared with the others.
        strata: (n,) such as weekdays; each has days of both kinds.
        widening: how much wider than that of independent days the interval is to be; see `widening_of`.
        seed: of the permutations, which stay within strata.

    Returns:
        The mean of the others, each stratum weighing alike in both, the difference, and how often it is as
        far from 0 in any other order of the days (two-sided).
    """
    random = np.random.default_rng(seed)
    drawn = np.tile(after, (_PERMUTATIONS, 1))
    weights = np.zeros(len(values))
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        drawn[:, inside] = random.permuted(drawn[:, inside], axis=1)
        many = int(after[inside].sum())
        weights[inside] = many * (len(inside) - many) / len(inside)
    # Each stratum's weight is that of the difference of its two means.
    total = sum(float(weights[strata == each][0]) for each in np.unique(strata))

    def contrast(of: Floats, chosen: Bools) -> Floats:
        many = np.array([after[strata == each].sum() for each in strata])
        others = np.array([(strata == each).sum() for each in strata]) - many
        signs = np.where(chosen, 1 / many, -1 / others)
        return np.asarray((signs * weights) @ of / total)

    own = float(contrast(values, after[None])[0])
    moved, kept = contrast(values, drawn), contrast(after.astype(np.float64), drawn)
    same = kept > 1 - 1e-9
    borders = (own - moved[~same]) / (1 - kept[~same])
    borders = own + widening * (borders - own)
    far = np.full(int(same.sum()) + 1, np.inf)
    low = float(np.quantile(np.append(borders, -far), (1 - LEVEL) / 2, method="lower"))
    high = float(np.quantile(np.append(borders, far), (1 + LEVEL) / 2, method="higher"))
    shares = np.array([(strata[~after] == each).sum() for each in strata[~after]])
    before = float(np.average(values[~after], weights=weights[~after] / shares))
    tails = ((borders >= 0).sum(), (borders <= 0).sum())
    p = min(1.0, 2 * (int(min(tails)) + len(far)) / (_PERMUTATIONS + 1))
    return before, Interval(own, min(low, own), max(high, own)), p


def widening_of(values: Floats, after: Bools, strata: Index) -> float:
    """Return how much wider an interval has to be as days hang together: 1 where they don't.

    For a first-order autoregression, the root of (1 + phi) / (1 - phi). What the days leave over behind
    levels of their strata and the difference correlates less than they do; phi is the one for which it would
    correlate as it does (both expectations by their traces).

    Args:
        values: (n,) of the days, in their order.
        after: (n,) see `difference_by_permutation`.
        strata: (n,) see there.
    """
    columns = np.column_stack([*(strata == each for each in np.unique(strata)), after]).astype(np.float64)
    left = np.eye(len(values)) - columns @ np.linalg.pinv(columns)
    over = left @ values
    if not over @ over > 0:
        return 1.0
    apart = np.abs(np.subtract.outer(np.arange(len(values)), np.arange(len(values))))
    expected = []
    for phi in _PHIS:
        spread = left @ phi**apart @ left
        expected.append(np.trace(spread, offset=1) / np.trace(spread))
    phi = float(np.interp(over[:-1] @ over[1:] / (over @ over), expected, _PHIS))
    return float(np.sqrt((1 + phi) / (1 - phi)))


def compare_day(
    day: date,
    cells: Sequence[VisitCell],
    smiles: SmileDetector = SMILES,
    zone: tzinfo | None = None,
) -> tuple[Comparison, ...]:
    """Compare a day with the same weekday and hours of the `USUAL_DAYS` days before.

    Args:
        day: the day.
        cells: of it and of the days before.
        smiles: how well smiles are found.
        zone: the venue's; None is the machine's own.

    Returns:
        One for each of `MEASURES` but for those that can't be compared: that need `LEAST_SAME` earlier days
        of the weekday in some hour of the day, and `LEAST_DAYS` days to know how days differ.
    """
    days = [day - timedelta(n) for n in range(USUAL_DAYS, -1, -1)]
    visits, values = by_day_and_hour(days, cells, smiles, zone)
    weekday = np.array([each.weekday() for each in days])
    found = []
    for name in MEASURES:
        usual = _usual(values[name], weekday)
        weights = np.where(np.isnan(usual), 0, visits)
        total = np.maximum(weights.sum(axis=1), 1)
        shown, expected = (np.nansum(weights * each, axis=1) / total for each in (values[name], usual))
        known = weights.sum(axis=1) > 0
        apart = (shown - expected)[:-1][known[:-1]]
        if not known[-1] or len(apart) < LEAST_DAYS:
            continue
        reach = float(stdtrit(len(apart) - 1, (1 + LEVEL) / 2) * np.sqrt((apart**2).mean()))
        before = float(expected[-1])
        same = int((visits[:-1][weekday[:-1] == weekday[-1]].sum(axis=1) > 0).sum())
        usual_days = Interval(before, before - reach, before + reach)
        found.append(Comparison(name, float(shown[-1]), usual_days, same))
    return tuple(found)


def by_day_and_hour(
    days: Sequence[date], cells: Sequence[VisitCell], smiles: SmileDetector, zone: tzinfo | None
) -> tuple[Floats, dict[str, Floats]]:
    """Return (days, 24) visits, and of each measure its figures, NaN without any.

    A cell counts at its middle; those of other days are left out.
    """
    found: dict[tuple[int, int], list[VisitCell]] = {}
    for cell in cells:
        middle = (cell.start + (cell.end - cell.start) / 2).astimezone(zone)
        place = (middle.date() - days[0]).days
        if 0 <= place < len(days):
            found.setdefault((place, middle.hour), []).append(cell)
    visits = np.zeros((len(days), 24))
    values = {name: np.full(visits.shape, np.nan) for name in MEASURES}
    for at, inside in found.items():
        visits[at] = sum(each.visits for each in inside)
        for name, value in measures_of(inside, smiles).items():
            values[name][at] = value
    return visits, values


def _usual(values: Floats, weekday: Index) -> Floats:
    """(days, hours) the mean of the other days of the same weekday, the last day being one of none.

    NaN where a day has no figure itself, or fewer than `LEAST_SAME` others have one.
    """
    others = values[:-1]
    usual = np.full(values.shape, np.nan)
    for place in range(len(values)):
        same = weekday[:-1] == weekday[place]
        same[place : place + 1] = False
        many = (~np.isnan(others[same])).sum(axis=0)
        means = np.nansum(others[same], axis=0) / np.maximum(many, 1)
        usual[place] = np.where((many >= LEAST_SAME) & ~np.isnan(values[place]), means, np.nan)
    return usual


def _stretch(mark: VenueMark, marks: Sequence[VenueMark]) -> tuple[datetime, datetime]:
    """From when and until when nothing else was changed, `MOST_DAYS` on each side at the most."""
    begin, end = mark.at - timedelta(MOST_DAYS), mark.at + timedelta(MOST_DAYS)
    for other in marks:
        if other == mark:
            continue
        for moment in (other.at, other.until):
            if moment is not None and moment <= mark.at:
                begin = max(begin, moment)
            elif moment is not None:
                end = min(end, moment)
    return begin, end if mark.until is None else min(end, mark.until)


def _same_weekdays(
    before: dict[date, list[VisitCell]], after: dict[date, list[VisitCell]]
) -> tuple[dict[date, list[VisitCell]], dict[date, list[VisitCell]]]:
    on_both = Counter({day.weekday() for day in before}) + Counter({day.weekday() for day in after})
    both = {weekday for weekday, sides in on_both.items() if sides == 2}
    first, second = (
        {day: inside for day, inside in days.items() if day.weekday() in both} for days in (before, after)
    )
    return first, second


def _effect(name: str, values: Floats, after: Bools, weekday: Index) -> Effect:
    widening = widening_of(values, after, weekday)
    before, difference, p = difference_by_permutation(values, after, weekday, widening=widening)
    return Effect(name, before, before + difference.value, difference, p)
