"""Which films a browser gets as they are, and of which a copy is made."""

from __future__ import annotations

from pathlib import Path

from av.stream import Disposition

from mien.web.uploads.preview import plays_in_browsers
from source.clips import write_clip, write_pictures


def test_of_several_pictures_a_browser_might_play_another_than_is_read(tmp_path: Path) -> None:
    assert plays_in_browsers(write_clip(tmp_path / "one.mp4", 5))
    small, large = (((side, side), 9, Disposition(0), "libx264") for side in (48, 96))
    assert not plays_in_browsers(write_pictures(tmp_path / "two.mp4", small, large))
