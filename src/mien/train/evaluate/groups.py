"""Whether a network is as good for one group of faces as for the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.files import natural_key
from mien.train.data import FaceSet
from mien.train.data.faces import number_people
from mien.train.evaluate.figures import Figure, Index, none_if_nan
from mien.train.evaluate.metrics import Interval

Texts = NDArray[np.str_]

SMALL: Final = 100
"""A group with fewer faces is flagged: its interval is wide, and a difference that matters may go unseen."""

_PERMUTATIONS = 999
_MOST_GROUPS = 20
_NUMBERS_CUT_ABOVE = 10
_NOTHING = "(empty)"
_LOWEST = "up to "
_UNKNOWN = ("", "NA", "N/A", "n/a", "nan", "NaN", "None", "null")
"""What stands among numbers, in tables of several programs, where one is not known."""


@dataclass(frozen=True)
class GroupFigure:
    """One figure of one group.

    Attributes:
        figure: its name.
        column: what the faces are grouped by.
        group: the column's value.
        faces: how many of the group count for it.
        people: of how many people they are; None where that is not known.
        value: the figure; NaN where the group's faces don't give one.
        interval_95: bootstrap interval, see `Figure.interval`.
        difference: from the figure of all other faces.
        p: how often chance alone gives a difference as large, by permutation.
        p_holm: the same, corrected for looking at several groups (Holm 1979).
        small: whether there are too few faces, or people, to say much.
    """

    figure: str
    column: str
    group: str
    faces: int
    people: int | None
    value: float
    interval_95: Interval
    difference: float
    p: float
    p_holm: float
    small: bool

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON; None where there was nothing to measure."""
        return {
            **asdict(self),
            "value": none_if_nan(self.value),
            "interval_95": None if np.isnan(self.interval_95).any() else list(self.interval_95),
            "difference": none_if_nan(self.difference),
        }


def by_group(
    figures: Sequence[Figure], groups: Texts, *, column: str = "", seed: int = 0
) -> list[GroupFigure]:
    """Return every figure for every group, with a test of whether it differs from the others.

    The test permutes the groups among the faces: of 999 permutations, how many give a difference between the
    group and all other faces at least as large as the one found? It makes no assumption about the figure.
    Source: Good (2005), Permutation, parametric and bootstrap tests of hypotheses, chapter 3. The p-values of
    one figure are corrected for the number of groups by Holm's method (1979, Scandinavian Journal of
    Statistics 6, 65-70).

    Where a figure knows the people, it is they who are permuted, each with all their pictures, since pictures
    of one person are not independent. A column that differs within people, such as the camera, is permuted
    within each person instead: whoever has one group only then tells nothing.

    Args:
        figures: as `evaluate` gives them.
        groups: (n,) the group of each face that was measured.
        column: what they are grouped by, to be named in the result.
        seed: of the permutations and intervals.

    Raises:
        DatasetError: all faces are of one group.
    """
    names = sorted(set(groups.tolist()), key=_rank)
    if len(names) < 2:
        raise DatasetError(f"expected at least two groups to compare, received only {names[0]!r}")
    of_faces = [figure for figure in figures if figure.of_labelled_faces]
    return [row for figure in of_faces for row in _rows(figure, groups[figure.faces], names, column, seed)]


def groups_of(faces: FaceSet, column: str) -> Texts:
    """Read the groups from a column of the data.

    Numbers with more than ten different values, such as ages, are cut into four groups of about equal size;
    there, NA and its like are an empty cell.

    Args:
        faces: what is measured.
        column: the column's name.

    Returns:
        (n,) names of groups; an empty cell is "(empty)".

    Raises:
        DatasetError: there is no such column, or it has too many values to be groups.
    """
    values = _column(faces, column)
    if len(set(values.tolist())) > _NUMBERS_CUT_ABOVE and (numbers := _numbers(values)) is not None:
        return _quarters(numbers)
    if (count := len(set(values.tolist()))) > _MOST_GROUPS:
        raise DatasetError(
            f"the column {column} has {count} different values; expected at most {_MOST_GROUPS} groups"
        )
    return np.where(values == "", _NOTHING, values)


