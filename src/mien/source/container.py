"""What a video file says about itself: its streams, its length, and which way is up."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
from av.buffer import Buffer
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.files import open_container
from mien.source.base import check_file
from mien.types import Image


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file and pick its moving picture; the cover of a song is none.

    Args:
        path: a file in any of the usual containers, whatever its suffix.

    Raises:
        SourceError: the file is missing, empty, no video, sound only, or in an unknown codec.
    """
    check_file(path)
    try:
        container = open_container(path)
    except av.FFmpegError as error:
        raise SourceError(
            f"{path}: expected a video (MP4, MOV, MKV, WebM, AVI...), received something else, or a file "
            f"whose index is missing because it was cut off; record or export it again"
        ) from error
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not moving:
        container.close()
        raise SourceError(f"{path}: expected a moving picture, received a file without one (sound only?)")
    if moving[0].codec_context is None:
        container.close()
        raise SourceError(f"{path}: the video's codec is unknown here; export it as H.264")
    return container, moving[0]


def declared_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Give the moving picture's length in seconds by the file's own word; None when it has none."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        # FFmpeg shortens the duration of a cut AVI to what is left; its header still has the count.
        return float(stream.frames / stream.average_rate)
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if tag := stream.metadata.get("DURATION"):
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return container.duration / av.time_base if container.duration else None


def display_matrix(frame: VideoFrame) -> NDArray[np.int32] | None:
    """Give the (3, 3) matrix that turns the stored picture upright; None where it is upright already."""
    data = cast(Buffer | None, frame.side_data.get("DISPLAYMATRIX"))
    return None if data is None else np.frombuffer(bytes(data), np.int32).reshape(3, 3)


def upright(image: Image, matrix: NDArray[np.int32] | None) -> Image:
    """Turn and mirror a picture by its display matrix, to the nearest quarter turn.

    Args:
        image: uint8, shape (height, width, 3), as stored.
        matrix: (x, y) of the stored picture times the upper left 2x2 is (x, y) as displayed, but for a shift
            (FFmpeg, libavutil/display.h).
    """
    if matrix is None:
        return image
    (a, b), (c, d) = matrix[:2, :2]
    if abs(a) < abs(b):
        image, a, d = np.asarray(cv2.transpose(image), np.uint8), c, b
    if a < 0 or d < 0:
        image = np.asarray(cv2.flip(image, -1 if a < 0 and d < 0 else int(a < 0)), np.uint8)
    return image
