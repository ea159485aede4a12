"""The last minutes of each live source: every reading as rows of the table, and a thinner timeline."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from mien.live.reading import Reading
from mien.source.base import Chooser
from mien.table import COLUMNS, csv_lines

POINTS_HZ: Final = 5.0
"""A timeline has at most so many points a second."""

_MOST_HZ: Final = 60
"""Of more readings a second than this, the oldest go before their time, so that memory has a bound."""


@dataclass
class _Past:
    lines: deque[tuple[float, str]]
    points: deque[dict[str, Any]] = field(default_factory=deque)
    chooser: Chooser = field(default_factory=lambda: Chooser(fps=POINTS_HZ))

    def drop_before(self, at_s: float) -> None:
        while self.lines and self.lines[0][0] < at_s:
            self.lines.popleft()
        while self.points and self.points[0]["at_s"] < at_s:
            self.points.popleft()


MOST_SOURCES: Final = 100
"""Of more, those that have been silent for longest are forgotten; a browser's camera is one each time."""


class History:
    """Keeps the last minutes of readings, never a picture; in memory only, and safe from any thread.

    What a removed source said stays until it is too old, so that it can still be saved.

    Args:
        minutes: how far back it goes.
    """

    def __init__(self, minutes: float = 10.0) -> None:
        self._kept_s = 60 * minutes
        self._lock = Lock()
        self._past: dict[str, _Past] = {}

    def add(self, reading: Reading) -> None:
        """Keep a reading, and drop what is too old."""
        lines = csv_lines(reading.rows)
        with self._lock:
            past = self._past.pop(reading.source, None) or _Past(
                deque(maxlen=max(1, int(_MOST_HZ * self._kept_s)))
            )
            self._past[reading.source] = past  # behind those that have not said anything for longer
            if len(self._past) > MOST_SOURCES:
                del self._past[next(iter(self._past))]
            if lines:
                past.lines.append((reading.at_s, lines))
                if past.chooser.wants(reading.frame.index, reading.frame.time_s):
                    past.points.append(_point(reading))
            for source, each in list(self._past.items()):
                each.drop_before(reading.at_s - self._kept_s)
                if not each.lines and source != reading.source:
                    del self._past[source]

    def forget(self, source: str) -> None:
        """Drop all that is kept of a source."""
        with self._lock:
            self._past.pop(source, None)

    def points(self, source: str, since_s: float = -1.0) -> list[dict[str, Any]]:
        """Return the timeline of a source: its largest face, smoothed for the eye, at most `POINTS_HZ`.

        Args:
            source: its name; one that is not known has no points.
            since_s: give only what came after this time of the source.

        Returns:
            Points with time_s, at_s, track, expression, valence, arousal and the eight probabilities in the
            order of `labels.EMOTIONS`; unknown numbers are None. While there is no face there is no point.
        """
        with self._lock:
            past = self._past.get(source)
            return [point for point in past.points if point["time_s"] > since_s] if past else []

    def csv(self, source: str) -> str:
        """Return the table of a source's last minutes, as read: `COLUMNS`, one row per face and frame."""
        with self._lock:
            past = self._past.get(source)
            lines = [lines for _, lines in past.lines] if past else []
        return "".join([",".join(COLUMNS) + "\n", *lines])


def _point(reading: Reading) -> dict[str, Any]:
    said = reading.as_dict()
    face = max(said["faces"], key=lambda each: each["width"] * each["height"])
    shown = face["shown"]
    return {
        "time_s": said["time_s"],
        "at_s": round(reading.at_s, 3),
        "track": face["track"],
        "expression": shown["expression"],
        "valence": shown["valence"],
        "arousal": shown["arousal"],
        "probabilities": list(shown["probabilities"].values()),
    }
