"""Finds room for the tags: track number, label and confidence, or as much of it as fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.labels import UNCERTAIN
from mien.show import marks, palette
from mien.show.marks import Mark
from mien.show.place import Rect, Size, above_or_below, freest, hidden_share
from mien.types import Faces


def place_tags(
    faces: Faces, boxes: Sequence[Rect], text_px: int, picture_wh: Size
) -> dict[int, tuple[Rect, Mark]]:
    """Return the tags that fit into the picture, each with its place above or below its box.

    The confidence goes first, then the label, where the full tag would hide another face or tag.

    Args:
        faces: n faces.
        boxes: n boxes, inside the picture.
        text_px: the height of the text.
        picture_wh: the picture's size.

    Returns:
        Place and tag by the face's index.
    """
    tags: dict[int, tuple[Rect, Mark]] = {}
    for index, box in enumerate(boxes):
        others = [*boxes[:index], *boxes[index + 1 :], *(place for place, _ in tags.values())]
        for tag in _from_long_to_short(faces[[index]], text_px):
            if tag.width > picture_wh[0] or tag.height > picture_wh[1] / 5:
                continue
            places = above_or_below(box, tag.size, picture_wh)
            place = places[freest(places, box, others)]
            tags[index] = place, tag
            if hidden_share(place, others) < 0.02:
                break
    return tags


def _from_long_to_short(face: Faces, text_px: int) -> list[Mark]:
    label, track, confidence = face.labels[0], int(face.track[0]), float(face.confidence[0])
    number = [marks.track_chip(track)] if track >= 0 else []
    words = [] if np.isnan(confidence) else [label]
    if words and label != UNCERTAIN:
        words.insert(0, f"{label} {100 * confidence:.0f}\N{NO-BREAK SPACE}%")
    chips = [(*number, (word, palette.rgb(label))) for word in words]
    return [marks.tag(way, text_px) for way in (*chips, tuple(number)) if way]
