"""Writes a clip that every browser plays, with the true times of its frames and the sound of its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import av
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream

from mien.errors import OutputError
from mien.files import written_whole
from mien.show.place import Size
from mien.show.sound import open_sound
from mien.types import Image
from mien.wording import reason

TICK_S: Final = Fraction(1, 90_000)
"""Seconds; times are rounded to this."""

ENCODERS: Final = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
"""H.264 encoders, the preferred first; which of them there are depends on how PyAV was built."""

_NOMINAL_RATE_HZ: Final = Fraction(30)
_KEY_FRAME_EVERY: Final = 60
_BITS_PER_PIXEL_AND_S: Final = 4
_CRF: Final = 20
_BT709: Final = 1
_LIMITED_RANGE: Final = 1
_SOUND_AFTER_S: Final = 1.0


class ClipWriter:
    """Writes frames as H.264 in MP4 (yuv420p, BT.709, index first), each shown at its own time.

    The file stands under its name when the writer is closed, whole, or not at all: nothing is left where the
    `with` block ends with an exception, nor where no frame was written.

    Args:
        path: the clip's name, in .mp4; missing folders above it are made.
        size_wh: the frames' size in pixels; an odd side gets one more row or column, as H.264 needs.
        sound_from: the video file whose sound is kept, from its first picture until a second after the last
            frame; copied as it is where browsers play it so; None for no sound.
        sound_spans: only these pieces of the sound, in seconds of its file, one after another; None for all.
        chapters: start and end in seconds and title of each, in their order, for players that list them.
        title: what players show as the film's name.

    Raises:
        OutputError: the file can't be written, or PyAV has no H.264 encoder.

    Example:
        >>> with ClipWriter(Path("clip.mp4"), (640, 360)) as clip:  # doctest: +SKIP
        ...     clip.write(image, time_s=0.0)
    """

    def __init__(
        self,
        path: Path,
        size_wh: Size,
        *,
        sound_from: Path | None = None,
        sound_spans: Sequence[tuple[float, float]] | None = None,
        chapters: Sequence[tuple[float, float, str]] = (),
        title: str = "",
        crf: int | None = None,
    ) -> None:
        self._path = path
        self._size_wh = size_wh[0] + size_wh[0] % 2, size_wh[1] + size_wh[1] % 2
        self._reformatter = VideoReformatter()
        self._pts, self._gap = -1, round(1 / TICK_S)
        self._held: Packet[VideoStream] | None = None
        encoder = _encoder(path)
        with ExitStack() as stack, self._output_errors():
            temporary = stack.enter_context(written_whole(path))
            container = av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"})
            self._container = stack.enter_context(container)
            self._stream = _add_stream(container, encoder, self._size_wh, crf)
            self._sound = open_sound(sound_from, container, sound_spans) if sound_from else None
            _describe(container, title, chapters)
            if self._sound is not None:
                stack.callback(self._sound.close)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._abandon()

    def write(self, image: Image, time_s: float) -> None:
        """Add a frame.

        Args:
            image: uint8 RGB; scaled where its size isn't the clip's.
            time_s: when it is shown, in seconds from the start; later than the frame before.

        Raises:
            OutputError: it can't be written.
        """
        pts = max(self._pts + 1, round(time_s / TICK_S))
        if self._pts >= 0:
            self._gap = pts - self._pts
        self._pts = pts
        with self._output_errors():
            self._mux(self._stream.encode(self._picture(image, pts)))
            if self._sound is not None:
                self._sound.until(time_s)

    def close(self) -> None:
        """Write what is held back, and put the file into its place; to close twice does no harm.

        Raises:
            OutputError: it can't be written; nothing is left then.
        """
        if self._pts < 0:
            self._abandon()
            return
        end_s = float((self._pts + self._gap) * TICK_S)
        self._pts = -1
        with self._output_errors(), self._open:
            self._mux(self._stream.encode(None))
            if self._held is not None:
                # The last frame is shown as long as the one before it.
                self._held.duration = self._gap
                self._container.mux(self._held)
            if self._sound is not None:
                self._sound.until(end_s + _SOUND_AFTER_S)

    def _picture(self, image: Image, pts: int) -> av.VideoFrame:
        height, width = image.shape[:2]
        if height % 2 or width % 2:
            image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        picture = self._reformatter.reformat(
            av.VideoFrame.from_ndarray(image, format="rgb24"),
            *self._size_wh,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
        )
        picture.pts, picture.time_base = pts, TICK_S
        return picture

    def _mux(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if self._held is not None:
                self._container.mux(self._held)
            self._held = packet

    def _abandon(self) -> None:
        # Why the block ended matters, not what the unfinished file says when it is closed.
        with suppress(OutputError, av.FFmpegError):
            self._open.__exit__(_Abandoned, _Abandoned(), None)

    @contextmanager
    def _output_errors(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise OutputError(f"cannot write {self._path}: {reason(error)}") from error


class _Abandoned(Exception):  # noqa: N818 - it says what happened, and nobody sees it
    """Tells `written_whole` that the file isn't wanted."""


def _encoder(path: Path) -> str:
    for name in ENCODERS:
        try:
            context = av.CodecContext.create(name, "w")
            _configure(context, (64, 64))
            context.open()
        except (UnknownCodecError, av.FFmpegError):
            continue
        return name
    raise OutputError(
        f"cannot write {path}: expected PyAV with one of the H.264 encoders {', '.join(ENCODERS)}; "
        "install the av package as PyPI has it"
    )


def _describe(container: OutputContainer, title: str, chapters: Sequence[tuple[float, float, str]]) -> None:
    if title:
        container.metadata["title"] = title
    if chapters:
        container.set_chapters(
            [
                {
                    "id": number, "start": round(start_s / TICK_S), "end": round(end_s / TICK_S),
                    "time_base": TICK_S, "metadata": {"title": words},
                }
                for number, (start_s, end_s, words) in enumerate(chapters)
            ]
        )  # fmt: skip


def _add_stream(
    container: OutputContainer, encoder: str, size_wh: Size, crf: int | None = None
) -> VideoStream:
    stream = cast(VideoStream, container.add_stream(encoder, rate=_NOMINAL_RATE_HZ))
    stream.time_base = TICK_S
    _configure(stream.codec_context, size_wh, crf)
    return stream


def _configure(context: VideoCodecContext, size_wh: Size, crf: int | None = None) -> None:
    context.width, context.height = size_wh
    context.pix_fmt = "yuv420p"
    context.time_base, context.framerate = TICK_S, _NOMINAL_RATE_HZ
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED_RANGE
    # Frames that refer to later ones make the muxer guess durations, wrongly where the frame rate varies.
    context.max_b_frames = 0
    context.gop_size = _KEY_FRAME_EVERY
    if crf is not None:
        context.thread_count = 1
    if context.name == "libx264":
        context.options = {"preset": "veryfast", "crf": str(_CRF if crf is None else crf)}
    else:
        context.bit_rate = _BITS_PER_PIXEL_AND_S * size_wh[0] * size_wh[1]
