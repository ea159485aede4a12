"""The scales of self-reports whose answers can be checked: how many items, and from what to what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from mien.errors import StoreError
from mien.store.checks import checked_name


@dataclass(frozen=True, slots=True)
class Scale:
    """What may be answered.

    Attributes:
        name: its key.
        items: how many questions; 0 where there is only a total.
        highest: of each item, from 0; of the total where there are no items.
    """

    name: str
    items: int
    highest: int

    @property
    def highest_total(self) -> int:
        """The most that the answers can add up to."""
        return self.highest * max(self.items, 1)


SCALES: Final[Mapping[str, Scale]] = MappingProxyType(
    {each.name: each for each in (Scale("mood", 0, 10), Scale("phq9", 9, 3), Scale("gad7", 7, 3))}
)
"""Those that Mien knows. Of any other only the total is kept: the questions may be under copyright."""


def checked_answers(
    name: str, items: Sequence[int] | None, total: float | None
) -> tuple[tuple[int, ...] | None, float]:
    """Check what was answered.

    Args:
        name: of the scale, one of `SCALES` or another.
        items: the answers, for those of `SCALES` that have items; None for the total alone.
        total: the sum; None where it follows from the items.

    Returns:
        The items and the total.

    Raises:
        StoreError: they don't fit the scale, or each other.
    """
    scale = SCALES.get(checked_name("scale", name))
    if items is not None:
        answers = _checked_items(name, scale, items)
        if total is not None and total != sum(answers):
            raise StoreError(
                f"{name}: expected a total of {sum(answers)} as its items say, received {total:g}"
            )
        return answers, float(sum(answers))
    if total is None:
        raise StoreError(f"{name}: expected its answers or its total, received neither")
    if not math.isfinite(total) or (scale and not 0 <= total <= scale.highest_total):
        limits = f"from 0 to {scale.highest_total}" if scale else "that is finite"
        raise StoreError(f"{name}: expected a total {limits}, received {total:g}")
    return None, float(total)


def _checked_items(name: str, scale: Scale | None, items: Sequence[int]) -> tuple[int, ...]:
    if scale is None or not scale.items:
        raise StoreError(f"{name}: expected only its total; answers are kept of phq9 and gad7")
    fits = len(items) == scale.items and all(
        type(each) is int and 0 <= each <= scale.highest for each in items
    )
    if not fits:
        expected = f"{scale.items} answers from 0 to {scale.highest}"
        raise StoreError(f"{name}: expected {expected}, received {', '.join(map(str, items)) or 'none'}")
    return tuple(items)
