"""Draws why a label was given: the face, what counted laid over it, and the eight probabilities.

One hue over a grey face, the stronger the more the place counted, with a light line on a dark edge around the
marked region: opacity and a line tell, so that it can be read in any colour vision and in a grey print.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from mien.show import marks, palette
from mien.show.palette import BLACK, RGB, WHITE
from mien.types import Image

Floats: TypeAlias = NDArray[np.float64]

SIDE_PX: Final = 320
"""Side of each face in the picture."""

_HUE: Final[RGB] = (255, 176, 0)
"""Orange, which lies far from grey for everybody; after Okabe and Ito (2008)."""
_STRONGEST: Final = 0.6
"""Opacity of the hue where the evidence is greatest: the face still shows through."""
_GROUND: Final[RGB] = (38, 38, 42)
_TEXT_PX: Final = 15
_GAP_PX: Final = 12


def cut_out(image: Image, to_picture: Floats, side_px: int = SIDE_PX) -> Image:
    """Cut a face out in colour, upright, as the network saw it framed.

    Args:
        image: the picture, uint8 RGB.
        to_picture: (2, 3) brings x, y and 1, as shares of the crop's side, to pixels of the picture.
        side_px: side of what is cut out.

    Returns:
        uint8 RGB (side_px, side_px, 3); beyond the picture its edge is repeated.
    """
    way = to_picture / np.array([side_px, side_px, 1.0])
    # Positions count from a pixel's corner, OpenCV's from its middle.
    way[:, 2] += way[:, :2].sum(axis=1) / 2 - 0.5
    size, how = (side_px, side_px), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, way, size, flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def overlay(face: Image, evidence: NDArray[np.floating], marked: NDArray[np.bool_]) -> Image:
    """Lay the evidence over a face.

    Args:
        face: uint8 RGB (side, side, 3).
        evidence: (size, size) one map; only what is above 0 is shown, the greatest strongest.
        marked: (size, size) the region to draw a line around.

    Returns:
        A new image of the face's shape; where nothing spoke for the label, the face in grey.
    """
    side = len(face)
    soft = cv2.GaussianBlur(cv2.resize(evidence.astype(np.float64), (side, side)), (0, 0), side / 40)
    strength = np.clip(soft, 0, None)
    opacity = _STRONGEST * strength / max(float(strength.max()), np.finfo(float).tiny)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if not marked.any():
        return np.asarray(grey, np.uint8)
    mixed = grey + opacity[..., None] * (np.array(_HUE) - grey)
    canvas = np.ascontiguousarray(np.rint(mixed), np.uint8)
    region = cv2.resize(marked.astype(np.float32), (side, side)) > 0.5
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for colour, line_px in ((BLACK, max(3, side // 80)), (WHITE, max(1, side // 200))):
        cv2.drawContours(canvas, outlines, -1, colour, line_px, cv2.LINE_AA)
    return canvas


def tile(
    face: Image, over: Image, shares: Sequence[float], chips: Sequence[tuple[str, str]], heading: str = ""
) -> Image:
    """Put a face, its overlay and its bars side by side, with words below.

    Args:
        face: uint8 RGB (side, side, 3).
        over: the same with the overlay.
        shares: the eight probabilities; NaN gets no bar.
        chips: words to stand below, one line each, and the emotion whose colour is behind the first line.
        heading: a line above the bars.

    Returns:
        uint8 RGB, of one size for all tiles with the same number of lines.
    """
    side = len(face)
    bars = marks.panel(shares, _TEXT_PX, heading)
    width = 2 * side + marks.panel_size_wh([0.0] * len(shares), _TEXT_PX)[0] + 4 * _GAP_PX
    lines = [
        marks.tag(((words, palette.rgb(label) if label else _GROUND),), _TEXT_PX) for words, label in chips
    ]
    line_px = max((line.height for line in lines), default=0) + 2
    canvas = Pillow.new("RGB", (width, side + 3 * _GAP_PX + line_px * len(lines)), _GROUND)
    canvas.paste(Pillow.fromarray(face), (_GAP_PX, _GAP_PX))
    canvas.paste(Pillow.fromarray(over), (2 * _GAP_PX + side, _GAP_PX))
    canvas.paste(bars, (3 * _GAP_PX + 2 * side, _GAP_PX), bars)
    for row, line in enumerate(lines):
        canvas.paste(line, (_GAP_PX, side + 2 * _GAP_PX + row * line_px))
    return np.array(canvas)


def sheet(tiles: Sequence[Image]) -> Image:
    """Lay tiles of one size out in rows: one column for a few faces, more for many.

    Args:
        tiles: at least one, all of one shape.
    """
    columns = math.ceil(math.sqrt(len(tiles) / 4))
    height, width = tiles[0].shape[:2]
    rows = math.ceil(len(tiles) / columns)
    canvas = np.full((rows * height, columns * width, 3), _GROUND, np.uint8)
    for number, each in enumerate(tiles):
        top, left = height * (number // columns), width * (number % columns)
        canvas[top : top + height, left : left + width] = each
    return canvas
