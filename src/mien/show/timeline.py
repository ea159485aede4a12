"""The timeline of one recording: what each face showed, how pleasant it looked, and when it could be read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib import font_manager, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MultipleLocator, PercentFormatter
from numpy.typing import NDArray

from mien.errors import OutputError
from mien.files import written_whole
from mien.labels import EMOTIONS, UNCERTAIN
from mien.show.course import course, read_shares, smoothed_over_s, usual_step_s
from mien.show.palette import HEX

_Floats: TypeAlias = NDArray[np.float64]

MOST_TRACKS: Final = 3
"""So many faces are drawn, those with the most rows; the others are counted."""

_WIDTH_IN: Final = 11.0
_PROBABILITY_IN, _VALENCE_IN, _COVERAGE_IN, _MARGIN_IN = 2.3, 1.2, 0.45, 1.1
_DPI: Final = 150
_SUFFIXES: Final = (".png", ".svg", ".pdf")
INK: Final = "#222222"
PALE: Final = "#aaaaaa"
RUST: Final = "#b3591f"
TEAL: Final = "#2f7f86"
_OTHER_SCRIPTS: Final = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "WenQuanYi Zen Hei", "IPAGothic"),
    *("Yu Gothic", "Microsoft YaHei", "Malgun Gothic", "Hiragino Sans", "PingFang SC", "Apple SD Gothic Neo"),
    *("Noto Sans Devanagari", "Nirmala UI", "Noto Sans Thai", "Leelawadee UI", "Arial Unicode MS"),
)
"""Fonts of Linux, Windows and macOS that have what Matplotlib's own lacks, in the order they are tried."""
_MOST_TICKS: Final = 12
_TICKS_S: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400),
)


def timeline(
    table: pd.DataFrame,
    *,
    title: str = "",
    duration_s: float | None = None,
    coverage: float | None = None,
) -> Figure:
    """Draw one recording over time: probabilities, valence and arousal of each face, and coverage.

    Args:
        table: the rows of one source, with the columns of `mien.table.COLUMNS`.
        title: what stands above, such as the file's name.
        duration_s: the recording's length; None ends the plot with the last row.
        coverage: the recording's coverage, 0 to 1, to be printed; None prints none.

    Returns:
        A figure that no window belongs to; `save_figure` writes it.

    Raises:
        ValueError: the table holds several sources.
    """
    if table["source"].nunique() > 1:
        raise ValueError(f"expected the rows of one source, received {sorted(table['source'].unique())}")
    step_s = usual_step_s(table["time_s"], duration_s)
    end_s = max(duration_s or 0.0, float(table["time_s"].max()) + step_s if len(table) else step_s)
    tracks = table["track"].value_counts().index[:MOST_TRACKS].sort_values().tolist()

    figure, rows = _empty_figure(max(1, len(tracks)))
    for place, track in enumerate(tracks):
        chosen = table[table["track"] == track]
        upper, lower = rows[2 * place : 2 * place + 2]
        _draw_track(upper, lower, course(chosen, step_s), smoothed_over_s(chosen["time_s"]))
        if table["track"].nunique() > 1:
            upper.set_title(f"face {track}", loc="left", fontsize=10)
    for row in rows[:2]:
        draw_legend(row)
    if not table["confidence"].notna().any():
        words = "no face read" if len(table) else "no face found"
        rows[0].text(0.5, 0.5, words, transform=rows[0].transAxes, ha="center", va="center")
    _draw_coverage(rows[-1], read_shares(table, step_s, end_s), coverage)
    draw_time(rows[-1], end_s)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    _name_the_rest(figure, table, tracks)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a picture, whole or not at all.

    Args:
        figure: what `timeline` gave.
        path: the name, in .png, .svg or .pdf.

    Raises:
        OutputError: another suffix, or it can't be written.
    """
    if path.suffix not in _SUFFIXES:
        expected = ", ".join(_SUFFIXES)
        raise OutputError(f"cannot write {path}: expected a name in {expected}, received {path.suffix!r}")
    with written_whole(path) as temporary, warnings.catch_warnings():
        # A file's name may be in a script that no font here has: it is drawn as boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        families = _families()
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            text.set_fontfamily(families)
        figure.savefig(temporary, dpi=_DPI)


def _families() -> list[str]:
    """Return the fonts that a figure's texts are looked up in, character by character."""
    installed = set(font_manager.get_font_names())
    return [*rcParams["font.family"], *(each for each in _OTHER_SCRIPTS if each in installed)]


