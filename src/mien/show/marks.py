"""The marks that are pasted on a picture: a face's tag and its panel of bars, drawn once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from mien.labels import EMOTIONS
from mien.show import palette
from mien.show.palette import RGB
from mien.show.place import Size

Mark: TypeAlias = Image.Image
"""An RGBA image."""

_CHIP: Final[RGB] = (20, 20, 24)
_GROUND: Final = (20, 20, 24, 210)
_GROOVE: Final = (88, 88, 94, 210)
_FAINT: Final = (200, 200, 206, 255)
_BRIGHT: Final = (255, 255, 255, 255)


SMALLEST_TEXT_PX: Final = 10
"""Smaller text isn't drawn: it can't be read."""


def text_size_px(picture_wh: Size) -> int:
    """Return the height of the text for a picture: a thirtieth of its shorter side, within reading size."""
    return max(SMALLEST_TEXT_PX, round(min(picture_wh) / 30))


@lru_cache(maxsize=1024)
def tag(chips: tuple[tuple[str, RGB], ...], text_px: int) -> Mark:
    """Draw words side by side, each on its own ground, in black or white, whichever reads better.

    Args:
        chips: the words, and the colour behind each.
        text_px: the height of the text.
    """
    font, pad, height = text_font(text_px), round(text_px * 0.4), round(text_px * 1.45)
    widths = [round(font.getlength(text)) + 2 * pad for text, _ in chips]
    mark = Image.new("RGBA", (sum(widths), height))
    pen, left = ImageDraw.Draw(mark), 0
    for (text, colour), width in zip(chips, widths, strict=True):
        pen.rectangle((left, 0, left + width, height), fill=colour)
        pen.text((left + pad, height / 2), text, fill=palette.ink_on(colour), font=font, anchor="lm")
        left += width
    return mark


def track_chip(track: int) -> tuple[str, RGB]:
    """Return the part of a tag that says which face it is."""
    return str(track), _CHIP


def panel(shares: Sequence[float], text_px: int, heading: str = "") -> Mark:
    """Draw a bar for each probability, in the order of `labels.EMOTIONS`: each keeps its place in a clip.

    Args:
        shares: eight probabilities; those that are NaN get no bar.
        text_px: the height of the text.
        heading: a line above the bars; none when empty.
    """
    known = tuple(index for index, share in enumerate(shares) if share == share)
    mark, lay, font = _empty_panel(known, text_px, heading).copy(), _layout(text_px), text_font(text_px)
    pen = ImageDraw.Draw(mark)
    highest = max(known, key=lambda index: shares[index], default=None)
    for row, index in enumerate(known, start=bool(heading)):
        ink = _BRIGHT if index == highest else _FAINT
        if index == highest:
            pen.text((lay.pad, lay.middle(row)), EMOTIONS[index], fill=ink, font=font, anchor="lm")
        percent, right = f"{100 * shares[index]:.0f}", lay.width - lay.pad
        pen.text((right, lay.middle(row)), percent, fill=ink, font=font, anchor="rm")
        length = round(shares[index] * lay.bar_width)
        if length:
            pen.rectangle(lay.bar(row, length), fill=palette.rgb(EMOTIONS[index]))
    return mark


def panel_size_wh(shares: Sequence[float], text_px: int, heading: str = "") -> Size:
    """Return the size that `panel` will have."""
    return _layout(text_px).size_wh(sum(share == share for share in shares) + bool(heading))


@dataclass(frozen=True)
class _Layout:
    """Where things stand in a panel, in pixels."""

    pad: int
    row_height: int
    bar_left: int
    bar_width: int
    bar_height: int
    width: int

    def size_wh(self, rows: int) -> Size:
        return self.width, 2 * self.pad + rows * self.row_height

    def middle(self, row: int) -> float:
        return self.pad + (row + 0.5) * self.row_height

    def bar(self, row: int, length: int) -> tuple[int, int, int, int]:
        top = round(self.middle(row) - self.bar_height / 2)
        return self.bar_left, top, self.bar_left + length - 1, top + self.bar_height - 1


@lru_cache(maxsize=16)
def _layout(text_px: int) -> _Layout:
    font, pad = text_font(text_px), round(text_px * 0.55)
    bar_left = 2 * pad + round(max(font.getlength(name) for name in EMOTIONS))
    bar_width = round(text_px * 4.5)
    width = bar_left + bar_width + 2 * pad + round(font.getlength("100"))
    return _Layout(pad, round(text_px * 1.35), bar_left, bar_width, max(4, round(text_px * 0.6)), width)


@lru_cache(maxsize=64)
def _empty_panel(known: tuple[int, ...], text_px: int, heading: str) -> Mark:
    lay, font = _layout(text_px), text_font(text_px)
    width, height = size_wh = lay.size_wh(len(known) + bool(heading))
    # Pillow draws hard edges: drawn four times as large, the rounded corners come out smooth.
    large = Image.new("L", (4 * width, 4 * height))
    shape = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(shape, radius=3 * text_px // 2, fill=_GROUND[3])
    mark = Image.new("RGBA", size_wh, _GROUND)
    mark.putalpha(large.resize(size_wh, Image.Resampling.BOX))
    pen = ImageDraw.Draw(mark)
    if heading:
        pen.text((lay.pad, lay.middle(0)), heading, fill=_BRIGHT, font=font, anchor="lm")
    for row, index in enumerate(known, start=bool(heading)):
        pen.rectangle(lay.bar(row, lay.bar_width), fill=_GROOVE)
        pen.text((lay.pad, lay.middle(row)), EMOTIONS[index], fill=_FAINT, font=font, anchor="lm")
    return mark


@lru_cache(maxsize=16)
def text_font(size_px: int) -> ImageFont.FreeTypeFont:
    """Return the font in which pictures are labelled."""
    # matplotlib carries this font; to import matplotlib for its folder would take a tenth of a second.
    matplotlib = find_spec("matplotlib")
    assert matplotlib is not None
    assert matplotlib.origin is not None
    file = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(file, size_px)
