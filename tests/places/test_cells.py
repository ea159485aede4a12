"""Cells: never fewer than k people, whatever is subtracted from whatever."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.places.cells import LEAST_FACES, Cell, Grid, cells, check_least, fields

GRIDS = st.builds(Grid, st.integers(1, 5), st.integers(1, 4))
PLACES = st.lists(
    st.tuples(st.floats(-0.1, 1.1), st.floats(-0.1, 1.1), st.integers(0, 3)), min_size=0, max_size=120
)


def most(xy: NDArray[np.float64], look: NDArray[np.int64]) -> int:
    return max((int((look == each).sum()) for each in np.unique(look)), default=0)


def arrays(places: list[tuple[float, float, int]]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    table = np.array(places, np.float64).reshape(-1, 3)
    return table[:, :2], table[:, 2].astype(np.int64)


@given(PLACES, GRIDS, st.integers(LEAST_FACES, 20))
@settings(max_examples=150, deadline=None)
def test_each_cell_has_enough_people_and_each_face_one_cell(
    places: list[tuple[float, float, int]], grid: Grid, least: int
) -> None:
    xy, look = arrays(places)
    found = cells(xy, look, grid, least)
    assert bool(found) == (most(xy, look) >= least)
    inside = np.array([cell.holds(xy, grid) for cell in found]).reshape(len(found), len(xy))
    for row in inside:
        assert most(xy[row], look[row]) >= least
    if found:
        assert (inside.sum(axis=0) == 1).all()
    covered = np.zeros((grid.rows, grid.columns), int)
    for cell in found:
        covered[cell.top : cell.bottom, cell.left : cell.right] += 1
    assert (covered == (1 if found else 0)).all()


@given(PLACES, st.integers(LEAST_FACES, 14))
@settings(max_examples=60, deadline=None)
def test_what_is_left_when_cells_are_subtracted_is_nobody_or_enough(
    places: list[tuple[float, float, int]], least: int
) -> None:
    """All differences that can be formed of the whole picture and its cells."""
    xy, look = arrays(places)
    grid = Grid(3, 2)
    found = cells(xy, look, grid, least)
    for count in range(len(found) + 1):
        for chosen in combinations(found, count):
            left = np.ones(len(xy), bool)
            for cell in chosen:
                left &= ~cell.holds(xy, grid)
            if found:
                assert not left.any() or most(xy[left], look[left]) >= least


def test_one_who_is_met_in_each_look_is_not_many() -> None:
    xy, look = np.full((30, 2), 0.5), np.arange(30)
    assert cells(xy, look, Grid()) == ()
    assert cells(np.full((10, 2), 0.5), np.zeros(10, np.int64), Grid()) == (Cell(0, 0, 4, 3),)


def test_a_full_picture_is_cut_to_its_grid() -> None:
    x, y = np.meshgrid(np.arange(40) / 40 + 0.01, np.arange(30) / 30 + 0.01)
    xy = np.column_stack([x.ravel(), y.ravel()])
    found = cells(xy, np.zeros(len(xy), np.int64), Grid(4, 3))
    assert [cell.name for cell in found] == [f"{column}{row}" for column in "ABCD" for row in (1, 2, 3)]
    assert Cell(0, 0, 2, 3).name == "A1:B3"


def test_what_is_outside_belongs_to_the_edge() -> None:
    at = fields(np.array([[-1, 0.5], [2, 2], [1, 1], [0, 0]]), Grid(4, 3))
    assert at.tolist() == [[0, 1], [3, 2], [3, 2], [0, 0]]


@pytest.mark.parametrize("least", [-5, 0, 1, 9])
def test_fewer_than_ten_are_refused(least: int) -> None:
    with pytest.raises(ConfigError, match=f"at least 10 faces in a cell, received {least}: .* single people"):
        check_least(least)


@pytest.mark.parametrize("text", ["", "4", "4x", "4x3x2", "-1x3", "axb"])
def test_what_is_no_grid_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="grid: expected columns and rows such as 4x3"):
        Grid.parse(text)


@pytest.mark.parametrize("text", ["0x3", "4x0", "27x1", "300x2"])
def test_a_grid_has_a_size(text: str) -> None:
    with pytest.raises(ConfigError, match=r"grid: expected 1 to 26 columns and rows, received \d+x\d+"):
        Grid.parse(text)
    assert str(Grid.parse(" 6x4 ")) == "6x4"
