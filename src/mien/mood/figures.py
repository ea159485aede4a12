"""The figures of one recording, or of one day's recordings taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mien.mood import intervals
from mien.mood.definitions import MEASURES
from mien.mood.episodes import Episode, episodes
from mien.mood.estimate import Estimate
from mien.mood.expressivity import PLAIN_NEUTRAL, flatness
from mien.mood.formulas import FORMULAS, LEAST_COURSE_S, LEAST_S, NEEDS, SCALES, gradient
from mien.mood.seconds import Seconds, joined, seconds_of
from mien.mood.series import Series

if TYPE_CHECKING:
    from mien.mood.baseline import Baseline

__all__ = ["MEASURES", "figures"]

Floats = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]

_COUNTED: Final = {
    "episodes_per_min": "episodes",
    "episode_length_s": "episodes",
    "smiles_per_min": "smiles",
    "smile_length_s": "smiles",
    "smile_onset_speed": "smiles_risen",
}
"""What stands on events, and not on time."""
_UNEVEN: Final = ("dynamic_range", "inertia", "episode_length_s", "smile_length_s", "smile_onset_speed")
"""A lively while counts for more in these than a quiet one: in the simulations they need one degree of
freedom less than the others."""

_LOW, _HIGH = 0.05, 0.95
"""The quantiles that the dynamic range lies between."""
_NEAR: Final = 0.03
"""How dense the values lie at a quantile is told from the quantiles so far below and above it."""


def figures(
    parts: Sequence[Series],
    *,
    events: Sequence[Sequence[Episode]] | None = None,
    baseline: Baseline | None = None,
    speaking: Sequence[Spans | None] | None = None,
) -> dict[str, Estimate | None]:
    """Compute every figure of `MEASURES`, each with its interval, or None below its least data.

    Nothing is computed across the gap between two parts. Quick: half an hour at ten readings a second takes
    about 0.05 s. Below `intervals.LEAST_S` seconds there is no interval.

    Args:
        parts: one recording, or all recordings of one day; each with times of its own.
        events: the episodes of each part, as `episodes` finds them; None looks for them.
        baseline: the person's own: expressivity is measured from its neutral face, and flatness against
            it. Without it the distance is that from a plain neutral face. Compare only what was measured from
            the same neutral face.
        speaking: for each part the (start, end) in seconds of what was marked as speaking; None for a part,
            or for all, that nobody has marked.

    Returns:
        A figure for each name in `MEASURES`.

    Raises:
        ValueError: events or speaking are not given for each part.
    """
    for name, given in (("events", events), ("speaking", speaking)):
        if given is not None and len(given) != len(parts):
            raise ValueError(f"expected {name} for each of {len(parts)} parts, received {len(given)}")
    found: dict[str, Estimate | None] = dict.fromkeys(MEASURES)
    found["coverage"] = _coverage(parts)
    found["speaking_share"] = _speaking_share(parts, speaking or [None] * len(parts))
    own = baseline.neutral if baseline else None
    neutral = PLAIN_NEUTRAL if own is None else own
    each = [
        seconds_of(part, episodes(part) if events is None else events[index], neutral)
        for index, part in enumerate(parts)
        if len(part)
    ]
    if each:
        found |= _sampled(joined(each))
        found["flatness"] = flatness(found["expressivity"], baseline)
    return found


def _coverage(parts: Sequence[Series]) -> Estimate | None:
    """Usable time of all time from each part's first row to its last, gaps too."""
    length_s = sum(float(part.time_s[-1] - part.time_s[0] + part.step_s[-1]) for part in parts if len(part))
    if not length_s > 0:
        return None
    usable_s = sum(float(part.step_s[part.usable].sum()) for part in parts)
    return _whole(min(1.0, usable_s / length_s), sum(len(part) for part in parts))


def _speaking_share(parts: Sequence[Series], speaking: Sequence[Spans | None]) -> Estimate | None:
    watched_s = spoken_s = 0.0
    marks = 0
    for part, spans in zip(parts, speaking, strict=True):
        if spans is not None:
            inside = np.zeros(len(part), np.bool_)
            for start_s, end_s in spans:
                inside |= (part.time_s >= start_s) & (part.time_s < end_s)
            watched_s += float(part.step_s.sum())
            spoken_s += float(part.step_s[inside].sum())
            marks += len(spans)
    return _whole(spoken_s / watched_s, marks) if watched_s > 0 else None


