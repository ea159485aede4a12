"""The loop of all networks for clips: it goes on from the last whole epoch, and keeps the best one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.train.fit import resume, save
from mien.train.pace import Pace, RunningMean
from mien.train.run_folder import LoopState

Report = Callable[[dict[str, float]], None]
"""Called with the figures of each epoch: `epoch`, `loss`, those of validation, `seconds`."""


@dataclass(frozen=True)
class Place:
    """Where a loop keeps its state.

    Attributes:
        folder: of the run; None keeps nothing, so an interrupted loop is lost.
        fingerprint: of the recipe and the data; see `fingerprint`.
        finished: learn nothing more, only take the best epoch that is there.
    """

    folder: Path | None = None
    fingerprint: str = ""
    finished: bool = False


def train_epochs(
    model: Any,
    learner: Any,
    batches: Callable[[np.random.Generator], Iterable[tuple[Any, Any]]],
    measure: Callable[[], Mapping[str, float]],
    *,
    pace: Pace,
    place: Place,
    report: Report,
) -> LoopState:
    """Train a network epoch by epoch, and give it the weights of its best one.

    Args:
        model: the whole network.
        learner: what is compiled and learns: the network itself, or another one with its layers.
        batches: returns the inputs and targets of one epoch, whose chance it is given.
        measure: returns the figures on validation, `loss` among them: the epoch with the lowest is kept.
        pace: how long; its minutes end an epoch, too, after any batch.
        place: where the state is written after each epoch, and an earlier run found.
        report: called after each epoch.

    Returns:
        The loop's state with the history.

    Raises:
        DatasetError: the folder holds another run, or a damaged one.
        OutputError: it can't be written.
    """
    learner.optimizer.build(learner.trainable_variables)
    state, best = LoopState(place.fingerprint), model.get_weights()
    if place.folder is not None:
        state, best = resume(model, learner.optimizer, place.folder, place.fingerprint)
    while not place.finished and pace.goes_on(state):
        began, computed = time.monotonic(), time.process_time()
        loss = RunningMean()
        for inputs, targets in batches(np.random.default_rng([pace.seed, state.epoch])):
            loss.add(float(learner.train_on_batch(inputs, targets, return_dict=True)["loss"]))
            if pace.minutes and state.seconds + time.monotonic() - began >= pace.minutes * 60:
                break
        found = {f"validation_{name}": value for name, value in measure().items()}
        row = {"epoch": state.epoch + 1, "loss": loss.value, **found}
        row |= {"seconds": time.monotonic() - began, "core_seconds": time.process_time() - computed}
        state.take_in(row, score=-row["validation_loss"])
        if state.best_epoch == state.epoch:
            best = model.get_weights()
        if place.folder is not None:
            save(model, learner.optimizer, best, state, place.folder)
        report(row)
    model.set_weights(best)
    return state


def fingerprint(recipe: str, arrays: Iterable[NDArray[Any]]) -> str:
    """Return a hash of a recipe and of what is learnt from."""
    digest = hashlib.sha256(recipe.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
