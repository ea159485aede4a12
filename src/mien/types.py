"""What flows from stage to stage: `Frame` and `Faces`. Frozen, checked when they are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.labels import EMOTIONS, FER2013, MEASURES, UNCERTAIN

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image as Pillow

Image = NDArray[np.uint8]
"""A picture: uint8, RGB, shape (height, width, 3), the first row on top."""

POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""The five points of a detector, left and right as one sees them in the picture."""

LANDMARKS = 68
"""How many landmarks a face network gives, in the order of iBUG's 300-W (Sagonas et al. 2016)."""


LOGITS = len(EMOTIONS) + len(FER2013)
"""How many logits of expressions a joint network gives: those of FER+ and of FER-2013."""


def check_image(image: object) -> None:
    """Make sure that something is an `Image`.

    Raises:
        TypeError: it is no array.
        ValueError: the array is no such image.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(
            "expected a uint8 array of shape (height, width, 3), received"
            f" {type(image).__name__}; mien.read takes other pictures"
        )
    shape, dtype = image.shape, image.dtype
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype != np.uint8:
        raise ValueError(f"expected a uint8 image of shape (height, width, 3), received {dtype} {shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image with its time.

    Attributes:
        image: uint8 RGB, shape (height, width, 3), as one sees it: upright, with square pixels.
        index: the frame's number in its source, from 0; skipped frames count.
        time_s: seconds from the start by the source's own clock; at least 0.
        source: the file's name or the camera's.
        still: it is a picture by itself, and not one of a film; worth a longer look.
    """

    image: Image
    index: int
    time_s: float
    source: str
    still: bool = False

    def __post_init__(self) -> None:
        check_image(self.image)
        if self.index < 0 or not self.time_s >= 0:
            raise ValueError(f"expected index and time_s >= 0, received {self.index} and {self.time_s}")

    def __repr__(self) -> str:
        width, height = self.size_wh
        return f"Frame({self.source!r}, index={self.index}, time_s={self.time_s:g}, {width}x{height})"

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


_SHAPES: dict[str, tuple[tuple[int, ...], type, float]] = {
    "xyxy": ((4,), np.float32, np.nan),
    "detection": ((), np.float32, np.nan),
    "points": ((len(POINTS), 2), np.float32, np.nan),
    "landmarks": ((LANDMARKS, 2), np.float32, np.nan),
    "presence": ((), np.float32, np.nan),
    "track": ((), np.int64, -1),
    "quality": ((), np.float32, np.nan),
    "logits": ((LOGITS,), np.float32, np.nan),
    "probabilities": ((len(EMOTIONS),), np.float32, np.nan),
    "expression": ((), np.int64, -1),
    "confidence": ((), np.float32, np.nan),
    "shares": ((len(EMOTIONS),), np.float32, np.nan),
    "shares_expression": ((), np.int64, -1),
    "shares_confidence": ((), np.float32, np.nan),
    "neutral": ((), np.int64, 0),
    "valence": ((), np.float32, np.nan),
    "arousal": ((), np.float32, np.nan),
    "measures": ((len(MEASURES),), np.float32, np.nan),
}


