"""From the figures of many runs to one table: means, spreads, and what the differences say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import t

from mien.train.compare.contest import Row
from mien.train.compare.plan import CONTESTANTS, QUESTIONS, Question

FIGURES: Final = {
    "accuracy": "7 classes",
    "macro_f1": "macro-F1",
    "accuracy_5": "5 classes",
    "macro_f1_5": "macro-F1, 5",
    "ferplus": "FER+",
    "calibration_error": "ECE",
    "kl": "KL",
    "ccc_valence": "CCC valence",
    "ccc_arousal": "CCC arousal",
}
"""The columns of figures, in their order, with their titles."""

_SHARES: Final = (
    "accuracy",
    "macro_f1",
    "accuracy_5",
    "macro_f1_5",
    "ferplus",
    "ferplus_all",
    "calibration_error",
)

_LESS_IS_BETTER: Final = ("calibration_error", "kl")

TITLES: Final = {each.name: each.title for each in CONTESTANTS}


@dataclass(frozen=True)
class Line:
    """A network in the table: its runs together.

    Attributes:
        name: the network's.
        rows: one for each run.
    """

    name: str
    rows: tuple[Row, ...]

    @property
    def seeds(self) -> int:
        """How many runs there are; 0 for a network that is taken as it is."""
        return sum(row.entry.seed is not None for row in self.rows)

    def values(self, figure: str) -> list[float]:
        """Return a figure of each run that has it."""
        return [row.measured.figures[figure] for row in self.rows if figure in row.measured.figures]

    def mean(self, figure: str) -> float:
        """Return a figure's mean over the runs; NaN where there is none."""
        found = self.values(figure)
        return float(np.mean(found)) if found else float("nan")

    def spread(self, figure: str) -> float:
        """Return its standard deviation over the runs (n - 1); NaN with fewer than two."""
        found = self.values(figure)
        return float(np.std(found, ddof=1)) if len(found) > 1 else float("nan")

    @property
    def core_minutes(self) -> float:
        """Mean training time of a run, in minutes of one core; NaN where it was not counted."""
        efforts = [row.measured.effort for row in self.rows]
        known = [effort.core_minutes for effort in efforts if effort is not None]
        return float(np.mean(known)) if len(known) == len(self.rows) else float("nan")


def lines(rows: Iterable[Row]) -> list[Line]:
    """Put the runs of each contestant together; what is taken as it is stands alone, behind them."""
    found: dict[str, list[Row]] = {}
    alone = []
    for row in rows:
        if row.entry.seed is None:
            alone.append(Line(row.entry.name, (row,)))
        else:
            found.setdefault(row.entry.name, []).append(row)
    return [Line(name, tuple(runs)) for name, runs in found.items()] + alone


@dataclass(frozen=True)
class Difference:
    """What one thing gains, by runs with the same seed.

    Attributes:
        question: what is asked.
        figure: by which figure.
        gains: of each seed.
        mean: their mean.
        low, high: its 95 % interval, by Student's t over the seeds; NaN with fewer than two.
    """

    question: Question
    figure: str
    gains: tuple[float, ...]
    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What these runs show, in a word or two."""
        if np.isnan(self.low):
            return "one seed: unknown"
        if self.low <= 0 <= self.high:
            return "no difference shown"
        return "better" if (self.mean > 0) != (self.figure in _LESS_IS_BETTER) else "worse"


def differences(rows: Sequence[Row], questions: Sequence[Question] = QUESTIONS) -> list[Difference]:
    """Answer the questions as far as there are runs for them.

    Three seeds give a wide interval, as they should. It speaks of trainings on these faces, not of others.

    Args:
        rows: of all runs.
        questions: to answer.
    """
    by_run = {
        (row.entry.name, row.entry.seed): row.measured.figures for row in rows if row.entry.seed is not None
    }
    found = []
    for question in questions:
        seeds = [seed for name, seed in by_run if name == question.one and (question.other, seed) in by_run]
        for figure in question.figures:
            pairs = [(by_run[question.one, seed], by_run[question.other, seed]) for seed in seeds]
            gains = tuple(
                one[figure] - other[figure] for one, other in pairs if figure in one and figure in other
            )
            if gains:
                found.append(Difference(question, figure, gains, float(np.mean(gains)), *_interval(gains)))
    return found


def _interval(gains: Sequence[float]) -> tuple[float, float]:
    if len(gains) < 2:
        return float("nan"), float("nan")
    reach = float(t.ppf(0.975, len(gains) - 1) * np.std(gains, ddof=1) / np.sqrt(len(gains)))
    return float(np.mean(gains)) - reach, float(np.mean(gains)) + reach


def shown(figure: str, value: float, *, sign: bool = False) -> str:
    """Write a figure for people; "-" where there is none."""
    if np.isnan(value):
        return "-"
    plus = "+" if sign else ""
    return f"{100 * value:{plus}.1f} %" if figure in _SHARES else f"{value:{plus}.3f}"


def with_spread(line: Line, figure: str) -> str:
    """Write a line's mean and, of several runs, their standard deviation."""
    mean, spread = line.mean(figure), line.spread(figure)
    if np.isnan(spread):
        return shown(figure, mean)
    if figure in _SHARES:
        return f"{100 * mean:.1f} ± {100 * spread:.1f} %"
    return f"{mean:.3f} ± {spread:.3f}"


HEAD: Final = ("network", "seeds", *FIGURES.values(), "weights", "multiply-adds", "MB", "ms", "core min")


LEGEND: Final = (
    "FER+ by its own rule; ECE: calibration error on the seven classes; KL: divergence from the votes; CCC:"
    " agreement with the places of the votes in the circumplex; ms: one face on one core; core min: training"
)


def cells(line: Line) -> list[str]:
    """Write one line of the table, below `HEAD`."""
    one = line.rows[0].measured
    minutes = line.core_minutes
    return [
        line.name,
        str(line.seeds) if line.seeds else "as is",
        *(with_spread(line, figure) for figure in FIGURES),
        f"{one.parameters / 1e6:.2f} M" if one.parameters >= 1e6 else f"{one.parameters / 1e3:.0f} k",
        f"{one.multiply_adds / 1e6:.1f} M",
        f"{one.size_bytes / 1e6:.2f}",
        f"{min(row.measured.milliseconds for row in line.rows):.2f}",
        "-" if np.isnan(minutes) else f"{minutes:.0f}",
    ]


def answer_cells(difference: Difference) -> list[str]:
    """Write one answer: question, figure, gain, interval, each seed's gain, verdict."""
    figure = difference.figure
    interval = "-"
    if not np.isnan(difference.low):
        interval = (
            f"{shown(figure, difference.low, sign=True)} to {shown(figure, difference.high, sign=True)}"
        )
    return [
        difference.question.text,
        FIGURES[figure],
        shown(figure, difference.mean, sign=True),
        interval,
        ", ".join(shown(figure, gain, sign=True) for gain in difference.gains),
        difference.verdict,
    ]


ANSWER_HEAD: Final = ("question", "figure", "gain", "95 % over seeds", "each seed", "so")


def markdown(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    written = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in written) + "\n"
