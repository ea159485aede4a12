"""A film's smiles and what the body did beside them; how it answers to the onset of each expression."""

from __future__ import annotations

import csv
import re
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.files import written_whole
from mien.labels import EMOTIONS
from mien.measures.smile import POINTS, SmileDynamics, smile_dynamics, smile_points
from mien.mood.episodes import Episode, EpisodeFinder, quick_enough
from mien.signals.body import Response, find_responses, muscle_activity, sound_skin
from mien.signals.responses import AFTER_S, Responses, responses
from mien.signals.types import Figure, Signal, Signals
from mien.types import Faces

COLUMNS: Final = (
    "track", "start_s", "end_s", "peak", "onset_s", "apex_s", "offset_s", "onset_duration_s",
    "apex_duration_s", "offset_duration_s", "amplitude", "onset_speed", "offset_speed", "amplitude_per_s",
    "peaks", "asymmetry", "left_lag_s", "cheek_raise", "cheek_lag_s", "quality", "smile_muscle_ratio",
    "skin_response_us", "skin_response_after_s", "heart_rate_change",
)  # fmt: skip

_OF_DYNAMICS: Final = COLUMNS[4:20]
_SMILE_MUSCLE: Final = re.compile(r"zyg|smile", re.IGNORECASE)
_MUSCLE_BEFORE_S: Final = 2.0
_SKIN_AFTER_S: Final = (1.0, 5.0)
"""A response of the skin begins one to a few seconds after what it answers to (Boucsein 2012)."""

Floats = NDArray[np.float64]
Course = tuple[Floats, Floats]


class ExpressionCourse:
    """Keeps, face by face, what a film's episodes and smiles are found in: 60 bytes a face and frame."""

    def __init__(self) -> None:
        self._times: dict[int, array[float]] = defaultdict(lambda: array("d"))
        self._rows: dict[int, array[float]] = defaultdict(lambda: array("f"))

    def take(self, time_s: float, faces: Faces) -> None:
        """Take the next frame."""
        if not len(faces):
            return
        rows = np.column_stack([faces.probabilities, smile_points(faces.landmarks)])
        for track, row in zip(faces.track.tolist(), rows, strict=True):
            self._times[track].append(time_s)
            self._rows[track].extend(row.tolist())

    @property
    def tracks(self) -> tuple[int, ...]:
        """Every face that was seen."""
        return tuple(sorted(self._times))

    def episodes(self, tracks: Sequence[int]) -> list[tuple[int, Episode]]:
        """Return each expression's episodes of some faces, with the face, by their onset."""
        found = []
        for track in tracks:
            times, rows = self._of(track)
            if len(times) < 2 or not quick_enough(float(np.median(np.diff(times)))):
                continue
            finder = EpisodeFinder()
            for time_s, row in zip(times.tolist(), rows, strict=True):
                found += [(track, each) for each in finder.push(time_s, row[: len(EMOTIONS)])]
            found += [(track, each) for each in finder.unfinished()]
        return sorted(found, key=lambda each: (each[1].onset_s, each[0]))

    def smiles(self, tracks: Sequence[int]) -> Iterator[tuple[int, Episode, SmileDynamics | None]]:
        """Yield the smiles of some faces and how they went, as far as that could be seen."""
        for track, episode in self.episodes(tracks):
            if episode.kind == "smile":
                times, rows = self._of(track)
                points = rows[:, len(EMOTIONS) :]
                yield track, episode, smile_dynamics(times, points, episode.onset_s, episode.offset_s)

    def _of(self, track: int) -> tuple[Floats, Floats]:
        rows = np.array(self._rows.get(track, ()), np.float64)
        return np.array(self._times.get(track, ())), rows.reshape(-1, len(EMOTIONS) + len(POINTS))


@dataclass(frozen=True, slots=True)
class BodyCourses:
    """A body on a film's clock.

    Attributes:
        read: its signals.
        courses: its rate of the heart and its skin's level, as far as it has them.
        common_s: the time that both have.
        tracks: whose face it is.
    """

    read: Signals
    courses: dict[str, Course]
    common_s: tuple[float, float]
    tracks: tuple[int, ...]


