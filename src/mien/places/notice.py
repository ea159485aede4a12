"""The notice that hangs at a station: A4 as PDF, a page for each language.

It holds what guests have to be told by Article 50(3) of Regulation (EU) 2024/1689 and by Article 13 of
Regulation (EU) 2016/679, as far as Mien knows it. Whether that is all, a lawyer has to say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from mien.errors import ConfigError, OutputError
from mien.places.guest_words import GuestWords, chosen_languages, guest_words, notice_languages
from mien.report.formatting import breakable, clean
from mien.report.pdf import NO_GLYPH, STANDARDS, pages, second_font, typeset, typeset_pngs
from mien.store.venue_types import Station

LONGEST: Final = 400
"""Characters of each text that a venue gives."""

_TEMPLATE: Final = Path(__file__).with_name("notice.typ")
_SCALES: Final = (1.24, 1.17, 1.1, 1.03, 0.96, 0.89, 0.82, 0.75)
"""From large to small: the first with which each language has one page."""
_LONGEST_RUN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a venue says of its camera, beside what Mien says itself.

    Attributes:
        station: where it hangs.
        contact: who is responsible, with an address at which guests can ask.
        languages: codes, a page for each.
        place: the venue's name for guests; "" leaves it out.
        purpose: what the camera is for, in place of Mien's sentence.
        basis: the legal basis, such as an article of the GDPR; "" leaves it out.
        elsewhere: where a guest is not seen, such as "till 2"; "" leaves it out.

    Raises:
        ConfigError: there is no contact, a text is too long, or a language isn't there.
    """

    station: Station
    contact: str
    languages: tuple[str, ...] = ("en",)
    place: str = ""
    purpose: str = ""
    basis: str = ""
    elsewhere: str = ""

    def __post_init__(self) -> None:
        if not self.contact.strip():
            raise ConfigError("contact: expected who is responsible, with an address for questions")
        for name in ("contact", "place", "purpose", "basis", "elsewhere"):
            length = len(getattr(self, name))
            if length > LONGEST:
                raise ConfigError(f"{name}: expected at most {LONGEST} characters, received {length}")
        chosen_languages(",".join(self.languages), notice_languages())


def notice_pdf(notice: Notice, made: date) -> bytes:
    """Lay a notice out on A4, tagged for screen readers.

    Args:
        notice: what it says.
        made: the day that stands on it.

    Returns:
        The PDF; the same notice gives the same bytes on the same machine.

    Raises:
        OutputError: the typst package is missing, or a character is in no font of this machine.
        ConfigError: the texts are too long for one page.
    """
    with second_font() as fonts:
        return _fitted(notice, made, fonts)[0]


def notice_pngs(notice: Notice, made: date, *, dots_per_inch: float = 100.0) -> list[bytes]:
    """Return the pages of the PDF as PNG pictures, for documentation and to look at.

    Raises:
        As `notice_pdf`.
    """
    with second_font() as fonts:
        scale = _fitted(notice, made, fonts)[1]
        return typeset_pngs(_files(notice, made, scale), fonts, dots_per_inch)


def _fitted(notice: Notice, made: date, fonts: list[str]) -> tuple[bytes, float]:
    """Return the PDF in which each language has one page, and its scale."""
    moment = datetime(made.year, made.month, made.day, tzinfo=UTC)
    for scale in _SCALES:
        try:
            pdf = typeset(_files(notice, made, scale), fonts, moment, STANDARDS["short"])
        except RuntimeError as error:  # typst's own is one
            if NO_GLYPH not in str(error):
                raise
            raise OutputError(
                "the notice has a character that is in no font of this machine; write it differently"
            ) from error
        if pages(pdf) == len(notice.languages):
            return pdf, scale
    raise ConfigError("the notice is longer than a page: shorten contact, purpose, basis or elsewhere")


def _files(notice: Notice, made: date, scale: float) -> dict[str, bytes]:
    said = {
        "scale": scale,
        "date": {"year": made.year, "month": made.month, "day": made.day},
        "foot": f"{notice.station.venue} / {notice.station.name}, {made.isoformat()}",
        "place": _clean(notice.place),
        "pages": [_page(guest_words()[code], notice) for code in notice.languages],
    }
    return {"main.typ": _TEMPLATE.read_bytes(), "content.json": json.dumps(said).encode()}


def _page(words: GuestWords, notice: Notice) -> dict[str, Any]:
    said = words.notice
    assert said is not None  # `Notice` has looked
    how = said.how_text
    if any(zone.use == "ignore" for zone in notice.station.zones):
        how = f"{how} {said.ignored_text}"
    sections = (
        (said.who, notice.contact),
        (said.purpose, notice.purpose or said.purpose_text),
        (said.how, how),
        (said.kept, said.kept_text.format(least=notice.station.least)),
        (said.basis, notice.basis),
        (said.object, said.object_text),
        (said.elsewhere, notice.elsewhere),
    )
    return {
        "language": words.code,
        "sign": words.sign,
        "lead": said.lead,
        "sections": [
            {"heading": heading, "text": _clean(text)} for heading, text in sections if text.strip()
        ],
        "law": said.law,
    }


def _clean(text: str) -> str:
    return breakable(clean(text), _LONGEST_RUN)
