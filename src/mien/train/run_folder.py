"""The folder of a run while it trains: whose it is, where the loop stands, and the log of its epochs.

The whole state is in one file, so that the same command goes on after a kill with the same result.
"""

from __future__ import annotations

import csv
import json
import time
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, DatasetError
from mien.expression.sidecar import Effort
from mien.files import write_json, written_whole
from mien.textfile import read_text
from mien.train.recipe import parse_any_config
from mien.train.section import AnyRecipe

CONFIG: Final = "config.json"
CHECKPOINT: Final = "checkpoint.npz"
BEST: Final = "best.npz"

History = Sequence[Mapping[str, float]]
"""One row of figures for each epoch."""


def claim(folder: Path, recipe: AnyRecipe) -> None:
    """Take a folder for the run of a recipe, and write the recipe there.

    Raises:
        DatasetError: it holds a run of another recipe, which is left as it is.
        OutputError: it can't be written.
    """
    begun = (folder / CHECKPOINT).exists()
    there = recipe_of(folder) if begun else None
    if there not in (None, recipe):
        raise DatasetError(
            f"{folder}: holds a run of another recipe{_difference(there, recipe)}; choose another --out, or"
            " remove it"
        )
    if not begun or there is None:
        write_json(folder / CONFIG, recipe.model_dump(mode="json"))


def recipe_of(folder: Path) -> AnyRecipe | None:
    """Return the recipe that a run's folder was begun by; None where there is none that can be read."""
    try:
        return parse_any_config(json.loads(read_text(folder / CONFIG)), str(folder))
    except (OSError, ValueError, ConfigError):
        return None


def _difference(there: AnyRecipe | None, asked: AnyRecipe) -> str:
    """Return, in brackets, the first setting in which two recipes differ: often it is only the minutes."""
    before, now = (_flat(each and each.model_dump(mode="json")) for each in (there, asked))
    for name in now:
        if before.get(name) != now[name]:
            return f" ({name} is {before.get(name)} there, {now[name]} here)"
    return ""


def _flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested dictionaries under dotted names."""
    if not isinstance(config, dict):
        return {prefix.rstrip("."): config}
    parts = [_flat(value, f"{prefix}{name}.") for name, value in config.items()]
    return {name: value for part in parts for name, value in part.items()}


Arrays = list[NDArray[Any]]


@dataclass
class LoopState:
    """Where the loop stands after an epoch.

    Attributes:
        fingerprint: of the recipe and the data; a checkpoint of another run is refused.
        epoch: epochs done.
        best_epoch: the epoch with the best score so far.
        best_score: that score: of faces the validation accuracy, of clips the validation loss, negative.
        seconds: time spent in the epochs done.
        history: one row of figures for each epoch.
        meeting_core_s: seconds of one core that the network took to meet the faces, before the first epoch.
    """

    fingerprint: str
    epoch: int = 0
    best_epoch: int = 0
    best_score: float = 0.0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    meeting_core_s: float = 0.0

    def take_in(self, row: dict[str, float], score: float | None = None) -> None:
        """Take in the figures of one more epoch, and its score; None for the validation accuracy."""
        score = row["validation_accuracy"] if score is None else score
        self.epoch += 1
        self.seconds += row["seconds"]
        self.history.append(row)
        if score > self.best_score or self.epoch == 1:
            self.best_epoch, self.best_score = self.epoch, score

    @property
    def effort(self) -> Effort | None:
        """What it took so far; None where a version of Mien that did not count began it."""
        if not all("core_seconds" in row for row in self.history):
            return None
        core_s = self.meeting_core_s + sum(row["core_seconds"] for row in self.history)
        return Effort(epochs=self.epoch, core_minutes=core_s / 60)


def save_checkpoint(path: Path, state: LoopState, arrays: dict[str, Arrays]) -> None:
    """Write the loop's state and lists of arrays, whole or not at all.

    Args:
        path: an .npz.
        state: where the loop stands.
        arrays: lists of arrays by name (weights, the optimizer's variables, averages).
    """
    flat = {f"{name}.{place}": array for name, values in arrays.items() for place, array in enumerate(values)}
    flat["state"] = np.array(json.dumps(asdict(state)))
    with written_whole(path) as temporary:
        np.savez(temporary, **flat)  # type: ignore[arg-type]


def load_checkpoint(path: Path, fingerprint: str) -> tuple[LoopState, dict[str, Arrays]]:
    """Read what `save_checkpoint` wrote.

    Raises:
        DatasetError: it belongs to another recipe or other data, or is damaged.
    """
    state, arrays = read_checkpoint(path)
    if state.fingerprint != fingerprint:
        raise DatasetError(
            f"{path.parent}: holds a run of another recipe or other data; choose another --out, or remove it"
        )
    return state, arrays


def read_checkpoint(path: Path) -> tuple[LoopState, dict[str, Arrays]]:
    """Read what `save_checkpoint` wrote, whatever run it belongs to.

    Raises:
        DatasetError: it is missing or damaged.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            fields = json.loads(str(file["state"]))
            if "best_accuracy" in fields:  # of versions that trained on faces alone
                fields["best_score"] = fields.pop("best_accuracy")
            state = LoopState(**fields)
            counts = Counter(key.rsplit(".", 1)[0] for key in file.files if key != "state")
            arrays = {
                name: [file[f"{name}.{place}"] for place in range(count)] for name, count in counts.items()
            }
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path}: damaged checkpoint ({error}); remove the run's folder to start again"
        ) from error
    return state, arrays


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
