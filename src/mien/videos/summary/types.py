"""What a summary is: its pieces, with a reason for each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ConfigError
from mien.types import Image
from mien.videos.summary.course import STEP_S, Course, Floats
from mien.videos.summary.moments import Usual
from mien.videos.summary.words import WAY_IN
from mien.wording import count

_MOST_POINTS: Final = 2000
"""The course in JSON and on the page has no more points than this; each is a mean."""
_LENGTH: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(%|s|m|min)?")


def parse_length(length: str | float) -> tuple[float, bool]:
    """Read how long a summary may be.

    Args:
        length: "60s", "2m", a number of seconds, or a share such as "15%".

    Returns:
        The number, and whether it is a share of the film.

    Raises:
        ConfigError: it is none of these, or not above 0, or a share of 100 % or more.
    """
    parts = _LENGTH.fullmatch(str(length).strip().lower())
    if parts is None or not float(parts[1]) > 0:
        raise ConfigError(
            "length: expected seconds or a share of the film above 0, such as 60s, 2m or 15%, received"
            f" {length!r}"
        )
    number, unit = float(parts[1]), parts[2]
    if unit == "%":
        if number >= 100:
            raise ConfigError(f"length: expected a share under 100%, received {length}")
        return number / 100, True
    return number * (60 if unit in ("m", "min") else 1), False


@dataclass(frozen=True)
class Piece:
    """One piece of a summary.

    Attributes:
        start_s, end_s: its place in the recording.
        at_s: where it begins in the summary.
        picture_s: the time in the recording of its picture.
        state: the expression, or that the face is hidden or partly covered; "" for none that is clear.
        reason: why it was chosen, in words.
        score: of its tenths of a second, 0 to 1 on average.
        cuts_speech: whether one of its ends lies where there is a voice.
    """

    start_s: float
    end_s: float
    at_s: float
    picture_s: float
    state: str
    reason: str
    score: float
    cuts_speech: bool


@dataclass(frozen=True, eq=False)
class Summary:
    """What was chosen of a film, and why. It is a way into the recording, not its replacement.

    Attributes:
        source: the film's name.
        duration_s: its length.
        wanted_s: the longest that the summary may be.
        pieces: what was chosen, by time; empty where there is nothing to choose by.
        states: what is expressed for a second or longer, with the share of the film that it takes.
        missing: which of these found no room.
        usual: what distances are measured from; None without a face.
        notes: what is to be known about it, in words.
        score: (n,) of each tenth of a second, 0 to 1.
        course: of the film; None where it wasn't read.
        pictures: one of each piece; empty where nothing was written.
        files: what was written.
    """

    source: str
    duration_s: float
    wanted_s: float
    pieces: tuple[Piece, ...] = ()
    states: dict[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    usual: Usual | None = None
    notes: tuple[str, ...] = ()
    score: Floats = field(default_factory=lambda: np.zeros(0))
    course: Course | None = None
    pictures: tuple[Image, ...] = ()
    files: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        length = f"{self.length_s:.1f} of {self.duration_s:.1f} s"
        return f"<Summary of {self.source}: {count(len(self.pieces), 'piece')}, {length}>"

    @property
    def length_s(self) -> float:
        """How long the summary is."""
        return sum(each.end_s - each.start_s for each in self.pieces)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it ready for JSON; the course is thinned to 2,000 points."""
        return {
            "source": self.source,
            "duration_s": round(self.duration_s, 3),
            "wanted_s": round(self.wanted_s, 3),
            "length_s": round(self.length_s, 3),
            "pieces": [
                {
                    "start_s": round(each.start_s, 3), "end_s": round(each.end_s, 3),
                    "at_s": round(each.at_s, 3), "picture_s": round(each.picture_s, 3),
                    "state": each.state, "reason": each.reason, "score": round(each.score, 4),
                    "cuts_speech": each.cuts_speech,
                }
                for each in self.pieces
            ],
            "states": {name: round(share, 4) for name, share in self.states.items()},
            "missing": list(self.missing),
            "usual": None if self.usual is None else self.usual._asdict(),
            "notes": list(self.notes),
            "course": self._thinned(),
            "about": WAY_IN,
        }  # fmt: skip

    def _thinned(self) -> dict[str, Any]:
        step = max(1, -(-len(self.score) // _MOST_POINTS))
        course = self.course
        lines = {"score": self.score}
        if course is not None:
            lines |= {"valence": course.valence, "arousal": course.arousal}
            if course.attention is not None:
                lines["attention"] = course.attention
        return {"step_s": round(step * STEP_S, 3)} | {
            name: _means(line, step) for name, line in lines.items()
        }


def _means(line: Floats, step: int) -> list[float | None]:
    padded = np.append(line, np.full(-len(line) % step, np.nan)).reshape(-1, step)
    known = np.isfinite(padded)
    means = np.where(known, padded, 0).sum(axis=1) / known.sum(axis=1).clip(min=1)
    return [
        round(float(each), 4) if any_known else None
        for each, any_known in zip(means, known.any(axis=1), strict=True)
    ]
