"""What a micro-expression changes, as one picture: the apex's face less the onset's, on one another.

The two faces are laid on one another as `micro_motion` does it: a similarity from landmarks that do not move
with expressions, and the rest by the nose. Source of the difference picture: Miao, Xu, Han, Zhu (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.measures.face3d import RIGID
from mien.pipeline import Pipeline
from mien.source import open_source
from mien.source.images import read_image
from mien.types import Frame
from mien.videos.clip import read_clips
from mien.videos.micro_motion import LOOKS_HZ, NOSE, Floats, Grey, Way, crop, flow_between, similarities, ways

_BORDER: Final = 0.3
"""What is added on each side of a picture that the face fills, in shares of it."""

Moment = tuple[float, float]
"""When a movement begins, and when it is strongest, in seconds of its film."""


def differences_in_film(
    path: str | Path, moments: Sequence[Moment], *, pipeline: Pipeline, size_px: int, gain: float
) -> list[Grey | None]:
    """Return the difference pictures of movements in a film.

    Args:
        path: of the film.
        moments: of the movements, in any order.
        pipeline: finds faces; it stays open.
        size_px: side of a picture.
        gain: grey levels for each that changes; micro-expressions change few.

    Returns:
        One uint8 (size_px, size_px) for each movement, 128 where nothing changes, brighter where the apex is;
        None where no face is followed from the onset to the apex.

    Raises:
        SourceError: the film can't be read.
    """
    found = ways(read_clips(path, frames_per_second=LOOKS_HZ, pipeline=pipeline))
    return differences_along(path, moments, found, size_px=size_px, gain=gain)


def differences_along(
    path: str | Path,
    moments: Sequence[Moment],
    followed: Sequence[Way],
    *,
    size_px: int,
    gain: float,
    progress: Callable[[float], None] = lambda share: None,
) -> list[Grey | None]:
    """Return the difference pictures of movements in a film whose face has been followed already.

    The film is read once, up to the last movement; two crops are kept of each.

    Args:
        path: of the film.
        moments: of the movements, in any order.
        followed: the face's ways; see `micro_motion.ways`.
        size_px: side of a picture.
        gain: see `differences_in_film`.
        progress: called with the share that is done, 0 to 1.

    Returns:
        As `differences_in_film`.

    Raises:
        SourceError: the film can't be read.
    """
    by_movement = [next((way for way in followed if all(map(way.covers, each))), None) for each in moments]
    wanted = [
        (time_s, (number, part), way)
        for number, (each, way) in enumerate(zip(moments, by_movement, strict=True))
        if way is not None
        for part, time_s in enumerate(each)
    ]
    wanted.sort(key=lambda each: each[0])
    crops: dict[tuple[int, int], Grey] = {}
    with closing(open_source(path)) as source:
        nearest = _nearest(source.frames(), [time_s for time_s, _, _ in wanted])
        for (time_s, place, way), frame in zip(wanted, nearest, strict=True):
            crops[place] = crop(frame, way.at(frame.time_s))
            progress(time_s / max(wanted[-1][0], time_s, 1e-6))
    return [
        None if way is None else difference_of_crops(crops[n, 0], crops[n, 1], size_px=size_px, gain=gain)
        for n, way in enumerate(by_movement)
    ]


def _nearest(frames: Iterator[Frame], times_s: Sequence[float]) -> Iterator[Frame]:
    """Yield the frame that is nearest to each of some rising times; of two as near, the earlier."""
    before = now = next(frames)
    for time_s in times_s:
        while now.time_s < time_s and (after := next(frames, None)) is not None:
            before, now = now, after
        yield before if time_s - before.time_s <= now.time_s - time_s else now


def difference_of_pictures(
    onset: Path, apex: Path, *, pipeline: Pipeline, size_px: int, gain: float
) -> Grey | None:
    """Return the difference picture of two frames that are picture files.

    Args:
        onset: the frame before the movement.
        apex: the frame where it is strongest, of the same size.
        pipeline: finds faces; it stays open.
        size_px: side of the picture.
        gain: see `differences_in_film`.

    Returns:
        uint8 (size_px, size_px); None where no face is found, or the sizes differ.

    Raises:
        SourceError: a picture can't be read.
    """
    images = [read_image(path) for path in (onset, apex)]
    if images[0].shape != images[1].shape:
        return None
    way = _way(images[0], pipeline)
    if way is None:  # a face that was cut out along its edges is found with something around it
        edge = round(_BORDER * max(images[0].shape[:2]))
        images = [
            np.asarray(cv2.copyMakeBorder(each, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)
            for each in images
        ]
        way = _way(images[0], pipeline)
    if way is None:
        return None
    crops = [crop(Frame(image, 0, 0.0, "picture"), way) for image in images]
    return difference_of_crops(crops[0], crops[1], size_px=size_px, gain=gain)


def _way(image: NDArray[np.uint8], pipeline: Pipeline) -> Floats | None:
    faces = pipeline.read(image)
    if not len(faces):
        return None
    landmarks = faces.landmarks[int(faces.size_wh.prod(axis=1).argmax())]
    if np.isnan(landmarks).any():
        return None
    return Way(np.zeros(1), similarities(landmarks[None, RIGID].astype(np.float64))).at(0.0)


def difference_of_crops(onset: Grey, apex: Grey, *, size_px: int, gain: float) -> Grey:
    """Lay the apex's crop on the onset's by the nose, and return their difference, smaller.

    Args:
        onset: (128, 128) of `micro_motion.crop`.
        apex: likewise.
        size_px: side of the picture that is returned.
        gain: see `differences_in_film`.
    """
    calm, moved = (cv2.GaussianBlur(each, (0, 0), 0.8) for each in (onset, apex))
    right, down = flow_between(calm, moved)[NOSE].mean(axis=(0, 1))
    back = np.array([[1.0, 0.0, -right], [0.0, 1.0, -down]])
    laid = cv2.warpAffine(moved, back, moved.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    # The difference is shrunk before it is rounded: most of it is less than a grey level.
    difference = np.asarray(laid, np.float32) - np.asarray(calm, np.float32)
    # A light that changes as a whole is no movement.
    difference -= np.median(difference)
    small = cv2.resize(difference, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(np.floor(128 + gain * small).clip(0, 255), np.uint8)
