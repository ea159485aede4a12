"""Made visits: London's people come to a till, pay, smile or not, and leave; everything of it is known.

The camera stands on the till. Guests come from the left or the right to two places, sway, look down while
they pay, and leave, some past whoever stands at the other place; others queue behind them or pass, and a
waiter stands behind, where Mien never looks, and smiles more than anybody. The light goes up and down and is
switched. `venue.py` and tests use it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

import made_crowds as made

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]
Faces = tuple[list[Image], list[Image]]

SIZE_WH: Final = (640, 480)
TILL: Final = ((0.14, 0.2), (0.86, 0.2), (0.86, 0.98), (0.14, 0.98))
"""Where guests count: a head's width from the picture's sides, so that a face is seen before it comes in."""
STAFF: Final = ((0.76, 0.0), (1.0, 0.0), (1.0, 0.42), (0.76, 0.42))
PLACES: Final = ((230, 300), (410, 300))
"""Where two guests can stand at the till."""
QUEUE: Final = ((70, 80), (190, 62), (310, 66))
"""Where those who wait stand: in the picture, above the zone."""

_SIDE_PX: Final = 240
_RISE_S: Final = 0.3
_WALK_S: Final = 1.6


@dataclass(frozen=True)
class Guest:
    """Somebody in a made venue.

    Attributes:
        portrait: place in the list of portraits.
        path: (time in s, x, y, size of the face in pixels) from coming to having gone; straight in between.
        smile: from when to when, seconds; None for no smile.
        down: from when to when they look down.
        phase: of their swaying.
        light: factor on their brightness.
        mirrored: whether the portrait is.
    """

    portrait: int
    path: tuple[tuple[float, float, float, float], ...]
    smile: tuple[float, float] | None
    down: tuple[float, float]
    phase: float
    light: float
    mirrored: bool

    @property
    def start_s(self) -> float:
        """When the guest comes into view, seconds."""
        return self.path[0][0]

    @property
    def end_s(self) -> float:
        """When the guest is out of view again, seconds."""
        return self.path[-1][0]

    def at(self, time_s: float) -> Floats:
        """(3,) x and y of the face's middle, and its size."""
        times, *values = np.array(self.path).T
        x, y, px = (np.interp(time_s, times, each) for each in values)
        sway = np.sin(1.7 * time_s + self.phase) + 0.5 * np.sin(4.1 * time_s + 2 * self.phase)
        return np.array([x + 0.03 * px * sway, y + 0.02 * px * np.sin(2.3 * time_s + self.phase), px])

    def smiles(self, time_s: float) -> float:
        """How far they smile, 0 to 1."""
        return 0.0 if self.smile is None else _ramp(time_s, *self.smile)

    def looks_down(self, time_s: float) -> float:
        """How far they look down, 0 to 1."""
        return _ramp(time_s, *self.down)

    def stay(self, zone: tuple[tuple[float, float], ...] = TILL) -> tuple[float, float] | None:
        """From when to when their face is in a zone, a rectangle; None where never."""
        times = np.arange(self.start_s, self.end_s, 0.02)
        shares = np.array([self.at(at)[:2] / SIZE_WH for at in times])
        low, high = np.min(zone, axis=0), np.max(zone, axis=0)
        inside = times[((shares >= low) & (shares <= high)).all(axis=1)]
        return (float(inside[0]), float(inside[-1])) if len(inside) else None


def _ramp(time_s: float, start_s: float, end_s: float) -> float:
    return float(np.clip(min(time_s - start_s, end_s - time_s) / _RISE_S, 0, 1))


def halves(london: Path) -> tuple[list[int], list[int]]:
    """Divide the people, as places in the list of portraits, into two halves, women and men alike."""
    with (london / "people.csv").open() as file:
        people = sorted(csv.DictReader(file), key=lambda each: each["id"])
    sexes = np.array([each["sex"] for each in people])
    by_sex = [np.flatnonzero(sexes == sex).tolist() for sex in ("female", "male")]
    return tuple(sorted(by_sex[0][first::2] + by_sex[1][first::2]) for first in (0, 1))  # type: ignore[return-value]


