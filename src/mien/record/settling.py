"""A film's first frames wait until it is clear whose face is in them: then they are the subject's too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from mien.record.subject_face import Leading, place_of
from mien.types import Faces, Frame

LIGHT_EVERY_S: Final = 1.0
"""Light and sharpness change slowly, so they are looked at this often."""


@dataclass(frozen=True)
class Taken:
    """A frame that came in.

    Attributes:
        frame: as it came.
        time_s: from the recording's first frame.
        faces: what was read in it.
    """

    frame: Frame
    time_s: float
    faces: Faces


class Settling:
    """Holds frames as long as one face leads in them without being the subject's for sure."""

    def __init__(self) -> None:
        self._leading: Leading | None = None
        self._held: list[Taken] = []

    def hold(self, taken: Taken) -> None:
        """Hold a frame; a picture that nobody will look at is let go, as films can be large."""
        if self._held and taken.time_s - self._held[0].time_s < LIGHT_EVERY_S:
            pixel = taken.frame.image[:1, :1].copy()
            taken = replace(taken, frame=replace(taken.frame, image=pixel))
        self._held.append(taken)

    def release(self, leading: Leading | None, track: int | None) -> list[tuple[Taken, int | None]]:
        """Give what need not be held any more, each frame with the place of the subject's face in it.

        Args:
            leading: the face that leads from now on.
            track: the subject's, where that is clear now.
        """
        if leading is not None and leading == self._leading:
            return []
        led = None if self._leading is None else self._leading[0]
        given = [(each, place_of(each.faces, track) if led == track else None) for each in self._held]
        self._leading, self._held = leading, []
        return given