@dataclass(frozen=True, slots=True)
class Face:
    """One face, for people and for loops; what is not known is None.

    Attributes:
        label: the expression as a word, or "uncertain".
        confidence: how likely that label is right, 0 to 1.
        probabilities: of each expression that the network knows, under the expected mix; they sum to 1.
        valence: unpleasant to pleasant, -1 to 1.
        arousal: calm to excited, -1 to 1.
        quality: how usable the face is, 0 to 1.
        track: which face it is, from 0, while it is followed.
        xyxy: left, top, right and bottom of its box, in pixels.
    """

    label: str
    confidence: float | None
    probabilities: dict[str, float]
    valence: float | None
    arousal: float | None
    quality: float | None
    track: int | None
    xyxy: tuple[float, float, float, float]

    def __str__(self) -> str:
        return self.label if self.confidence is None else f"{self.label} {self.confidence:.0%}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Faces:
    """All faces found in one frame, as arrays of one length; each stage fills in its own.

    Only `xyxy` is required. What no stage has filled in yet is NaN (or -1). The arrays are copied in and
    read-only.

    Attributes:
        xyxy: (n, 4) left, top, right, bottom in pixels of the frame; right > left, bottom > top.
        detection: (n,) the detector's or tracker's score, 0 to 1.
        points: (n, 5, 2) five landmarks in pixels, in the order of `POINTS`; NaN where the detector has none.
        landmarks: (n, 68, 2) in pixels, iBUG's order; NaN where the network gives none.
        presence: (n,) how likely there is a face in the box at all, 0 to 1; NaN where the network can't tell.
        track: (n,) which face, from 0; -1 before tracking.
        quality: (n,) how usable the face is, 0 to 1.
        logits: (n, 15) of FER+'s expressions and FER-2013's, each less their mean; NaN where the network has
            not both.
        probabilities: (n, 8) under the expected mix, in the order of `labels.EMOTIONS`; NaN where the network
            has no such label.
        expression: (n,) index in `labels.EMOTIONS` of the highest of them; -1 is "uncertain" or unread.
        confidence: (n,) how likely that label is right, also where it is "uncertain", 0 to 1; NaN for a face
            not read yet.
        shares: (n, 8) the share of people who would choose each label, whatever the mix; valence, arousal,
            measures and the record stand on these.
        shares_expression, shares_confidence: (n,) the label that most people would choose, likewise.
        neutral: (n,) index in `labels.NEUTRALS`: against which neutral face the expression is read.
        valence: (n,) -1 to 1, from the shares.
        arousal: (n,) -1 to 1, likewise.
        measures: (n, k) in the order of `labels.MEASURES`; NaN where they are not asked for or not known.
    """

    xyxy: NDArray[np.float32]
    detection: NDArray[np.float32] = None  # type: ignore[assignment]
    points: NDArray[np.float32] = None  # type: ignore[assignment]
    landmarks: NDArray[np.float32] = None  # type: ignore[assignment]
    presence: NDArray[np.float32] = None  # type: ignore[assignment]
    track: NDArray[np.int64] = None  # type: ignore[assignment]
    quality: NDArray[np.float32] = None  # type: ignore[assignment]
    logits: NDArray[np.float32] = None  # type: ignore[assignment]
    probabilities: NDArray[np.float32] = None  # type: ignore[assignment]
    expression: NDArray[np.int64] = None  # type: ignore[assignment]
    confidence: NDArray[np.float32] = None  # type: ignore[assignment]
    shares: NDArray[np.float32] = None  # type: ignore[assignment]
    shares_expression: NDArray[np.int64] = None  # type: ignore[assignment]
    shares_confidence: NDArray[np.float32] = None  # type: ignore[assignment]
    neutral: NDArray[np.int64] = None  # type: ignore[assignment]
    valence: NDArray[np.float32] = None  # type: ignore[assignment]
    arousal: NDArray[np.float32] = None  # type: ignore[assignment]
    measures: NDArray[np.float32] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        count = len(self.xyxy)
        for name in _SHAPES:
            value = getattr(self, name)
            object.__setattr__(
                self, name, _missing(name, count) if value is None else _own(name, value, count)
            )
        _check_boxes(self.xyxy)

    @classmethod
    def empty(cls) -> Faces:
        """No face at all: a value like any other."""
        return cls(np.empty((0, 4), np.float32))

    def __len__(self) -> int:
        return len(self.xyxy)

    def __iter__(self) -> Iterator[Face]:
        """Go through the faces one by one."""
        for index, label in enumerate(self.labels):
            left, top, right, bottom = self.xyxy[index].tolist()
            named = zip(EMOTIONS, self.probabilities[index].tolist(), strict=True)
            track = int(self.track[index])
            yield Face(
                label,
                _known(self.confidence[index]),
                {name: share for name, share in named if share == share},
                _known(self.valence[index]),
                _known(self.arousal[index]),
                _known(self.quality[index]),
                None if track < 0 else track,
                (left, top, right, bottom),
            )

    def __repr__(self) -> str:
        count = "1 face" if len(self) == 1 else f"{len(self)} faces"
        return f"<{': '.join(filter(None, (count, ', '.join(map(str, self)))))}>"

    def __getitem__(self, index: slice | NDArray[Any] | list[int]) -> Faces:
        """Take some of the faces, by slice, mask or list of indices; the result is `Faces` again."""
        arrays = {name: getattr(self, name)[index] for name in _SHAPES}
        if arrays["xyxy"].ndim != 2:
            raise ValueError(f"expected a slice, a mask or a list of indices, received {index!r}")
        for array in arrays.values():
            array.flags.writeable = False
        return _faces_of(arrays)

    def fill(self, **arrays: ArrayLike) -> Faces:
        """Return a copy with some arrays replaced; these are copied in and checked, the others are shared."""
        if unknown := arrays.keys() - _SHAPES.keys():
            raise TypeError(f"expected arrays of Faces, received {', '.join(sorted(unknown))}")
        new = {name: _own(name, value, len(self)) for name, value in arrays.items()}
        if "xyxy" in new:
            _check_boxes(new["xyxy"])
        return _faces_of({name: new[name] if name in new else getattr(self, name) for name in _SHAPES})

    @property
    def size_wh(self) -> NDArray[np.float32]:
        """(n, 2) width and height of each box in pixels."""
        return self.xyxy[:, 2:] - self.xyxy[:, :2]

    @property
    def labels(self) -> list[str]:
        """The expression of each face as a word; `labels.UNCERTAIN` where there is none."""
        return [EMOTIONS[i] if i >= 0 else UNCERTAIN for i in self.expression]

    def by_shares(self) -> Faces:
        """Return the same faces with the shares as probabilities and the label that most would choose.

        It is what is recorded: no mix changes it, so that recordings stay comparable.
        """
        return self.fill(
            probabilities=self.shares, expression=self.shares_expression, confidence=self.shares_confidence
        )

    def to_frame(self, *, measures: bool = False, landmarks: bool = False) -> pd.DataFrame:
        """Return the faces as a table.

        Args:
            measures: whether to add `labels.MEASURES`.
            landmarks: whether to add the 68 landmarks, `lm_0_x`, `lm_0_y` and so on.

        Returns:
            One row per face, with the columns and the rounding of `mien analyze`'s table; those that name the
            source, the frame and its time are left out.

        Example:
            >>> import mien
            >>> mien.read("family.jpg").to_frame()[["expression", "confidence"]]  # doctest: +SKIP
        """
        from mien.table import faces_frame

        return faces_frame(self, measures=measures, landmarks=landmarks)

    def draw(self, image: Image | Pillow.Image | str | Path | bytes, *, panels: bool = True) -> Pillow.Image:
        """Mark the faces on a copy of the picture in which they were read.

        Args:
            image: the picture, in any form that `mien.read` takes.
            panels: whether to draw a bar for each probability, where there is room.

        Returns:
            An image of Pillow's, which a notebook shows and `save` writes.

        Raises:
            SourceError: the photograph can't be read.
            TypeError: it is no picture.
            ValueError: the array is no such picture.

        Example:
            >>> import mien
            >>> faces = mien.read("family.jpg")  # doctest: +SKIP
            >>> faces.draw("family.jpg").save("marked.png")  # doctest: +SKIP
        """
        from PIL import Image as Pillow

        from mien.show.draw import draw
        from mien.source.images import as_image

        checked = Frame(as_image(image), 0, 0, "")
        return Pillow.fromarray(draw(checked.image, self, panels=panels))

    def _repr_html_(self) -> str:
        """Show the faces as a table, in a notebook."""
        from html import escape

        return f"<p>{escape(repr(self))}</p>{self.to_frame().to_html(index=False)}"


