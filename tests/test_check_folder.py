"""Where results can't be written is known before hours go into them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mien.errors import OutputError
from mien.files import check_folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_a_place_that_takes_no_files_is_refused_whoever_asks() -> None:
    with pytest.raises(OutputError, match="cannot write into /proc/xx: "):
        check_folder(Path("/proc/xx"))


def test_a_folder_that_is_still_to_be_made_is_taken_and_nothing_stays(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "deeper")
    assert list(tmp_path.iterdir()) == []
