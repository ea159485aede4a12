"""The tables of tracks and of recordings: what the rows of each face, and of each input, come to.

Rows are counted as they go by, and nothing of them is kept: a recording of any length takes the memory of
its tracks alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, MEASURES, UNCERTAIN
from mien.mood.series import LONGEST_STEP_S
from mien.table import DECIMALS, PROBABILITIES, Columns, Row, Table, names_in, new_table

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Kind = Literal["tracks", "recordings"]

KINDS: Final[tuple[Kind, ...]] = ("tracks", "recordings")
"""The tables, and what their files are called."""

BLOCK_ROWS: Final = 4096

LABELS: Final = (*EMOTIONS, UNCERTAIN)
SHARES: Final = tuple(f"share_{label}" for label in LABELS)
"""The columns with the share of the rows that have each label."""

_FIRST: Final[dict[Kind, tuple[str, ...]]] = {
    "tracks": ("source", "track", "start_s", "end_s", "duration_s", "frames", "share_of_frames"),
    "recordings": (
        "source", "kind", "width", "height", "frame_rate_hz", "duration_s",
        "frames_read", "frames_analysed", "frames_with_face", "frames_dropped", "share_with_face", "coverage",
        "rows", "tracks",
    ),
}  # fmt: skip
_LAST: Final[dict[Kind, tuple[str, ...]]] = {"tracks": (), "recordings": ("note",)}
_TEXT: Final = ("source", "kind", "expression", "note")
_WHOLE: Final = (
    "track", "frames", "width", "height", "rows", "tracks",
    "frames_read", "frames_analysed", "frames_with_face", "frames_dropped",
)  # fmt: skip
_SECONDS: Final = ("start_s", "end_s", "duration_s", "longest_neutral_s")


@dataclass(frozen=True)
class SummaryColumns:
    """Which columns a table of tracks or of recordings has.

    Attributes:
        kind: of the table.
        measures: whether the readings have `labels.MEASURES`, whose means then stand here.
    """

    kind: Kind
    measures: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns in their order."""
        both = (f"{name}_{what}" for name in averaged(measures=self.measures) for what in ("mean", "sd"))
        longest = ("longest_neutral_s",) if self.kind == "tracks" else ()
        return (*_FIRST[self.kind], "expression", *SHARES, *longest, *both, *_LAST[self.kind])

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """The type of each column; a column of whole numbers may have empty cells."""
        return {
            name: "str" if name in _TEXT else "int64" if name in _WHOLE else "float64" for name in self.names
        }

    @cached_property
    def decimals(self) -> dict[str, int]:
        """How many decimals the columns of numbers have: seconds as in the table of readings, else four."""
        return {
            name: DECIMALS["time_s"] if name in _SECONDS else 4
            for name, dtype in self.dtypes.items()
            if dtype == "float64"
        }


def averaged(*, measures: bool) -> tuple[str, ...]:
    """Return the columns of the readings whose mean and spread are computed."""
    return ("quality", "confidence", *PROBABILITIES, "valence", "arousal", *(MEASURES if measures else ()))


