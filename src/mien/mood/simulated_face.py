"""Simulated readings of a face: what a network might say of somebody who talks for some minutes.

Not a model of anybody. It has what the measures need: a resting face of one's own, which wavers; expressions
that come, stay for a second or more and go; stretches without a face; a head that turns; and the marks that
poor light leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, SHAPE
from mien.mood.series import Series

Floats = NDArray[np.float64]

PLACES: Final = np.array(
    [
        (0.0, 0.0),
        (0.81, 0.51),
        (0.40, 0.67),
        (-0.63, -0.27),
        (-0.51, 0.59),
        (-0.60, 0.35),
        (-0.64, 0.60),
        (-0.23, 0.31),
    ]
)
"""(8, 2) valence and arousal of each label, those of `expression.circumplex`, which lies beside this room."""

EPISODES_PER_MIN: Final = 5.0
LENGTH_S: Final = 2.5
HEIGHT: Final = 0.75
"""What is usual: how often expressions come, how long they stay, how much of the face they take."""

_ONSET_S: Final = 0.4
_UNCERTAIN_BELOW: Final = 0.45
_WAVER: Final = 0.5
_WAVER_S: Final = 3.0
_AWAY_S: Final = 4.0
_TURN_S: Final = 5.0
_TURN_DEG: Final = np.array([6.0, 4.0, 3.0])
_SHAPE: Final = {
    "eye_openness": (0.30, 0.03, 0.0),
    "brow_distance": (0.24, 0.004, 0.0),
    "mouth_opening": (0.03, 0.02, 0.08),
    "smile_width": (0.58, 0.01, 0.10),
    "lip_corner_lift": (-0.25, 0.01, 0.06),
}
"""Of each measure the usual value, its noise, and what a full smile adds."""


@dataclass(frozen=True, slots=True)
class Face:
    """A person's face.

    Attributes:
        resting: (8,) probabilities while nothing is shown; they sum to 1.
        leaning: (8,) how often each label is the one that is shown; 0 for neutral, they sum to 1.
    """

    resting: Floats
    leaning: Floats


@dataclass(frozen=True, slots=True)
class Moment:
    """What a recording is made under.

    Attributes:
        gain: how expressive the face is, 1 as usual: expressions come that much more often and are that much
            stronger.
        pleasant: how much more often smiles are shown than usual, as a factor.
        light: 0 to 1, part of the quality.
        sharpness: 0 to 1, part of the quality.
        face_px: the face's size.
        seen: share of the time in which the face is in view.
    """

    gain: float = 1.0
    pleasant: float = 1.0
    light: float = 0.97
    sharpness: float = 0.9
    face_px: float = 140.0
    seen: float = 0.88


def new_face(random: np.random.Generator) -> Face:
    """Draw a person's face: often resting neutral, now and then in something sadder, crosser or brighter."""
    resting = random.dirichlet([14.0, 0.8, 0.5, 1.2, 0.9, 0.4, 0.3, 0.5])
    leaning = random.dirichlet([0.01, 12.0, 5.0, 3.0, 2.0, 1.2, 1.2, 1.6])
    leaning[0] = 0.0
    return Face(resting, leaning / leaning.sum())


