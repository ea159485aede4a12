"""Frames in: photographs, video files, cameras, and the demo's portrait."""

from __future__ import annotations

from pathlib import Path

from mien.errors import SourceError
from mien.source.base import Chooser, Source, SourceReport
from mien.source.inputs import Input, Kind, find_inputs, kind_of

__all__ = ["Input", "Kind", "Source", "SourceReport", "find_inputs", "kind_of", "open_source"]


def open_source(
    where: str | Path | int, *, every: int = 1, fps: float | None = None, name: str | None = None
) -> Source:
    """Open whatever gives frames.

    Use it with `contextlib.closing`, or call its `close` at the end.

    Args:
        where: a photograph's or video's path; a camera as its number or "camera:0"; or "portrait", the
            built-in moving face (a file of that name is "./portrait").
        every: give every n-th frame; a photograph has only one.
        fps: give at most this many frames a second of the source's own time; None gives all.
        name: what `Frame.source` says; the file's or camera's name when None.

    Raises:
        SourceError: there is nothing to read, or it can't be read.
        ConfigError: `every` or `fps` is out of range.

    Example:
        >>> with closing(open_source("interview.mp4", fps=10)) as source:
        ...     for frame in source.frames():
        ...         print(frame.time_s, frame.size_wh)
    """
    Chooser(every, fps)  # a photograph has no use for them, but a wrong one is wrong all the same
    # Each kind brings its own libraries, and a photograph should not wait for those of video.
    if isinstance(where, int):
        where = f"camera:{where}"
    if where == "portrait":
        from mien.source.portrait import PortraitSource

        return PortraitSource(every=every, fps=fps, name=name)
    if isinstance(where, str) and where.startswith("camera:"):
        from mien.source.camera import CameraSource

        return CameraSource(_camera_index(where), every=every, fps=fps, name=name)
    path = Path(where)
    if kind_of(path) == "photograph":
        from mien.source.images import PhotographSource

        return PhotographSource(path, name=name)
    from mien.source.video import VideoSource

    return VideoSource(path, every=every, fps=fps, name=name)


def _camera_index(where: str) -> int:
    number = where.removeprefix("camera:")
    if not number.isdecimal():
        raise SourceError(f"{where}: expected a camera's number, as in camera:0, received {number!r}")
    return int(number)
