"""The training loop: one visible loop for every kind of recipe, resumable after every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.train.backend import chance_state, load_keras, restore_chance
from mien.train.checkpoint import Arrays, LoopState, load_checkpoint, save_checkpoint
from mien.train.logs import write_log, write_tensorboard

CHECKPOINT = "checkpoint.npz"
BEST = "best.npz"
_EPOCH_CHANCE = 1
_TOLD_EVERY = 10
"""Steps between two reports of a loss that lies on a graphics card, which has to be waited for."""


@dataclass(frozen=True)
class Progress:
    """How far the loop is.

    Attributes:
        epoch: the epoch that runs, from 1.
        epochs: how many there will be at most.
        done: share of all steps that are done, 0 to 1.
        loss: running mean of this epoch's loss.
        left_s: seconds left, estimated from the speed of this session.
        row: the finished epoch's figures, at its end; else None.
    """

    epoch: int
    epochs: int
    done: float
    loss: float
    left_s: float
    row: dict[str, float] | None = None


Report = Callable[[Progress], None]


def is_in_time(state: LoopState, minutes: float | None) -> bool:
    """Whether at least half an epoch more fits into so many minutes; None is time without end."""
    return minutes is None or not state.epoch or state.seconds * (1 + 0.5 / state.epoch) < 60 * minutes


@dataclass(frozen=True)
class Pace:
    """How long and how fast.

    Attributes:
        epochs: at most this many.
        steps: of each epoch.
        learning_rate: the highest; see `rate`.
        average: momentum, a step, of the running average of the weights.
        average_every: steps between two takes of it.
        minutes: of training, with its measuring, after which it ends; the learning rate then falls in step
            with the time; None leaves it to `epochs`. (A run that obeys a clock gives no weights twice.)
        patience: stop when validation has not improved for this many epochs, and keep the best one; None goes
            on to the end, and keeps the last.
        seed: of each epoch's chance.
    """

    epochs: int
    steps: int
    learning_rate: float
    average: float
    average_every: int = 1
    minutes: float | None = None
    patience: int | None = None
    seed: int = 0

    def goes_on(self, state: LoopState) -> bool:
        """Whether another epoch follows."""
        waited = state.epoch - state.best_epoch
        patient = self.patience is None or waited < self.patience
        return state.epoch < self.epochs and is_in_time(state, self.minutes) and patient

    def share_done(self, steps: int, seconds: float) -> float:
        """Give the share of the run that is over, 0 to 1: by its steps or by its time, whichever is more."""
        share = steps / (self.steps * self.epochs)
        return share if self.minutes is None else min(1.0, max(share, seconds / (60 * self.minutes)))

    def rate(self, steps: int, seconds: float) -> float:
        """Give the learning rate of the next step: a straight rise over one epoch, then a cosine down to 0.

        Args:
            steps: done so far.
            seconds: spent so far.
        """
        if steps < self.steps:
            return self.learning_rate * (steps + 1) / self.steps
        risen = 1 / self.epochs
        fallen = (self.share_done(steps, seconds) - risen) / max(1 - risen, 1e-9)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, fallen))))


@dataclass(frozen=True)
class Learner:
    """What learns, and how.

    Attributes:
        model: a compiled Keras model.
        optimizer: its optimizer, built.
        batches: gives one epoch's batches, `Pace.steps` of them, from a source of chance.
        learn: learns from one batch; gives the loss before the step.
        measure: gives validation's figures for the model's present weights; `validation_accuracy` is one.
    """

    model: Any
    optimizer: Any
    batches: Callable[[np.random.Generator], Iterator[Any]]
    learn: Callable[[Any], float]
    measure: Callable[[], dict[str, float]]


def resume(learner: Learner, folder: Path, fingerprint: str) -> tuple[LoopState, Arrays]:
    """Bring everything to where an earlier run in the same folder stopped; nothing changes without one.

    Returns:
        The loop's state, of epoch 0 without an earlier run, and the running average of the weights.

    Raises:
        DatasetError: the folder holds another run.
    """
    if not (folder / CHECKPOINT).exists():
        return LoopState(fingerprint), learner.model.get_weights()
    state, arrays = load_checkpoint(folder / CHECKPOINT, fingerprint)
    assign(learner.model.variables, arrays["model"])
    assign(learner.optimizer.variables, arrays["optimizer"])
    restore_chance(arrays.get("chance", []))
    return state, arrays["average"]


def run_epochs(
    learner: Learner, pace: Pace, *, folder: Path, state: LoopState, average: Arrays, report: Report
) -> Arrays:
    """Train epoch after epoch; the folder's checkpoint, log and best weights are written after each.

    Args:
        learner: what learns.
        pace: how long and how fast.
        folder: of the run.
        state: where the loop stands; it is brought up to date.
        average: the running average of the weights so far.
        report: called after every step and every epoch.

    Returns:
        The running average at the end.
    """
    while pace.goes_on(state):
        random = np.random.default_rng([pace.seed, _EPOCH_CHANCE, state.epoch])
        began, computed = time.monotonic(), time.process_time()
        steps, loss = state.epoch * pace.steps, _RunningMean()
        for batch in learner.batches(random):
            seconds = state.seconds + time.monotonic() - began
            learner.optimizer.learning_rate.assign(pace.rate(steps, seconds))
            loss.add(learner.learn(batch))
            if steps % pace.average_every == 0:
                weights = learner.model.get_weights()
                average = moving_average(average, weights, pace.average, steps, every=pace.average_every)
            steps += 1
            if loss.is_number or steps % _TOLD_EVERY == 0:
                share, seconds = pace.share_done(steps, seconds), state.seconds + time.monotonic() - began
                left_s = seconds * (1 - share) / share
                report(Progress(state.epoch + 1, pace.epochs, share, loss.value, left_s))
        row = {"epoch": state.epoch + 1, "loss": loss.value, **_measured(learner, average)}
        row["seconds"] = time.monotonic() - began
        row["core_seconds"] = time.process_time() - computed
        _take_in(state, row)
        _write(learner, pace, folder, state, average)
        share = pace.share_done(state.epoch * pace.steps, state.seconds)
        report(Progress(state.epoch, pace.epochs, share, row["loss"], 0.0, row))
    return average


class _RunningMean:
    """The mean of losses; one that lies on a graphics card is not waited for until the mean is asked for."""

    def __init__(self) -> None:
        self._sum: Any = 0.0
        self._count = 0

    def add(self, loss: Any) -> None:
        self._sum, self._count = self._sum + loss, self._count + 1

    @property
    def is_number(self) -> bool:
        return isinstance(self._sum, float)

    @property
    def value(self) -> float:
        return float(self._sum) / max(1, self._count)


def _measured(learner: Learner, average: Arrays) -> dict[str, float]:
    """Measure the running average, and put the present weights back."""
    current = learner.model.get_weights()
    learner.model.set_weights(average)
    figures = learner.measure()
    learner.model.set_weights(current)
    return figures


def _take_in(state: LoopState, row: dict[str, float]) -> None:
    state.epoch += 1
    state.seconds += row["seconds"]
    state.history.append(row)
    if row["validation_accuracy"] > state.best_accuracy or state.epoch == 1:
        state.best_epoch, state.best_accuracy = state.epoch, row["validation_accuracy"]


def _write(learner: Learner, pace: Pace, folder: Path, state: LoopState, average: Arrays) -> None:
    if pace.patience is not None and state.best_epoch == state.epoch:
        save_checkpoint(folder / BEST, state, {"weights": average})
    arrays = {
        "model": values(learner.model.variables),
        "optimizer": values(learner.optimizer.variables),
        "average": average,
        "chance": chance_state(),
    }
    save_checkpoint(folder / CHECKPOINT, state, arrays)
    write_log(folder, state.history)
    write_tensorboard(folder, state.history)


def moving_average(average: Arrays, weights: Arrays, momentum: float, step: int, *, every: int = 1) -> Arrays:
    """One take of the running average of the weights.

    Early steps count more, so that the start is forgotten: the momentum of a take is (1 + step) / (10 every +
    step) until that reaches momentum ** every.

    Args:
        average: so far.
        weights: the present ones.
        momentum: a step.
        step: steps done before this one.
        every: steps between two takes.
    """
    keep = min(momentum**every, (1 + step) / (10 * every + step))
    return [keep * old + (1 - keep) * new for old, new in zip(average, weights, strict=True)]


def values(variables: list[Any]) -> Arrays:
    """Copy Keras variables to NumPy."""
    convert = load_keras().ops.convert_to_numpy
    return [np.array(convert(variable)) for variable in variables]


def assign(variables: list[Any], arrays: Arrays) -> None:
    """Set Keras variables from NumPy."""
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
