"""Readings for other programs: a line of JSON for each."""

from __future__ import annotations

import json
from typing import TextIO

from mien.live.reading import Reading


class JsonLines:
    """Writes readings to a stream, one line each, and at once.

    Args:
        out: takes text.
        landmarks: with the 68 points of each face.
    """

    def __init__(self, out: TextIO, *, landmarks: bool = False) -> None:
        self._out = out
        self._landmarks = landmarks

    def write(self, reading: Reading) -> None:
        """Write a reading.

        Raises:
            BrokenPipeError: the reader has gone.
        """
        said = reading.as_dict(landmarks=self._landmarks)
        self._out.write(json.dumps(said, allow_nan=False, separators=(",", ":")) + "\n")
        self._out.flush()
