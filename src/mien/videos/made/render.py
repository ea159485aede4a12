"""The frames of a planned clip: the face, then what lies before it, the light, and the sensor's noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import cv2
import numpy as np

from mien.types import Image
from mien.videos.made.morph import MorphedFace
from mien.videos.made.plan import SMILE, Floats, Plan, smooth

_NOISES: Final = 4
_MASK_COLOURS: Final = ((168, 198, 214), (236, 236, 232), (40, 42, 48))
_HAND_COLOURS: Final = ((214, 168, 140), (150, 104, 78), (92, 62, 46))
_BLINK_S: Final = 0.09
_SHOWN_S: Final = 0.9, 1.8
"""How long one face of a strung clip is seen."""
_FADE_S: Final = 0.25


def morphed_frames(plan: Plan, face: MorphedFace) -> Iterator[Image]:
    """Draw a clip of one person.

    Args:
        plan: its truth; of the labels, smiles, raised brows (surprise) and drawn brows (anger) are drawn.
        face: the person.

    Yields:
        uint8 RGB pictures, one for each of the plan's times.
    """
    smile, raised, drawn = (plan.strength(label) for label in (SMILE, "surprise", "anger"))
    gaps = np.abs(plan.times_s[:, None] - plan.blinks_s[None]) / _BLINK_S
    shut = smooth(1 - gaps.min(axis=1, initial=9.0)) if len(plan.blinks_s) else np.zeros(len(smile))
    finish = _Finish(plan, face.size_px)
    for number, strength in enumerate(smile):
        picture, points = face.turned(
            face.picture(strength), strength, plan.pose_deg[number], plan.shift[number],
            shut=float(shut[number]), brows_up=raised[number], brows_drawn=drawn[number],
        )  # fmt: skip
        yield finish(picture, points, number)


def strung_frames(plan: Plan, faces: dict[str, Sequence[Image]], size_px: int) -> Iterator[Image]:
    """Draw a clip strung from single faces: neutral ones, and in each event such as show its expression.

    Args:
        plan: its truth. Turns in space and covers are not drawn; expressions are whole, as in the pictures.
        faces: small square pictures, uint8 grey, by label; at least one neutral one.
        size_px: side of the frames.

    Yields:
        uint8 RGB pictures, one for each of the plan's times.
    """
    finish = _Finish(plan, size_px)
    shown = _Shown(plan, faces, size_px)
    middle = size_px / 2
    for number, time_s in enumerate(plan.times_s):
        way = cv2.getRotationMatrix2D((middle, middle), -0.3 * float(plan.pose_deg[number, 2]), 1.0)
        way[:, 2] += plan.shift[number] * size_px
        picture = cv2.warpAffine(
            shown.at(float(time_s)), way, (size_px, size_px), borderMode=cv2.BORDER_REFLECT
        )
        yield finish(np.asarray(picture, np.uint8), None, number)


class _Shown:
    """Which face of a strung clip is seen when; neighbours fade into each other."""

    def __init__(self, plan: Plan, faces: dict[str, Sequence[Image]], size_px: int) -> None:
        random = plan.random(2)
        calm = faces["neutral"]
        self._size_px = size_px
        self._from_s: list[float] = []
        self._pictures: list[Image] = []
        self._events = plan.events
        time_s, own = 0.0, calm[int(random.integers(len(calm)))]
        while time_s < plan.seconds + _FADE_S:
            self._from_s.append(time_s)
            self._pictures.append(_framed(own, size_px))
            time_s += random.uniform(2 * _SHOWN_S[0], 3 * _SHOWN_S[1])
            own = calm[int(random.integers(len(calm)))]
        self._expressed = [
            [
                _framed(faces[each.label][int(random.integers(len(faces[each.label])))], size_px)
                for _ in range(2)
            ]
            for each in plan.events
        ]

    def at(self, time_s: float) -> Image:
        """Return the picture of one time."""
        place = int(np.searchsorted(self._from_s, time_s, "right")) - 1
        picture = self._pictures[place]
        since_s = time_s - self._from_s[place]
        if place and since_s < _FADE_S:
            picture = _blend(self._pictures[place - 1], picture, since_s / _FADE_S)
        for event, (first, second) in zip(self._events, self._expressed, strict=True):
            if event.onset_s < time_s < event.offset_s:
                later = smooth(np.array((time_s - event.apex_s) / max(event.hold_s, 0.04)))
                picture = _blend(
                    picture, _blend(first, second, float(later)), float(event.course(np.array(time_s)))
                )
        return picture


def _framed(face: Image, size_px: int) -> Image:
    """Put a small grey face into the middle of a picture of blurred surroundings."""
    side = round(0.5 * size_px)
    edge = (size_px - side) // 2
    large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
    wide = cv2.copyMakeBorder(
        large, edge, size_px - side - edge, edge, size_px - side - edge, cv2.BORDER_REFLECT
    )
    around = cv2.GaussianBlur(wide, (0, 0), 0.08 * size_px)
    mask = np.zeros((size_px, size_px), np.uint8)
    mask[edge : edge + side, edge : edge + side] = 255
    weight = cv2.GaussianBlur(mask, (0, 0), 0.012 * size_px).astype(np.float32) / 255
    grey = np.rint(around + weight * (wide.astype(np.float32) - around)).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _blend(first: Image, second: Image, share: float) -> Image:
    return np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0), np.uint8)


class _Finish:
    """Covers, lights and disturbs the frames of one clip."""

    def __init__(self, plan: Plan, size_px: int) -> None:
        self._plan, self._size_px = plan, size_px
        self._random = plan.random(1)
        self._field = self._light_field()
        self._cover_colour = self._colour()
        shape = _NOISES, size_px + 16, size_px + 16, 3
        noise = self._random.standard_normal(shape, np.float32) * plan.noise if plan.noise else None
        self._noise = None if noise is None else np.rint(noise).astype(np.int16)
        self._hand_s = np.sort(self._random.uniform(0.1, 0.9, 2)) * plan.seconds

    def __call__(self, picture: Image, points: Floats | None, number: int) -> Image:
        """Finish a frame.

        Args:
            picture: the face, uint8 RGB.
            points: (68, 2) its landmarks; None for no cover.
            number: of the frame.
        """
        time_s = self._plan.times_s[number]
        if points is not None and self._plan.cover != "none":
            picture = self._covered(picture, points, float(time_s))
        if self._field is not None:
            drift = 1.0
            if self._plan.light == "drift":
                drift = 1 + 0.3 * float(np.sin(2 * np.pi * time_s / max(4.0, self._plan.seconds)))
            picture = np.asarray(cv2.multiply(picture, self._field, scale=drift, dtype=cv2.CV_8U), np.uint8)
        if self._noise is not None:
            which, down, right = self._random.integers((_NOISES, 16, 16))
            side = self._size_px
            noise = self._noise[which, down : down + side, right : right + side]
            picture = np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8)
        return picture

    def _light_field(self) -> np.ndarray | None:
        """(side, side, 3) the light's factor on each pixel; None for even light."""
        gain, slope = 1.0, 0.0
        match self._plan.light:
            case "dark":
                gain = self._random.uniform(0.35, 0.65)
            case "bright":
                gain = self._random.uniform(1.2, 1.45)
            case "side":
                slope = self._random.uniform(0.25, 0.55) * self._random.choice([-1, 1])
            case "plain":
                return None
        across = gain * (1 + slope * np.linspace(-1, 1, self._size_px, dtype=np.float32))
        return np.ascontiguousarray(np.broadcast_to(across[None, :, None], (self._size_px, self._size_px, 3)))

    def _colour(self) -> tuple[int, ...]:
        colours = _MASK_COLOURS if self._plan.cover == "mask" else _HAND_COLOURS
        return colours[int(self._random.integers(len(colours)))]

    def _covered(self, picture: Image, points: Floats, time_s: float) -> Image:
        picture = np.ascontiguousarray(picture)
        if self._plan.cover == "mask":
            outline = np.vstack([points[2:15], points[29:30]])
            cv2.fillPoly(picture, [np.rint(outline).astype(np.int32)], self._cover_colour, cv2.LINE_AA)
            return picture
        begin_s, end_s = self._hand_s
        here = float(smooth(np.array(min((time_s - begin_s) / 0.3, (end_s - time_s) / 0.3))))
        if here <= 0:
            return picture
        unit = float(np.hypot(*(points[45] - points[36])))
        mouth = points[48:60].mean(axis=0)
        palm = mouth + (1 - here) * np.array([0, 2.5 * unit]) + np.array([0.0, 0.25 * unit])
        for finger in range(4):
            middle = palm + np.array([(finger - 1.5) * 0.22, -0.45]) * unit
            _ellipse(picture, middle, (0.11 * unit, 0.42 * unit), self._cover_colour)
        _ellipse(picture, palm + np.array([0, 0.25 * unit]), (0.5 * unit, 0.55 * unit), self._cover_colour)
        return picture


def _ellipse(picture: Image, middle: Floats, half_axes: tuple[float, float], colour: tuple[int, ...]) -> None:
    x, y = (round(each) for each in middle)
    axes = round(half_axes[0]), round(half_axes[1])
    cv2.ellipse(picture, (x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
