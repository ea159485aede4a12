"""What happens in a made clip, drawn at random before anything is rendered: this is the truth of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError

Floats = NDArray[np.float64]
Random = np.random.Generator

SMILE: Final = "happiness"
MICRO_LABELS: Final = (SMILE, "surprise", "anger")
"""What flits over a face of a micro clip: a partial smile, raised brows, drawn brows."""
STRUNG_LABELS: Final = (SMILE, "surprise", "sadness", "anger", "fear", "disgust")
MICRO_S: Final = 0.04, 0.2
"""The length of a micro movement from onset to offset."""

_MILD: Final = 0.2, 0.5
_PLAIN: Final = 0.5, 1.0
_EDGE_S: Final = 0.15
_GOLDEN: Final = 0.6180339887498949
_SHORTEST_S: Final = 1.0
_COVERS: Final = (*["none"] * 8, "mask", "hand")
_LIGHTS: Final = ("plain", "plain", "dark", "bright", "side", "drift")


@dataclass(frozen=True, slots=True)
class Event:
    """One expression that comes and goes.

    Attributes:
        label: what it shows.
        onset_s: the first moment at which it moves.
        apex_s: when it first is as strong as it gets.
        hold_s: how long it stays so.
        offset_s: when nothing is left of it.
        strength: of the whole expression (the photograph), from 0 to 1.
    """

    label: str
    onset_s: float
    apex_s: float
    hold_s: float
    offset_s: float
    strength: float

    def course(self, times_s: Floats) -> Floats:
        """Return its strength at each time."""
        rise = (times_s - self.onset_s) / (self.apex_s - self.onset_s)
        fall = (self.offset_s - times_s) / (self.offset_s - self.apex_s - self.hold_s)
        return self.strength * np.asarray(smooth(np.minimum(rise, fall)))


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of a set of clips.

    Attributes:
        seconds: shortest and longest length of a clip.
        size_px: side of the square picture.
        frames_per_second: of every clip.
        without: share of clips in which nothing happens.
        events: how many expressions there are in each other clip.
        short: an event takes at most 3 seconds however long the clip is.
        micro: movements of 40 to 200 milliseconds instead, on a steady head.
        still: no turned heads, poor light, covers.
        seed: another seed gives other clips.
    """

    seconds: tuple[float, float] = (2.0, 4.0)
    size_px: int = 320
    frames_per_second: float = 25.0
    without: float = 0.5
    events: int = 1
    short: bool = False
    micro: bool = False
    still: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what a user can get wrong."""
        low, high = self.seconds
        if not _SHORTEST_S * self.events <= low <= high <= 7200:
            raise ConfigError(
                f"seconds: expected lengths from {_SHORTEST_S * self.events:g} (a second for each event) to"
                f" 7200, the shorter first, received {low:g}-{high:g}"
            )
        if not 96 <= self.size_px <= 1280 or self.size_px % 2:
            raise ConfigError(f"size: expected an even number from 96 to 1280, received {self.size_px}")
        least = 100 if self.micro else 5
        if not least <= self.frames_per_second <= 240:
            raise ConfigError(f"fps: expected {least} to 240, received {self.frames_per_second:g}")
        if not 0 <= self.without <= 1:
            raise ConfigError(f"without: expected a share from 0 to 1, received {self.without:g}")


@dataclass(frozen=True, slots=True)
class Plan:
    """The truth of one clip.

    Attributes:
        number: in its set; with the seed, it decides all that is random.
        times_s: (n,) of its frames.
        events: what is shown, in order of time.
        pose_deg: (n, 3) yaw, pitch and roll by which the photographed head is turned.
        shift: (n, 2) of the head, in shares of the picture.
        blinks_s: when the eyes are shut.
        light: its name.
        cover: what is before the mouth: "none", "mask" or "hand".
        noise: standard deviation of the sensor's noise in grey levels.
        crf: of H.264, from 18 (good) to 36 (poor).
        seed: of the set.
        seconds: its length.
    """

    number: int
    times_s: Floats
    events: tuple[Event, ...]
    pose_deg: Floats
    shift: Floats
    blinks_s: Floats
    light: str = "plain"
    cover: str = "none"
    noise: float = 0.0
    crf: int = 20
    seed: int = 0
    seconds: float = 0.0

    def random(self, what: int) -> Random:
        """Return a source of random numbers of its own for one part of the drawing."""
        return np.random.default_rng([self.seed, self.number, what])

    def strength(self, label: str) -> Floats:
        """Return how strong an expression is in each frame, (n,)."""
        courses = [each.course(self.times_s) for each in self.events if each.label == label]
        return np.asarray(np.max(courses, axis=0)) if courses else np.zeros(len(self.times_s))

    @property
    def strongest(self) -> Event | None:
        """The event that the clip is named after; None where nothing happens."""
        return max(self.events, key=lambda each: each.strength, default=None)


def draw_plan(number: int, wishes: Wishes, labels: Sequence[str] = (SMILE,), *, whole: bool = False) -> Plan:
    """Draw a clip: the same number, wishes and labels give the same clip.

    Args:
        number: in its set, from 0.
        wishes: what is asked of the set.
        labels: which expressions may come.
        whole: every expression reaches strength 1.
    """
    random = np.random.default_rng([wishes.seed, number, 0])
    rate = wishes.frames_per_second
    frames = max(2, round(random.uniform(*wishes.seconds) * rate))
    times_s, length_s = np.arange(frames) / rate, frames / rate
    # Spread evenly over the set, not by a coin, so that small sets have both kinds, too; and by the golden
    # ratio, which is in step with no number of people.
    empty = (number * _GOLDEN) % 1 < wishes.without
    events = () if empty else _events(random, length_s, wishes, labels)
    if whole:
        events = tuple(replace(each, strength=1.0) for each in events)
    steady = wishes.micro or wishes.still
    light, cover = str(random.choice(_LIGHTS)), str(random.choice(_COVERS))
    return Plan(
        number, times_s, events,
        pose_deg=_pose(random, times_s, steady=steady),
        shift=(0.0045 if wishes.micro else 0.03) * np.stack([wander(random, times_s) for _ in "xy"], axis=1),
        blinks_s=_blinks(random, length_s),
        light="plain" if steady else light,
        cover="none" if steady else cover,
        noise=round(float(random.uniform(1, 3) if steady else random.choice([0, 2, 4, 8])), 2),
        crf=int(random.choice([16, 18, 20] if wishes.micro else [18, 23, 28, 34])),
        seed=wishes.seed, seconds=length_s,
    )  # fmt: skip


def smooth(share: Floats) -> Floats:
    """Return a ramp from 0 to 1 without corners, for shares below 0 and over 1, too."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def wander(random: Random, times_s: Floats) -> Floats:
    """Return a course that never jumps: three slow waves, about -1 to 1."""
    rates, phases = random.uniform(0.08, 0.7, 3), random.uniform(0, 2 * np.pi, 3)
    return np.asarray(np.sin(2 * np.pi * times_s[:, None] * rates + phases).sum(axis=1) / 3)


