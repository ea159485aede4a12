"""Opening a video file, at the door."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from mien.errors import SourceError
from mien.film import choose_stream, open_container
from mien.source.base import check_file


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
        from mien.source.images import is_photograph  # Pillow, only for files with wrong names

        if is_photograph(path):
            raise SourceError(
                f"{path}: expected a video by its name, received a photograph; rename it, for example"
                f" to {path.stem}.jpg"
            ) from error
        raise SourceError(
            f"{path}: expected a video (MP4, MOV, MKV, WebM, AVI...), received something else, or a file "
            f"whose index is missing because it was cut off; record or export it again"
        ) from error
    moving = choose_stream(container.streams.video)
    if moving is None:
        container.close()
        raise SourceError(f"{path}: expected a moving picture, received a file without one (sound only?)")
    if moving.codec_context is None:
        container.close()
        raise SourceError(f"{path}: the video's codec is unknown here; export it as H.264")
    return container, moving