class _Sums:
    """Counts of labels, and means and spreads of k columns, of rows that come in blocks."""

    def __init__(self, width: int) -> None:
        self.labels = np.zeros(len(LABELS), np.int64)
        self._known = np.zeros(width, np.int64)
        self._mean = np.zeros(width)
        self._squares = np.zeros(width)

    def add(self, labels: NDArray[np.int64], values: Floats) -> None:
        """Add n rows: (n,) indices in `LABELS`, and (n, k) values with NaN for what isn't known."""
        self.labels += np.bincount(labels, minlength=len(LABELS))
        known = np.isfinite(values)
        many = known.sum(axis=0)
        mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(many, 1)
        squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
        self._join(many, mean, squares)

    def merge(self, other: _Sums) -> None:
        """Add the rows of another."""
        self.labels += other.labels
        self._join(other._known, other._mean, other._squares)

    def _join(self, many: NDArray[np.int64], mean: Floats, squares: Floats) -> None:
        # Chan, Golub & LeVeque 1979: exact where the difference of two large sums would not be.
        total = np.maximum(self._known + many, 1)
        apart = mean - self._mean
        self._squares += squares + apart**2 * self._known * many / total
        self._mean += apart * many / total
        self._known += many

    def cells(self) -> tuple[list[str | float | None], list[float | None]]:
        """Return the cells of the labels, and those of means and spreads in turn."""
        rows = int(self.labels.sum())
        if not rows:
            return [None] * (1 + len(LABELS)), [None] * (2 * len(self._mean))
        shares = [_rounded(many / rows) for many in self.labels.tolist()]
        spread = np.sqrt(self._squares / np.maximum(self._known - 1, 1))
        both = [
            cell
            for many, mean, sd in zip(self._known.tolist(), self._mean.tolist(), spread.tolist(), strict=True)
            for cell in (_rounded(mean if many else None), _rounded(sd if many > 1 else None))
        ]
        return [LABELS[int(self.labels.argmax())], *shares], both


class _Track:
    """One face of one recording: from when to when, its sums, its longest unbroken neutral time."""

    def __init__(self, start_s: float, width: int) -> None:
        self.start_s = self.end_s = start_s
        self.frames = 0
        self.longest_neutral_s = 0.0
        self.sums = _Sums(width)
        self._neutral_since_s: float | None = None

    def add(self, times_s: Floats, labels: NDArray[np.int64], values: Floats) -> None:
        """Add the next rows."""
        self.sums.add(labels, values)
        self.frames += len(times_s)
        for time_s, label in zip(times_s.tolist(), labels.tolist(), strict=True):
            if label:  # the first label is neutral
                self._neutral_since_s = None
            elif self._neutral_since_s is None or time_s - self.end_s > LONGEST_STEP_S:
                self._neutral_since_s = time_s
            else:
                self.longest_neutral_s = max(self.longest_neutral_s, time_s - self._neutral_since_s)
            self.end_s = time_s


class Aggregate:
    """Counts the rows of one recording, in their order.

    Args:
        columns: of the rows.
    """

    def __init__(self, columns: Columns) -> None:
        self._measures = columns.measures
        names = averaged(measures=columns.measures)
        self._width = len(names)
        self._values = itemgetter(*map(columns.names.index, names))
        places = map(columns.names.index, ("frame", "time_s", "track", "expression"))
        self._frame, self._time_s, self._track, self._label = (itemgetter(place) for place in places)
        self._tracks: dict[int, _Track] = {}
        self._frames = 0
        self._last_frame: object = None

    def add(self, rows: Iterable[Row]) -> None:
        """Add the next rows, of which no more than a block is held in memory."""
        for block in blocks(rows):
            self._add(block)

    def _add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if (frame := self._frame(row)) != self._last_frame:
                self._frames, self._last_frame = self._frames + 1, frame
        times_s = np.array([self._time_s(row) for row in rows], np.float64)
        labels = np.array([LABELS.index(self._label(row)) for row in rows], np.int64)
        values = np.array([self._values(row) for row in rows], np.float64)
        numbers = np.array([self._track(row) for row in rows], np.int64)
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        for number, places in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
            if number not in self._tracks:
                self._tracks[number] = _Track(float(times_s[places[0]]), self._width)
            self._tracks[number].add(times_s[places], labels[places], values[places])

    def rows(self, kind: Kind, record: Mapping[str, Any]) -> list[Row]:
        """Return a row for each track, by its number; or the row of the recording.

        Args:
            kind: of the table.
            record: what the summary says of the recording, at least its `source`; what it doesn't tell is
                empty.
        """
        return self._rows_of_tracks(record) if kind == "tracks" else [self._row_of_recording(record)]

    def _rows_of_tracks(self, record: Mapping[str, Any]) -> list[Row]:
        analysed = record.get("frames_analysed")
        rows: list[Row] = []
        for number, track in sorted(self._tracks.items()):
            labels, both = track.sums.cells()
            start_s, end_s = track.start_s, track.end_s
            rows.append(
                (
                    record["source"], number, start_s, end_s, _rounded(end_s - start_s, 6), track.frames,
                    _share(track.frames, analysed), *labels, _rounded(track.longest_neutral_s, 6), *both,
                )
            )  # fmt: skip
        return rows

    def _row_of_recording(self, record: Mapping[str, Any]) -> Row:
        sums = _Sums(self._width)
        for _, track in sorted(self._tracks.items()):
            sums.merge(track.sums)
        labels, both = sums.cells()
        told = dict(record) | {
            "rows": sum(track.frames for track in self._tracks.values()),
            "tracks": len(self._tracks),
            "frames_with_face": self._frames,
            "share_with_face": _share(self._frames, record.get("frames_analysed")),
        }
        return (*map(told.get, _FIRST["recordings"]), *labels, *both, told.get("note"))