def _faces_of(arrays: dict[str, NDArray[Any]]) -> Faces:
    """Return the faces of arrays that are checked and read-only already; `fill` runs six times a frame."""
    faces = object.__new__(Faces)
    for name, array in arrays.items():
        object.__setattr__(faces, name, array)
    return faces


def _own(name: str, value: ArrayLike, count: int) -> NDArray[Any]:
    """Return an array of our own, checked and read-only; another Faces' array is taken as it is."""
    shape, dtype, _ = _SHAPES[name]
    if isinstance(value, np.ndarray) and value.flags.owndata and not value.flags.writeable:
        array: NDArray[Any] = np.asarray(value, dtype)
    else:
        array = np.array(value, dtype)
    if array.size == 0 and count == 0:
        array = array.reshape((0, *shape))
    if array.shape != (count, *shape):
        raise ValueError(f"expected {name} of shape {(count, *shape)}, received {array.shape}")
    array.flags.writeable = False
    return array


def _missing(name: str, count: int) -> NDArray[Any]:
    shape, dtype, missing = _SHAPES[name]
    array: NDArray[Any] = np.full((count, *shape), missing, dtype)
    array.flags.writeable = False
    return array


def _check_boxes(xyxy: NDArray[np.float32]) -> None:
    if len(xyxy) and not (xyxy[:, 2:] > xyxy[:, :2]).all():
        raise ValueError("expected boxes with right > left and bottom > top")


def _known(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else float(value)
