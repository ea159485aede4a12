"""What a recording came from and how well it was read, in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mien.mood.reading_rate import read_too_rarely
from mien.store.types import RecordingState, SourceKind, StoredRecording

KIND_WORDS: Final[Mapping[SourceKind, str]] = MappingProxyType(
    {
        "browser": "a browser's camera",
        "camera": "a camera",
        "stream": "a network camera",
        "video": "a video file",
        "photograph": "photographs",
        "simulated": "simulated",
    }
)
"""What frames came from, by `StoredRecording.kind`."""

STATE_WORDS: Final[Mapping[RecordingState, str]] = MappingProxyType(
    {"open": "being recorded now", "finished": "finished", "interrupted": "interrupted"}
)
"""How a recording stands, by `StoredRecording.state`."""

_MACHINE_NAME: Final = re.compile(r"(browser|camera|video)[-:]?(\d*)")


def source_words(source: str) -> str:
    """Name a source for people: "browser-4" is a browser's camera, "camera:0" is camera 0; others stay.

    A browser's number counts the page's connections, and means nothing to anybody; a camera's is the device.

    Args:
        source: the camera's, stream's or file's name; several with ", " between.
    """
    return ", ".join(dict.fromkeys(_plain_name(each) for each in source.split(", ")))


def _plain_name(source: str) -> str:
    found = _MACHINE_NAME.fullmatch(source)
    if found is None:
        return source
    kind, number = found.groups()
    if kind == "browser":
        return KIND_WORDS["browser"]
    return f"camera {number}" if number else "a camera"


def origin_words(recording: StoredRecording) -> str:
    """Say what a recording came from: "a browser's camera", "a video file, session.mp4", "simulated"."""
    kind = KIND_WORDS.get(recording.kind, recording.kind)
    named = source_words(recording.source)
    if recording.kind in ("browser", "simulated") or not named or named == kind:
        return kind
    return named if recording.kind == "camera" and named.startswith("camera ") else f"{kind}, {named}"


def too_rarely(recording: StoredRecording) -> str:
    """Say that a recording was read too rarely; "" where it was not, or is still running.

    Its number of frames and its length tell; pauses within it are in its readings alone.
    """
    if recording.state == "open" or recording.kind == "photograph":
        return ""
    return read_too_rarely(recording.frames, recording.length_s)
