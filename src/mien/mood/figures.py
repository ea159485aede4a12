"""The figures of one recording, or of one day's recordings taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.mood.bootstrap import LEVEL, Blocks, blocks_for, draws, interval
from mien.mood.definitions import MEASURES
from mien.mood.episodes import Episode, episodes
from mien.mood.estimate import Estimate
from mien.mood.expressivity import PLAIN_NEUTRAL, Baseline, flatness
from mien.mood.formulas import FORMULAS, LEAST_COURSE_S, LEAST_S, NEEDS
from mien.mood.seconds import Seconds, joined, seconds_of
from mien.mood.series import Series

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


def figures(
    parts: Sequence[Series],
    *,
    events: Sequence[Sequence[Episode]] | None = None,
    usual: Baseline | None = None,
    speaking: Sequence[Spans | None] | None = None,
    seed: int = 0,
) -> dict[str, Estimate | None]:
    """Compute every figure of `MEASURES`, each with its interval, or None below its least data.

    Nothing is computed across the gap between two parts. Quick: half an hour at ten readings a second takes
    about 0.05 s.

    Args:
        parts: one recording, or all recordings of one day; each with times of its own.
        events: the episodes of each part, as `episodes` finds them; None looks for them.
        usual: the person's own baseline: expressivity is measured from its neutral face, and flatness against
            it. Without it the distance is that from a plain neutral face. Compare only what was measured from
            the same neutral face.
        speaking: for each part the (start, end) in seconds of what was marked as speaking; None for a part,
            or for all, that nobody has marked.
        seed: of the bootstrap; the same seed gives the same intervals.

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
    own = usual.neutral if usual else None
    neutral = PLAIN_NEUTRAL if own is None else own
    each = [
        seconds_of(part, episodes(part) if events is None else events[place], neutral)
        for place, part in enumerate(parts)
        if len(part)
    ]
    if each:
        found |= _sampled(each, np.random.default_rng(seed))
        found["flatness"] = flatness(found["expressivity"], usual)
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
    """A figure of the whole, which is no sample and has no interval; or one that bootstrap fails for."""
    return Estimate(value, value, value, n)


def _sampled(each: Sequence[Seconds], rng: np.random.Generator) -> dict[str, Estimate | None]:
    """Figures of sums over seconds, with bootstrap intervals."""
    seconds = joined(each)
    blocks = max(blocks_for([part.means[name] for part in each]) for name in ("valence", "expressivity"))
    columns = np.column_stack(list(seconds.sums.values()))
    totals = dict(zip(seconds.sums, columns.sum(axis=0), strict=True))
    replicated, ranges = _replicate(columns, seconds.means["valence"], blocks.length, rng)
    sums = dict(zip(seconds.sums, replicated.T, strict=True))
    found: dict[str, Estimate | None] = {}
    for name, formula in FORMULAS.items():
        total, least = NEEDS[name]
        if totals[total] >= least:
            n = totals[_COUNTED[name]] if name in _COUNTED else max(1, totals[total] // blocks.length)
            with np.errstate(divide="ignore", invalid="ignore"):
                found[name] = _estimate(formula(totals), formula(sums), int(n), blocks.tail)
    _open_zero_rates(found, totals)
    return found | _of_seconds(seconds, totals, ranges, blocks)


def _replicate(
    columns: Floats, valence: Floats, length: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Give the sums (b, k) and the dynamic range (b,) of bootstrap replicates."""
    order = np.argsort(valence)[: np.count_nonzero(~np.isnan(valence))]
    sums, ranges = [], []
    for drawn in draws(len(columns), length, rng):
        sums.append(drawn @ columns)
        ranges.append(_range(valence[order], drawn[:, order]))
    return np.concatenate(sums), np.concatenate(ranges)


def _range(rising: Floats, counts: Floats) -> Floats:
    """(b,) 95th less 5th percentile of values that were each drawn `counts` (b, n) times."""
    if not len(rising):
        return np.full(len(counts), np.nan)
    upto = counts.cumsum(axis=1)
    low, high = ((upto < share * upto[:, -1:]).sum(axis=1) for share in (0.05, 0.95))
    last = len(rising) - 1
    return np.asarray(rising[np.minimum(high, last)] - rising[np.minimum(low, last)])


def _of_seconds(
    seconds: Seconds, totals: Mapping[str, float], ranges: Floats, blocks: Blocks
) -> dict[str, Estimate | None]:
    """Figures of the seconds' own means: the range, and the extremes, for which the bootstrap fails."""
    valence = np.sort(seconds.means["valence"][~np.isnan(seconds.means["valence"])])
    found: dict[str, Estimate | None] = {}
    if len(valence) >= LEAST_COURSE_S:
        value = _range(valence, np.ones((1, len(valence))))
        found["dynamic_range"] = _estimate(
            value[0], ranges, max(1, len(valence) // blocks.length), blocks.tail
        )
    for name, weight in (("happiness", "usable"), ("brow_lowerer", "brow_lowerer_known")):
        if totals[weight] >= LEAST_S:
            known = seconds.means[name][~np.isnan(seconds.means[name])]
            found[f"{name}_max"] = _whole(float(known.max()), len(known)) if len(known) else None
    return found


def _estimate(value: Floats | float, replicates: Floats, n: int, tail: float) -> Estimate | None:
    number = float(value)
    return Estimate(number, *interval(number, replicates, tail), n) if np.isfinite(number) else None


def _open_zero_rates(found: dict[str, Estimate | None], totals: Mapping[str, float]) -> None:
    """Where nothing happened, every replicate is 0; how much could have been is said by a Poisson count."""
    for name in ("episodes_per_min", "smiles_per_min"):
        rate = found.get(name)
        if rate is not None and rate.value == 0:
            high = -np.log((1 - LEVEL) / 2) * 60 / totals["searched"]
            found[name] = Estimate(0.0, 0.0, float(high), 0)
