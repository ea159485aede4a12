"""Marks what was read on a picture: box, track number, label, and bars of the probabilities."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from mien.show import marks, palette
from mien.show.landmarks import draw_landmarks
from mien.show.palette import RGB
from mien.show.panels import PanelPlacer
from mien.show.place import Rect, Size
from mien.show.tags import place_tags
from mien.types import Faces, Image

MOST_PANELS: Final = 4
"""With more faces than this in a picture, each gets its tag only."""


def draw(image: Image, faces: Faces, *, panels: bool = True) -> Image:
    """Mark the faces on a copy of one picture.

    Each face gets its landmarks, where they are known; a box in its emotion's colour, edged so that it shows
    on any background; a tag with its track number, label and confidence; and a panel with a bar for each
    probability. Text grows with the picture, not with the face. What finds no room is made smaller or left
    out: the panel first, then the confidence, then the tag.

    Args:
        image: uint8 RGB, shape (height, width, 3); it is not changed.
        faces: what was read in it.
        panels: whether to draw the bars.

    Returns:
        A new image of the same shape.
    """
    return Annotator(panels=panels).draw(image, faces)


class Annotator:
    """Marks the frames of one recording; each face's panel keeps its side and size while it can.

    Args:
        panels: whether to draw the bars.
    """

    def __init__(self, *, panels: bool = True) -> None:
        self._panels = PanelPlacer() if panels else None

    def draw(self, image: Image, faces: Faces) -> Image:
        """Mark the faces on a copy of the next frame, as `mien.show.draw.draw` says."""
        canvas = Pillow.fromarray(draw_landmarks(image, faces))
        text_px = marks.text_size_px(canvas.size)
        boxes = [_whole_pixels(xyxy, canvas.size) for xyxy in faces.xyxy]
        for box, label in zip(boxes, faces.labels, strict=True):
            _draw_box(canvas, box, palette.rgb(label), max(1, round(text_px / 7)))
        tags = place_tags(faces, boxes, text_px, canvas.size)
        if self._panels is not None and len(faces) <= MOST_PANELS:
            around = {index: place for index, (place, _) in tags.items()}
            for place, panel in self._panels.place(faces, boxes, around, canvas.size):
                canvas.paste(panel, place[:2], panel)
        for place, tag in tags.values():
            canvas.paste(tag, place[:2])
        return np.array(canvas)


def _whole_pixels(xyxy: NDArray[np.float32], picture_wh: Size) -> Rect:
    width, height = picture_wh
    left, top, right, bottom = np.clip(np.rint(xyxy), 0, (width, height, width, height)).astype(int).tolist()
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _draw_box(canvas: Pillow.Image, box: Rect, colour: RGB, line_px: int) -> None:
    pen, edge = ImageDraw.Draw(canvas), palette.ink_on(colour)
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
    pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=edge)
    if min(right - left, bottom - top) > 4 * line_px:
        inner = (left + line_px, top + line_px, right - line_px, bottom - line_px)
        pen.rectangle(inner, outline=edge)
    pen.rectangle((left, top, right, bottom), outline=colour, width=line_px)