def recording(
    random: np.random.Generator, face: Face, moment: Moment, *, length_s: float, rate_hz: float
) -> Series:
    """Draw the readings of one recording, measures too.

    Args:
        random: what is drawn from.
        face: the person's.
        moment: what it is made under.
        length_s: its length.
        rate_hz: readings per second.
    """
    frames = np.arange(max(2, round(length_s * rate_hz)), dtype=np.float64)
    time_s = np.asarray((frames + random.uniform(0.3, 0.7)) / rate_hz)
    shown = _shown(random, face, moment, time_s)
    resting = _wavering(random, face, time_s, rate_hz)
    rest = 1 - shown.sum(axis=1, keepdims=True)
    probabilities = _in_light(random, rest * resting + shown, moment.light)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    label = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    place = probabilities @ PLACES
    turned = _slow(random, len(time_s), _TURN_S * rate_hz, 3) * _TURN_DEG
    parts = _quality(random, moment, time_s, turned)
    columns = {
        **parts,
        "probabilities": probabilities,
        "confidence": confidence,
        "valence": place[:, 0],
        "arousal": place[:, 1],
        "measures": np.column_stack([turned, _shape(random, probabilities)]),
    }
    away = _away(random, moment.seen, len(time_s), rate_hz)
    for column in columns.values():
        column[away] = np.nan
    known = (confidence >= _UNCERTAIN_BELOW) & ~away
    return Series(time_s=time_s, expression=np.where(known, label, -1), **columns)


def changeable_recording(
    random: np.random.Generator,
    face: Face,
    *,
    length_s: float,
    rate_hz: float,
    gains: tuple[float, float] = (1.6, 0.4),
    stay_s: float = 120.0,
    regular: bool = False,
) -> Series:
    """Draw the readings of a face that is lively for a while, then quiet, and so on; begun anywhere in it.

    Args:
        random: what is drawn from.
        face: the person's.
        length_s: the recording's length.
        rate_hz: readings per second.
        gains: while it is lively, and while it is quiet.
        stay_s: how long it stays so on average: each time anew, or always the same.
        regular: it is always the same.
    """
    lively, start_s = random.random() < 0.5, 0.0
    stays_s = random.uniform(0, stay_s) if regular else random.exponential(stay_s)
    pieces: list[Series] = []
    times_s: list[Floats] = []
    while start_s < length_s - 2 / rate_hz:
        # A stay holds whole steps, and at least the two that a recording needs.
        piece_s = max(2, round(min(stays_s, length_s - start_s) * rate_hz)) / rate_hz
        moment = Moment(gain=gains[0 if lively else 1])
        pieces.append(recording(random, face, moment, length_s=piece_s, rate_hz=rate_hz))
        times_s.append(np.asarray(start_s + (np.arange(len(pieces[-1])) + 0.5) / rate_hz))
        start_s += piece_s
        lively, stays_s = not lively, stay_s if regular else random.exponential(stay_s)
    columns = {
        each.name: np.concatenate([getattr(piece, each.name) for piece in pieces])
        for each in fields(Series)
        if each.name != "time_s"
    }
    return Series(time_s=np.concatenate(times_s), **columns)


def _shown(random: np.random.Generator, face: Face, moment: Moment, time_s: Floats) -> Floats:
    """(n, 8) how much of the face each expression takes, from 0 to 0.95 together."""
    length_s = float(time_s[-1])
    count = random.poisson(EPISODES_PER_MIN * moment.gain * length_s / 60)
    leaning = face.leaning * np.where(
        np.arange(len(EMOTIONS)) == EMOTIONS.index("happiness"), moment.pleasant, 1
    )
    labels = random.choice(len(EMOTIONS), count, p=leaning / leaning.sum())
    starts = random.uniform(-LENGTH_S, length_s, count)
    lengths = LENGTH_S * np.exp(0.5 * random.standard_normal(count))
    heights = np.clip(HEIGHT * moment.gain * np.exp(0.25 * random.standard_normal(count)), 0, 0.95)
    shown = np.zeros((len(time_s), len(EMOTIONS)))
    for label, start, length, height in zip(labels, starts, lengths, heights, strict=True):
        first, last = np.searchsorted(time_s, [start, start + length + 2 * _ONSET_S])
        inside = time_s[first:last] - start
        rise = np.clip(np.minimum(inside, length + 2 * _ONSET_S - inside) / _ONSET_S, 0, 1)
        shape = height * np.sin(rise * np.pi / 2) ** 2
        shown[first:last, label] = np.maximum(shown[first:last, label], shape)
    total = shown.sum(axis=1, keepdims=True)
    return np.asarray(shown * np.minimum(1, 0.95 / np.maximum(total, 1e-9)))


