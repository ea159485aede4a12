"""A run's whole state in one file, so that the same command goes on after a kill with the same result."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.expression.sidecar import Effort
from mien.files import written_whole

Arrays = list[NDArray[Any]]


@dataclass
class LoopState:
    """Where the loop stands after an epoch.

    Attributes:
        fingerprint: of the recipe and the data; a checkpoint of another run is refused.
        epoch: epochs done.
        best_epoch: the epoch with the best validation accuracy so far.
        best_accuracy: that accuracy, 0 to 1.
        seconds: time spent in the epochs done.
        history: one row of figures for each epoch.
        meeting_core_s: seconds of one core that the network took to meet the faces, before the first epoch.
    """

    fingerprint: str
    epoch: int = 0
    best_epoch: int = 0
    best_accuracy: float = 0.0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    meeting_core_s: float = 0.0

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
            state = LoopState(**json.loads(str(file["state"])))
            counts = Counter(key.rsplit(".", 1)[0] for key in file.files if key != "state")
            arrays = {
                name: [file[f"{name}.{place}"] for place in range(count)] for name, count in counts.items()
            }
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path}: damaged checkpoint ({error}); remove the run's folder to start anew"
        ) from error
    return state, arrays
