"""An EDF+ file: the courses of each face of one video, for programs that show body signals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from mien.errors import SourceError
from mien.exchange.formats.courses import courses_of
from mien.exchange.formats.results import Record
from mien.files import written_whole
from mien.labels import POSE
from mien.signals.figures_edf import LONGEST_S, Course, EdfHeader, edf_bytes
from mien.table import Columns, Row

MOST_FACES: Final = 8
"""All are held in memory, and nobody looks at more side by side."""


def write_edf(record: Record, rows: Iterator[Row], columns: Columns, path: Path) -> Iterator[str]:
    """Write one recording as EDF+, with a signal for each column of each face; its name ends in the track.

    The lowest step of a signal means no reading, as in `mien.signals.figures_edf`.

    Args:
        record: what is known of the recording.
        rows: its rows.
        columns: of these.
        path: in .edf.

    Yields:
        What the user should know.

    Raises:
        ModuleNotFoundError: without edfio, which `mien[signals]` brings.
        SourceError: it has no face, or is too long.
        OutputError: it can't be written.
    """
    import edfio  # noqa: F401  so that it is missed before anything is read

    on_grid = courses_of(rows, columns, MOST_FACES + 1)
    if not on_grid.faces:
        raise SourceError(f"{record['source']} has no face, so that there is nothing for an EDF file")
    if len(on_grid.faces[0].values) > LONGEST_S * on_grid.rate_hz:
        raise SourceError(f"{record['source']} is longer than a week, which is too long for one EDF file")
    given = [
        Course(
            f"face_{name}" if name in ("valence", "arousal") else name, str(face.track),
            "deg" if name in POSE else "", face.values[:, place], np.zeros(0), 1 / on_grid.rate_hz,
        )
        for face in sorted(on_grid.faces[:MOST_FACES], key=lambda each: each.track)
        for place, name in enumerate(on_grid.names)
        if np.isfinite(face.values[:, place]).any()
    ]  # fmt: skip
    with written_whole(path) as temporary:
        temporary.write_bytes(edf_bytes(given, EdfHeader(), on_grid.rate_hz))
    if len(on_grid.faces) > MOST_FACES:
        yield f"{record['source']}: only the {MOST_FACES} faces that were seen longest"