def _empty_figure(tracks: int) -> tuple[Figure, Sequence[Axes]]:
    heights = [*(_PROBABILITY_IN, _VALENCE_IN) * tracks, _COVERAGE_IN]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights) + _MARGIN_IN), layout="constrained")
    rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for row in rows:
        row.spines[["top", "right"]].set_visible(False)
        row.tick_params(labelsize=9, color=PALE)
        row.spines[["left", "bottom"]].set_color(PALE)
    for upper, lower in zip(rows[:-1:2], rows[1:-1:2], strict=True):
        upper.set(ylim=(0, 1), yticks=[0, 0.5, 1])
        upper.set_ylabel("probability", fontsize=9)
        upper.yaxis.set_major_formatter(PercentFormatter(1.0, symbol="\N{NO-BREAK SPACE}%"))
        lower.set(ylim=(-1, 1), yticks=[-1, 0, 1])
        lower.axhline(0, color=PALE, linewidth=0.6)
    return figure, rows


def _draw_track(upper: Axes, lower: Axes, line: pd.DataFrame, smoothed_s: float | None) -> None:
    known = [label for label in EMOTIONS if line[f"p_{label}"].notna().any()]
    tops = line[[f"p_{label}" for label in known]].cumsum(axis=1)
    # From the top down, each to the ground: the lower covers the upper, and no seam shows between them.
    for label in reversed(known):
        upper.fill_between(line["time_s"], tops[f"p_{label}"], color=HEX[label], linewidth=0, label=label)
    said = "" if smoothed_s is None else ", smoothed"
    lower.plot(line["time_s"], line["valence"], color=INK, linewidth=1.4, label=f"valence{said}")
    lower.plot(
        line["time_s"], line["arousal"], color=RUST, linewidth=1.1, linestyle="--", label=f"arousal{said}"
    )
    if smoothed_s is not None:
        upper.set_ylabel(f"probability, smoothed\n(means of {smoothed_s:.2g} s)", fontsize=9)


def _draw_coverage(axes: Axes, shares: tuple[_Floats, _Floats, _Floats], coverage: float | None) -> None:
    borders_s, labelled, uncertain = shares
    axes.stairs(labelled + uncertain, borders_s, fill=True, color=PALE, label=UNCERTAIN)
    axes.stairs(labelled, borders_s, fill=True, color=TEAL, label="labelled")
    axes.set(ylim=(0, 1), yticks=[])
    axes.set_ylabel("face read", fontsize=9, rotation=0, ha="right", va="center")
    if coverage is not None:
        axes.set_title(f"coverage {100 * coverage:.0f}\N{NO-BREAK SPACE}%", loc="left", fontsize=9, pad=3)
    draw_legend(axes)


def draw_legend(axes: Axes) -> None:
    """Name what is drawn, to the right of it."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, handlelength=1.2)


def draw_time(axes: Axes, end_s: float) -> None:
    """Write the time below, from 0 to `end_s`."""
    tick_s = next((tick for tick in _TICKS_S if end_s / tick <= _MOST_TICKS), end_s / _MOST_TICKS)
    axes.set_xlim(0, end_s)
    axes.xaxis.set_major_locator(MultipleLocator(tick_s))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda time_s, _: clock(time_s) if end_s >= 120 else f"{time_s:g}")
    )
    axes.set_xlabel("time" if end_s >= 120 else "time, s", fontsize=9)


def clock(time_s: float) -> str:
    """Return a time as people read it off a player: 1:05, or 1:00:05 from an hour on."""
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _name_the_rest(figure: Figure, table: pd.DataFrame, drawn: list[int]) -> None:
    rest = table[~table["track"].isin(drawn)]
    if len(rest):
        faces = rest["track"].nunique()
        figure.supxlabel(
            f"not drawn: {faces} more face{'s' * (faces > 1)}, {len(rest)} of {len(table)} rows",
            x=0.99, ha="right", fontsize=9, color=INK,
        )  # fmt: skip
