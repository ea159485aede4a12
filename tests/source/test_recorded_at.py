"""When a film was recorded: the camera's own date and zone, and what is left without them."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import ExifTags
from PIL import Image as Pillow

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


def photograph(path: Path, taken: object, zone: object = None) -> Path:
    exif = Pillow.Exif()
    told = {ExifTags.Base.DateTimeOriginal: taken, ExifTags.Base.OffsetTimeOriginal: zone}
    exif.get_ifd(ExifTags.IFD.Exif).update({tag: text for tag, text in told.items() if text is not None})
    Pillow.new("RGB", (8, 8)).save(path, exif=exif.tobytes())
    return changed(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_photographs_date_and_zone_are_the_cameras(tmp_path: Path, suffix: str) -> None:
    path = photograph(tmp_path / f"a{suffix}", "2026:05:01 00:15:00", "+05:45")
    found = recorded_at(path, 0.0)
    assert found.said
    assert found.at.isoformat() == "2026-05-01T00:15:00+05:45"


@pytest.mark.parametrize("zone", [None, "", "  :  ", "CEST"])
def test_a_photograph_without_a_zone_was_taken_in_this_machines(tmp_path: Path, zone: str | None) -> None:
    found = recorded_at(photograph(tmp_path / "a.jpg", "2026:05:01 00:15:00", zone), 0.0)
    assert found == (datetime(2026, 5, 1, 0, 15).astimezone(), True)


@pytest.mark.parametrize(
    "taken", [None, "", "0000:00:00 00:00:00", "    :  :     :  :  ", "2027:01:01 00:00:00", 7]
)
@pytest.mark.parametrize("length_s", [0.0, 3.0])
def test_a_photograph_without_a_date_is_as_old_as_its_file(
    tmp_path: Path, taken: object, length_s: float
) -> None:
    assert recorded_at(photograph(tmp_path / "a.jpg", taken), length_s) == (CHANGED, False)


def test_a_film_of_unknown_length_tells_its_date(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", 5, tags={"creation_time": "2026-05-01T08:00:00Z"})
    assert recorded_at(changed(path), 0.0) == (datetime(2026, 5, 1, 8, tzinfo=UTC), True)
