"""Why a piece was chosen, in words."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.videos.summary.course import STEP_S, Course, Flags
from mien.videos.summary.moments import COVERED, HIDDEN, LEAST, NEUTRAL, Option, Scores, runs
from mien.wording import count

WAY_IN: Final = (
    "A way into the recording, not its replacement: what was left out may matter more than what was chosen,"
    " and faces show expressions, not what a person feels."
)

_FAR: Final = 1.0
"""So many standard deviations from the usual are worth saying."""
_HALTS: Final = 5
"""A course that comes back for so many tenths of a second goes on."""
_MUCH: Final = 0.5
_MORE: Final = 2.0
"""So many times the even share of the attention counts as more, as in `mien sentiment`."""
_MORE_AROUSED: Final = 2.0


def reason(option: Option, state: str, course: Course, scores: Scores) -> str:
    """Return why a piece is in the summary.

    Args:
        option: the piece, in tenths of a second.
        state: what is expressed in it.
        course: of the film.
        scores: of the film.

    Returns:
        Such as "sadness, 16 % of the film; valence 1.8 SD below their own usual, for 9 s".
    """
    words = [_state(option, state, scores)] if state not in ("", NEUTRAL) else []
    words += [each for each in (_distance(option, course, scores),) if each]
    inside = slice(option.start, option.end)
    if scores.parts["change"][inside].max() >= _MUCH:
        words.append("it changes within a second or two")
    attention = scores.parts.get("attention")
    if attention is not None and attention[inside].mean() >= _MORE * attention.mean():
        words.append("it counts for the sentiment of the whole film")
    if not words and state:
        words = [_state(option, state, scores), "the best of what is left"]
    return "; ".join(words) or "the best of what is left"


def _state(option: Option, state: str, scores: Scores) -> str:
    index = scores.states.index(state)
    lasting = [(low, high) for low, high, each in runs(scores.state) if each == index and high - low >= LEAST]
    if state in (COVERED, HIDDEN):
        around = [high - low for low, high in lasting if low < option.end and option.start < high]
        return f"{state}, for {seconds(max(around, default=option.end - option.start) * STEP_S)}"
    share = scores.expressed.get(state, float((scores.state == index).mean()))
    only = "the only " if len(lasting) == 1 and state in scores.expressed and share < _MUCH else ""
    return f"{only}{state}, {100 * share:.0f} % of the film"


def _distance(option: Option, course: Course, scores: Scores) -> str:
    """Return which of valence and arousal is farthest from the usual, by how much, and for how long."""
    inside = slice(option.start, option.end)
    seen = course.seen[inside]
    if not seen.any():
        return ""
    lines = {"valence": scores.valence_sd, "arousal": scores.arousal_sd}
    means = {name: float(np.nanmean(line[inside])) for name, line in lines.items()}
    # Valence says more to people: arousal only where it is far more unusual.
    name = "valence" if _MORE_AROUSED * abs(means["valence"]) >= abs(means["arousal"]) else "arousal"
    if abs(means[name]) < _FAR:
        return ""
    beyond = np.sign(means[name]) * lines[name] >= _FAR
    long_s = _around(beyond & course.seen, option, course) * STEP_S
    way = "above" if means[name] > 0 else "below"
    much = f"{abs(means[name]):.1f}" if abs(means[name]) < 10 else "over 10"
    weeks = "" if scores.usual.days is None else f" of {count(scores.usual.days, 'day')}"
    return f"{name} {much} SD {way} their own usual{weeks}, for {seconds(long_s)}"


def _around(beyond: Flags, option: Option, course: Course) -> int:
    """Return for how many tenths it stays beyond, before and after the piece too, within its shot."""
    low, high = option.start, option.end
    shot = course.shot[low]
    places = np.flatnonzero(beyond & (course.shot == shot))
    for each in places[places < low][::-1]:
        if low - each > _HALTS:
            break
        low = int(each)
    for each in places[places >= high]:
        if each - high >= _HALTS:
            break
        high = int(each) + 1
    return high - low


def seconds(length_s: float) -> str:
    """Write a length: 0.9 s, 9 s, 2 min 5 s."""
    if length_s < 10:
        return f"{length_s:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(length_s), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clock(time_s: float) -> str:
    """Write a time: 0:02.1, 1:02:03.0."""
    tenths = round(time_s * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{rest // 10:02}.{rest % 10}"