def people_of(faces: FaceSet, column: str | None = None) -> Index | None:
    """Number the people.

    Args:
        faces: what is measured.
        column: the one that says who a picture is of; None takes the data's own, where it has one.

    Returns:
        (n,) a number for each person; a picture of which the column says nothing is of a person of its own.
        None where it is not known who is who.

    Raises:
        DatasetError: there is no such column, or it is empty.
    """
    column = column or faces.person
    if column is None:
        return None
    who = _column(faces, column)
    if not (who != "").any():
        raise DatasetError(f"the column {column} is empty; expected it to say who each picture is of")
    return number_people(who)


def _rank(name: str) -> tuple[bool, bool, Any]:
    """The lowest quarter comes first, and what is not known last."""
    return name == _NOTHING, not name.startswith(_LOWEST), natural_key(name)


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number by Holm's step-down method."""
    order, corrected, highest = np.argsort(p), [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        corrected[place] = highest
    return corrected


def _column(faces: FaceSet, column: str) -> Texts:
    if column not in faces.columns:
        there = ", ".join(faces.columns) or "no columns beside the labels"
        raise DatasetError(f"no column named {column} in the data; it has {there}")
    return faces.columns[column]


def _rows(figure: Figure, groups: Texts, names: Sequence[str], column: str, seed: int) -> list[GroupFigure]:
    there = [name for name in names if (groups == name).any()]
    if len(there) < 2:
        return []
    masks = [groups == name for name in there]
    differences = np.array([figure.of(mask) - figure.of(~mask) for mask in masks])
    chances = _chances(figure, groups, masks, differences, seed)
    # With two groups there is one comparison, seen from both sides.
    corrected = chances if len(there) == 2 else holm(chances)
    rows = []
    for name, mask, difference, p, p_holm in zip(there, masks, differences, chances, corrected, strict=True):
        count = int(mask.sum())
        people = None if figure.people is None else len(np.unique(figure.people[mask]))
        row = GroupFigure(
            figure.name, column, name, count, people, figure.of(mask), figure.interval_of(mask, seed),
            float(difference), p, p_holm, (count if people is None else people) < SMALL,
        )  # fmt: skip
        rows.append(row)
    return rows


def _chances(
    figure: Figure,
    groups: Texts,
    masks: list[NDArray[np.bool_]],
    found: NDArray[np.float64],
    seed: int,
) -> list[float]:
    random = np.random.default_rng(seed)
    shuffle = _shuffle(figure.people, groups)
    as_large = np.zeros(len(masks))
    for _ in range(_PERMUTATIONS):
        order = shuffle(random)
        shuffled = [mask[order] for mask in masks]
        differences = np.array([figure.of(mask) - figure.of(~mask) for mask in shuffled])
        # What can't be compared (NaN) counts against a difference, and not for it.
        as_large += ~(np.abs(differences) < np.abs(found) - 1e-12)
    return [float(count) for count in (1 + as_large) / (1 + _PERMUTATIONS)]


def _shuffle(people: Index | None, groups: Texts) -> Callable[[np.random.Generator], Index]:
    """Choose how groups are handed out anew: gives, for each row, the row whose group it gets."""
    if people is None:
        return lambda random: random.permutation(len(groups))
    _, first, person = np.unique(people, return_index=True, return_inverse=True)
    if (groups == groups[first][person]).all():
        return lambda random: first[random.permutation(len(first))][person]
    together = np.argsort(person, kind="stable")

    def within_people(random: np.random.Generator) -> Index:
        order = np.empty(len(groups), np.int64)
        order[together] = np.lexsort((random.random(len(groups)), person))
        return order

    return within_people


def _numbers(values: Texts) -> NDArray[np.float64] | None:
    try:
        return np.array([np.nan if value in _UNKNOWN else float(value) for value in values.tolist()])
    except ValueError:
        return None


def _quarters(numbers: NDArray[np.float64]) -> Texts:
    cuts = np.unique(np.nanquantile(numbers, [0.25, 0.5, 0.75]))
    edges = [f"{cut:g}" for cut in cuts]
    names = [f"{_LOWEST}{edges[0]}"]
    names += [f"above {low} up to {high}" for low, high in pairwise(edges)]
    names.append(f"above {edges[-1]}")
    quarters = np.array(names)[np.searchsorted(cuts, numbers).clip(max=len(cuts))]
    return np.where(np.isnan(numbers), _NOTHING, quarters)