def _wavering(random: np.random.Generator, face: Face, time_s: Floats, rate_hz: float) -> Floats:
    noise = _slow(random, len(time_s), _WAVER_S * rate_hz, len(EMOTIONS))
    noise += 0.3 * random.standard_normal(noise.shape)
    drawn = face.resting * np.exp(_WAVER * noise)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _in_light(random: np.random.Generator, probabilities: Floats, light: float) -> Floats:
    """In poor light a network sees less of an expression, leans to cross and sad ones, and wavers."""
    lost = 0.6 * (1 - light)
    leaning = np.array([0.45, 0.02, 0.03, 0.2, 0.2, 0.05, 0.03, 0.02])
    mixed = (1 - lost) * probabilities + lost * leaning
    return np.asarray(mixed * np.exp(0.5 * (1 - light) * random.standard_normal(mixed.shape)))


def _quality(
    random: np.random.Generator, moment: Moment, time_s: Floats, turned: Floats
) -> dict[str, Floats]:
    count = len(time_s)
    light = np.clip(moment.light + 0.01 * random.standard_normal(count), 0, 1)
    sharpness = np.clip(moment.sharpness + 0.02 * random.standard_normal(count), 0, 1)
    size = np.clip(moment.face_px / 48, 0, 1)
    pose = np.clip(1 - np.abs(turned[:, 0]) / 90, 0, 1)
    quality = size * pose * light * sharpness
    second = np.floor(time_s)
    between = np.concatenate([[False], second[1:] == second[:-1]])  # the parts are looked at once a second
    light[between] = sharpness[between] = np.nan
    face_px = moment.face_px * np.exp(0.02 * random.standard_normal(count))
    return {"quality": quality, "light": light, "sharpness": sharpness, "face_px": face_px}


def _shape(random: np.random.Generator, probabilities: Floats) -> Floats:
    """(n, 10) the face's measures, and how far they are from the neutral face's."""
    smile = probabilities[:, EMOTIONS.index("happiness")]
    cross = probabilities[:, EMOTIONS.index("anger")]
    usual, noise, smiling = np.array([_SHAPE[name] for name in SHAPE]).T
    change = noise * random.standard_normal((len(smile), len(usual))) + smile[:, np.newaxis] * smiling
    change[:, SHAPE.index("brow_distance")] -= 0.025 * cross
    return np.hstack([usual + change, change])


def _slow(random: np.random.Generator, count: int, length: float, columns: int) -> Floats:
    """(count, columns) noise, with a standard deviation of 1, that fades to 1 / e in `length` steps."""
    kept = float(np.exp(-1 / length))
    fresh = np.sqrt(1 - kept**2) * random.standard_normal((count, columns))
    fresh[0] /= np.sqrt(1 - kept**2)
    # A running sum of weights that fade, over blocks short enough for the weights to stay finite.
    block = max(1, int(200 * length))
    values, last = np.empty(fresh.shape), np.zeros(columns)
    for start in range(0, count, block):
        part = fresh[start : start + block]
        fade = kept ** np.arange(len(part))[:, np.newaxis]
        values[start : start + block] = fade * (last * kept + (part / fade).cumsum(axis=0))
        last = values[min(start + block, count) - 1]
    return values


def _away(random: np.random.Generator, seen: float, count: int, rate_hz: float) -> NDArray[np.bool_]:
    """(count,) where the face is out of view: a while at a time."""
    length = _AWAY_S * rate_hz
    leaves, returns = (1 - seen) / max(seen, 1e-6) / length, 1 / length
    stays = np.where(np.arange(count) % 2 == 0, 1 / max(leaves, 1e-9), 1 / returns)
    ends = np.cumsum(random.exponential(stays)).astype(np.int64)
    return np.asarray(np.searchsorted(ends, np.arange(count), side="right") % 2 == 1)
