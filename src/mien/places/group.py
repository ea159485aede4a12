"""What a group of people shows: mix of expressions, valence, arousal and tension, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.face.crop import face_squares
from mien.places.quantification import Interval, Quantifier, interval, mean_interval
from mien.types import Faces, Image

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

TENSE: Final = ("anger", "fear", "disgust")
"""What tension counts: the expressions of high arousal and low valence (Russell 1980)."""

READ_FROM_PX: Final = 16
"""Narrower faces are seen, but not read; measured by `benchmarks/crowds.py sizes`."""

SIZES: Final = MappingProxyType(
    {"under 16": 0, "16-20": 16, "20-24": 20, "24-32": 24, "32-48": 32, "48 on": 48}
)
"""The sizes that are told apart, in pixels, by their least."""


@dataclass(frozen=True, eq=False)
class Readings:
    """What was read in one look or several; kept in memory only, and only until it is counted.

    Attributes:
        look: (n,) in which look.
        xy: (n, 2) where, as shares of the picture's sides.
        px: (n,) the face's size; see `sizes_px`.
        evidence: (n, labels) see `Quantifier.evidence`.
        valence, arousal: (n,) -1 to 1.
        person: (n,) whose it is, as far as a face was followed from one look to the next.
    """

    look: Index
    xy: Floats
    px: Floats
    evidence: Floats
    valence: Floats
    arousal: Floats
    person: Index

    @classmethod
    def of(cls, faces: Faces, image: Image, look: int, quantifier: Quantifier) -> Readings:
        """Collect what was read of the faces of one frame."""
        px = sizes_px(faces)
        middle = (faces.xyxy[:, :2] + faces.xyxy[:, 2:]).astype(np.float64) / 2
        return cls(
            look=np.full(len(faces), look),
            xy=middle / np.array(image.shape[1::-1]),
            px=px,
            evidence=quantifier.evidence(faces.logits, px),
            valence=faces.valence.astype(np.float64),
            arousal=faces.arousal.astype(np.float64),
            person=faces.track,
        )

    @classmethod
    def joined(cls, parts: list[Readings]) -> Readings:
        """Join several into one, at least one."""
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def __len__(self) -> int:
        return len(self.look)

    def __getitem__(self, chosen: NDArray[Any]) -> Readings:
        return Readings(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})

    @property
    def most(self) -> int:
        """How many there are in the look with the most: so many different people at the least."""
        return int(np.unique(self.look, return_counts=True)[1].max(initial=0))


@dataclass(frozen=True, slots=True)
class Group:
    """What a group shows.

    Attributes:
        faces: how many were read at the same time, at the most.
        shares: how common each expression is, by label.
        valence, arousal: their means over people, -1 to 1; see `expression.circumplex`.
        tension: the share of `TENSE` together, 0 to 1.
    """

    faces: int
    shares: dict[str, Interval]
    valence: Interval
    arousal: Interval
    tension: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON, rounded to what it is worth."""
        return {
            "faces": self.faces,
            "shares": {label: _rounded(each) for label, each in self.shares.items()},
            **{name: _rounded(getattr(self, name)) for name in ("valence", "arousal", "tension")},
        }


def group_of(readings: Readings, quantifier: Quantifier, seed: int = 0) -> Group:
    """Estimate what a group shows; who calls it sees to it that the group is large enough.

    Args:
        readings: of the group, at least one.
        quantifier: of the network that read them.
        seed: of the bootstrap.
    """
    shares, samples = quantifier.shares(readings.evidence, readings.px, readings.person, seed=seed)
    tense = np.isin(quantifier.labels, TENSE)
    means = (mean_interval(each, readings.person, seed) for each in (readings.valence, readings.arousal))
    valence, arousal = means
    return Group(
        faces=readings.most,
        shares={
            label: interval(float(share), column)
            for label, share, column in zip(quantifier.labels, shares, samples.T, strict=True)
        },
        valence=valence,
        arousal=arousal,
        tension=interval(float(shares[tense].sum()), samples[:, tense].sum(axis=1)),
    )


def sizes_px(faces: Faces) -> Floats:
    """(n,) each face's size in pixels: the side of its crop, about the height of its box."""
    return np.asarray(np.linalg.norm(face_squares(faces)[1], axis=1), np.float64)


def by_size(px: Floats) -> dict[str, int]:
    """Count faces by `SIZES`."""
    place = np.searchsorted([*SIZES.values()], px, side="right") - 1
    return dict(zip(SIZES, np.bincount(place, minlength=len(SIZES)).tolist(), strict=True))


def _rounded(each: Interval) -> dict[str, float]:
    return {name: round(value, 3) for name, value in each._asdict().items()}
