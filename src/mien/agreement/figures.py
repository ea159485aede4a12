"""The figures of paired readings: of labels, and of columns of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mien.agreement import statistics
from mien.agreement.ratings import Floats, labelled, sure
from mien.agreement.statistics import Estimate, count_pairs, estimates
from mien.labels import EMOTIONS, UNCERTAIN
from mien.wording import count

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]

BLOCK_S: Final = 10.0
"""How long the blocks of time are, at least, that a single recording is cut into; shorter ones have ten."""
_LEAST_BLOCKS: Final = 10
_FEW: Final = 20
"""With fewer recordings than this the intervals of ICC and kappa are too narrow (docs/agreement.md)."""
LEAST_PAIRS: Final = 10
"""With fewer, numbers aren't compared."""
_INTENSITIES: Final = 6
"""Of an action unit: from 0, not there, to 5 (E)."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How labels agree.

    Attributes:
        column: `expression`, or an action unit that is there or not, or its intensity in whole steps.
        labels: their names, in the order of the table.
        counts: how often the first said the row's label, the second the column's.
        pairs: how many faces.
        observed: the share on which both agree.
        kappa: Cohen's.
        weighted: Cohen's with squared weights; None where labels have no order.
        specific: for each label, of the faces to which one of both gave it, how far the other did: twice the
            common ones by the sum of both (Dice).
    """

    column: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    pairs: int
    observed: Estimate
    kappa: Estimate
    weighted: Estimate | None
    specific: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a column of numbers agrees.

    Attributes:
        column: its name.
        pairs: how many faces.
        icc_2_1: absolute agreement, ICC(2,1).
        icc_3_1: consistency, ICC(3,1).
        concordance: Lin's.
        pearson: the correlation.
        bias: the mean of the first less the second.
        deviation: the standard deviation of these differences.
        low, high: limits of agreement (Bland & Altman): 95 % of differences lie between, if they are normal.
    """

    column: str
    pairs: int
    icc_2_1: Estimate
    icc_3_1: Estimate
    concordance: Estimate
    pearson: Estimate
    bias: Estimate
    deviation: Estimate
    low: Estimate
    high: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What the bootstrap draws.

    Attributes:
        of: (n,) to which unit each pair belongs, from 0.
        drawn: of `statistics.weights`; None where there is nothing to draw from.
        told: what they are, in words; "" of nothing.
        remarks: what a reader should know of them.
    """

    of: Ints
    drawn: Floats | None
    told: str
    remarks: tuple[str, ...] = ()

    @property
    def many(self) -> int:
        """How many there are."""
        return int(self.of.max(initial=0)) + 1


def units_of(frames: pd.DataFrame, seed: int) -> Units:
    """Return the recordings of pairs as the bootstrap's units; of one recording, blocks of time."""
    names, unit = np.unique(frames["recording"].to_numpy(str), return_inverse=True)
    if len(names) > 1:
        few = f"{len(names)} recordings are few: intervals are rough, and rather too narrow; 20 are better."
        drawn = statistics.weights(len(names), seed)
        return Units(unit.astype(np.int64), drawn, f"{len(names)} recordings", (few,) * (len(names) < _FEW))
    since = frames["time_s"].to_numpy(np.float64) - frames["time_s"].min()
    many = max(_LEAST_BLOCKS, int(since.max() / BLOCK_S))
    block_s = float(since.max()) / many
    if block_s <= 0 or len(frames) < 2 * _LEAST_BLOCKS:
        short = "There are no intervals, as there is one recording, too short for blocks of time."
        return Units(np.zeros(len(frames), np.int64), None, "", (short,))
    _, unit = np.unique(np.minimum(since / block_s, many - 0.5).astype(int), return_inverse=True)
    many = int(unit.max()) + 1  # of those in which there are pairs
    remark = (
        "Intervals are over blocks of time, as there is one recording: they say nothing of other recordings."
    )
    return Units(
        unit.astype(np.int64), statistics.weights(many, seed), f"{many} blocks of {block_s:.3g} s", (remark,)
    )


# --- labels


