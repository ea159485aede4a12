"""The face of a clip on an even grid of times: what everything that reads a whole video sees of it.

Faces are found, followed and read by the pipeline, as ever; this only lays one of them on the grid, so that a
network's frames are as far apart in every video. A gap stays a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from mien.config import load_settings
from mien.errors import ConfigError, SourceError
from mien.face.crop import crop_faces
from mien.labels import EMOTIONS
from mien.measures.pose import solve_pose
from mien.pipeline import Pipeline
from mien.source import SourceReport, open_source
from mien.types import LANDMARKS, Faces, Frame
from mien.wording import first_few

Floats = NDArray[np.float32]

SIZE_PX: Final = 64
"""Side of a clip's crops."""

FRAMES_PER_SECOND: Final = 10.0
"""Steps of the grid in a second, unless somebody wants others."""

WINDOW_S: Final = 60.0
"""Length of the pieces that a long video is read in."""

HOLD_S: Final = 0.5
"""A frame stands for the time until the next one, at most for so long."""

_NAMED: Final = 6

ONE_PICTURE: Final = "a single picture, not a film: nothing is known of before and after"

_LARGER: Final = 2.0
"""The face that is followed is left for another one whose box has this many times its area."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceClip:
    """One face over n steps of an even grid; a step without the face has `present` False, NaN and black.

    Attributes:
        source: the file's name.
        frames_per_second: steps in a second.
        times_s: (n,) from the beginning of the video.
        present: (n,) whether the face was read.
        crops: (n, 64, 64) uint8, grey and upright, framed as the network's own (`face.crop`).
        landmarks: (n, 68, 2) in pixels of the frame; NaN with a network that finds none.
        pose_deg: (n, 3) yaw, pitch and roll, see `measures.pose`; NaN likewise.
        probabilities: (n, 8) in the order of `labels.EMOTIONS`.
        valence, arousal: (n,) -1 to 1.
        quality: (n,) 0 to 1.
    """

    source: str
    frames_per_second: float
    times_s: NDArray[np.float64]
    present: NDArray[np.bool_]
    crops: NDArray[np.uint8]
    landmarks: Floats
    pose_deg: Floats
    probabilities: Floats
    valence: Floats
    arousal: Floats
    quality: Floats

    def __len__(self) -> int:
        return len(self.times_s)

    def __getitem__(self, steps: slice) -> Self:
        """Take some steps; the result is a clip again."""
        return type(self)(self.source, self.frames_per_second, *(array[steps] for array in self._arrays()))

    def between(self, start_s: float | None, end_s: float | None) -> Self:
        """Take the steps from one time, None for the beginning, to before another, None for the end."""
        low = 0 if start_s is None else int(np.searchsorted(self.times_s, start_s - 1e-6))
        high = len(self) if end_s is None else int(np.searchsorted(self.times_s, end_s - 1e-6))
        return self[low:high]

    def _arrays(self) -> list[NDArray[Any]]:
        return [getattr(self, field.name) for field in fields(self)[2:]]


def film_notes(report: SourceReport) -> tuple[str, ...]:
    """Return what a reader should know of a film, once all of it is read: as where it breaks off.

    Args:
        report: of the source that gave its frames.
    """
    notes = () if report.note is None else (report.note,)
    return (*notes, ONE_PICTURE) if report.frames_read == 1 else notes


def read_clips(
    path: str | Path,
    *,
    frames_per_second: float = FRAMES_PER_SECOND,
    window_s: float = WINDOW_S,
    track: int | None = None,
    pipeline: Pipeline | None = None,
    end_s: float | None = None,
    progress: Callable[[float], None] | None = None,
    ended: Callable[[SourceReport], None] | None = None,
) -> Iterator[FaceClip]:
    """Read one face of a video, piece by piece, so that hours need no more memory than a minute.

    Args:
        path: of the video; a photograph is a clip of one step.
        frames_per_second: steps of the grid in a second; frames between them are left out.
        window_s: length of a piece.
        track: which face, by its number; None for the largest: it is left where it is gone, or another is
            twice as large.
        pipeline: finds and reads faces; None for one by the settings. It stays open.
        end_s: where to stop; None for the end of the video.
        progress: called with the share of the video that is read, 0 to 1, where its length is known.
        ended: called with what the source says of itself, after the last piece; see `film_notes`.

    Yields:
        Pieces, one after the other; the last may be shorter.

    Raises:
        ConfigError: a number is out of range, or a setting is wrong.
        SourceError: the video can't be read, or it has no frame.
        ModelError: a network is missing or damaged.

    Example:
        >>> for clip in read_clips("session.mp4"):  # doctest: +SKIP
        ...     print(clip.times_s[0], clip.present.mean())
    """
    if not (frames_per_second > 0 and window_s * frames_per_second >= 1):
        raise ConfigError(
            f"expected frames_per_second above 0 and a window of at least one step, received"
            f" {frames_per_second} and {window_s}"
        )
    ours = None if pipeline else Pipeline(load_settings())
    reads = pipeline or ours
    assert reads is not None
    try:
        with closing(open_source(path, fps=frames_per_second)) as source:
            face = _Follows(track)
            steps = _on_grid(reads.stream(source), frames_per_second, face, end_s)
            for piece in _pieces(steps, Path(path).name, frames_per_second, window_s):
                if progress and source.report.duration_s:
                    progress(min(1.0, float(piece.times_s[-1]) / source.report.duration_s))
                yield piece
            face.check_found(path)
            if ended:
                ended(source.report)
    finally:
        if ours:
            ours.close()


def read_clip(path: str | Path, *, start_s: float | None = None, **how: Any) -> FaceClip:
    """Read one face of a video as a whole; arguments and errors otherwise as of `read_clips`.

    Args:
        path: of the video.
        start_s: leave out what comes before; None for the beginning.
        how: see `read_clips`.
    """
    return join(list(read_clips(path, **how))).between(start_s, None)


def join(clips: list[FaceClip]) -> FaceClip:
    """Put pieces of one video together, at least one."""
    first = clips[0]
    columns = zip(*(clip._arrays() for clip in clips), strict=True)
    return FaceClip(first.source, first.frames_per_second, *(np.concatenate(parts) for parts in columns))


_Step = dict[str, Any]
"""What one step of the grid holds, by the names of the clip's arrays."""

