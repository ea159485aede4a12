"""How the parts of one face move in a film, frame by frame, the head's own movement taken off.

The face is found and followed a few times a second, as ever; between these its place is interpolated and
smoothed, so that the crops follow the head and not the landmarks' noise. In the crops, dense optical flow
(Farneback 2003) since a reference frame is averaged over regions at brows, mouth, eyes and nose. The nose
hardly takes part in expressions: what moves it is the head (as in Zhang et al. 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Unpack

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from mien.config import Choices, DetectorName
from mien.face.detect import Detector
from mien.measures.face3d import RIGID, STANDARD_FACE
from mien.pipeline import make_pipeline
from mien.source import open_source
from mien.types import Frame
from mien.videos.clip import FaceClip, film_notes, read_clips

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]

SIZE_PX: Final = 128
"""Side of a crop."""
EYES_PX: Final = 64.0
"""Distance between the outer corners of the eyes in a crop."""
_MIDDLE_XY: Final = np.array([64.0, 42.0])
_HALF_PX: Final = 7
"""Half of a region's side."""

REGIONS: Final = {
    "left brow": (18, 19), "inner left brow": (20, 21), "inner right brow": (22, 23), "right brow": (24, 25),
    "left mouth corner": (48,), "right mouth corner": (54,), "upper lip": (51,), "lower lip": (57,),
    "left eye": (36, 37, 38, 39, 40, 41), "right eye": (42, 43, 44, 45, 46, 47),
}  # fmt: skip
"""The landmarks in whose middle each region lies; left is the picture's left."""
_NOSE: Final = (28, 29, 30, 33)

LOOKS_HZ: Final = 25.0
"""How often the face is looked for."""
_SMOOTH_S: Final = 0.12
_REFERENCE_S: Final = 1.0
"""How long one frame stays the reference that others are compared with."""
_LONGEST_GAP_S: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Where the parts of one face are over n frames of one unbroken stretch.

    Attributes:
        times_s: (n,).
        moved: (n, regions, 2) to the picture's right and down against the nose, in percent of the distance
            between the outer corners of the eyes, from an arbitrary zero; in order of `REGIONS`.
    """

    times_s: Floats
    moved: Floats


@dataclass(frozen=True, slots=True, eq=False)
class FaceMotion:
    """One face's motion over a film.

    Attributes:
        stretches: those in which it is seen, in order of time.
        ways: how its crops are cut, in order of time.
        frames: how many the film has.
        length_s: the film's length.
        frames_per_second: the film's.
        notes: what a reader should know of the file, such as where it breaks off.
    """

    stretches: list[Motion]
    ways: list[Way]
    frames: int
    length_s: float
    frames_per_second: float
    notes: tuple[str, ...]


def read_motion(
    where: str | Path,
    *,
    detector: DetectorName | Detector | None = None,
    progress: Callable[[float], None] = lambda share: None,
    **choices: Unpack[Choices],
) -> FaceMotion:
    """Follow the largest face of a film.

    Args:
        where: the film.
        detector: finds faces, by name, or any object that is a `Detector`.
        progress: called with the share that is done, 0 to 1.
        **choices: settings by name, as in `Settings`.

    Raises:
        ConfigError: a setting is wrong.
        ModelError: a network is missing or damaged.
        SourceError: the film can't be read, or has no frame.
    """
    pipeline, ours = make_pipeline(detector, None, choices)
    try:
        clips = read_clips(where, frames_per_second=LOOKS_HZ, pipeline=pipeline)
        found = ways(clips)
    finally:
        if ours:
            pipeline.close()
    progress(0.5)
    source = open_source(where)
    stretches: list[_Stretch] = []
    times_s: list[float] = []
    with closing(source):
        for frame in source.frames():
            times_s.append(frame.time_s)
            _add(stretches, frame, found)
            if length_s := source.report.duration_s:
                progress(0.5 + 0.5 * min(frame.time_s / length_s, 1.0))
    step_s = float(np.median(np.diff(times_s))) if len(times_s) > 1 else np.inf
    return FaceMotion(
        [each.motion() for each in stretches if len(each.times_s) > 2], found,
        len(times_s), len(times_s) * step_s if np.isfinite(step_s) else 0.0, 1 / step_s,
        film_notes(source.report),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """From frames to crops over an unbroken stretch: similarities, smoothed in time."""

    times_s: Floats
    numbers: Floats

    def covers(self, time_s: float) -> bool:
        """Return whether the face is seen at a time, or is with the next look."""
        return bool(self.times_s[0] - 1 / LOOKS_HZ <= time_s <= self.times_s[-1] + 1 / LOOKS_HZ)

    def at(self, time_s: float) -> Floats:
        """Return the (2, 3) matrix that takes a frame's pixels to the crop's."""
        a, b, x, y = (np.interp(time_s, self.times_s, column) for column in self.numbers.T)
        return np.array([[a, -b, x], [b, a, y]])


def ways(clips: Iterator[FaceClip]) -> list[Way]:
    """Return the ways of a face's unbroken stretches, in order of time."""
    times, points = [], []
    for clip in clips:
        there = clip.present & np.isfinite(clip.landmarks).all(axis=(1, 2))
        times.append(clip.times_s[there])
        points.append(clip.landmarks[there])
    times_s, landmarks = np.concatenate(times), np.concatenate(points).astype(np.float64)
    if not len(times_s):
        return []
    numbers = similarities(landmarks[:, RIGID])
    breaks = (np.diff(times_s) > _LONGEST_GAP_S) | (_jumps(landmarks) > 0.3)
    parts = np.split(np.arange(len(times_s)), np.flatnonzero(breaks) + 1)
    sigma = _SMOOTH_S * LOOKS_HZ
    return [
        Way(times_s[part], gaussian_filter1d(numbers[part], sigma, axis=0, mode="nearest")) for part in parts
    ]


