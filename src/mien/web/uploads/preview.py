"""What the page shows of a file besides its table: copies that every browser plays, and the timeline's data.

Made in the child process; the server only hands out what lies there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.labels import EMOTIONS
from mien.table import PROBABILITIES

if TYPE_CHECKING:
    import pandas as pd

STEM: Final = "marked"
MARKED_PICTURE, MARKED_CLIP = f"{STEM}.annotated.jpg", f"{STEM}.annotated.mp4"
"""The copies with the faces marked, as a batch calls them."""

PICTURE, CLIP = "copy.jpg", "copy.mp4"
"""Copies without marks, for browsers."""

TABLE, SUMMARY, TIMELINE = "table.csv", "summary.json", "timeline.json"

WHY, WHY_PICTURE = "why.json", "why.png"
"""Why each face of a photograph was read as it was, in words and drawn; made when somebody asks."""

MOMENTS_CLIP, MOMENTS_PICTURE = "moments.mp4", "moments.png"
"""A video's moments, chosen by expression, as a film and as a storyboard; made when somebody asks."""

RECORD: Final = "record.zip"
"""The recording of one face, on its way into a subject's record."""

SHOWN: Final = (
    "width", "height", "duration_s", "frame_rate_hz", "frames_analysed", "frames_with_face", "rows", "tracks",
    "coverage", "expressions", "note", "seldom_found",
)  # fmt: skip
"""What the page says of a recording, out of its record in the summary."""

MOST_FACES: Final = 4
"""So many faces have a timeline, those with the most rows; the others are counted."""

_JPEG_QUALITY: Final = 92
_DECIMALS: Final = 3

_PLAYED: Final = {
    "mp4": ({"h264"}, {"aac", "mp3"}),
    "webm": ({"vp8", "vp9"}, {"opus", "vorbis"}),
}
"""What every browser plays: by container, codecs of the picture and of the sound."""


def plays_in_browsers(path: Path) -> bool:
    """Return whether every browser plays a video file as it is.

    Raises:
        SourceError: it is no video.
    """
    from mien.source.container import open_video

    container, stream = open_video(path)
    with closing(container):
        if len(container.streams.video) > 1:
            return False  # A browser may choose another picture than the one that is read.
        # Matroska has WebM as its smaller part, and its reader bears both names.
        names = container.format.name.split(",")
        kind = "mp4" if "mp4" in names else "webm" if path.suffix == ".webm" and "webm" in names else None
        if kind is None or stream.codec_context.pix_fmt not in ("yuv420p", "yuvj420p"):
            return False
        pictures, sounds = _PLAYED[kind]
        contexts = [sound.codec_context for sound in container.streams.audio]
        heard = {context.codec.canonical_name if context else None for context in contexts}
        return stream.codec_context.codec.canonical_name in pictures and heard <= sounds


def copy_photograph(path: Path, to: Path, *, max_megapixels: float) -> None:
    """Write a photograph anew as JPEG, upright; nothing of the file itself is ever shown.

    Raises:
        SourceError: it can't be read, or is larger than `max_megapixels`.
        OutputError: it can't be written.
    """
    from PIL import Image as Pillow

    from mien.files import written_whole
    from mien.source.images import read_image

    with written_whole(to) as temporary:
        Pillow.fromarray(read_image(path, max_megapixels=max_megapixels)).save(
            temporary, "jpeg", quality=_JPEG_QUALITY
        )


def copy_video(path: Path, to: Path, progress: Callable[[float], None]) -> None:
    """Write a video anew as H.264 in MP4, with its sound.

    Args:
        path: the video.
        to: the copy's name.
        progress: told how much is done, 0 to 1.

    Raises:
        SourceError: it can't be read.
        OutputError: it can't be written.
    """
    from mien.show.video import ClipWriter
    from mien.source.video import VideoSource

    with closing(VideoSource(path)) as source:
        size_wh = source.report.size_wh or (2, 2)
        with ClipWriter(to, size_wh, sound_from=path) as clip:
            for frame in source.frames():
                clip.write(frame.image, frame.time_s)
                progress(min(1.0, frame.time_s / (source.report.duration_s or 1.0)))


def timeline(table: Path, record: dict[str, Any], every: int) -> dict[str, Any]:
    """Prepare a recording's course over time for drawing, ready for JSON.

    Args:
        table: the recording's CSV.
        record: what the summary says of it.
        every: of how many frames one was read.

    Returns:
        `duration_s`, `step_s`, `coverage`, `labels`; `left_out`, how many more faces there are; and `faces`,
        for each `track`, `rows`, `time_s`, and at these times `probabilities` (in the order of the labels),
        `valence` and `arousal`; None where a gap begins, and for what is not known. Of many rows they are
        means over `smoothed_s` seconds, which is None otherwise. What the table's own rows say is `read`:
        `time_s`, `expression`, `confidence`; None of a face not read yet.
    """
    from mien.analysis.one_input import PLOTTED_ROWS
    from mien.show.course import usual_step_s
    from mien.table import read_rows, table_frame

    step = every * max(1, math.ceil(record["rows"] / PLOTTED_ROWS))
    frame = table_frame(read_rows(table, every=step))
    step_s = usual_step_s(frame["time_s"], record["duration_s"])
    counts = frame["track"].value_counts()
    tracks = counts.index[:MOST_FACES].sort_values().tolist()
    last_s = float(frame["time_s"].max()) + step_s if len(frame) else step_s
    return {
        "duration_s": round(max(record["duration_s"] or 0.0, last_s), _DECIMALS),
        "step_s": round(step_s, 6),
        "coverage": record["coverage"],
        "labels": list(EMOTIONS),
        "left_out": len(counts) - len(tracks),
        "faces": [
            {"track": track, "rows": int(counts[track]), **_face(frame[frame["track"] == track], step_s)}
            for track in tracks
        ],
    }


def _face(rows: pd.DataFrame, step_s: float) -> dict[str, Any]:
    from mien.show.course import course, smoothed_over_s

    return {**_line(course(rows, step_s)), "smoothed_s": smoothed_over_s(rows["time_s"]), "read": _read(rows)}


def _line(line: pd.DataFrame) -> dict[str, Any]:
    columns = {
        name: [_rounded(value) for value in line[name]] for name in (*PROBABILITIES, "valence", "arousal")
    }
    chances = zip(*(columns[name] for name in PROBABILITIES), strict=True)
    return {
        "time_s": [_rounded(value) for value in line["time_s"]],
        "probabilities": [None if all(p is None for p in each) else list(each) for each in chances],
        "valence": columns["valence"],
        "arousal": columns["arousal"],
    }


def _read(rows: pd.DataFrame) -> dict[str, Any]:
    read = rows["confidence"].notna()
    return {
        "time_s": rows["time_s"].tolist(),
        "expression": [
            label if known else None for label, known in zip(rows["expression"], read, strict=True)
        ],
        "confidence": [
            value if known else None for value, known in zip(rows["confidence"], read, strict=True)
        ],
    }


def _rounded(value: float) -> float | None:
    return round(float(value), _DECIMALS) if value == value else None
