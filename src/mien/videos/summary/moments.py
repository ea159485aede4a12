"""From a film's course to moments that may be chosen: states, a score for each tenth of a second, pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.videos.summary.course import STEP_S, Course, Flags, Floats

WEIGHTS: Final = {"distance": 2.0, "arousal": 1.0, "change": 1.0, "rarity": 1.0, "attention": 1.0}
"""How much each part counts in the score of a tenth of a second."""

LEAST: Final = 10
"""Tenths of a second that a state has to last to count as expressed."""
SHORTEST: Final = 9
"""Tenths of a second of the shortest piece."""
LONGEST: Final = 80
"""Tenths of a second of the longest piece."""
ALIKE: Final = 0.9
"""Moments that are alike by this much or more aren't both chosen; see `likeness`."""
CUT_COST: Final = 5.0
"""What a piece costs, in tenths of a second of the mean score: few long pieces before many short ones."""

_SMOOTH: Final = 7
"""Tenths of a second over which probabilities are averaged for the states."""
_CLEAR: Final = 0.35
"""An expression with a smaller probability than this is none."""
COVERED_BY: Final = 0.7
"""A face whose presence, as log odds, lies so far below its own usual is partly covered; see
docs/summaries.md for what covering, smiling and blur take away."""
LEAST_SD: Final = 0.1
"""Of valence and arousal: nobody's usual varies by less than the reading itself."""
_FAR_SD: Final = 3.0
"""Farther from their own usual than this counts no more."""
_RARE_BITS: Final = 5.0
_CUT_SPEECH: Final = 0.4
"""What is left of a piece's worth for each end that cuts speech."""
_REACH: Final = 10
"""Tenths of a second by which a cut is moved into a pause."""
_TRIMS: Final = (SHORTEST, 12, 16, 20, 30, 45, 60)
"""Tenths of a second of the shorter versions of a piece."""
_HIGHEST_AROUSAL: Final = 0.67

NEUTRAL, HIDDEN, COVERED = "neutral", "face hidden", "face partly covered"
OWN_MEDIAN: Final = "the film's own median"


class Usual(NamedTuple):
    """What is usual for the person: middle and spread of valence and arousal, and whence they come.

    `days` is of how many days, where it comes from the person's record.
    """

    valence: float
    valence_sd: float
    arousal: float
    arousal_sd: float
    origin: str
    days: int | None = None


@dataclass(frozen=True, eq=False)
class Scores:
    """What makes a tenth of a second worth seeing.

    Attributes:
        usual: what distance is measured from.
        state: (n,) index into `states`; -1 where nothing is expressed.
        states: names, such as "sadness" or "face hidden".
        expressed: which of them last long enough at least once, and have to be in a summary; with the share
            of the film that each takes.
        parts: (n,) from 0 to 1 each, by the names of `WEIGHTS`.
        total: (n,) their weighted mean times quality, 0 to 1.
        valence_sd, arousal_sd: (n,) how far from the usual, in its standard deviations.
    """

    usual: Usual
    state: NDArray[np.int64]
    states: tuple[str, ...]
    expressed: dict[str, float]
    parts: dict[str, Floats]
    total: Floats
    valence_sd: Floats
    arousal_sd: Floats