def _events(random: Random, length_s: float, wishes: Wishes, labels: Sequence[str]) -> tuple[Event, ...]:
    """Draw the events, each in its own stretch of the clip."""
    stretch_s = length_s / wishes.events
    begins = np.arange(wishes.events) * stretch_s
    draw = _micro if wishes.micro else _event
    return tuple(draw(random, begin, stretch_s, wishes, str(random.choice(labels))) for begin in begins)


def _event(random: Random, begin_s: float, room_s: float, wishes: Wishes, label: str) -> Event:
    rise, hold, fall = random.uniform(0.2, 0.8), random.uniform(0.2, 1.2), random.uniform(0.4, 1.0)
    if not wishes.short:
        hold *= max(1.0, room_s / 4)
    free_s = room_s - 2 * _EDGE_S
    rise, hold, fall = np.array([rise, hold, fall]) * min(1.0, free_s / (rise + hold + fall))
    onset_s = begin_s + _EDGE_S + random.uniform(0, max(0.0, free_s - rise - hold - fall))
    strength = random.uniform(*(_MILD if random.random() < 0.5 else _PLAIN))
    return _rounded(label, onset_s, rise, hold, fall, strength)


def _micro(random: Random, begin_s: float, room_s: float, wishes: Wishes, label: str) -> Event:
    whole_s = random.uniform(*MICRO_S)
    rise = whole_s * random.uniform(0.35, 0.5)
    hold = whole_s * random.uniform(0.05, 0.15)
    onset_s = begin_s + random.uniform(_EDGE_S, room_s - _EDGE_S - whole_s)
    # On the grid of frames, as what lies between two frames is nobody's to find.
    onset_s = round(onset_s * wishes.frames_per_second) / wishes.frames_per_second
    return _rounded(label, onset_s, rise, hold, whole_s - rise - hold, random.uniform(0.15, 0.5))


def _rounded(label: str, onset_s: float, rise: float, hold: float, fall: float, strength: float) -> Event:
    onset_s, apex_s = round(onset_s, 4), round(onset_s + rise, 4)
    return Event(label, onset_s, apex_s, round(hold, 4), round(apex_s + hold + fall, 4), round(strength, 3))


def _pose(random: Random, times_s: Floats, *, steady: bool) -> Floats:
    """(n, 3) the head's turns: half of the clips look at the camera, the others are turned or turn away."""
    base = np.zeros(3)
    turned, comes = random.random() < 0.5, random.random() < 0.5
    drawn = random.uniform(10, 35) * random.choice([-1, 1]), random.uniform(-12, 12), random.uniform(-12, 12)
    if turned and not steady:
        base[:] = drawn
    way = smooth((times_s - random.uniform(0, 0.5)) / 1.2) if comes else np.ones(len(times_s))
    amplitudes = np.array([0.6, 0.4, 0.3]) if steady else np.array([4.0, 3.0, 2.5])
    moves = np.stack([wander(random, times_s) for _ in range(3)], axis=1)
    return np.asarray(way[:, None] * base + amplitudes * moves)


def _blinks(random: Random, length_s: float) -> Floats:
    """Draw times of blinks, one in four seconds on average, as in conversation."""
    gaps = random.exponential(3.0, 4 + int(length_s)) + 1.0
    times_s = np.cumsum(gaps) - random.uniform(0, 3)
    return np.asarray(times_s[(times_s > 0) & (times_s < length_s)])