def calm(people: list[int], random: np.random.Generator) -> list[Guest]:
    """Have each come twice with a smile and twice without, to either place; nobody crosses over."""
    guests, free_s = [], [1.0, 1.0]
    for who, smiles in random.permutation(
        [(who, smiles) for who in people for smiles in (1, 0, 1, 0)]
    ).tolist():
        place = int(np.argmin(free_s))
        guests.append(guest(who, free_s[place], random, smiles=bool(smiles), place=place, crosses=False))
        free_s[place] = guests[-1].end_s + 0.3
    return guests


def busy(
    people: list[int], count: int, share: float, random: np.random.Generator
) -> tuple[list[Guest], list[Guest]]:
    """Have guests come to both places at the till, with a queue behind them, people who pass, and a waiter.

    Args:
        people: whom to take.
        count: how many visits.
        share: how many smile.
        random: what is left to chance.

    Returns:
        Those who visit, and all others.
    """
    free_s, guests, passing = [1.0, 2.5], [], []
    smiling = random.permutation(np.arange(count) < round(share * count))
    for smiles in smiling.tolist():
        place = int(np.argmin(free_s))
        start_s = free_s[place] + float(random.uniform(0, 3))
        if random.random() < 0.15:
            passing.append(passer(int(random.choice(people)), start_s + 2, random))
        guests.append(guest(int(random.choice(people)), start_s, random, smiles=smiles, place=place))
        # The next one may come while this one leaves.
        free_s[place] = guests[-1].end_s - float(random.uniform(0, 1.0))
    end_s = max(free_s) + 3
    staff = waiter(int(random.choice(people)), end_s, random)
    return guests, [*passing, *waiting(people, end_s, random), staff]


def guest(
    who: int,
    start_s: float,
    random: np.random.Generator,
    *,
    smiles: bool,
    place: int,
    crosses: bool | None = None,
) -> Guest:
    """Have somebody come to a place at the till from its side, and leave.

    Args:
        who: place in the list of portraits.
        start_s: when they come into the picture.
        random: what is left to chance.
        smiles: whether they smile, for some time or, one in ten, always.
        place: of `PLACES`.
        crosses: whether they leave to the other side, past whoever stands there; one in three does.
    """
    (x, y), px = PLACES[place], float(random.uniform(66, 100))
    x, y = x + float(random.uniform(-18, 18)), y + float(random.uniform(-20, 30))
    stay_s = float(random.uniform(2.5, 9))
    there_s = start_s + _WALK_S
    leaves_s = there_s + stay_s
    side = -60.0 if place == 0 else SIZE_WH[0] + 60.0
    crosses = bool(random.random() < 0.33) if crosses is None else crosses
    out, back, far = (SIZE_WH[0] - side, y - 60, 0.92 * px) if crosses else (side, y, px)
    smile_s = min(float(random.uniform(1.0, 3.0)), stay_s - 0.8)
    begins_s = there_s + float(random.uniform(0, stay_s - smile_s))
    always = random.random() < 0.1
    down_s = there_s + float(random.uniform(0, 0.7)) * stay_s
    return Guest(
        portrait=who,
        path=(
            (start_s, side, y, px),
            (there_s, x, y, px),
            (leaves_s, x, y, px),
            (leaves_s + 0.3, x, back, far),
            (leaves_s + 0.3 + _WALK_S * abs(out - x) / abs(side - x), out, back, far),
        ),
        smile=((start_s - 1, leaves_s + 9) if always else (begins_s, begins_s + smile_s)) if smiles else None,
        down=(down_s, down_s + float(random.uniform(0.6, 1.4))),
        phase=float(random.uniform(0, 6)),
        light=float(random.uniform(0.65, 1)),
        mirrored=bool(random.random() < 0.5),
    )


def passer(who: int, start_s: float, random: np.random.Generator) -> Guest:
    """Have somebody walk through behind those at the till: in the zone for less than a visit."""
    y, px = float(random.uniform(150, 190)), float(random.uniform(42, 55))
    ways = [-50.0, SIZE_WH[0] + 50.0]
    start, end = ways if random.random() < 0.5 else ways[::-1]
    return Guest(
        who,
        ((start_s, start, y, px), (start_s + 1.7, end, y, px)),
        None,
        (0.0, 0.0),
        float(random.uniform(0, 6)),
        float(random.uniform(0.6, 0.9)),
        bool(random.random() < 0.5),
    )


