"""What a recording came from and how well it was read, in plain words; and whether a person is behind it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mien.errors import StoreError
from mien.mood.reading_rate import read_too_rarely
from mien.store.types import RecordingState, SourceKind, StoredRecording, Subject

if TYPE_CHECKING:
    from mien.store.store import Store

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
    """Return a source's name for people: a browser's camera for "browser-4", camera 0 for "camera:0".

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
    """Return what a recording came from: "a browser's camera", "a video file, session.mp4", "simulated"."""
    kind = KIND_WORDS.get(recording.kind, recording.kind)
    named = source_words(recording.source)
    if recording.kind in ("browser", "simulated") or not named or named == kind:
        return kind
    return named if recording.kind == "camera" and named.startswith("camera ") else f"{kind}, {named}"


def too_rarely(recording: StoredRecording) -> str:
    """Return that a recording was read too rarely, in words; "" where it was not, or is still running.

    Its number of frames and its length tell; pauses within it are in its readings alone.
    """
    if recording.state == "open" or recording.kind == "photograph":
        return ""
    return read_too_rarely(recording.frames, recording.length_s)


def is_simulated(recordings: Iterable[StoredRecording]) -> bool:
    """Return whether a subject is simulated, by its recordings."""
    return any(each.kind == "simulated" for each in recordings)


def require_person(store: Store, subject: Subject) -> None:
    """Raise where a subject is simulated: their record takes no real readings.

    Args:
        store: the record.
        subject: who is to be recorded.

    Raises:
        StoreError: it is simulated.
    """
    if is_simulated(store.recordings.of(subject)):
        raise StoreError(
            f"{subject.code} is simulated: real readings don't belong in their record; choose another subject"
        )
