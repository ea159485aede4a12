"""How readings lie in the database: small chunks while they come in, Parquet once they are packed.

A value is kept as a whole number of its last decimal, so what comes out is exactly what went in, rounded.
Parquet holds it as DECIMAL, which any reader shows as the number itself; the differences from row to row are
packed, as they are small. `benchmarks/store.py` compares the formats, docs/series.md shows the table.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import StoreError
from mien.labels import EMOTIONS, MEASURES
from mien.table import DECIMALS, PROBABILITIES

if TYPE_CHECKING:
    import pyarrow as pa

Columns = Mapping[str, NDArray[Any]]
"""Readings by field: (n,), or (n, 8) and (n, k) for `probabilities` and `measures`."""

Counts = NDArray[np.int64]
"""(n, columns) readings as whole numbers of the last decimal; `MISSING` stands for none."""

SEGMENT_FORMAT: Final = "parquet-1"
"""Says in the database how a segment is written."""

SEGMENT_ROWS: Final = 65_536
"""A segment has at most so many rows: half an hour at the fastest cameras' rate."""

MISSING: Final = np.iinfo(np.int64).min

_CHUNK_FORMAT: Final = b"\x01"

_DECIMALS: Final = MappingProxyType(
    {"frame": 0, "expression": 0, "light": 4, "sharpness": 4, "face_px": 2, **DECIMALS}
)
_FIELDS: Final = MappingProxyType(
    {
        "frame": ("frame",),
        "time_s": ("time_s",),
        **{name: (name,) for name in ("x", "y", "width", "height", "detection")},
        **{name: (name,) for name in ("quality", "light", "sharpness", "face_px")},
        "probabilities": PROBABILITIES,
        **{name: (name,) for name in ("expression", "confidence", "valence", "arousal")},
        "measures": MEASURES,
    }
)
_WHOLE: Final = ("frame", "expression")
"""Fields of whole numbers, in which -1 stands for none."""

COLUMNS: Final = tuple(column for field in _FIELDS.values() for column in field)
"""The columns of a segment, in their order; another version of Mien may have others."""

_NAMES: Final = ",".join(COLUMNS).encode() + b"\n"

_ENDS = tuple(accumulate((len(columns) for columns in _FIELDS.values()), initial=0))
SLICES: Final = MappingProxyType(
    {field: slice(*ends) for field, ends in zip(_FIELDS, pairwise(_ENDS), strict=True)}
)
"""Where each field stands in a row of all columns."""

_SCALES = np.array([10.0 ** _DECIMALS[column] for column in COLUMNS])
_LARGEST: Final = 10**9 - 1
_LARGEST_TIME: Final = 10**15 - 1
_TIME: Final = SLICES["time_s"].start

assert len(PROBABILITIES) == len(EMOTIONS)


class UnreadableError(StoreError):
    """Readings can't be read; others may be whole."""