def waiting(people: list[int], end_s: float, random: np.random.Generator) -> list[Guest]:
    """Fill the queue: others stand there every 20 s."""
    found = []
    for x, y in QUEUE:
        for start_s in np.arange(0, end_s, 20).tolist():
            if random.random() < 0.6:
                path = ((start_s, x, y, 36.0), (min(start_s + 19, end_s), x + 12.0, y, 36.0))
                smile = (start_s + 3, start_s + 8) if random.random() < 0.3 else None
                who, phase = int(random.choice(people)), float(random.uniform(0, 6))
                found.append(Guest(who, path, smile, (start_s + 10, start_s + 14), phase, 0.7, False))
    return found


def waiter(who: int, end_s: float, random: np.random.Generator) -> Guest:
    """Have somebody walk to and fro in the staff's zone, of a guest's size, smiling most of the time."""
    times = np.arange(0, end_s + 4, 4.0)
    x = random.uniform(545, 600, len(times))
    y = random.uniform(70, 110, len(times))
    path = tuple(
        (float(at), float(left), float(top), 64.0) for at, left, top in zip(times, x, y, strict=True)
    )
    return Guest(who, path, (5.0, end_s - 5), (0.0, 0.0), 1.0, 0.9, False)


def film(
    guests: list[Guest], faces: Faces, rate_hz: float, seed: int, seconds: float | None = None
) -> Iterator[Image]:
    """Draw the frames; those with smaller faces stand behind the others.

    Args:
        guests: all who are in it.
        faces: portraits, neutral and smiling.
        rate_hz: frames a second.
        seed: of the background, the light and the camera's noise.
        seconds: how long; until the last guest has gone where left out.
    """
    random, (width, height) = np.random.default_rng(seed), SIZE_WH
    coarse = random.integers(60, 140, (height // 40, width // 40, 3)).astype(np.uint8)
    room = cv2.resize(coarse, SIZE_WH, interpolation=cv2.INTER_CUBIC)
    noise = random.normal(0, 4, (8, height, width, 3)).astype(np.int16)
    small = tuple(
        [cv2.resize(each, (_SIDE_PX,) * 2, interpolation=cv2.INTER_AREA) for each in kind] for kind in faces
    )
    end_s, switched = seconds or max(each.end_s for each in guests) + 3, 1.0
    for number in range(round(end_s * rate_hz)):
        time_s = number / rate_hz
        if random.random() < 0.02 / rate_hz:
            switched = float(random.uniform(0.7, 1.15))
        image = room.copy()
        there = [each for each in guests if each.start_s <= time_s <= each.end_s]
        for each in sorted(there, key=lambda each: float(each.at(time_s)[2])):
            _paste(image, each, time_s, small)
        lit = cv2.convertScaleAbs(image, alpha=switched * (1 + 0.08 * np.sin(time_s / 9)))
        yield np.asarray(cv2.add(lit, noise[random.integers(len(noise))], dtype=cv2.CV_8U), np.uint8)


_COVER: Final = made.cover_of(_SIDE_PX)[..., 0]


def _paste(image: Image, guest: Guest, time_s: float, faces: Faces) -> None:
    share, down = guest.smiles(time_s), guest.looks_down(time_s)
    neutral, smiling = (kind[guest.portrait] for kind in faces)
    face = neutral if share == 0 else cv2.addWeighted(neutral, 1 - share, smiling, share, 0)
    x, y, px = guest.at(time_s)
    scale = px / made.CROP / _SIDE_PX
    angle = np.radians(4 * np.sin(1.1 * time_s + guest.phase))
    # Somebody who looks down shows a shorter face.
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn = turn @ np.diag([-1.0 if guest.mirrored else 1.0, 1 - 0.14 * down])
    middle = np.array(made.MIDDLE) * _SIDE_PX
    reach = int(np.ceil(0.72 * px / made.CROP))
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    right, bottom = min(SIZE_WH[0], int(x) + reach), min(SIZE_WH[1], int(y) + reach)
    if right <= left or bottom <= top:
        return
    matrix = np.column_stack([turn, np.array([x - left, y - top + 0.1 * down * px]) - turn @ middle])
    size = right - left, bottom - top
    pasted = cv2.warpAffine(face, matrix, size) * np.float32(guest.light)
    cover = cv2.warpAffine(_COVER, matrix, size)[..., None]
    there = image[top:bottom, left:right]
    there[:] = there + cover * (pasted - there)
