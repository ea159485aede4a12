"""`Drawing`: a small picture of lines, dots and words, as SVG whose text stays text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree import ElementTree as ET

INK: Final = "#222222"
GREY: Final = "#666666"
PALE: Final = "#c9c9c9"
FAINT: Final = "#eeeeee"
TEAL: Final = "#1f6f78"
PALE_TEAL: Final = "#a9cfd2"
FAINT_TEAL: Final = "#e3f0f1"
RUST: Final = "#b3591f"
WHITE: Final = "#ffffff"

FONTS: Final = "Libertinus Serif, DejaVu Sans, sans-serif"
"""Of words in pictures; a page may choose its own by a style sheet."""

DOT: Final = "h0.01"
"""The course of a dot, too short to be seen: a PDF leaves a path out that has no length and nothing else."""

Point = tuple[float, float]


class Drawing:
    """A picture under construction; lengths are points, y goes down.

    Args:
        width, height: of the picture.
        alt: what it shows, in words, for those who can't see it.
    """

    def __init__(self, width: float, height: float, alt: str) -> None:
        self.width, self.height, self.alt = width, height, alt
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width:g} {height:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
                "role": "img",
                "aria-label": alt,
            },
        )

    def line(self, start: Point, end: Point, colour: str, width: float = 0.6, dash: str = "") -> None:
        """Draw a straight line."""
        self.path([[start, end]], colour, width, dash=dash)

    def path(
        self,
        runs: Iterable[Sequence[Point]],
        colour: str,
        width: float = 0.6,
        *,
        dash: str = "",
        cap: str = "butt",
    ) -> None:
        """Draw lines through points, one for each run; a run of one point is a dot where the cap is round."""
        course = " ".join(_course(run) for run in runs if run)
        if not course:
            return
        look = {"fill": "none", "stroke": colour, "stroke-width": f"{width:g}", "stroke-linecap": cap}
        dashes = {"stroke-dasharray": dash} if dash else {}
        self._add("path", {"d": course, "stroke-linejoin": "round"} | look | dashes)

    def dots(self, points: Iterable[Point], colour: str, size: float) -> None:
        """Draw round dots of a diameter."""
        self.path(([point] for point in points), colour, size, cap="round")

    def areas(self, shapes: Iterable[Sequence[Point]], colour: str) -> None:
        """Fill polygons."""
        course = " ".join(_course(corners) + "Z" for corners in shapes)
        if course:
            self._add("path", {"d": course, "fill": colour})

    def box(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """Fill a rectangle."""
        self.areas([[(left, top), (right, top), (right, bottom), (left, bottom)]], colour)

    def words(
        self,
        at: Point,
        text: str,
        *,
        size: float = 8,
        colour: str = INK,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Write a line of words, with its base line at a point.

        Args:
            at: the point.
            text: the words.
            size: of the type.
            colour: of the type.
            anchor: which part of the line is at the point: "start", "middle" or "end".
            bold: in heavy type.
        """
        look = {"font-family": FONTS, "font-size": f"{size:g}", "fill": colour, "text-anchor": anchor}
        place = {"x": _short(at[0]), "y": _short(at[1])}
        self._add("text", place | look | ({"font-weight": "bold"} if bold else {})).text = text

    def svg(self) -> str:
        """Give the picture."""
        return ET.tostring(self._root, encoding="unicode")

    def _add(self, tag: str, attributes: dict[str, str]) -> ET.Element:
        return ET.SubElement(self._root, tag, attributes)


def _short(value: float) -> str:
    return f"{round(value, 2):g}"


def _course(points: Sequence[Point]) -> str:
    places = [f"{_short(x)} {_short(y)}" for x, y in points]
    return f"M{places[0]}{DOT}" if len(places) == 1 else f"M{places[0]}L{' '.join(places[1:])}"
