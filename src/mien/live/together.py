"""How the face and the body go together over a session: valence and arousal beside pulse and skin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.live.reading import Reading
from mien.moments import utc

if TYPE_CHECKING:  # it loads SciPy, for which a session without a sensor should not wait
    from mien.signals.stream.rolling import Course

FACE: Final = ("valence", "arousal")
BODY: Final = ("heart_rate", "skin_level")
_LONGEST_S: Final = 6 * 3600
"""Of longer sessions the newest hours count."""

Seconds = dict[int, tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Together:
    """How one course of the face goes with one of the body.

    Attributes:
        face: "valence" or "arousal".
        body: "heart_rate" or "skin_level".
        correlation: Pearson's, -1 to 1, at the lag where it is strongest.
        lag_s: by how much the body follows the face.
        p: how often chance gives as strong a one.
        seconds: for which both are known.
    """

    face: str
    body: str
    correlation: float
    lag_s: float
    p: float
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "face": self.face,
            "body": self.body,
            "correlation": round(self.correlation, 3),
            "lag_s": round(self.lag_s, 1),
            "p": round(self.p, 4),
            "seconds": round(self.seconds),
        }


def together_message(at_s: float, told: Sequence[Together], body: Sequence[str]) -> dict[str, Any]:
    """Return how face and body go together, ready for JSON, and the same in words as `said`.

    Args:
        at_s: POSIX seconds at which it is told.
        told: what is known.
        body: the courses that sensors gave.
    """
    return {
        "type": "together",
        "at": utc(at_s),
        "together": [each.as_dict() for each in told],
        "said": together_words(told, body),
    }


def together_words(told: Sequence[Together], body: Sequence[str]) -> list[str]:
    """Return how face and body go together, a line for each pair.

    Args:
        told: what is known.
        body: the courses that sensors gave; none, no line.
    """
    if not told and body:
        return ["face and body together: no reading; it needs two minutes of both, and change in both"]
    known = {(each.face, each.body): each for each in told}
    return [
        f"{face} of the face and {course.replace('_', ' ')}: {_pair_words(known.get((face, course)))}"
        for face in FACE
        for course in body
    ]


def _pair_words(pair: Together | None) -> str:
    if pair is None:
        return "no reading"
    return (
        f"r {pair.correlation:+z.2f}, the body {pair.lag_s:+z.0f} s behind, p {pair.p:.3f} over"
        f" {pair.seconds / 60:.0f} min"
    )


class CoursesTogether:
    """Keeps the means of each second; safe from any thread.

    The face is the largest one of the first source that shows one. Of the body the sensor counts that first
    gave the course.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._courses: dict[str, Seconds] = defaultdict(dict)
        self._from: dict[str, str] = {}
        self._given: set[str] = set()
        self._told: tuple[object, tuple[Together, ...]] = (None, ())

    def take_face(self, reading: Reading) -> None:
        """Take what a source's frame shows."""
        faces = reading.faces
        if not len(faces):
            return
        largest = int(faces.size_wh.prod(axis=1).argmax())
        with self._lock:
            if self._from.setdefault("face", reading.source) == reading.source:
                for name in FACE:
                    self._add(name, reading.at_s, float(getattr(faces, name)[largest]))

    def take_body(self, source: str, courses: Mapping[str, Course]) -> None:
        """Take a sensor's newest seconds."""
        with self._lock:
            self._given.update(courses)
            for name, (times_s, values) in courses.items():
                if len(times_s) and self._from.setdefault(name, source) == source:
                    for at_s, value in zip(times_s.tolist(), values.tolist(), strict=True):
                        self._add(name, at_s, value)

    @property
    def body(self) -> tuple[str, ...]:
        """The courses that sensors measure, of `BODY`; also those that never had a reading."""
        with self._lock:
            return tuple(name for name in BODY if name in self._given)

    def told(self) -> tuple[Together, ...]:
        """Return how they go together; nothing before two minutes of both.

        However often it is asked for, it is worked out once for each second of the courses.
        """
        with self._lock:
            newest = {name: (next(reversed(each)), len(each)) for name, each in self._courses.items()}
            if newest == self._told[0]:
                return self._told[1]
            seconds = {name: dict(each) for name, each in self._courses.items()}
        told = _compared({name: _course(each) for name, each in seconds.items()})
        with self._lock:
            self._told = newest, told
        return told

    def _add(self, name: str, at_s: float, value: float) -> None:
        if value - value != 0:
            return
        seconds = self._courses[name]
        total, count = seconds.get(int(at_s), (0.0, 0))
        seconds[int(at_s)] = total + value, count + 1
        if len(seconds) > _LONGEST_S:
            del seconds[next(iter(seconds))]


def _compared(courses: Mapping[str, Course]) -> tuple[Together, ...]:
    from mien.signals.agreement import agreement

    found = []
    for face in FACE:
        for body in BODY:
            if face in courses and body in courses:
                told = agreement(courses[face], courses[body])
                if told is not None:
                    found.append(Together(face, body, told.correlation, told.lag_s, told.p, told.seconds))
    return tuple(found)


def _course(seconds: Seconds) -> Course:
    times = sorted(seconds)
    return np.array(times) + 0.5, np.array([seconds[each][0] / seconds[each][1] for each in times])
