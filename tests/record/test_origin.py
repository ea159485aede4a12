from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest

from mien.record.origin import KIND_WORDS, STATE_WORDS, origin_words, source_words, too_rarely
from mien.store.types import RecordingState, SourceKind, StoredRecording
from mien.wording import count

RECORDING = StoredRecording(
    1, 1, "0" * 32, "browser", "browser-4", datetime(2026, 5, 1, tzinfo=UTC), 36.0, 48, 0.13, "finished",
    {}, {}, "0.5",
)  # fmt: skip


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("browser-4", "a browser's camera"),
        ("browser-4, browser-11", "a browser's camera"),
        ("camera:0", "camera 0"),
        ("camera", "a camera"),
        ("camera:1, browser-2", "camera 1, a browser's camera"),
        ("session.mp4", "session.mp4"),
        ("hall-2", "hall-2"),
        ("", ""),
    ],
)
def test_machines_names_become_words(source: str, words: str) -> None:
    assert source_words(source) == words


@pytest.mark.parametrize(
    ("kind", "source", "words"),
    [
        ("browser", "browser-4", "a browser's camera"),
        ("camera", "camera:0", "camera 0"),
        ("camera", "desk", "a camera, desk"),
        ("stream", "hall", "a network camera, hall"),
        ("video", "session.mp4", "a video file, session.mp4"),
        ("photograph", "a.jpg", "photographs, a.jpg"),
        ("simulated", "camera", "simulated"),
    ],
)
def test_a_recording_says_where_it_comes_from(kind: SourceKind, source: str, words: str) -> None:
    assert origin_words(replace(RECORDING, kind=kind, source=source)) == words


def test_every_kind_and_state_has_words() -> None:
    assert set(KIND_WORDS) == set(get_args(SourceKind))
    assert set(STATE_WORDS) == set(get_args(RecordingState))


def test_a_recording_that_was_read_too_rarely() -> None:
    assert "1.3 times per second" in too_rarely(RECORDING)
    assert too_rarely(replace(RECORDING, frames=361)) == ""
    assert too_rarely(replace(RECORDING, state="open")) == ""
    assert too_rarely(replace(RECORDING, kind="photograph")) == ""


def test_one_is_no_plural() -> None:
    assert [count(many, "day") for many in (0, 1, 2, 1200)] == ["0 days", "1 day", "2 days", "1,200 days"]
    assert [count(many, "near copy", "near copies") for many in (1, 2)] == ["1 near copy", "2 near copies"]
