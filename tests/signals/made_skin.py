"""Frames of skin whose pulse is known: a face of one colour under noise, and where its landmarks are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from measures.synthetic import seen
from mien.types import Faces, Frame

Floats = NDArray[np.float64]

PULSE_RGB = np.array([0.33, 0.77, 0.53]) / 0.77
SIDE_PX = 120
LANDMARKS = seen(scale=55, shift=(60, 50))


def wave(times_s: Floats, rates_bpm: Floats | float) -> Floats:
    """Return a pulse of about -1 to 1 with a notch, at rates that may change."""
    turns = np.cumsum(np.broadcast_to(rates_bpm, times_s.shape) / 60 * np.gradient(times_s))
    return np.asarray(0.8 * np.sin(2 * np.pi * turns) + 0.25 * np.sin(4 * np.pi * turns - 1))


def frames(
    relative: Floats,
    times_s: Floats,
    *,
    skin: tuple[float, float, float] = (190, 140, 115),
    noise: float = 2.0,
    shifts: Floats | None = None,
    tracks: tuple[int, ...] = (0,),
) -> Iterator[tuple[Frame, Faces]]:
    """Yield frames of skin, (n, 3) its colour relative to `skin`, and the faces in them.

    Args:
        relative: red, green and blue of each frame.
        times_s: (n,).
        skin: its colour.
        noise: of every pixel.
        shifts: (n,) how far the landmarks have moved to the right, in pixels.
        tracks: of the faces, which all lie at the same place.
    """
    random = np.random.default_rng(3)
    noises = random.normal(0, noise, (SIDE_PX + 20, SIDE_PX + 20, 3)).astype(np.float32)
    for index, (colour, time_s) in enumerate(zip(relative, times_s.tolist(), strict=True)):
        x, y = random.integers(0, 20, 2)
        picture = noises[y : y + SIDE_PX, x : x + SIDE_PX] + np.float32(colour * skin)
        moved = LANDMARKS + (0 if shifts is None else (shifts[index], 0))
        faces = Faces([[20, 10, 100, 110]] * len(tracks)).fill(landmarks=[moved] * len(tracks), track=tracks)
        yield Frame(np.rint(picture).clip(0, 255).astype(np.uint8), index, time_s, "made"), faces
