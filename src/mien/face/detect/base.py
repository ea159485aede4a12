"""The seam between what finds faces and what uses them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mien.types import Faces, Image


@runtime_checkable
class Detector(Protocol):
    """Finds all faces of a picture.

    Attributes:
        name: what it is called in settings and summaries.
    """

    name: str

    def detect(self, image: Image) -> Faces:
        """Find the faces.

        Args:
            image: uint8 RGB, (height, width, 3), of any size; it is left as it is.

        Returns:
            `Faces` with `xyxy` inside the picture, `detection`, and `points` where the detector sets any; the
            surest face first.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds; a second time does nothing."""
        ...


@runtime_checkable
class Refiner(Protocol):
    """Looks again where faces have just been: much cheaper than looking everywhere."""

    def refine(self, image: Image, xyxy: NDArray[np.float32]) -> Faces:
        """Find the faces near the given boxes.

        Args:
            image: uint8 RGB, (height, width, 3); it is left as it is.
            xyxy: (n, 4) left, top, right, bottom in pixels, where the faces were last.

        Returns:
            `Faces` as from `Detector.detect`, the surest first; what is not confirmed is left out, and of two
            boxes that have become one face only the surer stays.
        """
        ...
