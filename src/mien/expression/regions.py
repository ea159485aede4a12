"""Where in a face a marked region lies, in words of its landmarks: brows, eyes, nose, mouth, chin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

PARTS: Final = MappingProxyType(
    {
        "left brow": slice(17, 22),
        "right brow": slice(22, 27),
        "nose": slice(27, 36),
        "left eye": slice(36, 42),
        "right eye": slice(42, 48),
        "mouth": slice(48, 68),
        "chin": slice(6, 11),
    }
)
"""The landmarks of each part, in iBUG's order; left and right as one sees them in the picture."""

ELSEWHERE: Final = "elsewhere"
"""What is near no part: cheeks, forehead, hair, background."""

_NOSE_TIP: Final = 30
_NEAR: Final = 0.1
"""A pixel belongs to the part whose nearest landmark is nearest, within this share of the crop's side."""
_NAMED: Final = 0.15
"""Parts with a smaller share aren't named, but for the largest."""
_ALIKE: Final = 0.6
"""Up to this share on one side, both sides are called alike."""
_PAIRS: Final = (("left brow", "right brow", "brows"), ("left eye", "right eye", "eyes"))


@dataclass(frozen=True, slots=True)
class Where:
    """How the evidence in a marked region is spread over the face; all shares are 0 to 1.

    Attributes:
        parts: share of each of `PARTS`, and of `ELSEWHERE`; they sum to 1.
        upper: share above the tip of the nose; the rest is below.
        left: share to the left of the tip of the nose, as one sees it in the picture.
    """

    parts: Mapping[str, float]
    upper: float
    left: float

    @property
    def plain_words(self) -> str:
        """Where it lies, without figures: "around the mouth and the nose", "beside the features"."""
        named = [name for name in self._named() if name != ELSEWHERE]
        if not named:
            return "beside the features (cheeks, forehead, hair or background)"
        near = [f"the {name}" for name in named]
        joined = " and ".join([", ".join(near[:-1]), near[-1]]) if len(near) > 1 else near[0]
        return f"around {joined}"

    def _named(self) -> list[str]:
        """The parts worth a word, those with most of it first."""
        shares = _paired(self.parts)
        order = sorted(shares, key=lambda name: (name != ELSEWHERE, shares[name]), reverse=True)
        return [name for name in order if shares[name] >= _NAMED] or order[:1]

    @property
    def words(self) -> str:
        """The same for people: "mouth 61 %, nose 20 %; lower half, left and right alike"."""
        shares = _paired(self.parts)
        parts = ", ".join(f"{name} {shares[name]:.0%}".replace("%", " %") for name in self._named())
        height = _side(self.upper, "upper half", "lower half", "upper and lower half alike")
        return f"{parts}; {height}, {_side(self.left, 'left side', 'right side', 'left and right alike')}"


def locate(
    evidence: NDArray[np.floating], marked: NDArray[np.bool_], landmarks: NDArray[np.floating]
) -> Where | None:
    """Return where in the face the evidence lies.

    Args:
        evidence: (size, size) one map.
        marked: (size, size) which of its pixels count, each with evidence above 0.
        landmarks: (68, 2) x and y as shares of the crop's side.

    Returns:
        None where nothing is marked.
    """
    if not marked.any():
        return None
    rows, columns = np.nonzero(marked)
    weights = evidence[rows, columns] / evidence[rows, columns].sum(dtype=np.float64)
    places = (np.column_stack([columns, rows]) + 0.5) / len(evidence)
    nearest = np.stack([_distance(places, landmarks[each]) for each in PARTS.values()])
    part = np.where(nearest.min(axis=0) <= _NEAR, nearest.argmin(axis=0), len(PARTS))
    totals = np.bincount(part, weights=weights, minlength=len(PARTS) + 1).tolist()
    before = places < landmarks[_NOSE_TIP]
    left, upper = np.minimum(1.0, weights @ before).tolist()
    return Where(MappingProxyType(dict(zip((*PARTS, ELSEWHERE), totals, strict=True))), upper, left)


def _distance(places: NDArray[np.float64], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) from each place to the nearest of the points."""
    apart = places[:, None] - points[None]
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]).min(axis=1))


def _paired(parts: Mapping[str, float]) -> dict[str, float]:
    """Join left and right where both carried much."""
    shares = dict(parts)
    for left, right, both in _PAIRS:
        if min(shares[left], shares[right]) >= _NAMED / 2:
            shares[both] = shares.pop(left) + shares.pop(right)
    return shares


def _side(share: float, one: str, other: str, alike: str) -> str:
    if max(share, 1 - share) <= _ALIKE:
        return alike
    return one if share > 0.5 else other
