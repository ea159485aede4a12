"""One table as CSV, or as Parquet whose types R has too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.aggregate import blocks
from mien.exchange.formats.results import Results, TableName
from mien.exchange.formats.words import LEVELS
from mien.files import written_whole
from mien.table import Layout, Row, new_table

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP_ROWS: Final = 20_000
_FACTORS: Final = ("source", "kind", *LEVELS)


def write_csv(results: Results, path: Path, table: TableName) -> Iterator[str]:
    """Write one table as CSV, as `mien analyze` does, row by row.

    Raises:
        OutputError: it can't be written.
    """
    with new_table(path, results.layout(table)) as out:
        for block in blocks(results.rows_of(table)):
            out.write(block)
    return iter(())


def write_parquet(results: Results, path: Path, table: TableName) -> Iterator[str]:
    """Write one table as Parquet for R: 32-bit integers, doubles, and words as factors; no column is nested.

    Raises:
        OutputError: it can't be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    layout = results.layout(table)
    schema = pa.schema([(name, _type(name, dtype)) for name, dtype in layout.dtypes.items()])
    with written_whole(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for rows in blocks(results.rows_of(table), _GROUP_ROWS):
            writer.write_table(_group(rows, layout, schema))
    return iter(())


def _type(name: str, dtype: str) -> pa.DataType:
    import pyarrow as pa

    if name in _FACTORS:
        return pa.dictionary(pa.int32(), pa.string())
    return {"str": pa.string(), "int64": pa.int32(), "float64": pa.float64()}[dtype]


def _group(rows: Sequence[Row], layout: Layout, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    arrays = []
    for name, cells in zip(layout.names, columns, strict=True):
        if name in LEVELS:  # always all levels, in their order
            codes = [None if cell is None else LEVELS[name].index(cell) for cell in cells]
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), list(LEVELS[name])))
        elif name in _FACTORS:
            arrays.append(pa.array(cells, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(cells, schema.field(name).type))
    return pa.Table.from_arrays(arrays, schema=schema)
