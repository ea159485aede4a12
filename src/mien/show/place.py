"""Where tags and panels stand: inside the picture, beside their face, off the other faces. Pure geometry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Rect: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are just outside."""

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


def area_px(rect: Rect) -> int:
    """Return a rectangle's area; 0 where it is turned inside out."""
    return max(0, rect[2] - rect[0]) * max(0, rect[3] - rect[1])


def hidden_share(place: Rect, rects: Sequence[Rect]) -> float:
    """Return how much of the rectangle that suffers most a place would hide, 0 to 1; 0 when there are none.

    Args:
        place: what would be drawn.
        rects: what should stay visible, each of some area.
    """
    return max((area_px(_shared(place, rect)) / area_px(rect) for rect in rects), default=0.0)


def _shared(one: Rect, other: Rect) -> Rect:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    return left, top, min(one[2], other[2]), min(one[3], other[3])


def beside(box: Rect, tag: Rect, size_wh: Size, picture_wh: Size, gap_px: int) -> list[Rect]:
    """Return the places for a panel around its box, moved into the picture where need be.

    Args:
        box: the face's.
        tag: the face's tag, or the box again where there is none; the places lie around it too.
        size_wh: the panel's size, at most the picture's.
        picture_wh: the picture's size.
        gap_px: space between box and panel.

    Returns:
        Right, left, right of the tag, right and left at the lower edge, below, above.
    """
    width, height = size_wh
    right, left = box[2] + gap_px, box[0] - gap_px - width
    corners = [
        (right, box[1]),
        (left, box[1]),
        (max(box[2], tag[2]) + gap_px, box[1]),
        (right, box[3] - height),
        (left, box[3] - height),
        (box[0], max(box[3], tag[3]) + gap_px),
        (box[0], min(box[1], tag[1]) - gap_px - height),
    ]
    return [_inside(corner, size_wh, picture_wh) for corner in corners]


def above_or_below(box: Rect, size_wh: Size, picture_wh: Size) -> list[Rect]:
    """Return the places for a tag: on top of its box and under it, moved into the picture where need be.

    Returns:
        Above and below, flush with the box's left; the same flush with its right, then in its middle.
    """
    across = (box[0], box[2] - size_wh[0], (box[0] + box[2] - size_wh[0]) // 2)
    corners = [(left, top) for left in across for top in (box[1] - size_wh[1], box[3])]
    return [_inside(corner, size_wh, picture_wh) for corner in corners]


def _inside(corner: tuple[int, int], size_wh: Size, picture_wh: Size) -> Rect:
    left = min(max(0, corner[0]), picture_wh[0] - size_wh[0])
    top = min(max(0, corner[1]), picture_wh[1] - size_wh[1])
    return left, top, left + size_wh[0], top + size_wh[1]


def freest(places: Sequence[Rect], own: Rect, others: Sequence[Rect]) -> int:
    """Choose the place that hides the least; the earlier one wins a tie.

    Args:
        places: rectangles of one size.
        own: the face's box; hiding it counts a quarter.
        others: the other faces' boxes, and what has been placed already.

    Returns:
        The index of the chosen place.
    """
    costs = [hidden_share(place, others) + hidden_share(place, [own]) / 4 for place in places]
    return costs.index(min(costs))
