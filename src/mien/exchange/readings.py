"""A recording's readings as open files: the same columns and values in CSV and in Parquet, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, MEASURES, UNCERTAIN
from mien.table import PROBABILITIES

if TYPE_CHECKING:
    import pyarrow as pa

_BEFORE: Final = ("x", "y", "width", "height", "detection", "quality", "light", "sharpness", "face_px")
_AFTER: Final = ("confidence", "valence", "arousal")
COLUMNS: Final = ("frame", "time_s", *_BEFORE, *PROBABILITIES, "expression", *_AFTER, *MEASURES)
"""In the files' order; a frame in which the subject was not seen has empty cells after `time_s`."""

BATCH_BYTES: Final = 4 << 20
"""How much of a CSV file is read at once."""

Columns = Mapping[str, NDArray[Any]]


def readings_table(columns: Columns) -> pa.Table:
    """Make the table of a recording's readings.

    Args:
        columns: as `Store.readings.load` gives them, n rows.

    Returns:
        `COLUMNS` with n rows; null where the store has NaN.
    """
    import pyarrow as pa

    matrices = {PROBABILITIES: columns["probabilities"], MEASURES: columns["measures"]}
    flat = dict(columns) | {
        name: matrix[:, index] for names, matrix in matrices.items() for index, name in enumerate(names)
    }
    flat["expression"] = _labels(columns)
    arrays = [pa.array(flat[name], type, from_pandas=True) for name, type in _types().items()]
    return pa.table(arrays, names=list(COLUMNS))


def _labels(columns: Columns) -> NDArray[Any]:
    """Return (n,) labels: -1 is `uncertain` where the subject was seen, and nothing where not."""
    index = columns["expression"]
    uncertain, unseen = len(EMOTIONS), len(EMOTIONS) + 1
    chosen = np.where(index >= 0, index, np.where(np.isnan(columns["confidence"]), unseen, uncertain))
    return np.array([*EMOTIONS, UNCERTAIN, None], dtype=object)[chosen]


def _types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    kinds = {"frame": pa.int64(), "expression": pa.string()}
    return {name: kinds.get(name, pa.float64()) for name in COLUMNS}


def csv_bytes(table: pa.Table) -> bytes:
    """Return a table without odd texts as CSV: a header, and numbers in the shortest form that is exact."""
    import pyarrow.csv as arrow_csv

    out = BytesIO()
    out.write((",".join(table.schema.names) + "\n").encode())
    arrow_csv.write_csv(table, out, arrow_csv.WriteOptions(include_header=False, quoting_style="none"))
    return out.getvalue()


def parquet_bytes(table: pa.Table) -> bytes:
    """Return the table as Parquet."""
    import pyarrow.parquet as arrow_parquet

    out = BytesIO()
    arrow_parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def read_csv(file: IO[bytes]) -> Iterator[dict[str, NDArray[Any]]]:
    """Read a CSV file back, some thousand rows at a time.

    Args:
        file: as `csv_bytes` wrote it.

    Yields:
        Columns as `Store.readings.append` takes them.

    Raises:
        ValueError: it is not such a file.
    """
    last_s = -np.inf
    for batch in csv_batches(file, _types()):
        columns = _columns(batch)
        if not (np.diff(columns["time_s"], prepend=last_s) > 0).all():
            raise ValueError("expected times that rise from row to row")
        if len(columns["time_s"]):
            last_s = columns["time_s"][-1]
            yield columns


def csv_batches(file: IO[bytes], types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV file that `csv_bytes` wrote, some thousand at a time.

    Raises:
        ValueError: it has other columns, or values of another type.
    """
    import pyarrow.csv as arrow_csv

    reader = arrow_csv.open_csv(
        file,
        arrow_csv.ReadOptions(use_threads=False, block_size=BATCH_BYTES),
        convert_options=arrow_csv.ConvertOptions(
            column_types=types, null_values=[""], strings_can_be_null=True
        ),
    )
    if reader.schema.names != list(types):
        pairs = zip_longest(types, reader.schema.names, fillvalue="none")
        wanted, found = next(each for each in pairs if each[0] != each[1])
        raise ValueError(f"expected the column {wanted}, received {found:.40}")
    yield from reader


def _columns(batch: pa.RecordBatch) -> dict[str, NDArray[Any]]:
    """Return a batch's rows as the store takes them.

    Raises:
        ValueError: a frame has no number or time, or a label is not one of ours.
    """
    if batch.column("frame").null_count or batch.column("time_s").null_count:
        raise ValueError("expected a frame and a time in every row")
    flat = {
        name: batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS if name != "expression"
    }
    matrices = {
        "probabilities": np.column_stack([flat.pop(name) for name in PROBABILITIES]),
        "measures": np.column_stack([flat.pop(name) for name in MEASURES]),
    }
    return flat | matrices | {"expression": _indices(batch.column("expression").to_pylist())}


def _indices(labels: list[str | None]) -> NDArray[np.int64]:
    indices = {label: index for index, label in enumerate(EMOTIONS)} | {UNCERTAIN: -1, None: -1}
    if unknown := set(labels) - indices.keys():
        raise ValueError(
            f"expected labels of {', '.join(EMOTIONS)}, {UNCERTAIN}, received {unknown.pop()!r:.40}"
        )
    return np.array([indices[label] for label in labels], np.int64)
