"""Finds room for the panels of bars, and keeps them from jumping about in a clip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.show import marks
from mien.show.marks import Mark
from mien.show.place import Rect, Size, beside, freest, hidden_share
from mien.types import Faces

_SCALES: Final = (1.0, 0.8, 0.65)
"""A panel's text beside the picture's text; the smaller is tried where the larger finds no room."""

_OTHERS: Final = 0.05
"""Share of any other face, tag or panel that a panel may hide."""


@dataclass(frozen=True)
class _Need:
    """What one face's panel shows, and what it has to stand around of."""

    shares: Sequence[float]
    heading: str
    box: Rect
    tag: Rect
    others: Sequence[Rect]


class PanelPlacer:
    """Places the panels of one recording's frames; remembers size and side of each track's panel."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[float, int]] = {}

    def place(
        self, faces: Faces, boxes: Sequence[Rect], tags: Mapping[int, Rect], picture_wh: Size
    ) -> Iterator[tuple[Rect, Mark]]:
        """Yield the panels that find room, each with its place inside the picture.

        Args:
            faces: n faces.
            boxes: n boxes, inside the picture.
            tags: where the tags stand, by the face's index.
            picture_wh: the picture's size.
        """
        taken = list(tags.values())
        for index in np.flatnonzero(~np.isnan(faces.probabilities).all(axis=1)).tolist():
            box, track = boxes[index], int(faces.track[index])
            others = [*boxes[:index], *boxes[index + 1 :], *taken]
            heading = f"face {track}" if len(faces) > 1 and track >= 0 else ""
            need = _Need(faces.probabilities[index].tolist(), heading, box, tags.get(index, box), others)
            spot = self._spot(need, track, picture_wh)
            if spot is not None:
                taken.append(spot[0])
                yield spot

    def _spot(self, need: _Need, track: int, picture_wh: Size) -> tuple[Rect, Mark] | None:
        for scale, side, most_of_own in self._wishes(track):
            text_px = max(marks.SMALLEST_TEXT_PX, round(scale * marks.text_size_px(picture_wh)))
            size_wh = marks.panel_size_wh(need.shares, text_px, need.heading)
            if size_wh[0] > 0.55 * picture_wh[0] or size_wh[1] > 0.75 * picture_wh[1]:
                continue
            places = beside(need.box, need.tag, size_wh, picture_wh, gap_px=text_px // 2)
            side = freest(places, need.box, need.others) if side is None else side
            place = places[side]
            if hidden_share(place, [need.box]) <= most_of_own and hidden_share(place, need.others) <= _OTHERS:
                self._kept[track] = scale, side
                return place, marks.panel(need.shares, text_px, need.heading)
        return None

    def _wishes(self, track: int) -> Iterator[tuple[float, int | None, float]]:
        """Yield what to try in turn: scale, side (None: the freest), and how much of its face it may hide.

        What was kept may hide a little more than what is new, or a panel would waver between two sides.
        """
        kept = self._kept.get(track) if track >= 0 else None
        if kept is not None:
            yield *kept, 0.1
        yield from ((scale, None, 0.03) for scale in _SCALES)
        if kept is not None:
            yield *kept, 0.3
        yield _SCALES[-1], None, 0.25
