"""What shows a summary: the storyboard, as a picture, and a page of its own that asks no other computer."""

from __future__ import annotations

import json
import os
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
_LINES: Final = 5
_INK, _FAINT, _PAPER = (20, 20, 20), (95, 95, 95), (255, 255, 255)
_JPEG_QUALITY: Final = 80


def storyboard(summary: Summary) -> Pillow.Image:
    """Draw a picture of each piece, with its time and the reason for it."""
    best = sorted(range(len(summary.pieces)), key=lambda place: -summary.pieces[place].score)[:_MOST]
    shown = sorted(best)
    across = min(_ACROSS, len(shown))
    height, width = summary.pictures[shown[0]].shape[:2]
    tall = round(_CELL_PX * height / width)
    line = round(_TEXT_PX * 1.35)
    cell_tall = tall + _LINES * line + 2 * _MARGIN_PX
    size = (
        max(2, across) * (_CELL_PX + _MARGIN_PX) + _MARGIN_PX,
        -(-len(shown) // across) * cell_tall + 3 * line + 2 * _MARGIN_PX + 3 * line,
    )
    board = Pillow.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(board)
    head = f"{summary.source}: {seconds(summary.length_s)} of {seconds(summary.duration_s)}"
    pen.text((_MARGIN_PX, _MARGIN_PX), head, fill=_INK, font=text_font(_TEXT_PX + 4))
    for place, index in enumerate(shown):
        corner = (
            _MARGIN_PX + place % across * (_CELL_PX + _MARGIN_PX),
            2 * _MARGIN_PX + 2 * line + place // across * cell_tall,
        )
        _cell(board, pen, corner, (_CELL_PX, tall), index, summary)
    top = size[1] - 3 * line - _MARGIN_PX
    for number, words in enumerate(_wrapped(WAY_IN, size[0] - 2 * _MARGIN_PX)[:3]):
        pen.text((_MARGIN_PX, top + number * line), words, fill=_FAINT, font=text_font(_TEXT_PX))
    return board


def _cell(
    board: Pillow.Image,
    pen: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    size: tuple[int, int],
    index: int,
    summary: Summary,
) -> None:
    piece, (left, top), line = summary.pieces[index], corner, round(_TEXT_PX * 1.35)
    board.paste(Pillow.fromarray(summary.pictures[index]).resize(size), corner)
    pen.rectangle((left, top + size[1], left + size[0] - 1, top + size[1] + 4), fill=colour(piece.state))
    words = f"{index + 1}. {clock(piece.start_s)} to {clock(piece.end_s)}"
    pen.text((left, top + size[1] + 8), words, fill=_INK, font=text_font(_TEXT_PX))
    for number, words in enumerate(_wrapped(piece.reason, size[0])[: _LINES - 1], 1):
        pen.text((left, top + size[1] + 8 + number * line), words, fill=_FAINT, font=text_font(_TEXT_PX))


def colour(state: str) -> tuple[int, int, int]:
    """Return the colour of a state: the expression's, or grey."""
    return rgb(state if state in HEX else UNCERTAIN)


def _wrapped(text: str, width: int) -> list[str]:
    lines, font = [""], text_font(_TEXT_PX)
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


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
