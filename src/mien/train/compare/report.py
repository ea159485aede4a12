"""What a comparison leaves: comparison.md (docs/networks.md is a copy), .json, .csv and the pictures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter, PercentFormatter, StrMethodFormatter

from mien.files import write_json, write_text, written_whole
from mien.train.backend import versions
from mien.train.compare.contest import Row
from mien.train.compare.plan import BUDGET_CORE_MINUTES, CLAIMS, CONTESTANTS
from mien.train.compare.table import (
    ANSWER_HEAD,
    FIGURES,
    HEAD,
    TITLES,
    Difference,
    Line,
    answer_cells,
    cells,
    differences,
    lines,
    markdown,
)
from mien.train.report.plots import save_figure

_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#888888"

COMMAND: Final = "mien compare fer2013.parquet --landmarks landmarks68.npz"

_NAME_HEIGHT = 0.006
"""Of a name in the picture, as a share of right answers; who is nearer moves up."""


def write_comparison(folder: Path, rows: Sequence[Row], *, faces: int, flips: bool) -> list[Path]:
    """Write tables and pictures.

    Args:
        folder: where to; made where it is missing.
        rows: of all networks.
        faces: how many were measured.
        flips: whether answers are averages over each face and its mirror image.

    Returns:
        The files.

    Raises:
        OutputError: one can't be written.
    """
    table, answers = lines(rows), differences(rows)
    facts = {"part": "PublicTest", "faces": faces, "flips": flips, "versions": versions()}
    write_json(folder / "comparison.json", facts | {"networks": [row.as_dict() for row in rows]})
    _write_csv(folder / "comparison.csv", rows)
    write_text(folder / "comparison.md", text(table, answers, faces=faces, flips=flips))
    save_figure(folder / "comparison.webp", accuracy_picture(table))
    written = [folder / f"comparison.{suffix}" for suffix in ("md", "csv", "json", "webp")]
    if answers:
        save_figure(folder / "ablations.png", gains_picture(answers))
        written.append(folder / "ablations.png")
    return written


def text(table: Sequence[Line], answers: Sequence[Difference], *, faces: int, flips: bool) -> str:
    """Write the tables in Markdown, with what their reader has to know."""
    trained, as_is = ([line for line in table if bool(line.seeds) == seeds] for seeds in (True, False))
    paragraphs = [
        "# Networks side by side\n",
        f"Measured by\n\n    {COMMAND}\n\non PublicTest, {faces:,} faces"
        f"{', each averaged with its mirror image' if flips else ''}. These are the answers of the networks'"
        " own outputs, to be compared with each other; what a user gets of Mien's is in its model card. FER+"
        " by its own rule; KL over the seven classes that all know. Both judge the"
        " labels that a network answers with: Mien's own gives FER+'s, as the votes are, the others give"
        " FER-2013's. Compare those by the seven classes. CCC: against the places of the votes in the"
        " circumplex, which nobody rated; a network without such an answer is judged by the index. ms: one"
        " face on one core; core min: training, `-` where it was not counted.\n",
    ]
    if trained:
        paragraphs += [
            "## On one budget\n",
            f"Mean and standard deviation over seeds, each run on some {BUDGET_CORE_MINUTES} minutes of one"
            " core, copies of test faces (correlation 0.94) out of training.\n",
            markdown(HEAD, map(cells, trained)),
            "\n".join(f"- `{line.name}`: {TITLES[line.name]}" for line in trained) + "\n",
        ]
    if answers:
        paragraphs.append("## What one thing gains\n\nBy runs with the same seed:\n")
        paragraphs.append(markdown(ANSWER_HEAD, map(answer_cells, answers)))
        paragraphs.append(
            "The intervals are over trainings, measured on these faces, and not over other faces. One in"
            f" twenty is wrong; here are {len(answers)}. Three runs show great gains only: there may be a"
            " difference where none is shown.\n"
        )
    if as_is:
        paragraphs += [
            "## As they come with Mien\n",
            "Trained for longer, one seed.\n",
            f"<!-- figures: networks -->\n{markdown(HEAD, map(cells, as_is))}<!-- end -->\n",
        ]
    paragraphs.append(
        '<img alt="Accuracy against milliseconds a face, and against weights, a dot for each seed"'
        ' src="comparison.webp">\n'
    )
    paragraphs.append("## Printed in papers\n\nNot to be measured again here:\n")
    paragraphs.append(
        markdown(("paper", "says", "remark"), [[claim.paper, claim.says, claim.remark] for claim in CLAIMS])
    )
    return "\n".join(paragraphs)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    found = [row.as_dict() for row in rows]
    columns = list(dict.fromkeys(name for each in found for name in each))
    with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=columns)
        writer.writeheader()
        writer.writerows(found)


def accuracy_picture(table: Sequence[Line]) -> Figure:
    """Draw what networks get right against what one face costs, with each run as a dot.

    Variants of a network are left out: they stand in the picture of gains.
    """
    variants = {each.name for each in CONTESTANTS if each.changes}
    drawn = sorted([line for line in table if line.name not in variants] or table, key=_accuracy)
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    costs = (
        ("milliseconds", "milliseconds a face, one core", StrMethodFormatter("{x:g}")),
        ("parameters", "weights", EngFormatter(sep="")),
    )
    for axes, (cost, title, ticks) in zip(panels, costs, strict=True):
        places: list[tuple[float, float]] = []
        for line in drawn:
            x = min(float(getattr(row.measured, cost)) for row in line.rows)
            colour = _BLUE if line.seeds else _ORANGE
            values = line.values("accuracy")
            axes.plot([x] * len(values), values, "o", color=colour, markersize=5, alpha=0.6)
            axes.annotate(
                line.name, (x, _accuracy(line)), (7, 9 * _near(x, _accuracy(line), places)),
                textcoords="offset points",
                va="center", fontsize="small", color=colour,
            )  # fmt: skip
            places.append((x, _accuracy(line)))
        axes.set(xscale="log", xlabel=title)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ticks)
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(x=0.18)
        _plain(axes)
    panels[0].set_ylabel("right, seven classes, PublicTest")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for colour, label in (
        (_BLUE, "on the budget, a dot for each seed"),
        (_ORANGE, "as it comes with Mien, trained for longer"),
    ):
        panels[0].plot([], [], "o", color=colour, label=label)
    figure.legend(frameon=False, fontsize="small", loc="outside upper center", ncols=2)
    return figure


def _accuracy(line: Line) -> float:
    return line.mean("accuracy")


def _near(x: float, y: float, places: Iterable[tuple[float, float]]) -> int:
    """Count the names already there that this one would be written over."""
    return sum(max(x, other) < 2 * min(x, other) and y - height < _NAME_HEIGHT for other, height in places)


def gains_picture(answers: Sequence[Difference]) -> Figure:
    """Draw each question's gains: a dot for each seed, the mean, and its 95 % interval."""
    figure = Figure(figsize=(8, 0.42 * len(answers) + 1.2), layout="constrained")
    axes = figure.subplots()
    for place, answer in enumerate(reversed(answers)):
        axes.plot(answer.gains, [place] * len(answer.gains), "o", color=_GREY, markersize=4, alpha=0.8)
        if not np.isnan(answer.low):
            axes.plot([answer.low, answer.high], [place, place], color=_BLUE)
        axes.plot(answer.mean, place, "|", color=_BLUE, markersize=12)
    axes.set_yticks(
        range(len(answers)),
        [f"{answer.question.text}: {FIGURES[answer.figure]}" for answer in reversed(answers)],
        fontsize="small",
    )
    axes.axvline(0, color=_ORANGE, linestyle=":")
    axes.set_xlabel("gain (1 = 100 %), each seed, mean and 95 % interval")
    _plain(axes)
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
