"""kill -9 at random moments; `benchmarks/store.py --kills 500` does it more often."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from patience import LIMIT_S
from store_killing import kill_cameras, kill_hasty_ones

pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.skipif(sys.platform == "win32", reason="children as on Unix"),
]


def test_nothing_that_was_committed_is_lost_and_nothing_is_damaged(tmp_path: Path) -> None:
    times = 200 if os.environ.get("MIEN_NEED_ALL") else 30
    assert kill_hasty_ones(tmp_path / "record.sqlite", times) >= times


def test_what_is_recorded_of_a_camera_is_whole_up_to_a_moment(tmp_path: Path) -> None:
    """How many seconds it loses says how busy the machine is; `benchmarks/store.py --kills` measures them."""
    lost_s = kill_cameras(tmp_path / "record.sqlite", 5, most_lost_s=LIMIT_S)
    assert any(each > 0 for each in lost_s)
