"""What a crowd's picture, clip and plot show: cells with numbers, and no face that could be known again."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw

from mien.files import written_whole
from mien.places.cells import Grid
from mien.places.covering import covered
from mien.places.crowd import Crowd, Moment
from mien.places.group import Group
from mien.places.quantification import Interval
from mien.show import marks, palette
from mien.show.palette import HEX
from mien.show.timeline import save_figure
from mien.show.video import ClipWriter
from mien.types import Faces, Frame, Image

_INK: Final = (255, 255, 255)
_GREY: Final = "#555555"
_BAND: Final = 0.2


def draw_cells(image: Image, faces: Faces, moment: Moment | None, grid: Grid) -> Image:
    """Cover a picture and draw its cells with their numbers.

    Args:
        image: uint8 RGB.
        faces: those that were found in it.
        moment: what is written on it; None writes nothing yet.
        grid: that the cells are of.
    """
    canvas = Pillow.fromarray(covered(image, faces))
    text_px, pen = marks.text_size_px(canvas.size), ImageDraw.Draw(canvas)
    unit = np.array(canvas.size) / (grid.columns, grid.rows)
    for cell, group in moment.cells if moment else ():
        left, top = np.rint(cell[:2] * unit).astype(int).tolist()
        right, bottom = np.rint(cell[2:] * unit).astype(int).tolist()
        pen.rectangle((left, top, right - 1, bottom - 1), outline=_INK, width=max(1, text_px // 8))
        _write(canvas, (left, top, right, bottom), group, text_px)
    if moment is not None and moment.whole is None:
        words = f"{moment.read} faces read: too few for figures"
        canvas.paste(marks.tag(((words, palette.BLACK),), text_px), (0, 0))
    return np.array(canvas)


def _write(canvas: Pillow.Image, rect: tuple[int, int, int, int], group: Group, text_px: int) -> None:
    """Write a cell's figures as lines at its top left, as many as it has room for."""
    label = max(group.shares, key=lambda each: group.shares[each].value)
    lines = (
        ((f"{group.faces} faces", palette.BLACK),),
        ((f"{label} {percent(group.shares[label])}", palette.rgb(label)),),
        ((f"valence {signed(group.valence)}", palette.BLACK),),
        ((f"tension {percent(group.tension)}", palette.BLACK),),
    )
    left, top, right, bottom = rect
    for line in lines:
        tag = marks.tag(line, text_px)
        while tag.width > right - left - 4 and text_px > marks.SMALLEST_TEXT_PX:
            text_px = max(marks.SMALLEST_TEXT_PX, text_px - 2)
            tag = marks.tag(line, text_px)
        if top + tag.height > bottom or tag.width > right - left:
            return
        canvas.paste(tag, (left + 2, top + 2))
        top += tag.height


def percent(share: Interval) -> str:
    """Write a share with its interval: "41 % (33-50)"."""
    value, low, high = (f"{100 * each:.0f}" for each in share)
    return f"{value} % ({low}-{high})"


def signed(index: Interval) -> str:
    """Write an index from -1 to 1 with its interval: "+0.31 (+0.22 to +0.40)"."""
    value, low, high = (f"{each:+z.2f}" for each in index)
    return f"{value} ({low} to {high})"


class CrowdPictures:
    """Draws a crowd while it is read: a picture of a photograph, a clip of anything else.

    Args:
        folder: where "crowd.jpg" or "crowd.mp4" goes.
        grid: that the cells are of.

    Raises:
        OutputError: it can't be written.
    """

    def __init__(self, folder: Path, grid: Grid) -> None:
        self._folder = folder
        self._grid = grid
        self._clip: ClipWriter | None = None
        self._still: tuple[Frame, Faces] | None = None
        self.path: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._clip is not None:
            self._clip.__exit__(kind, error, trace)

    def show(self, frame: Frame, faces: Faces, moment: Moment | None) -> None:
        """Draw the next frame, with the figures of the last interval; see `crowd.read_crowd`."""
        if frame.still:
            self._still = frame, faces
            return
        picture = draw_cells(frame.image, faces, moment, self._grid)
        if self._clip is None:
            self.path = self._folder / "crowd.mp4"
            self._clip = ClipWriter(self.path, (picture.shape[1], picture.shape[0]))
        self._clip.write(picture, frame.time_s)

    def finish(self, crowd: Crowd) -> None:
        """Draw the photograph, whose figures are known only now."""
        if self._still is None:
            return
        frame, faces = self._still
        self.path = self._folder / "crowd.jpg"
        with written_whole(self.path) as temporary:
            picture = draw_cells(frame.image, faces, crowd.moments[-1], self._grid)
            Pillow.fromarray(picture).save(temporary, quality=90)


