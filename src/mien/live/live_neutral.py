"""The own neutral face of the person before a live source: learnt when they say so, and forgotten again."""

from __future__ import annotations

from threading import Lock
from typing import Final

from mien.errors import ConfigError
from mien.live.status import NeutralStatus
from mien.neutral import LEAST_S, Own, OwnFaces, RestMeter
from mien.pipeline import Pipeline
from mien.record.subject_face import SubjectFace
from mien.types import Faces, Frame

SECONDS: Final = 3.0
"""So long somebody looks neutral, unless something else is asked for."""
MOST_S: Final = 60.0
_PATIENCE: Final = 4.0
"""Who is not seen well for so many times the seconds asked for is not learnt."""


class LiveNeutral:
    """Learns one person's neutral face from a live source, and reads by it; safe from any thread.

    Args:
        own: what is known from the start.
        learn_s: learn it from the first so many seconds; None waits until somebody asks.
    """

    def __init__(self, own: Own | None = None, learn_s: float | None = None) -> None:
        self._lock = Lock()
        self._own = own
        self._wanted_s = learn_s
        self._cuts = 0
        self._note: str | None = None
        self._following = False
        self._begin()

    @property
    def status(self) -> NeutralStatus:
        """How things stand; from any thread."""
        with self._lock:
            if self._own is not None:
                rest, origin = self._own
                return NeutralStatus("on", origin, rest.seconds, self._wanted_s, self._following)
            if self._wanted_s is None:
                return NeutralStatus(note=self._note)
            seen_s = 0.0 if self._meter is None else self._meter.seconds
            return NeutralStatus("learning", "average", min(seen_s, self._wanted_s), self._wanted_s)

    def learn(self, seconds: float = SECONDS) -> None:
        """Learn it from the next seconds in which the face is seen well; what was known is forgotten.

        Raises:
            ConfigError: so many seconds can't be.
        """
        if not LEAST_S <= seconds <= MOST_S:
            raise ConfigError(
                f"neutral: expected from {LEAST_S:g} to {MOST_S:g} seconds, received {seconds:g}"
            )
        with self._lock:
            self._own, self._wanted_s, self._note = None, seconds, None
            self._begin()

    def forget(self) -> None:
        """Read by everybody's neutral face again."""
        with self._lock:
            self._own = self._wanted_s = self._note = None
            self._begin()

    def read(self, pipeline: Pipeline, frame: Frame, faces: Faces, cuts: int) -> Faces:
        """Take the next frame: learn from it, or read its faces by what is known.

        Args:
            pipeline: the stages.
            frame: the next one.
            faces: its faces, read and followed.
            cuts: noticed so far.
        """
        with self._lock:
            if self._own is None and self._wanted_s is None:
                return faces
            if cuts > self._cuts:
                self._face.cut()
            self._cuts = cuts
            if self._own is None:
                self._learn_from(pipeline, frame, faces)
                return faces
            reader = OwnFaces(pipeline.decider, self._own, self._face)
            read = reader.read(frame, faces)
            self._following = bool((read.neutral > 0).any())
            return read

    def _begin(self) -> None:
        self._face = SubjectFace(settle_s=0.0)
        self._meter: RestMeter | None = None
        self._since_s: float | None = None
        self._following = False

    def _learn_from(self, pipeline: Pipeline, frame: Frame, faces: Faces) -> None:
        wanted_s = self._wanted_s or SECONDS
        self._since_s = frame.time_s if self._since_s is None else self._since_s
        self._meter = self._meter or RestMeter(pipeline.network)
        index = self._face.find(faces, frame.time_s, frame.size_wh)
        if index is not None:
            self._meter.see(frame.image, faces[[index]], frame.time_s)
        if self._meter.seconds >= wanted_s and (rest := self._meter.rest()) is not None:
            self._own = Own(rest, "first")
        elif frame.time_s - self._since_s > _PATIENCE * wanted_s + 1:
            self._wanted_s = None
            self._note = (
                f"no face was seen well for {wanted_s:g} s: alone in the picture, near, in good light and"
                " turned to the camera; try again"
            )
