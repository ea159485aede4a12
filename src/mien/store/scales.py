"""The scales of self-reports: how they are named, how many items they have, what may be answered to them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from mien.errors import StoreError
from mien.store.validation import checked_name


@dataclass(frozen=True, slots=True)
class Scale:
    """What may be answered.

    Attributes:
        name: its key.
        title: for people.
        items: how many questions; 0 where there is only a total.
        highest: of each item, from 0; of the total where there are no items.
        recall_days: how many days up to the answer it asks about; 0 asks about now.
        aliases: other names that people give it, folded as `fold` does.
        highest_difficulty: of the question how difficult the problems made things, from 0; None without one.
    """

    name: str
    title: str
    items: int
    highest: int
    recall_days: int
    aliases: tuple[str, ...] = ()
    highest_difficulty: int | None = None

    @property
    def highest_total(self) -> int:
        """The most that the answers can add up to."""
        return self.highest * max(self.items, 1)


SCALES: Final[Mapping[str, Scale]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Scale("mood", "Mood", 0, 10, recall_days=0, aliases=("ownmood", "moodscale")),
            Scale(
                "phq9", "PHQ-9", 9, 3, recall_days=14, highest_difficulty=3,
                aliases=(
                    "patienthealthquestionnaire", "patienthealthquestionnaire9",
                    "patienthealthquestionnairephq9", "phq9d", "phqd9", "phq9total", "phq9score",
                ),
            ),
            Scale(
                "gad7", "GAD-7", 7, 3, recall_days=14,
                aliases=(
                    "generalizedanxietydisorder7", "generalisedanxietydisorder7",
                    "generalizedanxietydisorder",
                    "generalisedanxietydisorder", "gad7total", "gad7score",
                ),
            ),
        )
    }
)  # fmt: skip
"""Those that Mien knows. Of any other only the total is kept: the questions may be under copyright."""

_BY_FOLDED: Final = {folded: each for each in SCALES.values() for folded in (each.name, *each.aliases)}
_NEAR: Final = 0.7
"""From so similar on (`difflib`), a name is taken for a known one that was mistyped: phq8, phq, gda7."""


def fold(name: str) -> str:
    """Return a name without capitals, spaces, hyphens, underscores and other signs: "PHQ-9" is "phq9"."""
    return "".join(each for each in unicodedata.normalize("NFKC", name).casefold() if each.isalnum())


def known(name: str) -> Scale | None:
    """Find the scale that Mien knows under a name, however it is written; None where there is none."""
    return _BY_FOLDED.get(fold(name))


def near(name: str) -> Scale | None:
    """Find the known scale that a name was probably meant to be; None for a known one, or one unlike all.

    A name that holds a questionnaire's, such as "PHQ-9-week4", is near it too.
    """
    folded = fold(name)
    if folded in _BY_FOLDED:
        return None
    held = next((each for each in SCALES.values() if each.items and each.name in folded), None)
    close = get_close_matches(folded, _BY_FOLDED, n=1, cutoff=_NEAR)
    return held or (_BY_FOLDED[close[0]] if close else None)


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered, as it is kept.

    Attributes:
        scale: the scale's name.
        items: the answers in order, None for one that was not given; None for a total alone.
        total: their sum; None where answers are missing.
        difficulty: how difficult the problems made things; None where it was not asked.
        lowest, highest: what the total of a scale that Mien doesn't know can be; None for one it knows.
    """

    scale: str
    items: tuple[int | None, ...] | None
    total: float | None
    difficulty: int | None = None
    lowest: float | None = None
    highest: float | None = None


