"""A run's figures epoch by epoch: as CSV, and for TensorBoard."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mien.files import written_whole

History = Sequence[Mapping[str, float]]


def write_log(folder: Path, history: History) -> Path:
    """Write log.csv anew: one row for each epoch, whole or not at all.

    Args:
        folder: the run's.
        history: one row of figures for each epoch so far.

    Returns:
        The file.

    Raises:
        OutputError: it can't be written.
    """
    path = folder / "log.csv"
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]) if history else ["epoch"])
        writer.writeheader()
        writer.writerows(history)
    return path


def write_tensorboard(folder: Path, history: History) -> list[Path]:
    """Write event files for TensorBoard, one for each epoch that has none yet.

    A file for each epoch, because TensorBoard follows a folder by going from file to file: a run that was
    killed goes on without a half-written or doubled event.

    Args:
        folder: the run's; they go to `tensorboard/` in it, and `tensorboard --logdir` takes any folder above.
        history: one row of figures for each epoch so far, with its number as `epoch`.

    Returns:
        The files that were written now.

    Raises:
        OutputError: one can't be written.
    """
    files = {folder / "tensorboard" / f"events.out.tfevents.{int(row['epoch']):06d}": row for row in history}
    missing = {path: row for path, row in files.items() if not path.exists()}
    for path, row in missing.items():
        _write_events(path, row)
    return list(missing)


def _write_events(path: Path, row: Mapping[str, float]) -> None:
    # Here, because it imports torch where that is installed, which takes a second.
    from tensorboardX import RecordWriter
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    now_s, figures = time.time(), {name: value for name, value in row.items() if name != "epoch"}
    values = [Summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
    with written_whole(path) as temporary:
        writer = RecordWriter(str(temporary))
        writer.write(Event(wall_time=now_s, file_version="brain.Event:2").SerializeToString())
        summary = Event(wall_time=now_s, step=int(row["epoch"]), summary=Summary(value=values))
        writer.write(summary.SerializeToString())
        writer.close()
