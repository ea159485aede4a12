"""What shows a summary: the storyboard, as a picture, and a page of its own that asks no other computer."""

from __future__ import annotations

import json
import os
import re
from base64 import b64encode
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import quote

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

from mien.files import written_whole
from mien.labels import UNCERTAIN
from mien.show.marks import text_font
from mien.show.palette import HEX, rgb
from mien.types import Image
from mien.videos.summary.types import Summary
from mien.videos.summary.words import WAY_IN, clock, seconds

_ACROSS: Final = 4
_MOST: Final = 48
"""So many pieces are on the storyboard, the best of them."""
_CELL_PX: Final = 300
_TEXT_PX: Final = 14
_MARGIN_PX: Final = 14
_LINE_PX: Final = round(1.35 * _TEXT_PX)
_HEAD_PX: Final = _TEXT_PX + 4
_HEAD_LINE_PX: Final = round(1.35 * _HEAD_PX)
_INK, _FAINT, _PAPER = (20, 20, 20), (95, 95, 95), (255, 255, 255)
_JPEG_QUALITY: Final = 80


def storyboard(summary: Summary) -> Pillow.Image:
    """Draw a picture of each piece, with its time and the whole reason for it."""
    best = sorted(range(len(summary.pieces)), key=lambda place: -summary.pieces[place].score)[:_MOST]
    shown = sorted(best)
    across = min(_ACROSS, len(shown))
    height, width = summary.pictures[shown[0]].shape[:2]
    picture_wh = _CELL_PX, max(1, round(_CELL_PX * height / width))
    words = [_wrapped(_together(summary.pieces[index].reason), _CELL_PX) for index in shown]
    rows_px = [
        picture_wh[1] + (1 + max(map(len, words[first : first + across]))) * _LINE_PX + 2 * _MARGIN_PX
        for first in range(0, len(shown), across)
    ]
    board_px = max(2, across) * (_CELL_PX + _MARGIN_PX) + _MARGIN_PX
    head = _wrapped(
        f"{summary.source}: {seconds(summary.length_s)} of {seconds(summary.duration_s)}",
        board_px - 2 * _MARGIN_PX, _HEAD_PX,
    )  # fmt: skip
    foot = _wrapped(WAY_IN, board_px - 2 * _MARGIN_PX)
    top = 2 * _MARGIN_PX + len(head) * _HEAD_LINE_PX
    board = Pillow.new("RGB", (board_px, top + sum(rows_px) + len(foot) * _LINE_PX + _MARGIN_PX), _PAPER)
    pen = ImageDraw.Draw(board)
    _lines(pen, (_MARGIN_PX, _MARGIN_PX), head, _INK, _HEAD_PX, _HEAD_LINE_PX)
    for place, index in enumerate(shown):
        row, column = divmod(place, across)
        corner = _MARGIN_PX + column * (_CELL_PX + _MARGIN_PX), top + sum(rows_px[:row])
        _cell(board, pen, corner, picture_wh, index, words[place], summary)
    _lines(pen, (_MARGIN_PX, top + sum(rows_px)), foot, _FAINT)
    return board


def _cell(
    board: Pillow.Image,
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    size: tuple[int, int],
    index: int,
    words: list[str],
    summary: Summary,
) -> None:
    piece, (left, top) = summary.pieces[index], corner
    board.paste(Pillow.fromarray(summary.pictures[index]).resize(size), corner)
    pen.rectangle((left, top + size[1], left + size[0] - 1, top + size[1] + 4), fill=colour(piece.state))
    below = top + size[1] + 8
    _lines(pen, (left, below), [f"{index + 1}. {clock(piece.start_s)} to {clock(piece.end_s)}"], _INK)
    _lines(pen, (left, below + _LINE_PX), words, _FAINT)


def _lines(
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    lines: list[str],
    ink: tuple[int, int, int],
    text_px: int = _TEXT_PX,
    line_px: int = _LINE_PX,
) -> None:
    for number, words in enumerate(lines):
        pen.text((corner[0], corner[1] + number * line_px), words, fill=ink, font=text_font(text_px))


def colour(state: str) -> tuple[int, int, int]:
    """Return the colour of a state: the expression's, or grey."""
    return rgb(state if state in HEX else UNCERTAIN)


def _wrapped(text: str, width_px: int, text_px: int = _TEXT_PX) -> list[str]:
    """Break a text into lines; a word that is longer than a line, as a file's name may be, is broken too."""
    font = text_font(text_px)
    lines = [""]
    for word in text.split(" "):  # not at spaces that don't break
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width_px:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width_px:
                lines.append("")
            lines[-1] += letter
    return lines


def _together(reason: str) -> str:
    """Keep a number and its unit on one line: 52 %, 6.9 SD, 9 s."""
    return re.sub(r"(?<=\d) (?=(%|SD|min|s|h)(?!\w))", "\N{NO-BREAK SPACE}", reason)


def write_png(picture: Pillow.Image, path: Path) -> None:
    """Write a picture, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    memory = BytesIO()  # a full disk may take a part of it unseen
    picture.save(memory, "png")
    with written_whole(path) as temporary:
        temporary.write_bytes(memory.getvalue())


def page(summary: Summary, recording: Path | None, folder: Path) -> str:
    """Return a page that plays the summary, and the recording where it lies, and jumps to what is clicked.

    Args:
        summary: with its pictures.
        recording: the film; None where it must not be shown, as others' faces are blurred.
        folder: in which the page will be.
    """
    data = summary.as_dict() | {
        "pictures": [_jpeg(each) for each in summary.pictures],
        "colours": [f"#{bytes(colour(each.state)).hex()}" for each in summary.pieces],
        "words": [_together(each.reason) for each in summary.pieces],
        "clocks": [clock(each.start_s) for each in summary.pieces],
        "recording": None if recording is None else _address(recording, folder),
    }
    template = Template(Path(__file__).with_name("page.html").read_text("utf-8"))
    # "</script>" in a file's name would end the script.
    return template.substitute(
        source=escape(summary.source),
        length=escape(f"{seconds(summary.length_s)} of {seconds(summary.duration_s)}"),
        about=escape(WAY_IN),
        notes="".join(f"<li>{escape(each)}</li>" for each in summary.notes),
        data=json.dumps(data, ensure_ascii=True).replace("<", "\\u003c"),
    )


def _address(recording: Path, folder: Path) -> str:
    try:
        relative = Path(os.path.relpath(recording.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive of Windows
        return recording.resolve().as_uri()
    return quote(relative)


def _jpeg(image: Image) -> str:
    memory = BytesIO()
    Pillow.fromarray(np.asarray(image)).save(memory, "jpeg", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{b64encode(memory.getvalue()).decode()}"


def web_vtt(summary: Summary) -> str:
    """Return the chapters of a summary as WebVTT (W3C), a cue for each piece."""
    cues = [f"WEBVTT\n\nNOTE {WAY_IN}\n"]
    for number, each in enumerate(summary.pieces, 1):
        span = f"{_stamp(each.at_s)} --> {_stamp(each.at_s + each.end_s - each.start_s)}"
        words = f"{clock(each.start_s)} {each.reason}".replace("&", "&amp;").replace("<", "&lt;")
        cues.append(f"{number}\n{span}\n{words}\n")
    return "\n".join(cues)


def _stamp(time_s: float) -> str:
    milliseconds = round(time_s * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