def plot(crowd: Crowd, path: Path) -> None:
    """Draw the whole picture's figures, over time where there is any, and write them.

    Args:
        crowd: what was read.
        path: the name, in .png, .svg or .pdf.

    Raises:
        OutputError: it can't be written.
    """
    save_figure(_bars(crowd) if crowd.still or len(crowd.moments) < 2 else _course(crowd), path)


def _bars(crowd: Crowd) -> Figure:
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes, whole = figure.subplots(), crowd.moments[-1].whole
    if whole is None:
        axes.text(0.5, 0.5, "too few faces for figures", ha="center", va="center", transform=axes.transAxes)
    else:
        known = list(whole.shares.values())
        ends = [[each.value - each.low for each in known], [each.high - each.value for each in known]]
        axes.bar(
            [*whole.shares], [each.value for each in known], yerr=ends, capsize=4,
            color=[HEX[label] for label in whole.shares],
        )  # fmt: skip
    axes.set(ylim=(0, 1), ylabel="share of the faces")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    figure.suptitle(crowd.source, x=0.01, ha="left", fontweight="bold", parse_math=False)
    return figure


def _course(crowd: Crowd) -> Figure:
    figure = Figure(figsize=(11, 7.5), layout="constrained")
    mix, valence, tension, faces = figure.subplots(4, 1, sharex=True, height_ratios=[2.2, 1.2, 1.2, 0.8])
    minutes = np.array([(each.start_s + each.end_s) / 120 for each in crowd.moments])
    known = [each.whole for each in crowd.moments]
    labels = next((group.shares for group in known if group is not None), {})
    for label in labels:
        # Neutral faces are most of many crowds: their pale grey would not show as a line.
        colour = _GREY if label == "neutral" else HEX[label]
        _band(mix, minutes, [None if each is None else each.shares[label] for each in known], colour, label)
    mix.set(ylim=(0, 1), ylabel="share")
    mix.yaxis.set_major_formatter(PercentFormatter(1.0))
    if labels:
        mix.legend(ncols=len(labels), fontsize=8, loc="upper left", frameon=False)
    _band(
        valence,
        minutes,
        [None if each is None else each.valence for each in known],
        HEX["sadness"],
        "valence",
    )
    valence.set(ylim=(-1, 1), ylabel="valence")
    _band(
        tension, minutes, [None if each is None else each.tension for each in known], HEX["anger"], "tension"
    )
    tension.set(ylim=(0, 1), ylabel="tension")
    tension.yaxis.set_major_formatter(PercentFormatter(1.0))
    faces.step(minutes, [each.seen for each in crowd.moments], where="mid", color="#aaaaaa", label="seen")
    faces.step(minutes, [each.read for each in crowd.moments], where="mid", color="#222222", label="read")
    faces.set(ylabel="faces", xlabel="minutes")
    faces.set_ylim(bottom=0)
    faces.legend(ncols=2, fontsize=8, frameon=False)
    for turn in crowd.turns:
        axes = valence if turn.measure == "valence" else tension
        axes.axvline(minutes[turn.told], color="#222222", linestyle="--", linewidth=1)
        axes.axvspan(minutes[turn.since], minutes[turn.told], color="#222222", alpha=0.1, linewidth=0)
    figure.suptitle(crowd.source, x=0.01, ha="left", fontweight="bold", parse_math=False)
    return figure


def _band(
    axes: Axes, minutes: NDArray[np.float64], figures: list[Interval | None], colour: str, label: str
) -> None:
    """Draw a figure's course and its interval, with gaps where there is none."""
    none: Any = (np.nan,) * 3
    value, low, high = np.array([none if each is None else each for each in figures], np.float64).T
    axes.plot(minutes, value, color=colour, label=label, linewidth=1.5)
    axes.fill_between(minutes, low, high, color=colour, alpha=_BAND, linewidth=0)
