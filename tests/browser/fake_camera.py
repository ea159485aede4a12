"""A film as the browser's camera: JPEG pictures in one file, which Chromium plays again and again."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import cv2

from mien.source import open_source
from mien.types import Image

CAMERA_HZ = 30
"""Chromium plays such a film at this rate, whatever it is."""

SLOWLY = 4
"""In tests each picture is shown so often, so that slow machines see the whole course, too."""


def write_film(path: Path, images: Iterable[Image], *, each: int = 1) -> Path:
    """Write pictures as Chromium takes them for a camera.

    Args:
        path: the film's name, in .mjpeg.
        images: uint8 RGB, all of one size with even sides.
        each: so many times each picture stands in the film, which makes it slower.
    """
    with path.open("wb") as file:
        for image in images:
            written, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            assert written
            file.write(jpeg.tobytes() * each)
    return path


def images_of(video: str | Path, size_wh: tuple[int, int] | None = None) -> list[Image]:
    """Return a video's pictures, cut and scaled to a size around their middle.

    Args:
        video: a file, or "portrait".
        size_wh: width and height; None leaves the pictures as they are.
    """
    with closing(open_source(video)) as source:
        return [
            frame.image if size_wh is None else _fitted(frame.image, size_wh) for frame in source.frames()
        ]


def _fitted(image: Image, size_wh: tuple[int, int]) -> Image:
    width, height = size_wh
    scale = max(width / image.shape[1], height / image.shape[0])
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = (large.shape[1] - width) // 2, (large.shape[0] - height) // 2
    return large[top : top + height, left : left + width]
