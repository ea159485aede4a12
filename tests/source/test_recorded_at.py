"""When a film was recorded: the camera's own date and zone, and what is left without them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mien.source.recorded_at import recorded_at
from source.clips import join, write_clip

CHANGED = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
CAMERA = "com.apple.quicktime.creationdate"


def changed(path: Path) -> Path:
    os.utime(path, (CHANGED.timestamp(), CHANGED.timestamp()))
    return path


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("2026-04-30T23:40:00-0500", "2026-04-30T23:40:00-05:00"),
        ("2026-05-01T00:15:00+0200", "2026-05-01T00:15:00+02:00"),
        ("2026-05-01T00:15:00+05:45", "2026-05-01T00:15:00+05:45"),
    ],
)
def test_a_phones_date_and_zone_are_the_cameras(tmp_path: Path, suffix: str, said: str, at: str) -> None:
    tags = {CAMERA: said, "creation_time": "2026-05-02T08:00:00Z"}
    found = recorded_at(changed(write_clip(tmp_path / f"a{suffix}", 5, tags=tags)), 0.2)
    assert found.said
    assert found.at.isoformat() == at


@pytest.mark.parametrize(
    "odd",
    [
        "", "yesterday", "2026", "2026-05-01", "2026-05-01T00:15:00", "0001-01-01T00:00:00+1400",
        "9999-12-31T23:59:59-1200", "1904-01-01T00:00:00+0200", "2026-06-01T00:00:00+0200",
    ],
)  # fmt: skip
def test_an_odd_date_gives_way_to_the_containers(tmp_path: Path, odd: str) -> None:
    tags = {CAMERA: odd, "creation_time": "2026-05-02T08:00:00Z"}
    found = recorded_at(changed(write_clip(tmp_path / "a.mov", 5, tags=tags)), 0.2)
    moment = datetime(2026, 5, 2, 8, tzinfo=UTC)
    assert found == (moment, True)
    assert found.at.utcoffset() == moment.astimezone().utcoffset()


@pytest.mark.parametrize("starts_s", [(0, 0), (0, 40_000), (40_000, 0)])
def test_joined_recordings_began_their_whole_length_ago(
    tmp_path: Path, starts_s: tuple[float, float]
) -> None:
    parts = [
        write_clip(tmp_path / f"{place}.ts", 50, codec="mpeg2video", start_s=start_s)
        for place, start_s in enumerate(starts_s)
    ]
    found = recorded_at(changed(join(tmp_path / "all.ts", *parts)), 1234.0)
    assert not found.said
    assert CHANGED - found.at == pytest.approx(timedelta(seconds=4), abs=timedelta(seconds=0.1))
