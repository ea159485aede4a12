"""A decoded frame becomes the picture that one sees: RGB, upright, of square pixels, and all in one size."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, TypeAlias, cast

import cv2
import numpy as np
from av.buffer import Buffer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.types import Image

_Size: TypeAlias = tuple[int, int]

SQUARE: Final = Fraction(1)

_WIDEST_PIXEL: Final = 4
"""Pixels wider than four times their height, or the other way round, are a mistake of the file."""


class PixelShape:
    """How wide a stream's pixels are for their height. DVDs, television and camcorders store squeezed ones.

    What the container says holds for all of the stream. What the codec says may change with every frame, as
    in television recordings that go from 4:3 to 16:9.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._codec = stream.codec_context
        said, self._guessed = self._codec.sample_aspect_ratio, stream.sample_aspect_ratio
        self._by_container = self._guessed is not None and said != self._guessed

    def now(self) -> Fraction:
        """Return width by height of the pixels that were decoded last; 1 where nothing sensible is said."""
        said = self._guessed if self._by_container else self._codec.sample_aspect_ratio or self._guessed
        sensible = said is not None and Fraction(1, _WIDEST_PIXEL) <= said <= _WIDEST_PIXEL
        return Fraction(said) if said is not None and sensible else SQUARE


class Converter:
    """Makes pictures of one stream's frames.

    Squeezed pictures are stretched, never shrunk, until their pixels are square, and then turned upright. The
    size given, or the first one's, is the size of all: where the resolution changes in between, pictures are
    scaled to it, with black bars where their shape is another. So positions mean the same in every frame.

    Args:
        size_wh: width and height of all pictures in pixels; None takes the first one's.
    """

    def __init__(self, size_wh: _Size | None = None) -> None:
        self.size_wh = size_wh
        self.resized = False
        """Whether a picture came in another size."""
        self._reformatter = VideoReformatter()

    def convert(self, decoded: VideoFrame, pixel_shape: Fraction = SQUARE) -> Image:
        """Return a frame's picture, uint8 RGB, read-only.

        Args:
            decoded: the frame.
            pixel_shape: width by height of its pixels.
        """
        matrix = display_matrix(decoded)
        own_wh = shown_size(decoded, pixel_shape)
        self.size_wh = self.size_wh or own_wh
        resized = own_wh != self.size_wh
        self.resized |= resized
        inner_wh = _fitted(own_wh, self.size_wh) if resized else own_wh
        width, height = inner_wh[::-1] if _lies_on_its_side(matrix) else inner_wh
        # One thread: a picture of this size is converted before a second thread has started.
        rgb = self._reformatter.reformat(decoded, width, height, format="rgb24", threads=1).to_ndarray()
        image = _centred(upright(np.asarray(rgb, np.uint8), matrix), self.size_wh)
        image.flags.writeable = False
        return image


def shown_size(decoded: VideoFrame, pixel_shape: Fraction = SQUARE) -> _Size:
    """Return a frame's width and height as it is shown: upright, with square pixels.

    Args:
        decoded: the frame.
        pixel_shape: width by height of its pixels.
    """
    width, height = decoded.width, decoded.height
    if pixel_shape is not SQUARE:  # fractions are slow, and most pixels are square
        width, height = round(width * max(pixel_shape, SQUARE)), round(height / min(pixel_shape, SQUARE))
    return (height, width) if _lies_on_its_side(display_matrix(decoded)) else (width, height)


def display_matrix(frame: VideoFrame) -> NDArray[np.int64] | None:
    """Return the (3, 3) matrix that turns the stored picture upright; None where it is upright already."""
    data = cast(Buffer | None, frame.side_data.get("DISPLAYMATRIX"))
    return None if data is None else np.frombuffer(bytes(data), np.int32).reshape(3, 3).astype(np.int64)


def upright(image: Image, matrix: NDArray[np.int64] | None) -> Image:
    """Turn and mirror a picture by its display matrix, to the nearest quarter turn.

    Args:
        image: uint8, shape (height, width, 3), as stored.
        matrix: (x, y) of the stored picture times the upper left 2x2 is (x, y) as displayed, but for a shift
            (FFmpeg, libavutil/display.h).
    """
    if matrix is None:
        return image
    (a, b), (c, d) = matrix[:2, :2]
    if _lies_on_its_side(matrix):
        image, a, d = np.asarray(cv2.transpose(image), np.uint8), c, b
    if a < 0 or d < 0:
        image = np.asarray(cv2.flip(image, -1 if a < 0 and d < 0 else int(a < 0)), np.uint8)
    return image


def _lies_on_its_side(matrix: NDArray[np.int64] | None) -> bool:
    return matrix is not None and bool(abs(matrix[0, 0]) < abs(matrix[0, 1]))


def _fitted(own_wh: _Size, size_wh: _Size) -> _Size:
    """Return the largest size of the same shape that fits; a pixel's difference in shape is rounding."""
    scale = min(Fraction(size_wh[0], own_wh[0]), Fraction(size_wh[1], own_wh[1]))
    fitted = [max(1, round(side * scale)) for side in own_wh]
    width, height = (
        full if abs(full - side) <= 1 else side for side, full in zip(fitted, size_wh, strict=True)
    )
    return width, height


def _centred(image: Image, size_wh: _Size) -> Image:
    left, top = ((full - side) // 2 for full, side in zip(size_wh, image.shape[1::-1], strict=True))
    if image.shape[1::-1] == size_wh:
        return image
    whole = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    whole[top : top + image.shape[0], left : left + image.shape[1]] = image
    return whole