def write_smiles(path: Path, course: ExpressionCourse, body: BodyCourses | None) -> dict[str, Any]:
    """Write a film's smiles, and return what the summary says of them.

    Args:
        path: of the table.
        course: of the faces.
        body: what goes with one of them; without it the smiles of all faces are written.

    Raises:
        OutputError: it can't be written.
    """
    found = list(course.smiles(course.tracks if body is None else body.tracks))
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for track, episode, dynamics in found:
            cells: dict[str, float | int | None] = {
                "track": track, "start_s": episode.onset_s, "end_s": episode.offset_s, "peak": episode.peak,
            }  # fmt: skip
            if dynamics is not None:
                cells |= {name: getattr(dynamics, name) for name in _OF_DYNAMICS}
            if body is not None:
                cells |= _beside(body, episode if dynamics is None else dynamics, episode.offset_s)
            writer.writerow([_cell(cells.get(name)) for name in COLUMNS])
    return {"smiles": len(found), "measured": sum(dynamics is not None for _, _, dynamics in found)}


def _cell(value: float | int | None) -> str:
    return "" if value is None else f"{value:.4g}" if abs(value) < 100 else f"{value:.2f}"


def _beside(body: BodyCourses, smile: Episode | SmileDynamics, end_s: float) -> dict[str, float | int | None]:
    """Return what the body did beside a smile; None where it isn't known."""
    onset_s = smile.onset_s
    told: dict[str, float | int | None] = {}
    muscles = [each for each in body.read.of("emg") if _SMILE_MUSCLE.search(each.name)]
    for muscle in muscles[:1]:
        before = muscle_activity(muscle, onset_s - _MUSCLE_BEFORE_S, onset_s).value
        during = muscle_activity(muscle, onset_s, max(end_s, onset_s + 0.5)).value
        told["smile_muscle_ratio"] = during / before if before and during is not None else None
    for skin in body.read.of("eda")[:1]:
        around = skin.in_unit("uS").between(onset_s - 5, onset_s + 15)
        if len(around) and sound_skin(around).all() and around.times_s[-1] >= onset_s + _SKIN_AFTER_S[1] + 3:
            begun = [(_rises(around, each) - onset_s, each.size_us) for each in find_responses(around)]
            answers = [each for each in begun if _SKIN_AFTER_S[0] <= each[0] <= _SKIN_AFTER_S[1]]
            told["skin_response_after_s"], told["skin_response_us"] = answers[0] if answers else (None, 0.0)
    if "heart_rate" in body.courses:
        told["heart_rate_change"] = responses(body.courses["heart_rate"], [onset_s], body.common_s).changes[0]
    return told


def _rises(skin: Signal, found: Response) -> float:
    """Return when a response has done a tenth of its rise: before that, a calm skin hardly shows where."""
    rise = skin.between(found.onset_s, found.peak_s)
    low = rise.times_s[rise.values <= rise.values.min() + 0.1 * found.size_us] if len(rise) else rise.times_s
    return float(low[-1]) if len(low) else found.onset_s


def after_onsets(course: ExpressionCourse, body: BodyCourses) -> tuple[list[dict[str, Any]], list[Figure]]:
    """Return how the body changed after the onsets of each expression, and after each of them.

    Returns:
        For the summary a line for each expression with three onsets or more and each course of the body;
        and a figure for each onset.
    """
    onsets: dict[str, list[float]] = defaultdict(list)
    for _, episode in course.episodes(body.tracks):
        if body.common_s[0] <= episode.onset_s < body.common_s[1]:
            onsets[episode.label].append(episode.onset_s)
    lines, rows = [], []
    for label, when in sorted(onsets.items()):
        for name, values in body.courses.items():
            found = responses(values, when, body.common_s)
            unit = {"heart_rate": "1/min", "skin_level": "uS"}[name]
            rows += [
                Figure(at, at + AFTER_S, label, f"{name}_response", unit, change, float(change is not None))
                for at, change in zip(when, found.changes, strict=True)
            ]
            if found.mean is not None:
                lines.append(_line(label, name, unit, found))
    return lines, rows


def _line(label: str, name: str, unit: str, found: Responses) -> dict[str, Any]:
    return {
        "face": label,
        "body": name,
        "unit": unit,
        "onsets": len(found.changes),
        "known": sum(each is not None for each in found.changes),
        "mean": round(found.mean or 0.0, 4),
        "p": None if found.p is None else round(found.p, 3),
        "chance": None if found.chance is None else round(found.chance, 4),
    }
