"""Cells of a picture with enough people each: nothing is ever said of fewer.

A picture is cut along the lines of a grid while each part keeps at least k faces (Mondrian: LeFevre, DeWitt &
Ramakrishnan 2006, ICDE). So every cell has at least k, the cells together are the picture, and whatever is
subtracted from whatever, what is left is a cell, or several, or nothing: never fewer than k people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError

LEAST_FACES: Final = 10
"""The fewest faces of which anything is said."""

_MOST_LINES: Final = 26


@dataclass(frozen=True, slots=True)
class Grid:
    """Lines along which a picture may be cut.

    Attributes:
        columns, rows: how many, 1 to 26.
    """

    columns: int = 4
    rows: int = 3

    def __post_init__(self) -> None:
        if not (1 <= self.columns <= _MOST_LINES and 1 <= self.rows <= _MOST_LINES):
            raise ConfigError(
                f"grid: expected 1 to {_MOST_LINES} columns and rows, received {self.columns}x{self.rows}"
            )

    @classmethod
    def parse(cls, text: str) -> Grid:
        """Read a grid such as 4x3.

        Raises:
            ConfigError: it is none.
        """
        match = re.fullmatch(r"(\d{1,3})[x×](\d{1,3})", text.strip())
        if match is None:
            raise ConfigError(f"grid: expected columns and rows such as 4x3, received {text!r}")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}"


class Cell(NamedTuple):
    """A rectangle of the grid: its first column and row, and those behind its last."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def name(self) -> str:
        """Its corners as in a spreadsheet, such as "A1:B3"."""
        first = f"{chr(65 + self.left)}{self.top + 1}"
        last = f"{chr(64 + self.right)}{self.bottom}"
        return first if first == last else f"{first}:{last}"

    def holds(self, xy: NDArray[np.floating], grid: Grid) -> NDArray[np.bool_]:
        """(n,) whether places, (n, 2) as shares of the picture's sides, are in it."""
        at = fields(xy, grid)
        return np.asarray(((at >= self[:2]) & (at < self[2:])).all(axis=1))


def fields(xy: NDArray[np.floating], grid: Grid) -> NDArray[np.int64]:
    """(n, 2) column and row of places, given as shares of the picture's sides and kept inside it."""
    size = np.array([grid.columns, grid.rows])
    places = np.floor(np.asarray(xy, np.float64).reshape(-1, 2) * size).clip(0, size - 1)
    return np.asarray(places, np.int64)


def check_least(least: int) -> int:
    """Return the fewest faces of a cell.

    Raises:
        ConfigError: there are fewer than `LEAST_FACES`.
    """
    if least < LEAST_FACES:
        raise ConfigError(
            f"expected at least {LEAST_FACES} faces in a cell, received {least}: with fewer, a figure would"
            " say something of single people"
        )
    return least


def cells(
    xy: NDArray[np.floating], look: NDArray[np.int64], grid: Grid, least: int = LEAST_FACES
) -> tuple[Cell, ...]:
    """Cut a picture into cells with enough people each.

    People are counted in the look with the most of them, so that one who is met again is not two.

    Args:
        xy: (n, 2) where faces were read, as shares of the picture's sides.
        look: (n,) in which look each was.
        grid: the lines.
        least: faces that each cell needs.

    Returns:
        The cells, which cover the picture; none where it has too few faces as a whole.
    """
    check_least(least)
    _, place = np.unique(look, return_inverse=True)
    counts = np.zeros((place.max(initial=-1) + 1, grid.rows, grid.columns), np.int64)
    column, row = fields(xy, grid).T
    np.add.at(counts, (place, row, column), 1)
    whole = Cell(0, 0, grid.columns, grid.rows)
    return tuple(sorted(_cut(whole, counts, least))) if _most(whole, counts) >= least else ()


def _cut(cell: Cell, counts: NDArray[np.int64], least: int) -> list[Cell]:
    """Cut where the emptier part is fullest, and go on with both, while they have enough."""
    left, top, right, bottom = cell
    pairs = [
        *((Cell(left, top, x, bottom), Cell(x, top, right, bottom)) for x in range(left + 1, right)),
        *((Cell(left, top, right, y), Cell(left, y, right, bottom)) for y in range(top + 1, bottom)),
    ]
    fewer = [min(_most(part, counts) for part in pair) for pair in pairs]
    if max(fewer, default=0) < least:
        return [cell]
    return [each for part in pairs[int(np.argmax(fewer))] for each in _cut(part, counts, least)]


def _most(cell: Cell, counts: NDArray[np.int64]) -> int:
    inside = counts[:, cell.top : cell.bottom, cell.left : cell.right]
    return int(inside.sum(axis=(1, 2)).max(initial=0))