def left_out(frames: pd.DataFrame, *, keep_uncertain: bool) -> list[str]:
    """Return what is to be said of faces whose label isn't sure."""
    both, certain = _both(frames, labelled), _both(frames, sure)
    if keep_uncertain or not (left := int((both & ~certain).sum())):
        return []
    return [
        f"{left:,} of {count(int(both.sum()), 'face')} are left out of the labels' figures, as one of both is"
        " uncertain there; --keep-uncertain counts that as a label."
    ]


def label_figures(frames: pd.DataFrame, units: Units, *, keep_uncertain: bool) -> Iterator[Labels]:
    """Yield how the expression agrees, and action units that are there or not, or whole steps.

    Args:
        frames: of `AgreementResult.pairs`.
        units: what the bootstrap draws.
        keep_uncertain: whether `uncertain` is a label.
    """
    both = _both(frames, labelled if keep_uncertain else sure)
    if both.any():
        a, b = (frames[f"expression_{side}"].to_numpy(str)[both] for side in "ab")
        there, usual = {*a, *b}, [*EMOTIONS, UNCERTAIN]
        names = [*(each for each in usual if each in there), *sorted(there - set(usual))]
        places = {each: place for place, each in enumerate(names)}
        first, second = (np.array([places[each] for each in side], np.int64) for side in (a, b))
        yield _of_labels("expression", names, (first, second), units.of[both], units)
    for column in columns_of(frames):
        a, b, known = _known(frames, column)
        whole = bool(len(a)) and bool((a == np.round(a)).all() and (b == np.round(b)).all())
        kind = column[:2] == "AU" and column[-2:]
        if whole and kind in ("_c", "_r"):
            names = [str(each) for each in range(2 if kind == "_c" else _INTENSITIES)]
            first, second = (np.clip(each, 0, len(names) - 1).astype(np.int64) for each in (a, b))
            yield _of_labels(column, names, (first, second), units.of[known], units, ordered=kind == "_r")


def _both(frames: pd.DataFrame, which: Callable[[pd.DataFrame], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    sides = (frames[[f"expression_{side}"]].set_axis(["expression"], axis=1) for side in "ab")
    first, second = (which(side) for side in sides)
    return first & second


def _of_labels(
    column: str,
    names: list[str],
    numbered: tuple[Ints, Ints],
    unit: Ints,
    units: Units,
    *,
    ordered: bool = False,
) -> Labels:
    counts = count_pairs(*numbered, unit, units.many, len(names))

    def figures(parts: Floats) -> dict[str, Floats]:
        plain = {"observed": statistics.observed(parts), "kappa": statistics.kappa(parts)}
        return plain | ({"weighted": statistics.kappa(parts, ordered=True)} if ordered else {})

    found = estimates(counts, figures, units.drawn)
    whole = counts.sum(axis=0).astype(int)
    given = (whole.sum(axis=0) + whole.sum(axis=1)).tolist()
    alike = np.diag(whole).tolist()
    specific = (2 * each / of if of else None for each, of in zip(alike, given, strict=True))
    return Labels(
        column, tuple(names), tuple(map(tuple, whole.tolist())), int(whole.sum()),
        found["observed"], found["kappa"], found.get("weighted"), tuple(specific),
    )  # fmt: skip


# --- numbers


def columns_of(frames: pd.DataFrame) -> list[str]:
    """Return the compared columns of numbers."""
    names = [str(name).removesuffix("_a") for name in frames if str(name).endswith("_a")]
    return [name for name in names if name != "expression"]


def number_figures(frames: pd.DataFrame, units: Units) -> Iterator[Numbers]:
    """Yield how each column of numbers agrees that has ten pairs or more.

    Args:
        frames: of `AgreementResult.pairs`.
        units: what the bootstrap draws.
    """
    for column in columns_of(frames):
        a, b, known = _known(frames, column)
        if len(a) < LEAST_PAIRS or column.endswith("_c"):
            continue
        middle = (a.mean() + b.mean()) / 2
        parts = statistics.sums(a - middle, b - middle, units.of[known], units.many)
        yield Numbers(column, len(a), **estimates(parts, statistics.of_sums, units.drawn))


def _known(frames: pd.DataFrame, column: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    a, b = (frames[f"{column}_{side}"].to_numpy(np.float64) for side in "ab")
    known = np.isfinite(a) & np.isfinite(b)
    return a[known], b[known], known
