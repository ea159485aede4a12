"""Films that tell their own time: each second has a grey level in the middle, and a tone of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

SOUND_HZ = 44_100
STEP = 24
"""Grey levels from one second to the next."""


def tone_hz(second: int) -> float:
    return 400.0 + 150 * second


def write_film(
    path: Path,
    seconds: int = 8,
    *,
    times_s: Sequence[float] | None = None,
    sounds: int = 1,
    size_wh: tuple[int, int] = (96, 64),
    turned: float | None = None,
    start_s: float = 0.0,
    codec: str = "aac",
    image: NDArray[np.uint8] | None = None,
) -> Path:
    """Write a film of ten frames a second, or with the times given.

    Args:
        sounds: sound tracks; the first has a tone for each second, which the others have an octave higher.
        turned: degrees that the container says.
        start_s: when picture and sound begin by the file.
        image: is shown instead of grey.
    """
    times = times_s or [index / 10 for index in range(10 * seconds)]
    options = {"output_ts_offset": str(start_s)} if start_s else {}
    with av.open(str(path), "w", options=options) as container:
        video = container.add_stream("libx264", rate=30, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = *size_wh, "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        video.codec_context.max_b_frames = 0
        if turned is not None:
            video.set_display_rotation(turned, hflip=False)
        tracks = [container.add_stream(codec, rate=SOUND_HZ, layout="mono") for _ in range(sounds)]
        for time_s in times:
            grey = np.full((size_wh[1], size_wh[0], 3), 20 + STEP * int(time_s), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey if image is None else image, format="rgb24")
            frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        for octave, track in enumerate(tracks, 1):
            _write_tones(container, track, seconds, octave)
    return path


def _write_tones(
    container: av.container.OutputContainer, track: av.AudioStream, seconds: int, octave: int
) -> None:
    time_s = np.arange(seconds * SOUND_HZ) / SOUND_HZ
    pitch = np.array([octave * tone_hz(second) for second in range(seconds)])[time_s.astype(int)]
    wave = (0.5 * np.sin(2 * np.pi * pitch * time_s)).astype(np.float32)
    for start in range(0, len(wave), 4096):
        part = wave[None, start : start + 4096]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, start, Fraction(1, SOUND_HZ)
        container.mux(track.encode(frame))
    container.mux(track.encode())


def pictures_of(path: Path) -> list[tuple[float, float]]:
    """Return time and second, as its grey level tells, of each frame."""
    with av.open(str(path)) as film:
        return [
            (float(frame.time), (float(frame.to_ndarray(format="gray")[20:44, 20:44].mean()) - 20) / STEP)
            for frame in film.decode(video=0)
        ]


def sound_at(path: Path, time_s: float, length_s: float = 0.1) -> float:
    """Return the loudest frequency around a time, in Hz; 0 for silence."""
    with av.open(str(path)) as film:
        parts = [frame.to_ndarray()[0] for frame in film.decode(audio=0)]
        rate_hz, first_s = (
            film.streams.audio[0].rate,
            float((film.streams.audio[0].start_time or 0) * film.streams.audio[0].time_base),
        )
    wave = np.concatenate(parts)
    place = round((time_s - first_s) * rate_hz)
    half = round(length_s / 2 * rate_hz)
    part = wave[max(0, place - half) : place + half]
    if np.abs(part).max(initial=0) < 0.01:
        return 0.0
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * len(part)))
    return float(np.argmax(spectrum) * rate_hz / (8 * len(part)))
