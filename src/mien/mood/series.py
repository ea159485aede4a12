"""`Series`: the readings of one person over one recording, which the measures of mood are computed from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, MEASURES

Floats = NDArray[np.float64]

LONGEST_STEP_S: Final = 2.0
"""What lies between two frames further apart than this was not watched."""

_SHAPES: Final = {
    "quality": (),
    "light": (),
    "sharpness": (),
    "face_px": (),
    "probabilities": (len(EMOTIONS),),
    "expression": (),
    "confidence": (),
    "valence": (),
    "arousal": (),
    "measures": (len(MEASURES),),
}


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One row per analysed frame, also of frames in which the person was not seen.

    The arrays are copied in and read-only. A frame without the person is NaN (and -1 in `expression`)
    everywhere but in `time_s`.

    Attributes:
        time_s: (n,) seconds from the recording's start, rising.
        quality: (n,) 0 to 1.
        light, sharpness: (n,) parts of the quality, 0 to 1; known about once a second, NaN in between.
        face_px: (n,) geometric mean of the box's sides in pixels.
        probabilities: (n, 8) in the order of `labels.EMOTIONS`, raw.
        expression: (n,) index of the label; -1 is uncertain, or not seen.
        confidence: (n,) the label's probability.
        valence, arousal: (n,) -1 to 1.
        measures: (n, k) in the order of `labels.MEASURES`; NaN where not asked for.
    """

    time_s: Floats
    quality: Floats
    light: Floats
    sharpness: Floats
    face_px: Floats
    probabilities: Floats
    expression: NDArray[np.int64]
    confidence: Floats
    valence: Floats
    arousal: Floats
    measures: Floats

    def __post_init__(self) -> None:
        count = len(self.time_s)
        for each in fields(self):
            dtype = np.int64 if each.name == "expression" else np.float64
            array = np.array(getattr(self, each.name), dtype)
            expected = (count, *_SHAPES.get(each.name, ()))
            if array.shape != expected:
                raise ValueError(f"expected {each.name} of shape {expected}, received {array.shape}")
            array.flags.writeable = False
            object.__setattr__(self, each.name, array)
        if count > 1 and not (np.diff(self.time_s) > 0).all():
            raise ValueError("expected times that rise from frame to frame")

    def __len__(self) -> int:
        return len(self.time_s)

    def __getitem__(self, index: slice | NDArray[np.bool_]) -> Series:
        """Take some of the rows, in order."""
        return Series(**{each.name: getattr(self, each.name)[index] for each in fields(self)})

    @classmethod
    def empty(cls) -> Series:
        """No row at all."""
        return cls(np.empty(0), **{name: np.empty((0, *shape)) for name, shape in _SHAPES.items()})  # type: ignore[arg-type]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) whether the person was seen well enough to be read: there is a label, not `uncertain`."""
        return self.expression >= 0

    @property
    def step_s(self) -> Floats:
        """(n,) how long each row stands for: the time to the next one, where that is no gap.

        The last row stands for as long as the median row; after a gap, time counts anew.
        """
        if len(self) < 2:
            return np.zeros(len(self))
        steps = np.diff(self.time_s)
        watched = np.where(steps <= LONGEST_STEP_S, steps, 0.0)
        usual = float(np.median(steps[steps <= LONGEST_STEP_S])) if (steps <= LONGEST_STEP_S).any() else 0.0
        return np.append(watched, usual)
