"""The second look at a film: the chosen pieces as a film of their own, and a picture of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from mien.config import Settings
from mien.geometry import iou_matrix
from mien.pipeline import Pipeline
from mien.show.video import ClipWriter
from mien.source.video import VideoSource
from mien.types import Faces, Frame, Image
from mien.videos.summary.course import STEP_S, Course, Floats, Progress

PICTURE_PX: Final = 480
"""Longer side of a piece's picture."""

_SAME_FACE: Final = 0.3
"""A face that shares so much of its box with the main one's is the main one."""
_BEYOND: Final = 0.35
_BLOCKS: Final = 4
"""A blurred face is made of so many grey levels across: too few to know anybody by."""
_HELD_S: Final = 0.5
"""A face that was seen is blurred for so much longer, as it may only have been missed."""


class Cut(NamedTuple):
    """A piece of the film: its span in seconds, the time of its picture, and its chapter's title."""

    start_s: float
    end_s: float
    picture_s: float
    title: str


Blur = Callable[[Frame, Faces], Image]


@contextmanager
def write_film(
    path: Path,
    to: Path,
    cuts: Sequence[Cut],
    *,
    title: str,
    blur: tuple[Settings, Course] | None = None,
    progress: Progress = lambda done: None,
) -> Iterator[list[Image]]:
    """Write pieces of a film one after another, with their sound, and chapters in the file.

    Args:
        path: the film.
        to: the summary's name, in .mp4; it stands under it once the block ends well.
        cuts: the pieces, by time and apart.
        title: what players show as its name.
        blur: to blur all faces but the main one: how faces are found, and where the main one is.
        progress: told the share that is done.

    Yields:
        A small picture of each piece.

    Raises:
        SourceError: the film can't be read.
        OutputError: the summary can't be written; nothing of it is left then.
    """
    spans = [(each.start_s, each.end_s) for each in cuts]
    starts = starts_s(spans)
    pictures: dict[int, Image] = {}
    with closing(VideoSource(path)) as source:
        seen = _plain(source, spans) if blur is None else _blurred(source, spans, *blur)
        chapters = [
            (start, start + each.end_s - each.start_s, each.title)
            for start, each in zip(starts, cuts, strict=True)
        ]
        with ClipWriter(
            to,
            source.report.size_wh or (2, 2),
            sound_from=path,
            sound_spans=spans,
            chapters=chapters,
            title=title,
        ) as clip:
            for place, since_s, image in seen:
                clip.write(image, starts[place] + since_s)
                if place not in pictures or since_s + cuts[place].start_s <= cuts[place].picture_s:
                    pictures[place] = _small(image)
                progress((cuts[place].start_s + since_s) / cuts[-1].end_s)
            yield [pictures[place] for place in sorted(pictures)]


def starts_s(spans: Sequence[tuple[float, float]]) -> list[float]:
    """Return when each span begins once they stand one after another."""
    return [sum(end - start for start, end in spans[:place]) for place in range(len(spans))]


Seen = Iterator[tuple[int, float, Image]]


def _plain(source: VideoSource, spans: Sequence[tuple[float, float]]) -> Seen:
    for place, since_s, frame in source.within(spans):
        yield place, since_s, frame.image


def _blurred(
    source: VideoSource, spans: Sequence[tuple[float, float]], settings: Settings, course: Course
) -> Seen:
    """Look for faces in every picture, as one that is missed for a moment is known for good."""
    pieces = _Pieces(source, spans)
    known: list[tuple[float, Floats]] = []
    with Pipeline(settings.model_copy(update={"redetect_s": 1e-3})) as pipeline:
        for frame, faces in pipeline.stream(pieces):
            main = _main_box(course, frame.time_s)
            others = [box for box in faces.xyxy.astype(float) if not _is_main(box, main, faces)]
            known = [(at_s, box) for at_s, box in known if 0 <= frame.time_s - at_s <= _HELD_S]
            held = [box for _, box in known if main is None or _iou(box, main) < _SAME_FACE]
            known += [(frame.time_s, box) for box in others]
            yield *pieces.now, blurred(frame.image, others + held)


class _Pieces:
    """The pieces of a film as a source, which remembers where in them the last frame was."""

    live = False

    def __init__(self, source: VideoSource, spans: Sequence[tuple[float, float]]) -> None:
        self.name, self.report = source.name, source.report
        self._source, self._spans = source, spans
        self.now = (0, 0.0)

    def frames(self) -> Iterator[Frame]:
        for place, since_s, frame in self._source.within(self._spans):
            self.now = place, since_s
            yield frame

    def close(self) -> None:
        self._source.close()


def _main_box(course: Course, time_s: float) -> Floats | None:
    """Return where the main face is; None where it isn't seen within a few tenths."""
    place = min(len(course) - 1, int(time_s / STEP_S))
    near = sorted(range(max(0, place - 2), min(len(course), place + 3)), key=lambda each: abs(each - place))
    for each in near:
        if np.isfinite(course.xyxy[each, 0]) and course.shot[each] == course.shot[place]:
            return np.asarray(course.xyxy[each])
    return None


def _is_main(box: Floats, main: Floats | None, faces: Faces) -> bool:
    if main is None:
        return False
    most = float(iou_matrix(faces.xyxy, main[None]).max())
    return _iou(box, main) >= max(_SAME_FACE, most - 1e-9)


def _iou(one: Floats, other: Floats) -> float:
    return float(iou_matrix(one[None], other[None])[0, 0])


def blurred(image: Image, boxes: Sequence[Floats]) -> Image:
    """Return a picture in which what is in some boxes, and around, can't be recognised any more.

    Args:
        image: uint8 RGB.
        boxes: left, top, right, bottom of each, in pixels.
    """
    result = image.copy()
    height, width = image.shape[:2]
    for left, top, right, bottom in boxes:
        aside, above = _BEYOND * (right - left), _BEYOND * (bottom - top)
        low_x, high_x = max(0, int(left - aside)), min(width, int(right + aside) + 1)
        low_y, high_y = max(0, int(top - above)), min(height, int(bottom + above) + 1)
        if low_x < high_x and low_y < high_y:
            part = result[low_y:high_y, low_x:high_x]
            coarse = cv2.resize(part, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)
            result[low_y:high_y, low_x:high_x] = cv2.resize(coarse, part.shape[1::-1])
    return result


def _small(image: Image) -> Image:
    scale = min(1.0, PICTURE_PX / max(image.shape[:2]))
    size_wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