def checked_answers(
    name: str,
    items: Sequence[int | None] | None,
    total: float | None,
    *,
    difficulty: int | None = None,
    limits: tuple[float, float] | None = None,
    kept: bool = False,
) -> Answers:
    """Check what was answered.

    Args:
        name: of the scale; one of `SCALES` however it is written, or another with its `limits`.
        items: the answers, for those of `SCALES` that have items: None for one that was not given, and fewer
            than there are questions where the last were not. One more is the `difficulty`. None for the
            total alone.
        total: the sum; None where it follows from the items.
        difficulty: the answer to the question how difficult the problems made things.
        limits: what the total of another scale can be, lowest and highest.
        kept: an earlier Mien kept it, which took fractions, and other scales without their limits.

    Raises:
        StoreError: there is no such scale, or the answers don't fit it, or each other.
    """
    scale = known(name)
    if scale is None:
        return _of_another(name, items, total, difficulty, limits, kept=kept)
    if limits is not None:
        raise StoreError(
            f"{name}: {scale.title} is a known scale with totals from 0 to {scale.highest_total}:"
            " give no range"
        )
    if items is not None and scale.highest_difficulty is not None and len(items) == scale.items + 1:
        if difficulty is not None:
            raise StoreError(f"{scale.name}: the difficulty was given twice")
        items, difficulty = items[:-1], items[-1]
    _check_difficulty(scale, difficulty)
    if items is None:
        return Answers(scale.name, None, _checked_total(scale, total, kept=kept), difficulty)
    answers = _checked_items(scale, items)
    sum_of_them = None if None in answers else float(sum(each for each in answers if each is not None))
    if total is not None and total != sum_of_them:
        said = "no total, as answers are missing" if sum_of_them is None else f"a total of {sum_of_them:g}"
        raise StoreError(f"{scale.name}: expected {said}, received {total:g}")
    return Answers(scale.name, answers, sum_of_them, difficulty)


def _of_another(
    name: str,
    items: Sequence[int | None] | None,
    total: float | None,
    difficulty: int | None,
    limits: tuple[float, float] | None,
    *,
    kept: bool,
) -> Answers:
    checked_name("scale", name)
    if limits is None and not kept:
        meant = near(name)
        guess = f" did you mean {meant.name}?" if meant else ""
        raise StoreError(
            f"scale: {name!r} is not a scale that Mien knows ({', '.join(SCALES)});{guess} another scale"
            " needs the range of its total: --other-scale 0 24"
        )
    if items is not None or difficulty is not None:
        raise StoreError(f"{name}: expected only its total; answers are kept of phq9 and gad7")
    if total is None:
        raise StoreError(f"{name}: expected its total, received none")
    lowest, highest = limits or (-math.inf, math.inf)
    if limits and not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
        raise StoreError(f"{name}: expected a range from low to high, received {lowest:g} to {highest:g}")
    if not math.isfinite(total) or not lowest <= total <= highest:
        said = f"from {lowest:g} to {highest:g}" if limits else "that is finite"
        raise StoreError(f"{name}: expected a total {said}, received {total:g}")
    return Answers(name, None, float(total), None, *(map(float, limits) if limits else ()))


def _checked_total(scale: Scale, total: float | None, *, kept: bool) -> float:
    if total is None:
        what = "its answers or its total" if scale.items else "its total"
        raise StoreError(f"{scale.name}: expected {what}, received neither")
    if (
        not math.isfinite(total)
        or not 0 <= total <= scale.highest_total
        or not (kept or float(total).is_integer())
    ):
        raise StoreError(
            f"{scale.name}: expected a whole total from 0 to {scale.highest_total}, received {total:g}"
        )
    return float(total)


def _checked_items(scale: Scale, items: Sequence[int | None]) -> tuple[int | None, ...]:
    if not scale.items:
        raise StoreError(f"{scale.name}: expected only its total; answers are kept of phq9 and gad7")
    fits = len(items) <= scale.items and all(
        each is None or (type(each) is int and 0 <= each <= scale.highest) for each in items
    )
    if not fits or all(each is None for each in items):
        received = ", ".join("-" if each is None else str(each) for each in items) or "none"
        raise StoreError(
            f"{scale.name}: expected {scale.items} answers from 0 to {scale.highest}, received {received}"
        )
    return (*items, *[None] * (scale.items - len(items)))


def _check_difficulty(scale: Scale, difficulty: int | None) -> None:
    if difficulty is None:
        return
    if scale.highest_difficulty is None:
        raise StoreError(f"{scale.name}: this scale has no question about difficulty")
    if type(difficulty) is not int or not 0 <= difficulty <= scale.highest_difficulty:
        raise StoreError(
            f"{scale.name}: expected a difficulty from 0 to {scale.highest_difficulty}, received {difficulty}"
        )
