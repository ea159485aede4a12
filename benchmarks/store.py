"""The record's readings: how they are best stored, how large a year is, how quickly a day opens, and kill -9.

python benchmarks/store.py                     formats, a year, a day
python benchmarks/store.py --table TABLE.csv   the same with what `mien analyze --measures` read
python benchmarks/store.py --writer            what recording costs at 30 frames a second
python benchmarks/store.py --many              84 recordings written one after the other
python benchmarks/store.py --kills 500         children killed at random moments
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.signal import lfilter

from mien.expression.circumplex import valence_arousal
from mien.labels import EMOTIONS, MEASURES, POSE
from mien.record.finalize import finalize, load_series
from mien.record.writer import RecordWriter
from mien.store import codec
from mien.store.store import Store
from mien.store.types import Subject
from mien.table import PROBABILITIES
from mien.types import LANDMARKS, Faces, Frame

ROWS = 18_000
"""Half an hour at ten readings a second."""
DAYS = 365
Columns = dict[str, NDArray[Any]]


def wander(rng: np.random.Generator, correlation: float, spread: float, count: int) -> NDArray[np.float64]:
    """AR(1) series, (ROWS, count), from step to step correlated so."""
    noise = rng.normal(0, spread * np.sqrt(1 - correlation**2), (ROWS, count))
    return np.asarray(lfilter([1], [1, -correlation], noise, axis=0))


def simulated(seed: int = 0) -> Columns:
    """Readings with slow moods, quick expressions and the network's noise; a tenth without the subject."""
    rng = np.random.default_rng(seed)
    logits = np.array([2.5, 0.5, -1, 0.3, 0, -1.5, -1, -2])
    p = np.exp(logits + wander(rng, 0.995, 1.2, 8) + wander(rng, 0.6, 0.25, 8))
    p /= p.sum(axis=1, keepdims=True)
    valence, arousal = valence_arousal(p.astype(np.float32)).T
    box = np.array([300, 200, 160, 200]) + wander(rng, 0.999, 20, 4) + wander(rng, 0.5, 0.5, 4)
    scale = np.array([8.0 if name in POSE else 0.05 for name in MEASURES])
    often = np.arange(ROWS) % 10 == 0
    columns: Columns = {
        "frame": np.arange(ROWS) * 3,
        "time_s": np.arange(ROWS) / 10 + rng.uniform(0, 0.03, ROWS),
        **dict(zip(("x", "y", "width", "height"), box.T, strict=True)),
        "face_px": np.sqrt(box[:, 2] * box[:, 3]),
        "detection": 1 - np.abs(wander(rng, 0.9, 0.004, 1)[:, 0]),
        "quality": 0.95 - np.abs(wander(rng, 0.97, 0.03, 1)[:, 0]),
        "light": np.where(often, 0.9 - np.abs(wander(rng, 0.99, 0.03, 1)[:, 0]), np.nan),
        "sharpness": np.where(often, 0.9 - np.abs(wander(rng, 0.9, 0.03, 1)[:, 0]), np.nan),
        "probabilities": p,
        "expression": np.where(p.max(axis=1) > 0.5, p.argmax(axis=1), -1),
        "confidence": p.max(axis=1),
        "valence": valence,
        "arousal": arousal,
        "measures": (wander(rng, 0.99, 1, len(MEASURES)) + wander(rng, 0.5, 0.15, len(MEASURES))) * scale,
    }
    return away(columns, slice(ROWS // 3, ROWS // 3 + ROWS // 10))


def away(columns: Columns, rows: slice) -> Columns:
    for name in set(columns) - {"frame", "time_s"}:
        columns[name][rows] = -1 if name == "expression" else np.nan
    return columns


def repeated(path: Path) -> Columns:
    """What was read of the most frequent track in a table, to and fro for half an hour, with noise."""
    table = pd.read_csv(path)
    one = table[(table["source"] == table["source"].mode()[0])]
    one = one[one["track"] == one["track"].mode()[0]]
    there_and_back = np.r_[np.arange(len(one)), np.arange(len(one) - 2, 0, -1)]
    one = one.iloc[np.resize(there_and_back, ROWS)]
    print(f"{len(there_and_back) // 2 + 1} real rows, to and fro")
    rng = np.random.default_rng(0)

    def noisy(name: str) -> NDArray[np.float64]:
        """With a quarter of what changes from frame to frame as noise, so that nothing comes twice."""
        values = one[name].to_numpy(copy=True)
        return values + rng.normal(0, 0.25 * np.nanmedian(np.abs(np.diff(values))) + 1e-9, len(values))

    columns = {name: noisy(name) for name in ("x", "y", "width", "height", "detection", "quality")}
    return {
        **columns,
        "frame": np.arange(ROWS) * 3,
        "time_s": np.arange(ROWS) / 10 + rng.uniform(0, 0.03, ROWS),
        "face_px": np.sqrt(columns["width"] * columns["height"]),
        "probabilities": np.column_stack([noisy(name) for name in PROBABILITIES]),
        "expression": np.array(
            [EMOTIONS.index(each) if each in EMOTIONS else -1 for each in one["expression"]]
        ),
        **{name: noisy(name) for name in ("confidence", "valence", "arousal")},
        "measures": np.column_stack([noisy(name) for name in MEASURES]),
    }


def timed(what: Callable[[], Any], times: int = 5) -> tuple[Any, float]:
    """Return the result, and the median milliseconds."""
    took = []
    for _ in range(times):
        start = perf_counter()
        result = what()
        took.append(perf_counter() - start)
    return result, 1000 * float(np.median(took))


def parquet(table: pa.Table, **options: Any) -> tuple[Callable[[], bytes], Callable[[bytes], Any]]:
    def write() -> bytes:
        file = BytesIO()
        pq.write_table(table, file, use_dictionary=False, compression="zstd", **options)
        return file.getvalue()

    return write, lambda data: pq.read_table(pa.BufferReader(data), use_threads=False)


def plain(
    array: NDArray[Any], codec_name: str, level: int | None
) -> tuple[Callable[[], bytes], Callable[[bytes], Any]]:
    """Whole numbers of 32 bits, their first bytes together, then the second ones, ..."""
    planes = np.ascontiguousarray(
        np.ascontiguousarray(array, "<i4").view(np.uint8).reshape(*array.shape, 4).transpose(0, 2, 1)
    )
    chosen = pa.Codec(codec_name, level)
    return (
        lambda: chosen.compress(planes.tobytes()).to_pybytes(),
        lambda data: chosen.decompress(data, planes.nbytes),
    )


def in_rows(counts: codec.Counts, path: Path) -> tuple[Callable[[], bytes], Callable[[bytes], Any]]:
    names = ", ".join(codec.COLUMNS)
    holes = ", ".join("?" * len(codec.COLUMNS))
    values = codec.from_counts(counts)
    matrix = np.column_stack([values[name].reshape(len(counts), -1) for name in codec.SLICES])
    rows = [[None if value != value else value for value in row] for row in matrix.tolist()]

    def write() -> bytes:
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                f"CREATE TABLE readings (recording, {names}, PRIMARY KEY (recording, time_s)) WITHOUT ROWID"
            )
            connection.executemany(f"INSERT INTO readings VALUES (1, {holes})", rows)
        return path.read_bytes()

    def read(data: bytes) -> Any:
        with closing(sqlite3.connect(path)) as connection:
            return np.array(
                connection.execute("SELECT * FROM readings WHERE recording = 1").fetchall(), float
            )

    return write, read


def formats(columns: Columns, folder: Path) -> None:
    """Print what half an hour takes in each format."""
    counts = codec.to_counts(columns)
    values = codec.from_counts(counts)
    matrix = np.column_stack([values[name].reshape(ROWS, -1) for name in codec.SLICES])
    doubles = pa.table([pa.array(column, from_pandas=True) for column in matrix.T], names=list(codec.COLUMNS))
    singles = doubles.cast(
        pa.schema([(name, pa.float64() if name == "time_s" else pa.float32()) for name in codec.COLUMNS])
    )
    zeros = np.where(counts == codec.MISSING, 0, counts).T
    steps = np.diff(zeros, axis=1, prepend=0)
    zigzag = (steps << 1) ^ (steps >> 63)
    candidates = {
        "rows in SQL": in_rows(counts, folder / "rows.sqlite"),
        "Parquet, float64": parquet(doubles),
        "Parquet, float32 (not exact)": parquet(singles),
        "Parquet, float32, bytes split (not exact)": parquet(singles, column_encoding="BYTE_STREAM_SPLIT"),
        "Parquet, decimals": (lambda: written(counts, "PLAIN"), codec.read_segment),
        "Parquet, decimals, bytes split": (lambda: written(counts, "BYTE_STREAM_SPLIT"), codec.read_segment),
        "Parquet, decimals, delta (chosen)": (lambda: codec.write_segment(counts), codec.read_segment),
        "bytes split, zstd 9, own format": plain(zeros, "zstd", 9),
        "delta, bytes split, lz4, own format": plain(zigzag, "lz4", None),
        "delta, bytes split, zstd 9, own format": plain(zigzag, "zstd", 9),
    }
    print(f"\n{'format':44}{'bytes a row':>12}{'MB a year':>11}{'write ms':>10}{'read ms':>9}")
    for name, (write, read) in candidates.items():
        data, write_ms = timed(write)
        _, read_ms = timed(lambda read=read, data=data: read(data))
        size = len(data) / ROWS
        print(f"{name:44}{size:12.1f}{size * ROWS * DAYS / 1e6:11.0f}{write_ms:10.1f}{read_ms:9.1f}")
    bits = sum(entropy(column) for column in steps)
    print(f"{'(entropy of the differences)':44}{bits / 8:12.1f}{bits / 8 * ROWS * DAYS / 1e6:11.0f}")


def written(counts: codec.Counts, encoding: str) -> bytes:
    table = pq.read_table(pa.BufferReader(codec.write_segment(counts)))
    file = BytesIO()
    pq.write_table(
        table, file, compression="zstd", use_dictionary=False, column_encoding=encoding,
        store_decimal_as_integer=True, write_statistics=False,
    )  # fmt: skip
    return file.getvalue()


def entropy(column: NDArray[np.int64]) -> float:
    """Bits a value."""
    shares = np.unique(column, return_counts=True)[1] / len(column)
    return float(-(shares * np.log2(shares)).sum())


def a_year(columns: Columns, folder: Path, days: int) -> None:
    """Write days of half an hour, and print the file's size and how quickly a day opens."""
    path = folder / "year.sqlite"
    with Store(path) as store:
        subject = agreed(store)
        start = perf_counter()
        numbers = [write_one(store, subject, columns, day) for day in range(days)]
        took_s = perf_counter() - start
        half_way = numbers[len(numbers) // 2]
        _, load_ms = timed(lambda: load_series(store, half_way), 20)
        _, valence_ms = timed(lambda: store.readings.load(half_way, fields=["time_s", "valence"]), 20)
    size = path.stat().st_size
    with Store(path) as store:
        _, cold_ms = timed(lambda: load_series(store, half_way), 1)
    print(f"\n{days} days of {ROWS} rows: {size / 1e6:.0f} MB, so {size / days * DAYS / 1e6:.0f} MB a year")
    print(f"written in {took_s:.1f} s, {1000 * took_s / days:.0f} ms a recording")
    print(
        f"a day opens in {load_ms:.0f} ms (median of 20), {cold_ms:.0f} ms the first time;"
        f" one curve of it in {valence_ms:.0f} ms"
    )


def write_one(store: Store, subject: Subject, columns: Columns, day: int) -> int:
    started_at = datetime(2026, 1, 1, 9, tzinfo=UTC) + timedelta(day)
    recording = store.recordings.start(
        subject,
        kind="simulated",
        source="benchmark",
        started_at=started_at,
        models={},
        settings={},
        version="1",
    )
    store.readings.append(recording.id, columns)
    store.readings.pack(recording.id)
    store.recordings.finish(recording.id)
    return recording.id


def agreed(store: Store) -> Subject:
    subject = store.subjects.add("P-017")
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    store.consents.give(subject, given_by="x", purpose="x", given_at=long_ago)
    return subject


def writer(folder: Path, seconds: int, rate_hz: int = 30) -> None:
    """Print what a frame costs the reading thread, and the process, while a camera is recorded."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (480, 640, 3), np.uint8)
    p = rng.dirichlet(np.ones(8), (seconds * rate_hz, 1))
    points = rng.uniform(200, 400, (1, LANDMARKS, 2))
    took = []
    with Store(folder / "writer.sqlite") as store:
        record = RecordWriter(
            store, agreed(store), kind="camera", source="camera:0", started_at=datetime.now(UTC).astimezone(),
            models={}, settings={},
        )  # fmt: skip
        began, cpu = perf_counter(), process_time()
        for index, each in enumerate(p):
            face = Faces(
                np.array([[200, 200, 400, 400]]), track=[0], probabilities=each, landmarks=points,
                expression=[int(each.argmax())], quality=[0.9], valence=[0], arousal=[0], detection=[1],
            )  # fmt: skip
            start = perf_counter()
            record.take(Frame(image, index, index / rate_hz, "camera:0"), face)
            took.append(1000 * (perf_counter() - start))
            time.sleep(max(0.0, began + (index + 1) / rate_hz - perf_counter()))
        share = (process_time() - cpu) / (perf_counter() - began)
        start = perf_counter()
        record.finish()
        end_ms = 1000 * (perf_counter() - start)
    status = record.status
    print(f"\n{seconds} s at {rate_hz} frames a second: {status.stored} rows stored, {status.lost} lost")
    print(f"take: median {np.median(took):.2f} ms, 99 % {np.percentile(took, 99):.2f}, most {max(took):.2f}")
    print(f"{share:.1%} of one core, the benchmark's own work in it; finished in {end_ms:.0f} ms")


def many(columns: Columns, folder: Path, count: int = 84) -> None:
    """Print how long it takes to write recordings and to find their episodes."""
    with Store(folder / "many.sqlite") as store:
        subject = agreed(store)
        start = perf_counter()
        numbers = [write_one(store, subject, columns, day) for day in range(count)]
        wrote_s = perf_counter() - start
        for number in numbers:
            finalize(store, number)
        found_s = perf_counter() - start - wrote_s
        print(f"\n{count} recordings of {ROWS} rows: {wrote_s:.1f} s, their episodes {found_s:.1f} s more")


def kills(folder: Path, times: int) -> None:
    """Kill children at random moments, and print what they lost."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from store_killing import kill_cameras, kill_hasty_ones

    start = perf_counter()
    found = kill_hasty_ones(folder / "hasty.sqlite", times)
    print(f"\n{times} kills while it was committed, packed, finished: {found} recordings, all whole")
    lost_s = []
    for number in range(max(1, times // 20)):
        lost_s += kill_cameras(folder / f"cameras-{number}.sqlite", 5, seed=number)
    print(
        f"{len(lost_s)} kills of cameras, 5 at a time in one file: lost {np.median(lost_s):.2f} s (median),"
        f" {max(lost_s):.2f} s (most); {perf_counter() - start:.0f} s in all"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, help="a table.csv with measures, instead of simulated readings")
    parser.add_argument("--days", type=int, default=30, help="days that are written to measure a year")
    parser.add_argument("--writer", action="store_true")
    parser.add_argument("--many", action="store_true")
    parser.add_argument("--kills", type=int, default=0, metavar="N")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if chosen.kills:
            kills(folder, chosen.kills)
        elif chosen.writer:
            writer(folder, 60)
        else:
            columns = repeated(chosen.table) if chosen.table else simulated()
            if chosen.many:
                many(columns, folder)
            else:
                formats(columns, folder)
                a_year(columns, folder, chosen.days)


if __name__ == "__main__":
    main()
