"""An XDF file: the readings of each face of one video, at the times of their frames.

XDF 1.0, as https://github.com/sccn/xdf/wiki/Specifications has it; for Python there are readers only.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID
from xml.etree import ElementTree

import numpy as np

from mien import __version__
from mien.errors import SourceError
from mien.exchange.formats.results import Record
from mien.exchange.formats.words import words
from mien.files import written_whole
from mien.labels import POSE
from mien.table import POINTS, Columns, Row, plain_name

_FILE_HEADER, _STREAM_HEADER, _SAMPLES, _CLOCK_OFFSET, _BOUNDARY, _STREAM_FOOTER = range(1, 7)
_BOUNDARY_ID: Final = UUID("43a546dc-cbf5-410f-b30e-d5467383cbe4").bytes
"""By which a reader of a damaged file finds the next whole chunk."""
_ROWS: Final = 4096
"""So many are held before they are written: about two minutes of one face, 6 MB with landmarks."""
_NOT_IN_XML: Final = re.compile("[\ufffe\uffff]")
_UNITS: Final = {
    **dict.fromkeys(("x", "y", "width", "height", *POINTS), "pixels"),
    **dict.fromkeys(POSE, "degrees"),
}


@dataclass(slots=True)
class _Stream:
    """One face, as its rows go by."""

    number: int
    first_s: float
    last_s: float
    count: int = 0
    held: list[tuple[int, float, tuple[float, ...]]] = field(default_factory=list)


def write_xdf(record: Record, rows: Iterator[Row], columns: Columns, path: Path) -> Iterator[str]:
    """Write one recording as XDF, with a stream for each face and a channel for each column of numbers.

    The streams have no even rate: each sample's time stamp is the time of its frame, in seconds from the
    start of the video. NaN is what isn't known. The same rows give the same bytes.

    Args:
        record: what is known of the recording.
        rows: its rows; they are written as they come.
        columns: of these.
        path: in .xdf.

    Yields:
        Nothing: all that the table has of numbers is in the file.

    Raises:
        SourceError: it has no face, or a row without a time.
        OutputError: it can't be written.
    """
    source = str(record["source"])
    if (first := next(rows, None)) is None:
        raise SourceError(f"{source} has no face, so that there is nothing for an XDF file")
    with written_whole(path) as temporary, temporary.open("wb") as file:
        faces = _Faces(file, source, columns)
        for number, row in enumerate(chain([first], rows), 1):
            faces.add(row)
            if number % _ROWS == 0:
                faces.flush()
        faces.flush()
        faces.finish()
    yield from ()


class _Faces:
    """Writes the rows of all faces as they come.

    Args:
        file: where to.
        source: of the rows.
        columns: of these.
    """

    def __init__(self, file: BinaryIO, source: str, columns: Columns) -> None:
        self._file, self._source = file, source
        kinds = columns.dtypes.items()
        self._names = [name for name, kind in kinds if kind != "str" and name not in ("time_s", "track")]
        self._time_s, self._track = columns.names.index("time_s"), columns.names.index("track")
        self._values = itemgetter(*map(columns.names.index, self._names))
        self._form = [("bytes", "u1"), ("stamp", "<f8"), ("values", "<f8", (len(self._names),))]
        self._streams: dict[Any, _Stream] = {}
        file.write(b"XDF:")
        _chunk(file, _FILE_HEADER, _xml({"version": "1.0"}))

    def add(self, row: Row) -> None:
        """Hold a row back for the next `flush`."""
        at = row[self._time_s]
        if not isinstance(at, float) or not math.isfinite(at):
            raise SourceError(f"{self._source} has a row without a time, which XDF needs")
        stream = self._streams.get(row[self._track]) or self._begin(row[self._track], at)
        stream.last_s = at
        stream.count += 1
        values = tuple(np.nan if each is None else each for each in self._values(row))
        stream.held.append((np.dtype(np.float64).itemsize, at, values))

    def _begin(self, track: Any, at: float) -> _Stream:
        """Write a stream's header, and that its clock is the file's own."""
        stream = self._streams[track] = _Stream(len(self._streams) + 1, at, at)
        _chunk(self._file, _STREAM_HEADER, _header(self._source, f"face {track}", at, self._names), stream)
        _chunk(self._file, _CLOCK_OFFSET, struct.pack("<dd", at, 0.0), stream)
        return stream

    def flush(self) -> None:
        """Write what is held back."""
        for stream in self._streams.values():
            if stream.held:
                count = b"\x04" + struct.pack("<I", len(stream.held))
                _chunk(self._file, _SAMPLES, count + np.array(stream.held, self._form).tobytes(), stream)
                stream.held.clear()
        _chunk(self._file, _BOUNDARY, _BOUNDARY_ID)

    def finish(self) -> None:
        """Say at the end what there is of each stream."""
        for stream in self._streams.values():
            _chunk(self._file, _STREAM_FOOTER, _footer(stream), stream)


def _header(source: str, name: str, created_s: float, channels: Iterable[str]) -> bytes:
    described = [
        {"label": each, "unit": _UNITS.get(each, ""), "type": "Expression", "description": words(each)}
        for each in channels
    ]
    return _xml(
        {
            "name": name,
            "type": "Expression",
            "channel_count": len(described),
            "nominal_srate": 0,
            "channel_format": "double64",
            "source_id": f"mien/{source}/{name}",
            "created_at": created_s,
            "desc": {
                "channels": {"channel": described},
                "acquisition": {"manufacturer": "Mien", "version": __version__, "source": source},
            },
        }
    )


def _footer(stream: _Stream) -> bytes:
    return _xml(
        {
            "first_timestamp": stream.first_s,
            "last_timestamp": stream.last_s,
            "sample_count": stream.count,
            "clock_offsets": {"offset": {"time": stream.first_s, "value": 0.0}},
        }
    )


def _chunk(file: BinaryIO, tag: int, content: bytes, stream: _Stream | None = None) -> None:
    whose = b"" if stream is None else struct.pack("<I", stream.number)
    file.write(b"\x04" + struct.pack("<IH", 2 + len(whose) + len(content), tag) + whose + content)


def _xml(info: dict[str, Any]) -> bytes:
    root = ElementTree.Element("info")
    _fill(root, info)
    content: bytes = ElementTree.tostring(root, "utf-8")
    return b'<?xml version="1.0"?>' + content


def _fill(parent: ElementTree.Element, held: dict[str, Any]) -> None:
    """Put texts, numbers, further elements and lists of them into an element."""
    for tag, value in held.items():
        for each in value if isinstance(value, list) else [value]:
            element = ElementTree.SubElement(parent, tag)
            if isinstance(each, dict):
                _fill(element, each)
            else:
                element.text = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", plain_name(str(each)))
