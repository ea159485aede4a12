"""Frames in: photographs, video files, cameras, streams, and the demo's portrait."""

from __future__ import annotations

import os
from pathlib import Path

from mien.source.address import camera_device, is_address, is_camera
from mien.source.base import Chooser, Source, SourceReport
from mien.source.inputs import Input, Kind, Search, find_inputs, kind_of, search

__all__ = [
    "Input",
    "Kind",
    "Search",
    "Source",
    "SourceReport",
    "find_inputs",
    "kind_of",
    "open_live",
    "open_source",
    "search",
]


def open_source(
    where: str | Path | int,
    *,
    every: int = 1,
    fps: float | None = None,
    name: str | None = None,
    max_megapixels: float | None = None,
) -> Source:
    """Open whatever gives frames.

    Use it with `contextlib.closing`, or call its `close` at the end.

    Args:
        where: a photograph's or video's path; a camera as its number, "camera:0" or "/dev/video0"; a stream
            as rtsp://..., rtsps://..., http://... or https://...; or "portrait", the built-in moving face (a
            file of that name is "./portrait").
        every: give every n-th frame; a photograph has only one, unless it is an animation or has pages.
        fps: give at most this many frames a second of the source's own time; None gives all.
        name: what `Frame.source` says; the file's or camera's name when None.
        max_megapixels: how large a photograph may be, in millions of pixels; None as the settings say.

    Raises:
        SourceError: there is nothing to read, or it can't be read.
        ConfigError: `every` or `fps` is out of range.
        TypeError: `where` is a picture itself, or nothing of the kind.

    Example:
        >>> with closing(open_source("interview.mp4", fps=10)) as source:
        ...     for frame in source.frames():
        ...         print(frame.time_s, frame.size_wh)
    """
    Chooser(every, fps)  # where there is no use for them, a wrong one is wrong all the same
    if not isinstance(where, str | os.PathLike | int):
        raise TypeError(
            "expected a path, an address, or a camera's number; received"
            f" {type(where).__name__}; mien.read takes a picture itself"
        )
    # Each kind brings its own libraries, and a photograph should not wait for those of video.
    if isinstance(where, str) and where == "portrait":
        from mien.source.portrait import PortraitSource

        return PortraitSource(every=every, fps=fps, name=name)
    if isinstance(where, int) or is_camera(where):
        from mien.source.camera import CameraSource

        return CameraSource(camera_device(where), every=every, fps=fps, name=name)
    if isinstance(where, str) and is_address(where):
        from mien.source.stream import StreamSource

        return StreamSource(where, every=every, fps=fps, name=name)
    path = Path(where)
    if kind_of(path) == "photograph":
        from mien.source.photograph import PhotographSource

        return PhotographSource(path, every=every, fps=fps, name=name, max_megapixels=max_megapixels)
    from mien.source.video import VideoSource

    return VideoSource(path, every=every, fps=fps, name=name)


def open_live(
    where: str | Path | int,
    *,
    name: str | None = None,
    size_wh: tuple[int, int] | None = None,
    rate_hz: float | None = None,
    fps: float | None = None,
    loop: bool = False,
) -> Source:
    """Open what gives frames in its own time, the newest first; a file plays at its own speed.

    Args:
        where: as in `open_source`. The portrait moves until it is closed.
        name: what `Frame.source` says; None as in `open_source`.
        size_wh: width and height to ask a camera of this machine for, in pixels; the others have their own.
        rate_hz: frames a second to ask a camera of this machine for.
        fps: give at most this many frames a second of the source's own time; None gives all.
        loop: begin a file again at its end.

    Raises:
        SourceError: there is nothing to read, or it can't be read.
        ConfigError: a number is out of range.

    Example:
        >>> with closing(open_live("portrait", fps=10)) as source:
        ...     frame = next(source.frames())
        >>> frame.size_wh
        (640, 360)
    """
    if is_camera(where):
        from mien.source.camera import CameraSource

        return CameraSource(camera_device(where), name=name, size_wh=size_wh, rate_hz=rate_hz, fps=fps)
    if is_address(where):
        return open_source(where, name=name, fps=fps)
    from mien.source.paced import PacedSource

    def opened() -> Source:
        return open_source(where, name=name, fps=fps)

    return PacedSource(opened(), again=opened if loop or where == "portrait" else None)