class Option(NamedTuple):
    """One way of showing a moment: from one tenth of a second to another, and what that is worth."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, eq=False)
class Moment:
    """A stretch of one shot and one state, which is shown once, whole or trimmed, or not at all.

    Attributes:
        state: what is expressed; None for nothing that has to be shown.
        options: the ways of showing it, the longest first.
        probabilities: (8,) means.
    """

    state: str | None
    options: tuple[Option, ...]
    probabilities: Floats

    @property
    def density(self) -> float:
        """The best that it offers for its time."""
        return max(each.score / (each.end - each.start) for each in self.options)


def usual_of(course: Course, span_s: tuple[float, float] | None = None) -> Usual:
    """Return what is usual for the person: median, and 1.4826 times the median distance from it.

    Args:
        course: of the film.
        span_s: seconds in which they are as usual; None for the whole film.
    """
    there = course.seen.copy()
    origin = OWN_MEDIAN
    if span_s is not None:
        time_s = np.arange(len(course)) * STEP_S
        inside = there & (time_s >= span_s[0]) & (time_s < span_s[1])
        if inside.sum() >= LEAST:
            there, origin = inside, f"seconds {span_s[0]:g} to {span_s[1]:g}"
    return Usual(*_middle(course.valence[there]), *_middle(course.arousal[there]), origin)


def _middle(line: Floats) -> tuple[float, float]:
    middle = float(np.median(line))
    return middle, max(LEAST_SD, 1.4826 * float(np.median(np.abs(line - middle))))


def score(course: Course, usual: Usual, attention: Floats | None = None) -> Scores:
    """Score each tenth of a second.

    Args:
        course: of a film in which a face is seen.
        usual: what the distance is measured from.
        attention: (n,) how much a network that reads clips looked at each, 0 to 1; None without one.
    """
    state, states = states_of(course)
    counts = np.bincount(state[state >= 0], minlength=len(states))
    lasting = {each for start, end, each in runs(state) if end - start >= LEAST}
    expressed = {
        name: float(counts[index]) / len(course)
        for index, name in enumerate(states)
        if name != NEUTRAL and index in lasting
    }
    valence_sd = (course.valence - usual.valence) / usual.valence_sd
    arousal_sd = (course.arousal - usual.arousal) / usual.arousal_sd
    parts = {
        "distance": (np.hypot(valence_sd, arousal_sd) / np.sqrt(2) / _FAR_SD).clip(0, 1),
        "arousal": (np.abs(course.arousal) / _HIGHEST_AROUSAL).clip(0, 1),
        "change": _change(course, usual),
        "rarity": np.where(state >= 0, _bits(counts)[state], 0),
    }
    if attention is not None:
        parts["attention"] = attention / (attention.max() or 1.0)
    weight = sum(WEIGHTS[name] for name in parts)
    total = sum(WEIGHTS[name] * np.nan_to_num(each) for name, each in parts.items()) / weight
    quality = np.where(course.seen, course.quality, np.nanmedian(course.quality))
    hidden = states.index(HIDDEN) if HIDDEN in states else -2
    total = np.where(course.seen | (state == hidden), total * np.nan_to_num(quality).clip(0, 1), 0)
    return Scores(usual, state, states, expressed, parts, total, valence_sd, arousal_sd)


def _bits(counts: NDArray[np.int64]) -> Floats:
    """Return how rare each state is: -log2 of its share, over 5 bits; and 0 for none at the end."""
    shares = np.append(counts, counts.sum()) / max(1, counts.sum())
    return np.asarray((-np.log2(shares.clip(min=1e-9)) / _RARE_BITS).clip(0, 1))


def _change(course: Course, usual: Usual) -> Floats:
    """Return by how much valence and arousal differ between the second before and the second after."""
    moved = np.zeros(len(course))
    for start, end, _ in runs(course.shot):
        places = np.arange(end - start)
        low, high = (places - LEAST).clip(min=0), (places + LEAST).clip(max=end - start)
        for line, sd in ((course.valence, usual.valence_sd), (course.arousal, usual.arousal_sd)):
            part = line[start:end]
            sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(part))])
            counts = np.concatenate([[0], np.cumsum(np.isfinite(part))])
            seen_before, seen_after = counts[places] - counts[low], counts[high] - counts[places]
            before = (sums[places] - sums[low]) / seen_before.clip(min=1)
            after = (sums[high] - sums[places]) / seen_after.clip(min=1)
            moved[start:end] += np.where(
                (seen_before > 0) & (seen_after > 0), ((after - before) / sd) ** 2, 0
            )
    return np.asarray((np.sqrt(moved / 2) / _FAR_SD).clip(0, 1))


def states_of(course: Course) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return what is expressed in each tenth of a second, as an index into names; -1 for nothing clear.

    The leading probability, averaged over 0.7 s, is the expression. Where presence lies far below its own
    median the face is partly covered, by a hand say, and what is read of it is doubtful. A face that is lost
    within a shot and comes back is hidden.
    """
    seen = course.seen
    probabilities = smoothed(course.probabilities, seen, course.shot)
    names = np.full(len(course), "", dtype="<U40")
    best = np.where(np.isfinite(probabilities), probabilities, -1).max(axis=1)
    leading = np.where(np.isfinite(probabilities), probabilities, -1).argmax(axis=1)
    clear = seen & (best >= _CLEAR)
    names[clear] = np.array(EMOTIONS)[leading[clear]]
    if np.isfinite(course.presence).any():
        presence = smoothed(course.presence[:, None], seen, course.shot)[:, 0]
        covered = seen & (presence < np.nanmedian(course.presence) - COVERED_BY)
        for start, end, there in runs(covered):
            if there and end - start >= LEAST:
                names[start:end] = COVERED
    for start, end, there in runs(seen):
        inside = not there and start > 0 and end < len(seen)
        if inside and end - start >= LEAST and course.shot[start - 1] == course.shot[end]:
            names[start:end] = HIDDEN
    states = tuple(sorted(set(names.tolist()) - {""}))
    return np.array([states.index(each) if each else -1 for each in names.tolist()], np.int64), states


