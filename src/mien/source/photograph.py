"""Photographs as a source: one frame, or all pages of a file, or an animation's pictures at their times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from mien.errors import SourceError
from mien.source.base import Chooser, SourceReport
from mien.source.images import Picture, read_pictures
from mien.types import Frame

PAGE_S: Final = 1.0
"""Pages have no time of their own; so far apart do they stand in the table."""


class PhotographSource:
    """One file of pictures: a photograph is one frame, a page one a second, an animation has its own times.

    Args:
        path: the file.
        every: give every n-th picture.
        fps: give at most so many a second.
        name: what `Frame.source` says; the file's name when None.
        max_megapixels: how large a picture may be; None as the settings say.

    Raises:
        SourceError: its first picture can't be read; see `read_image`. Where a later one can't, the report's
            note says so.
    """

    live = False

    def __init__(
        self,
        path: Path | str,
        *,
        every: int = 1,
        fps: float | None = None,
        name: str | None = None,
        max_megapixels: float | None = None,
    ) -> None:
        self.name = name or Path(path).name
        self._pictures = read_pictures(path, max_megapixels=max_megapixels)
        self._next: Picture | None = next(self._pictures)
        self._chooser = Chooser(every, fps)
        self._time_s = 0.0
        self._closed = False
        height, width = self._next.image.shape[:2]
        self.report = SourceReport(frames_read=1, size_wh=(width, height))

    def frames(self) -> Iterator[Frame]:
        """Yield the pictures in their order."""
        while (picture := self._next) is not None and not self._closed:
            index, time_s = self.report.frames_read - 1, self._time_s
            self._time_s += PAGE_S if picture.lasts_s is None else picture.lasts_s
            if self._chooser.wants(index, time_s):
                self.report.frames_given += 1
                yield Frame(picture.image, index, time_s, self.name, still=picture.lasts_s is None)
            self._next = None if self._closed else self._following(picture)

    def close(self) -> None:
        """Let go of the file."""
        self._closed = True
        self._next = None
        with suppress(ValueError):  # it is being read by another thread, which then sees that it is over
            self._pictures.close()

    def _following(self, before: Picture) -> Picture | None:
        report = self.report
        try:
            picture = next(self._pictures, None)
        except SourceError as error:
            many = report.frames_read > 1
            kind = f"the first {report.frames_read} pictures" if many else "the first of its pictures"
            report.note = f"only {kind} could be read ({error})"
            return None
        if picture is not None:
            report.frames_read += 1
        elif report.frames_read > 1:
            kind = "pages" if before.lasts_s is None else "pictures of an animation"
            report.note = f"{report.frames_read} {kind}; a marked copy shows the first"
            report.duration_s = self._time_s
        return picture
