"""The cameras of the server's machine, and what a browser may add as a source: those, and streams."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from mien.errors import SourceError
from mien.source.address import check_stream, is_address

_CAMERA: Final = re.compile(r"camera:[0-9]{1,2}")
_FOLDER: Final = Path("/sys/class/video4linux")


def found_cameras(folder: Path = _FOLDER) -> list[dict[str, str]]:
    """Give the cameras that the system names, without opening them.

    Only Linux tells; elsewhere a camera would have to be opened, which lights it up and may ask for leave.

    Returns:
        For each its address `where` ("camera:0") and its `name`.
    """
    if sys.platform != "linux":
        return []
    names = {int(path.parent.name.removeprefix("video")): path for path in folder.glob("video[0-9]*/name")}
    return [
        {"where": f"camera:{index}", "name": path.read_text(encoding="utf-8", errors="replace").strip()}
        for index, path in sorted(names.items())
    ]


def check_addable(where: str) -> str:
    """Let cameras by number and streams pass, and nothing that could be a path.

    Raises:
        SourceError: it is something else.
    """
    if is_address(where):
        check_stream(where)
    elif not _CAMERA.fullmatch(where):
        raise SourceError("expected a camera as in camera:0, or a stream as in rtsp://host/path")
    return where
