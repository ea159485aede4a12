"""The report as PDF, by typst: PDF/A-2 with its fonts inside, and tagged for screen readers (PDF/UA-1)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import matplotlib

from mien.errors import OutputError
from mien.install import extras_command
from mien.report.content import Picture, ReportContent, TextTable
from mien.report.fit import Room, fit
from mien.report.formatting import breakable

STANDARDS: Final = {"short": ("a-2a", "ua-1"), "long": ("a-2u",)}
"""What the PDF keeps to, unless a character is in none of the fonts.

The long report has no tags for screen readers: those of ten thousand cells make it four times as large, and
ten times as slow to write. Its HTML serves them.
"""

UNSHOWN: Final = (
    "Some characters can't be shown here because no font on this machine has them;"
    " the HTML report shows them."
)

NO_GLYPH: Final = "could not be displayed"
"""What typst says of a character that is in none of the fonts."""

_TEMPLATE: Final = Path(__file__).with_name("report.typ")
_PAGE: Final = b"/Type/Page/"
_SECOND_FONT: Final = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")


def render_pdf(content: ReportContent) -> bytes:
    """Lay a report out on A4.

    Args:
        content: what it says; its first page is shortened until it is one page.

    Returns:
        The PDF. The same content gives the same bytes on the same machine.

    Raises:
        OutputError: the typst package is missing.
    """
    with second_font() as fonts:
        front = replace(content, appendix=())
        fitted, room = fit(front, lambda tried, room: pages(_typeset(tried, room, fonts)) == 1)
        return _typeset(replace(fitted, appendix=content.appendix), room, fonts)


def pages(pdf: bytes) -> int:
    """Count the pages of a PDF that `render_pdf` made."""
    return pdf.count(_PAGE)


def render_pngs(content: ReportContent, *, dots_per_inch: float = 100.0) -> list[bytes]:
    """Return the pages of the PDF as PNG pictures, for documentation and to look at.

    Raises:
        OutputError: the typst package is missing.
    """
    with second_font() as fonts:
        front = replace(content, appendix=())
        fitted, room = fit(front, lambda tried, room: pages(_typeset(tried, room, fonts)) == 1)
        files = _files(replace(fitted, appendix=content.appendix), room)
        return typeset_pngs(files, fonts, dots_per_inch)


def _typeset(content: ReportContent, room: Room, fonts: list[str]) -> bytes:
    made = datetime.fromisoformat(content.made_at).replace(microsecond=0)
    tags = content.kind == "short"
    try:
        return typeset(_files(content, room), fonts, made, STANDARDS["short" if tags else "long"], tags)
    except RuntimeError as error:  # typst's own is one
        if NO_GLYPH not in str(error):
            raise
    marked = replace(content, footer=(*content.footer, UNSHOWN))
    return typeset(_files(marked, room), fonts, made, (), tags)


def typeset(
    files: dict[str, bytes],
    fonts: list[str],
    made: datetime,
    standards: tuple[str, ...],
    tags: bool = True,
) -> bytes:
    """Lay out a template.

    Args:
        files: by name; main.typ is the template.
        fonts: folders with fonts beside typst's own, such as that of `second_font`.
        made: what the PDF says of when it was made.
        standards: that the PDF is to keep to, by typst's names.
        tags: for screen readers.

    Raises:
        OutputError: the typst package is missing.
        RuntimeError: typst's own; `NO_GLYPH` stands in it where no font has a character.
    """
    options = {"font_paths": fonts, "timestamp": made, "pdf_standards": list(standards), "pdf_tags": tags}
    pdf: bytes = _compiler()(files, format="pdf", **options)
    return pdf


def typeset_pngs(files: dict[str, bytes], fonts: list[str], dots_per_inch: float) -> list[bytes]:
    """Lay out a template as `typeset` does, and return its pages as PNG pictures."""
    pictures = _compiler()(files, format="png", ppi=dots_per_inch, font_paths=fonts)
    return pictures if isinstance(pictures, list) else [pictures]


def _compiler() -> Any:
    try:
        import typst
    except ModuleNotFoundError as error:
        raise OutputError(
            f"a PDF needs the typst package: {extras_command('record')}, or write .html"
        ) from error
    return typst.compile


@contextmanager
def second_font() -> Iterator[list[str]]:
    """Return a folder with matplotlib's DejaVu Sans, for scripts that typst's own fonts lack.

    Its folder as a whole won't do: it holds a font that has a picture for every character there is.
    """
    source = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    with TemporaryDirectory(prefix="mien-fonts-") as folder:
        for name in _SECOND_FONT:
            shutil.copy(source / name, folder)
        yield [folder]


def _files(content: ReportContent, room: Room) -> dict[str, bytes]:
    made = datetime.fromisoformat(content.made_at)
    said = asdict(content) | {
        "title": content.title,
        "subtitle": content.subtitle,
        "simulated_short": "SIMULATED" if content.simulated else "",
        "scale": room.scale,
        "date": {"year": made.year, "month": made.month, "day": made.day},
        "marks": asdict(content.marks) | {"rest": content.marks.rest},
        "notes": asdict(content.notes) | {"rest": content.notes.rest},
        "tables": [_block(each) for each in content.tables],
        "appendix": [
            {"title": section.title, "blocks": [_block(block) for block in section.blocks]}
            for section in content.appendix
        ],
    }
    return {"main.typ": _TEMPLATE.read_bytes(), "content.json": json.dumps(_broken(said)).encode()}


def _block(block: str | Picture | TextTable) -> dict[str, Any]:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    if isinstance(block, Picture):
        return {"type": "picture"} | asdict(block)
    return {"type": "table"} | asdict(block) | {"rest": block.rest}


def _broken(value: Any) -> Any:
    """Return texts in which long runs without a space can be broken, in all texts but the pictures'."""
    if isinstance(value, str):
        return breakable(value)
    if isinstance(value, dict):
        return {key: each if key in {"svg", "type"} else _broken(each) for key, each in value.items()}
    return [_broken(each) for each in value] if isinstance(value, list | tuple) else value
