"""The table of the pulse in an input's faces, written as it is read."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, TextIO

from mien.files import written_whole
from mien.signals.face_pulse import PulseReading

COLUMNS: Final = ("time_s", "track", "rate_bpm", "quality", "method")


@contextmanager
def pulse_table(path: Path) -> Iterator[PulseWriter]:
    """Write one input's pulse; the table stands under its name when the block ends well.

    Args:
        path: its name, in .csv.

    Yields:
        What takes the readings of `FacePulses`.

    Raises:
        OutputError: it can't be written.
    """
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        yield PulseWriter(file)


class PulseWriter:
    """Writes the pulse: a row a second and face, with an empty rate where there is no reading.

    Args:
        file: opened as text.
    """

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self._rows = 0
        self._rates: list[float] = []

    def take(self, readings: Sequence[PulseReading]) -> None:
        """Write the next readings."""
        for reading in readings:
            rate = None if reading.rate_bpm is None else round(reading.rate_bpm, 1)
            self._writer.writerow(
                (
                    f"{reading.time_s:g}",
                    reading.track,
                    rate,
                    f"{reading.quality:.2f}",
                    "+".join(reading.methods),
                )
            )
            self._rows += 1
            if rate is not None:
                self._rates.append(rate)

    def report(self) -> dict[str, Any]:
        """Return what the summary says of it; the rate is the readings' median, None without any."""
        return {
            "rows": self._rows,
            "readings": len(self._rates),
            "median_rate_bpm": median(self._rates) if self._rates else None,
        }
