"""How long a training runs and how fast: epochs, minutes, the learning rate, the running average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mien.train.recipe import Recipe
from mien.train.run_folder import Arrays, LoopState

_RARER_ON_A_CARD = 4
"""So many times as seldom the average is taken there."""


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

    @classmethod
    def of(cls, recipe: Recipe, faces: int, *, on_card: bool = False) -> Pace:
        """Return a recipe's pace over so many faces.

        Args:
            recipe: of the run.
            faces: in the training part.
            on_card: whether a graphics card trains, which has to be waited for at each take of the average.
        """
        fit = recipe.fit
        return cls(
            fit.epochs, faces // fit.batch, fit.learning_rate, fit.average,
            average_every=fit.average_every * (_RARER_ON_A_CARD if on_card else 1),
            minutes=fit.minutes, patience=fit.patience, seed=recipe.seed,
        )  # fmt: skip

    def goes_on(self, state: LoopState) -> bool:
        """Whether another epoch follows; by the clock, where at least half of it would be in time."""
        waited = state.epoch - state.best_epoch
        patient = self.patience is None or waited < self.patience
        seconds = state.seconds * (1 + 0.5 / max(state.epoch, 1))
        in_time = self.minutes is None or not state.epoch or seconds < 60 * self.minutes
        return state.epoch < self.epochs and in_time and patient

    def share_done(self, steps: int, seconds: float) -> float:
        """Return the share of the run that is over, 0 to 1: by steps or by time, whichever is more."""
        share = steps / (self.steps * self.epochs)
        return share if self.minutes is None else min(1.0, max(share, seconds / (60 * self.minutes)))

    def rate(self, steps: int, seconds: float) -> float:
        """Return the learning rate of the next step: a straight rise over one epoch, then a cosine down to 0.

        Args:
            steps: done so far.
            seconds: spent so far.
        """
        if steps < self.steps:
            return self.learning_rate * (steps + 1) / self.steps
        risen = 1 / self.epochs
        fallen = (self.share_done(steps, seconds) - risen) / max(1 - risen, 1e-9)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, fallen))))


class RunningMean:
    """The mean of losses; one that lies on a graphics card is not waited for until the mean is asked for."""

    def __init__(self) -> None:
        self._sum: Any = 0.0
        self._count = 0

    def add(self, loss: Any) -> None:
        """Take in the loss of one more step."""
        self._sum, self._count = self._sum + loss, self._count + 1

    @property
    def is_number(self) -> bool:
        """Whether it can be asked for without waiting."""
        return isinstance(self._sum, float)

    @property
    def value(self) -> float:
        """The mean; 0 before the first loss."""
        return float(self._sum) / max(1, self._count)


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