def smoothed(values: Floats, seen: Flags, shot: NDArray[np.int64]) -> Floats:
    """Return the running mean over what is seen, within each shot; NaN where nothing is."""
    result = np.full(values.shape, np.nan)
    for start, end, _ in runs(shot):
        there = seen[start:end]
        window = np.ones(min(_SMOOTH, 2 * (end - start) - 1))
        weights = np.convolve(there, window, "full")[len(window) // 2 :][: end - start]
        for column in range(values.shape[1]):
            line = np.where(there, values[start:end, column], 0)
            sums = np.convolve(line, window, "full")[len(window) // 2 :][: end - start]
            result[start:end, column] = np.where(there, sums / weights.clip(min=1), np.nan)
    return result


def runs(values: NDArray[np.generic]) -> Iterator[tuple[int, int, int]]:
    """Yield start, end and value of each stretch of equal values."""
    edges = np.flatnonzero(np.diff(values.astype(np.int64))) + 1
    starts = [0, *edges.tolist()] if len(values) else []
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        yield start, end, int(values[start])


def moments_of(course: Course, scores: Scores, longest: int = LONGEST) -> list[Moment]:
    """Cut a film into moments: within a shot and a state, at most 8 s, in a pause where there is a voice.

    Args:
        course: of the film.
        scores: of its tenths.
        longest: tenths of a second of a piece.
    """
    seen = course.seen | (scores.state >= 0)
    state = _settled(np.where(seen, scores.state, -2), course.shot)
    shots, spoken = int(course.shot.max()) + 1, spoken_edges(course)
    moments = []
    for start, end, key in runs(state * shots + course.shot):
        if key < -shots or end - start < SHORTEST:
            continue
        name = scores.states[state[start]] if state[start] >= 0 else NEUTRAL
        for low, high in _split(start, end, longest, spoken):
            options = _options(low, high, scores.total, spoken)
            probabilities = course.probabilities[low:high]
            mean = (
                np.nanmean(probabilities, axis=0)
                if np.isfinite(probabilities).any()
                else np.zeros(len(EMOTIONS))
            )
            moments.append(Moment(name if name in scores.expressed else None, options, mean))
    return moments


def _settled(state: NDArray[np.int64], shot: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the states with those that are too short to count joined to what is before them, or after."""
    result = state.copy()
    for start, end, _ in runs(state * (int(shot.max()) + 1) + shot):
        if end - start >= LEAST:
            continue
        if start and shot[start - 1] == shot[start]:
            result[start:end] = result[start - 1]
        elif end < len(state) and shot[end] == shot[start]:
            result[start:end] = state[end]
    return result


def spoken_edges(course: Course) -> Flags:
    """Return (n + 1,) whether a cut before each tenth of a second, or after the last, would cut speech."""
    spoken = np.zeros(len(course) + 1, bool)
    if course.voice is not None:
        same = course.shot[1:] == course.shot[:-1]
        spoken[1:-1] = course.voice[1:] & course.voice[:-1] & same
    return spoken


def _split(start: int, end: int, longest: int, spoken: Flags) -> Iterator[tuple[int, int]]:
    parts = -(-(end - start) // longest)
    edges = [start + round((end - start) * place / parts) for place in range(parts + 1)]
    edges[1:-1] = [_pause(edge, start, end, spoken) for edge in edges[1:-1]]
    for low, high in pairwise(edges):
        if high - low >= SHORTEST:
            yield low, high


def _pause(edge: int, start: int, end: int, spoken: Flags) -> int:
    """Return the nearest edge within a second that cuts no speech; the edge itself where there is none."""
    near = [
        each for each in range(max(start, edge - _REACH), min(end, edge + _REACH) + 1) if not spoken[each]
    ]
    return min(near, key=lambda each: abs(each - edge), default=edge)


def _options(start: int, end: int, total: Floats, spoken: Flags) -> tuple[Option, ...]:
    """Return a piece whole, and the best stretch of each shorter length, cut in pauses."""
    sums = np.concatenate([[0.0], np.cumsum(total)])
    spans = [(start, end)]
    for length in _TRIMS:
        if length < end - start:
            worth = sums[start + length : end + 1] - sums[start : end + 1 - length]
            low = start + int(np.argmax(worth))
            spans.append((low, low + length))
    quiet = [(_pause(low, start, end, spoken), _pause(high, start, end, spoken)) for low, high in spans]
    # One that cuts speech only where it is all that fits.
    spans = [*quiet, spans[1] if len(spans) > 1 else spans[0]]
    cost = CUT_COST * float(total.mean())
    return tuple(
        Option(low, high, float(sums[high] - sums[low]) * _whole(low, high, spoken) - cost)
        for low, high in sorted(set(spans), key=lambda span: span[0] - span[1])
        if high - low >= SHORTEST
    )


def _whole(low: int, high: int, spoken: Flags) -> float:
    return _CUT_SPEECH ** (int(spoken[low]) + int(spoken[high]))


def likeness(one: Moment, other: Moment, length: int) -> float:
    """Return how alike two moments are, 0 to 1.

    It is what their mean probabilities have in common, less the share of the film that lies between them:
    what comes back after a tenth of the film is something new.

    Args:
        one: a moment.
        other: another one of the same film.
        length: of the film, in tenths of a second.
    """
    if one.state != other.state:
        return 0.0
    apart = abs(sum(one.options[0][:2]) - sum(other.options[0][:2])) / 2 / length
    return float(np.minimum(one.probabilities, other.probabilities).sum()) * (1 - apart)


def unlike(moments: list[Moment], length: int, limit: float = ALIKE) -> list[Moment]:
    """Keep of moments that are alike only the best, so that no two of what is left are.

    Args:
        moments: of one film.
        length: of the film, in tenths of a second.
        limit: likeness from which two count as alike.

    Returns:
        Those left, by time; the best of each state is always among them.
    """
    kept: list[Moment] = []
    for each in sorted(moments, key=lambda moment: (-moment.density, moment.options[0].start)):
        if all(likeness(each, other, length) < limit for other in kept):
            kept.append(each)
    return sorted(kept, key=lambda moment: moment.options[0].start)
