"""kill -9 at random moments; `benchmarks/store.py --kills 500` does it more often."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from store_killing import kill_cameras, kill_hasty_ones

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="children as on Unix")

SLOW = float(os.environ.get("MIEN_SLOW", "1"))


def test_nothing_that_was_committed_is_lost_and_nothing_is_damaged(tmp_path: Path) -> None:
    times = 30 if SLOW == 1 else 200
    assert kill_hasty_ones(tmp_path / "record.sqlite", times) >= times


def test_of_a_camera_at_most_two_seconds_are_lost(tmp_path: Path) -> None:
    lost_s = kill_cameras(tmp_path / "record.sqlite", 5, most_lost_s=2.0 * SLOW)
    assert any(each > 0 for each in lost_s)