_NOTHING: Final[_Step] = {
    "present": False,
    "crops": np.zeros((SIZE_PX, SIZE_PX), np.uint8),
    "landmarks": np.full((LANDMARKS, 2), np.nan, np.float32),
    "pose_deg": np.full(3, np.nan, np.float32),
    "probabilities": np.full(len(EMOTIONS), np.nan, np.float32),
    "valence": np.float32(np.nan),
    "arousal": np.float32(np.nan),
    "quality": np.float32(np.nan),
}


def _on_grid(
    frames: Iterator[tuple[Frame, Faces]], rate: float, face: _Follows, end_s: float | None
) -> Iterator[tuple[float, _Step]]:
    """Lay frames on the grid: each step has the frame that was newest then, half a step later at most."""
    step, number, last_s = _NOTHING, 0, -np.inf
    for frame, faces in frames:
        while (time_s := number / rate) < frame.time_s - 0.5 / rate:
            if end_s is not None and time_s >= end_s:
                return
            yield time_s, step if time_s - last_s <= HOLD_S else _NOTHING
            number += 1
        step, last_s = face.step(frame, faces), frame.time_s
    if last_s > -np.inf and (end_s is None or number / rate < end_s):
        yield number / rate, step


class _Follows:
    """Chooses the face of each frame."""

    def __init__(self, track: int | None) -> None:
        self._wanted = track
        self._last: int | None = track
        self._seen: set[int] = set()

    def step(self, frame: Frame, faces: Faces) -> _Step:
        place = self._place(faces)
        return _NOTHING if place is None else _step(frame, faces[[place]])

    def _place(self, faces: Faces) -> int | None:
        if not len(faces):
            return None
        self._seen.update(faces.track.tolist())
        there = np.flatnonzero(faces.track == self._last) if self._last is not None else np.empty(0, int)
        if self._wanted is not None:
            return int(there[0]) if len(there) else None
        areas = faces.size_wh.prod(axis=1)
        largest = int(areas.argmax())
        if len(there) and areas[largest] < _LARGER * areas[there[0]]:
            return int(there[0])
        self._last = int(faces.track[largest])
        return largest

    def check_found(self, path: str | Path) -> None:
        """Raise where other faces were seen, but never the one that is wanted.

        Raises:
            SourceError: its number is that of no face; the message says which there are.
        """
        if self._wanted is not None and self._seen and self._wanted not in self._seen:
            there = first_few([str(each) for each in sorted(self._seen)], _NAMED)
            raise SourceError(f"{path}: no face has the number {self._wanted}; the numbers are {there}")


def _step(frame: Frame, face: Faces) -> _Step:
    points = face.landmarks
    pose = np.full((1, 3), np.nan) if np.isnan(points).any() else solve_pose(points).angles_deg
    return {
        "present": True,
        "crops": crop_faces(frame.image, face, SIZE_PX)[0],
        "landmarks": points[0],
        "pose_deg": pose[0].astype(np.float32),
        "probabilities": face.probabilities[0],
        "valence": face.valence[0],
        "arousal": face.arousal[0],
        "quality": face.quality[0],
    }


def _pieces(
    steps: Iterator[tuple[float, _Step]],
    name: str,
    rate: float,
    window_s: float,
) -> Iterator[FaceClip]:
    most, held, any_yet = round(window_s * rate), [], False
    for each in steps:
        held.append(each)
        if len(held) == most:
            yield _clip(held, name, rate)
            held, any_yet = [], True
    if held:
        yield _clip(held, name, rate)
    elif not any_yet:
        raise SourceError(f"{name}: has no frame that can be read")


def _clip(held: list[tuple[float, _Step]], name: str, rate: float) -> FaceClip:
    columns = {key: np.stack([np.asarray(step[key]) for _, step in held]) for key in _NOTHING}
    return FaceClip(name, rate, np.array([time_s for time_s, _ in held]), **columns)