def _jumps(landmarks: Floats) -> Floats:
    """Return how far the face is from one look to the next, in distances between the eyes."""
    eyes_px = np.hypot(*(landmarks[1:, 45] - landmarks[1:, 36]).T)
    return np.asarray(np.hypot(*np.diff(landmarks.mean(axis=1), axis=0).T) / np.maximum(eyes_px, 1e-6))


def similarities(points: Floats) -> Floats:
    """Return (n, 4) similarities a, b, x, y that bring points onto the standard face's, by least squares."""
    onto = (STANDARD_FACE[RIGID, :2] * EYES_PX + _MIDDLE_XY) @ [1, 1j]
    from_ = points @ [1, 1j]
    middle = from_.mean(axis=1, keepdims=True)
    centred = from_ - middle
    factor = (centred.conj() * (onto - onto.mean())).sum(axis=1) / (np.abs(centred) ** 2).sum(axis=1)
    moved = onto.mean() - factor * middle[:, 0]
    return np.column_stack([factor.real, factor.imag, moved.real, moved.imag])


def _add(stretches: list[_Stretch], frame: Frame, ways: list[Way]) -> None:
    """Add a frame to the stretch in which it lies, if a face is seen in it."""
    for way in ways:
        if way.covers(frame.time_s):
            if not stretches or stretches[-1].way is not way:
                stretches.append(_Stretch(way))
            stretches[-1].add(frame)
            return


def crop(frame: Frame, way: Floats) -> Grey:
    """Return a frame's face as a grey crop of 128 x 128 pixels, by a (2, 3) matrix."""
    grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
    return np.asarray(
        cv2.warpAffine(grey, way, (SIZE_PX, SIZE_PX), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


_NO_FLOW: Final = np.zeros((SIZE_PX, SIZE_PX, 2), np.float32)


def flow_between(before: Any, now: Any) -> NDArray[np.float32]:
    """Return how far each place of a crop has moved since another, (128, 128, 2) in pixels."""
    return np.asarray(cv2.calcOpticalFlowFarneback(before, now, _NO_FLOW, 0.5, 2, 15, 2, 5, 1.2, 0))


class _Stretch:
    """Adds up one stretch, and keeps two crops of it."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.times_s: list[float] = []
        self._moved: list[Floats] = []
        self._reference: Grey | None = None
        self._reference_s = 0.0
        self._at_reference: Floats = np.zeros((len(_BOXES), 2))

    def add(self, frame: Frame) -> None:
        now = cv2.GaussianBlur(crop(frame, self.way.at(frame.time_s)), (0, 0), 0.8)
        if self._reference is None:
            self._reference, self._reference_s = np.asarray(now), frame.time_s
        flow = flow_between(self._reference, now)
        moved = self._at_reference + np.array([flow[box].mean(axis=(0, 1)) for box in _BOXES])
        self.times_s.append(frame.time_s)
        self._moved.append(moved)
        if frame.time_s - self._reference_s >= _REFERENCE_S:
            self._reference, self._reference_s, self._at_reference = np.asarray(now), frame.time_s, moved

    def motion(self) -> Motion:
        """Return what was added up, against the nose."""
        moved = np.array(self._moved)
        return Motion(np.array(self.times_s), 100 / EYES_PX * (moved[:, :-1] - moved[:, -1:]))


def _box(landmarks: tuple[int, ...], half_px: int = _HALF_PX) -> tuple[slice, slice]:
    x, y = np.rint(STANDARD_FACE[list(landmarks), :2].mean(axis=0) * EYES_PX + _MIDDLE_XY).astype(int)
    return slice(max(y - half_px, 0), y + half_px + 1), slice(max(x - half_px, 0), x + half_px + 1)


NOSE: Final = _box(_NOSE, 9)
"""The region that hardly takes part in expressions: what moves it is the head."""
_BOXES: Final = [*(_box(each) for each in REGIONS.values()), NOSE]