def split(matrix: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Turn rows of all columns into fields.

    Args:
        matrix: (n, columns) in the order of `COLUMNS`; NaN where there is nothing.

    Returns:
        The fields; `frame` and `expression` are whole numbers, -1 where there is nothing.
    """
    fields: dict[str, NDArray[Any]] = {}
    for name, place in SLICES.items():
        values = matrix[:, place] if name in ("probabilities", "measures") else matrix[:, place.start]
        fields[name] = np.nan_to_num(values, nan=-1).astype(np.int64) if name in _WHOLE else values
    return fields


def to_counts(readings: Columns | NDArray[np.float64]) -> Counts:
    """Round readings, and return them as whole numbers.

    Args:
        readings: (n, columns) in the order of `COLUMNS`, NaN where there is nothing; or fields of n rows, of
            which `time_s` is needed and any other may be left out.

    Raises:
        StoreError: a field is unknown or has the wrong shape, a value is too large, or times don't rise.
    """
    matrix = readings.copy() if isinstance(readings, np.ndarray) else _joined(readings)
    for name in _WHOLE:
        whole = matrix[:, SLICES[name]]
        whole[whole < 0] = np.nan
    scaled = np.rint(matrix * _SCALES)
    largest = np.where(np.arange(len(COLUMNS)) == _TIME, _LARGEST_TIME, _LARGEST)
    if (np.abs(np.nan_to_num(scaled, nan=0, posinf=np.inf)) > largest).any():
        raise StoreError("readings: a value is too large to be stored, or infinite")
    counts = np.where(np.isnan(scaled), 0, scaled).astype(np.int64)
    counts[np.isnan(scaled)] = MISSING
    check_rising(counts)
    return counts


def _joined(columns: Columns) -> NDArray[np.float64]:
    """Put fields together into rows of all columns."""
    if "time_s" not in columns or not set(columns) <= set(_FIELDS):
        raise StoreError(
            f"readings: expected time_s and some of {', '.join(_FIELDS)}, received {', '.join(columns)}"
        )
    count = len(columns["time_s"])
    matrix = np.full((count, len(COLUMNS)), np.nan)
    for name, values in columns.items():
        place = SLICES[name]
        shape = (count, place.stop - place.start)
        array = np.asarray(values, np.float64)
        if array.shape != shape and array.shape != (count,) * (shape[1] == 1):
            raise StoreError(f"readings: expected {name} of shape {shape}, received {array.shape}")
        matrix[:, place] = array.reshape(shape)
    return matrix


def check_rising(counts: Counts, after_s: float | None = None) -> None:
    """Raise unless times are known and rise.

    Args:
        counts: of n rows.
        after_s: the first one must be later than this.

    Raises:
        StoreError: they don't.
    """
    times = counts[:, _TIME]
    if len(times) and (times.min() == MISSING or not (np.diff(times) > 0).all()):
        raise StoreError("readings: expected times that rise by a microsecond at least from row to row")
    if len(times) and after_s is not None and times[0] <= round(after_s * 10 ** _DECIMALS["time_s"]):
        raise StoreError(f"readings: expected times after {after_s} s, received {span_s(counts)[0]} s")


def span_s(counts: Counts) -> tuple[float, float]:
    """Return the times of the first row and the last."""
    first, last = counts[[0, -1], _TIME] / _SCALES[_TIME]
    return float(first), float(last)


def from_counts(counts: Counts) -> dict[str, NDArray[Any]]:
    """Return readings as fields again, exactly as they were rounded."""
    # A whole number divided by a power of ten is the double that is nearest to the decimal.
    return split(np.where(counts == MISSING, np.nan, counts / _SCALES))


def write_chunk(counts: Counts) -> bytes:
    """Pack a few rows, quickly, with the columns' names."""
    return _CHUNK_FORMAT + zlib.compress(_NAMES + np.ascontiguousarray(counts, "<i8").tobytes(), 1)


def read_chunk(data: bytes) -> Counts:
    """Unpack what `write_chunk` gave, also another Mien's, which had other columns.

    Raises:
        UnreadableError: it is damaged.
    """
    try:
        if data[:1] != _CHUNK_FORMAT:
            raise ValueError("of another format")
        names, _, raw = zlib.decompress(data[1:]).partition(b"\n")
        columns = names.decode().split(",")
        return _placed(columns, np.frombuffer(raw, "<i8").reshape(-1, len(columns)).T)
    except (zlib.error, ValueError) as error:
        raise _unreadable(str(error)) from error


def segments(counts: Counts) -> Iterator[Counts]:
    """Cut rows into stretches that are no longer than a segment."""
    for start in range(0, len(counts), SEGMENT_ROWS):
        yield counts[start : start + SEGMENT_ROWS]


def write_segment(counts: Counts) -> bytes:
    """Pack many rows into a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        [_decimals(counts[:, place], _types()[place]) for place in range(len(COLUMNS))], schema=_schema()
    )
    file = BytesIO()
    pq.write_table(
        table, file, compression="zstd", use_dictionary=False, column_encoding="DELTA_BINARY_PACKED",
        store_decimal_as_integer=True, write_statistics=False, write_page_checksum=True,
    )  # fmt: skip
    return file.getvalue()


def read_segment(data: bytes, format_: str = SEGMENT_FORMAT, columns: tuple[str, ...] = COLUMNS) -> Counts:
    """Unpack what `write_segment` gave.

    Args:
        data: the file.
        format_: as it was stored with it.
        columns: read only these; the others are `MISSING`.

    Raises:
        UnreadableError: it is damaged, or was written by a newer Mien.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if format_ != SEGMENT_FORMAT:
        raise UnreadableError(
            f"readings: expected the format {SEGMENT_FORMAT}, received {format_}; install a newer Mien"
        )
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        there = file.schema_arrow.names
        # The pages have checksums, the columns' names have none.
        if (file.schema_arrow.metadata or {}).get(b"columns") != _checksum(there):
            raise _unreadable("its columns are others")
        table = file.read([name for name in columns if name in there], use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(str(error).partition("\n")[0]) from error
    names = table.column_names
    if any(table.field(name).type != _schema().field(name).type for name in names):
        raise _unreadable("its columns are others")
    return _placed(names, [_whole_numbers(table.column(name)) for name in names])


def _placed(names: Sequence[str], values: Sequence[NDArray[np.int64]] | NDArray[np.int64]) -> Counts:
    """Put columns where they stand here; what is not known here any more is left out."""
    counts = np.full((len(values[0]), len(COLUMNS)), MISSING, np.int64)
    for name, column in zip(names, values, strict=True):
        if name in COLUMNS:
            counts[:, COLUMNS.index(name)] = column
    return counts


def _unreadable(why: str) -> UnreadableError:
    return UnreadableError(f"readings are damaged ({why}); take them from a backup")


@cache
def _types() -> list[pa.DataType]:
    import pyarrow as pa

    # Up to 9 digits lie in 32 bits; time has 15, in 64.
    return [pa.decimal128(15 if column == "time_s" else 9, _DECIMALS[column]) for column in COLUMNS]


@cache
def _schema() -> pa.Schema:
    import pyarrow as pa

    fields = [pa.field(column, type_) for column, type_ in zip(COLUMNS, _types(), strict=True)]
    return pa.schema(fields, {"mien": SEGMENT_FORMAT, "columns": _checksum(COLUMNS)})


def _checksum(names: Sequence[str]) -> bytes:
    return b"%08x" % zlib.crc32(",".join(names).encode())


def _decimals(counts: Counts, type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    there = counts != MISSING
    words = np.zeros((len(counts), 2), "<i8")
    words[:, 0] = np.where(there, counts, 0)
    words[:, 1] = words[:, 0] >> 63  # the sign goes on into the upper half of the 128 bits
    mask = np.packbits(there, bitorder="little")
    return pa.Array.from_buffers(type_, len(counts), [pa.py_buffer(mask), pa.py_buffer(words)])


def _whole_numbers(column: pa.ChunkedArray) -> Counts:
    array = column.combine_chunks()
    words = np.frombuffer(array.buffers()[1], "<i8").reshape(-1, 2)[
        array.offset : array.offset + len(array), 0
    ]
    there = array.is_valid().to_numpy(zero_copy_only=False)
    return np.where(there, words, MISSING)