def _whole(value: float, n: int) -> Estimate:
    """A figure of the whole, which is no sample and has no interval; or an extreme, which has none."""
    return Estimate(value, value, value, n)


def _sampled(seconds: Seconds) -> dict[str, Estimate | None]:
    """Figures of the seconds; with intervals, where these are enough."""
    columns = np.column_stack(list(seconds.sums.values()))
    totals = dict(zip(seconds.sums, columns.sum(axis=0), strict=True))
    values: dict[str, float] = {}
    for name, formula in FORMULAS.items():
        total, least = NEEDS[name]
        if totals[total] >= least:
            with np.errstate(divide="ignore", invalid="ignore"):
                values[name] = float(formula(totals))
    valence = seconds.means["valence"]
    if np.count_nonzero(~np.isnan(valence)) >= LEAST_COURSE_S:
        values["dynamic_range"] = float(np.diff(_ends(valence))[0])
    known = {name: value for name, value in values.items() if np.isfinite(value)}
    if len(columns) < intervals.LEAST_S:
        found: dict[str, Estimate | None] = {
            name: Estimate(value, None, None, _n(name, len(columns), totals)) for name, value in known.items()
        }
    else:
        found = _with_intervals(known, columns, totals, valence)
    return found | _extremes(seconds, totals)


def _with_intervals(
    values: Mapping[str, float], columns: Floats, totals: Mapping[str, float], valence: Floats
) -> dict[str, Estimate | None]:
    """Put an interval around each figure."""
    influences = [
        columns @ gradient(FORMULAS[name], totals) if name in FORMULAS else _influence_on_range(valence)
        for name in values
    ]
    if not influences:
        return {}
    spread = intervals.spread_of(np.column_stack(influences))
    return {
        name: _estimate(name, value, float(variance), _n(name, pieces, totals), spread.freedom, totals)
        for (name, value), variance, pieces in zip(
            values.items(), spread.variance, spread.pieces, strict=True
        )
    }


def _n(name: str, pieces: float, totals: Mapping[str, float]) -> int:
    return int(totals[_COUNTED[name]]) if name in _COUNTED else max(1, round(pieces))


def _estimate(
    name: str, value: float, variance: float, n: int, freedom: int, totals: Mapping[str, float]
) -> Estimate:
    scale = SCALES[name]
    if name in _UNEVEN:
        freedom = max(2, freedom - 1)
    if name in _UNEVEN and name in _COUNTED:
        freedom, variance = min(freedom, n - 1), variance * n / (n - 1)
    seconds = float(totals["searched" if scale == "rate" else "seen"])
    return Estimate(value, *intervals.interval(value, variance, freedom, scale, seconds), n)


def _ends(valence: Floats) -> tuple[float, float]:
    """Return the 5th and the 95th percentile of what is known."""
    rising = np.sort(valence[~np.isnan(valence)])
    rank = np.arange(1, len(rising) + 1)
    low, high = (rising[np.count_nonzero(rank < share * len(rising))] for share in (_LOW, _HIGH))
    return float(low), float(high)


def _influence_on_range(valence: Floats) -> Floats:
    """(n,) the influence of each value: on the quantile q of a share p it is (p - [x <= q]) / (n f(q)).

    f is the density there; 0 where the value isn't known.
    """
    known = ~np.isnan(valence)
    values = valence[known]
    influence = np.zeros(len(valence))
    for share, end, sign in zip((_LOW, _HIGH), _ends(valence), (-1, 1), strict=True):
        apart = float(np.diff(np.quantile(values, [share - _NEAR, share + _NEAR]))[0])
        influence[known] += sign * (share - (values <= end)) * apart / (2 * _NEAR * len(values))
    return influence


def _extremes(seconds: Seconds, totals: Mapping[str, float]) -> dict[str, Estimate | None]:
    found: dict[str, Estimate | None] = {}
    for name, weight in (("happiness", "usable"), ("brow_lowerer", "brow_lowerer_known")):
        if totals[weight] >= LEAST_S:
            known = seconds.means[name][~np.isnan(seconds.means[name])]
            found[f"{name}_max"] = _whole(float(known.max()), len(known)) if len(known) else None
    return found
