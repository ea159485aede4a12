"""Reads what is drawn on a picture of a face, by comparing it with everything that could stand there."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, UNCERTAIN
from mien.show import marks, palette
from mien.types import Image

_MARGIN_PX = 30


def read_tag(image: Image, x: float, y: float, *, track: int = 0) -> tuple[str, int | None]:
    """Return the label and the percentage that stand above a box whose upper left corner is at x, y."""
    left, top = max(0, round(x) - _MARGIN_PX), max(0, round(y) - _MARGIN_PX)
    around = image[top : round(y) + _MARGIN_PX, left : round(x) + 7 * _MARGIN_PX]
    found = {said: _difference(around, tag) for said, tag in _tags(track, _text_px(image)).items()}
    return min(found, key=lambda said: found[said])


def read_panel(image: Image, candidates: NDArray[np.float64]) -> int:
    """Return the place of the row of probabilities (n, 8) that the panel of bars shows."""
    found = [_difference(image, marks.panel(row.tolist(), _text_px(image))) for row in candidates]
    return int(np.argmin(found))


@cache
def _tags(track: int, text_px: int) -> dict[tuple[str, int | None], marks.Mark]:
    words: dict[tuple[str, int | None], str] = {(UNCERTAIN, None): UNCERTAIN}
    for label in EMOTIONS:
        words |= {(label, part): f"{label} {part}\N{NO-BREAK SPACE}%" for part in range(101)}
    return {
        said: marks.tag((marks.track_chip(track), (text, palette.rgb(said[0]))), text_px)
        for said, text in words.items()
    }


def _text_px(image: Image) -> int:
    return marks.text_size_px((image.shape[1], image.shape[0]))


def _difference(image: Image, mark: marks.Mark) -> float:
    """Return the mean squared difference where a mark fits best; what shines through doesn't count."""
    pixels = np.asarray(mark)
    seen, shown = np.ascontiguousarray(pixels[:, :, :3]), pixels[:, :, 3:] == 255
    mask = None if shown.all() else np.repeat(shown.astype(np.float32), 3, axis=2)
    fit = cv2.matchTemplate(image, seen, cv2.TM_SQDIFF, mask=mask)
    return float(fit.min() / shown.sum())
