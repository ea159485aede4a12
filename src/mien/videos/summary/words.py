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
_LEAST_SHARE: Final = 0.005
"""Of the film; less than this rounds to none."""
_MORE: Final = 2.0
"""So many times the even share of the attention counts as more, as in `mien sentiment`."""
_MORE_AROUSED: Final = 2.0
_BEST_LEFT: Final = "the best of what was left to choose from"


def reason(option: Option, state: str, course: Course, scores: Scores) -> str:
    """Return why a piece is in the summary.

    Args:
        option: the piece, in tenths of a second.
        state: what is expressed in it.
        course: of the film.
        scores: of the film.

    Returns:
        Such as "sadness (16 % of the film); valence 1.8 SD below their own usual, for 9 s".
    """
    words = [_state(option, state, scores)] if state not in ("", NEUTRAL) else []
    words += [each for each in (_distance(option, course, scores),) if each]
    inside = slice(option.start, option.end)
    if scores.parts["change"][inside].max() >= _MUCH:
        words.append("the expression changes within two seconds")
    attention = scores.parts.get("attention")
    if attention is not None and attention[inside].mean() >= _MORE * attention.mean():
        words.append("counts strongly towards the sentiment of the whole film")
    if not words:
        words = [_state(option, state, scores) if state else "no clear expression", _BEST_LEFT]
    return "; ".join(words)


def _state(option: Option, state: str, scores: Scores) -> str:
    index = scores.states.index(state)
    lasting = [(low, high) for low, high, each in runs(scores.state) if each == index and high - low >= LEAST]
    if state in (COVERED, HIDDEN):
        around = [high - low for low, high in lasting if low < option.end and option.start < high]
        return f"{state} for {seconds(max(around, default=option.end - option.start) * STEP_S)}"
    share = scores.expressed.get(state, float((scores.state == index).mean()))
    only = "the only stretch of " if len(lasting) == 1 and state in scores.expressed and share < _MUCH else ""
    # Where an hour has one second of it, "0 %" would be a riddle.
    part = f"{100 * share:.0f} %" if share >= _LEAST_SHARE else "under 1 %"
    return f"{only}{state} ({part} of the film)"


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
    """Return for how many tenths it stays beyond at once, before and after the piece too, within its shot."""
    places = np.flatnonzero(beyond & (course.shot == course.shot[option.start]))
    stretches = np.split(places, np.flatnonzero(np.diff(places) > _HALTS) + 1)
    return max(
        (
            int(each[-1] - each[0]) + 1
            for each in stretches
            if len(each) and each[0] < option.end and each[-1] >= option.start
        ),
        default=0,
    )


def seconds(length_s: float) -> str:
    """Write a length: 0.9 s, 9 s, 2 min, 2 min 5 s, 1 h 5 min."""
    if length_s < 10:
        return f"{length_s:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(length_s), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{many} {unit}" for many, unit in parts if many)


def clock(time_s: float) -> str:
    """Write a time: 0:02.1, 1:02:03.0."""
    tenths = round(time_s * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{rest // 10:02}.{rest % 10}"
