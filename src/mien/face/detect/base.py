"""The seam between what finds faces and what uses them."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

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
    """Looks again where faces are expected: much cheaper than looking everywhere."""

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Find the faces near those expected.

        Args:
            image: uint8 RGB, (height, width, 3); it is left as it is.
            faces: where they are expected. Of a face that is followed, `track` is its number, and `presence`
                what it was; 0 where it was missed, or where the detector didn't see it when it last looked.

        Returns:
            The faces where they are, with all that was found out by looking; what is not confirmed is left
            out. Two may have become one face.
        """
        ...