def _share(part: int, whole: int | None) -> float | None:
    return _rounded(part / whole) if whole else None


def _rounded(value: float | None, decimals: int = 4) -> float | None:
    return None if value is None else round(value, decimals) + 0.0


def blocks(rows: Iterable[Row], many: int = BLOCK_ROWS) -> Iterator[list[Row]]:
    """Yield rows in lists that are short enough for memory and long enough for speed."""
    rest = iter(rows)
    while block := list(islice(rest, many)):
        yield block


def kinds_for(records: Sequence[Mapping[str, Any]]) -> tuple[Kind, ...]:
    """Return which tables say more than the readings do.

    A photograph's faces have one row each anyway, so that the tracks are told where there is a video, and
    the recordings where there are several or a video.
    """
    if any(record.get("kind") != "photograph" for record in records):
        return KINDS
    return ("recordings",) if len(records) > 1 else ()


def summary_frame(rows: Iterable[Row], columns: SummaryColumns) -> pd.DataFrame:
    """Make the DataFrame of rows of tracks or recordings; whole numbers may be missing there."""
    import pandas as pd

    dtypes = {name: "Int64" if dtype == "int64" else dtype for name, dtype in columns.dtypes.items()}
    return pd.DataFrame(list(rows), columns=list(columns.names)).astype(dtypes)


class SummaryTables:
    """The tables of tracks and recordings that are being written beside a table of readings.

    Attributes:
        paths: of those that are written.
    """

    def __init__(self, paths: Mapping[Kind, Path], tables: Mapping[Kind, Table]) -> None:
        self.paths = paths
        self._tables = tables

    def write(self, record: Mapping[str, Any], counted: Aggregate) -> None:
        """Add what the rows of the next recording come to."""
        for kind, table in self._tables.items():
            table.write(counted.rows(kind, record))


@contextmanager
def new_summaries(
    folder: Path, table_format: str, columns: Columns, records: Sequence[Mapping[str, Any]]
) -> Iterator[SummaryTables]:
    """Open the tables of tracks and recordings that say something of these records.

    They stand under their names, whole, when the block ends well. One that an earlier run has left and that
    says nothing of these records is removed.

    Args:
        folder: of the results.
        table_format: "csv" or "parquet".
        columns: of the readings.
        records: of the recordings, as in the summary.

    Raises:
        OutputError: they can't be written.
    """
    wanted = kinds_for(records)
    paths = {kind: folder / f"{kind}.{table_format}" for kind in wanted}
    with ExitStack() as stack:
        yield SummaryTables(
            paths,
            {
                kind: stack.enter_context(new_table(path, SummaryColumns(kind, columns.measures)))
                for kind, path in paths.items()
            },
        )
    for kind in KINDS:
        if kind not in wanted and _is_ours(path := folder / f"{kind}.{table_format}", kind):
            path.unlink()


def _is_ours(path: Path, kind: Kind) -> bool:
    """Return whether a file has the columns of such a table, as somebody else's may have its name."""
    try:
        names = tuple(names_in(path))
    except (OSError, ValueError):
        return False
    return names in (SummaryColumns(kind).names, SummaryColumns(kind, measures=True).names)
