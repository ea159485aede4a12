"""Builders: small videos whose every frame says which one it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

SIZE_WH = (96, 64)


def picture(index: int) -> NDArray[np.uint8]:
    """A frame's picture: its four corners differ, and the middle's grey level grows with the index."""
    image = np.full((SIZE_WH[1], SIZE_WH[0], 3), 20 + 4 * index, np.uint8)
    image[:16, :24], image[:16, -24:] = (220, 40, 40), (40, 220, 40)
    image[-16:, :24], image[-16:, -24:] = (40, 40, 220), (230, 230, 230)
    return image


def index_of(image: NDArray[np.uint8]) -> int:
    """Read back which frame a (decoded) picture is, from its middle."""
    height, width = image.shape[:2]
    middle = image[height // 2 - 6 : height // 2 + 6, width // 2 - 6 : width // 2 + 6]
    return round((float(middle.mean()) - 20) / 4)


def write_clip(
    path: Path,
    count: int = 50,
    *,
    codec: str = "libx264",
    times_ms: Sequence[int] | None = None,
    turned: tuple[float, bool] | None = None,
    sound: bool = False,
    index_first: bool = True,
    size_wh: tuple[int, int] = SIZE_WH,
    pixel_shape: Fraction | None = None,
    start_s: float = 0.0,
    key_every: int = 5,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write a clip of 25 frames a second, or with the times given.

    Args:
        turned: degrees counter-clockwise, and whether it is mirrored after that; the container says so.
        sound: add a silent track half a second longer than the picture.
        index_first: put the index of an MP4 where a cut file still has it.
        size_wh: width and height as stored.
        pixel_shape: width by height of the pixels.
        start_s: time of the first frame by the file.
        key_every: of so many pictures, one stands for itself.
        tags: metadata of the file.
    """
    times = times_ms or [40 * index for index in range(count)]
    options = {"movflags": "faststart"} if index_first and path.suffix in (".mp4", ".mov") else {}
    if tags and path.suffix in (".mp4", ".mov"):
        options["movflags"] = "+use_metadata_tags+faststart"
    if start_s:
        options["output_ts_offset"] = str(start_s)
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(tags or {})
        video = container.add_stream(codec, rate=25, options={"crf": "8"} if codec == "libx264" else {})
        video.width, video.height = size_wh
        if codec == "mpeg2video":
            video.codec_context.qmax = 3
        if pixel_shape is not None:
            video.codec_context.sample_aspect_ratio = pixel_shape
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = key_every
        if times_ms:
            video.codec_context.time_base = Fraction(1, 1000)
        if turned:
            video.set_display_rotation(turned[0], hflip=turned[1])
        audio = container.add_stream("aac", rate=16000) if sound else None
        for index, time_ms in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24").reformat(*size_wh)
            frame.time_base = Fraction(1, 1000) if times_ms else Fraction(1, 25)
            frame.pts = time_ms if times_ms else index
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            _write_silence(container, audio, times[-1] / 1000 + 0.54)
    return path


def write_pictures(path: Path, *streams: tuple[tuple[int, int], int, Disposition, str]) -> Path:
    """Write several pictures into one file of 25 frames a second, each one colour.

    Args:
        streams: width and height, number of frames, what the stream says of itself, and codec, of each.
            The first is red 40, the second 80, and so on.
    """
    with av.open(str(path), "w") as container:
        videos = []
        for size_wh, count, disposition, codec in streams:
            video = container.add_stream(codec, rate=25)
            (video.width, video.height), video.disposition = size_wh, disposition
            video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            videos.append((video, count))
        packets = []
        for number, (video, count) in enumerate(videos, 1):
            image = np.full((video.height, video.width, 3), (40 * number, 0, 0), np.uint8)
            for index in range(count):
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                packets += video.encode(frame)
            packets += video.encode()
        container.mux(sorted(packets, key=lambda packet: packet.dts * packet.time_base))
    return path


def join(path: Path, *parts: Path) -> Path:
    """Put files one behind the other, as `cat` does."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def write_sound(path: Path, seconds: float = 1.0, cover: bytes | None = None) -> Path:
    """Write a file with sound only; with a cover picture when given one (JPEG)."""
    with av.open(str(path), "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=16000)
        if cover is not None:
            picture_stream = container.add_stream("mjpeg")
            picture_stream.width, picture_stream.height, picture_stream.pix_fmt = 48, 48, "yuvj420p"
            picture_stream.disposition = av.stream.Disposition.attached_pic
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts = picture_stream, 0, 0
            packet.time_base = Fraction(1, 25)
            _write_silence(container, audio, seconds)
            container.mux(packet)
        else:
            _write_silence(container, audio, seconds)
    return path


def cut(path: Path, share: float) -> Path:
    """Cut a file off after this share of its bytes."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def _write_silence(container: av.container.OutputContainer, audio: av.AudioStream, seconds: float) -> None:
    for start in range(0, int(seconds * 16000), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
        container.mux(audio.encode(frame))
    container.mux(audio.encode())
