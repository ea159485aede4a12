"""The report as one HTML file: nothing in it points elsewhere, and it prints on A4."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from mien.report.content import Entries, Entry, Picture, ReportContent, Section, TextTable
from mien.report.fit import Room, fit

_STYLE: Final = Path(__file__).with_name("report.css")
_NOTHING_FROM_ELSEWHERE: Final = "default-src 'none'; style-src 'unsafe-inline'"
_XMLNS: Final = ' xmlns="http://www.w3.org/2000/svg"'

_PAGE_HEIGHT: Final = 775.0
_LINE_LETTERS: Final = 108
_LINE_HEIGHT: Final = 11.0

Node = ET.Element | str | None


def render_html(content: ReportContent) -> str:
    """Lay a report out as HTML.

    Args:
        content: what it says; its first part is shortened until it should print as one page of A4.

    Returns:
        A whole document. All texts stand in it as texts, whatever they look like.
    """
    front = replace(content, appendix=())
    fitted, room = fit(front, lambda tried, room: estimated_height(tried, room) <= _PAGE_HEIGHT)
    page = _document(replace(fitted, appendix=content.appendix), room)
    return "<!DOCTYPE html>\n" + ET.tostring(page, encoding="unicode", method="html") + "\n"


def _document(content: ReportContent, room: Room) -> ET.Element:
    head = _tag(
        "head",
        _tag("meta", charset="utf-8"),
        _tag("meta", {"http-equiv": "Content-Security-Policy", "content": _NOTHING_FROM_ELSEWHERE}),
        _tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _tag("title", content.title),
        _tag("style", _STYLE.read_text(encoding="utf-8")),
    )
    sheet = _tag("main", *_front(content), *map(_section, content.appendix), style=f"--scale: {room.scale:g}")
    return _tag("html", head, _tag("body", sheet), lang="en")


def _front(content: ReportContent) -> list[Node]:
    return [
        _tag("header", _tag("h1", content.title), _tag("p", content.subtitle)),
        _tag("p", content.simulated, {"class": "simulated"}) if content.simulated else None,
        _safety(content),
        _tag("dl", *(_tag("div", _tag("dt", fact.value), _tag("dd", fact.words)) for fact in content.facts)),
        _sentences(content.remarks),
        _figure(content.picture) if content.picture else None,
        *((_tag("h2", content.headings.body), _figure(content.body)) if content.body else ()),
        *_changes(content),
        *(part for each in content.tables for part in (_tag("h2", each.title), _table(each))),
        _sentences(content.outcomes),
        _tag(
            "div",
            _entries(content.headings.marks, content.marks),
            _entries(content.headings.notes, content.notes),
            {"class": "two"},
        ),
        _tag("aside", _tag("h2", "What this report cannot tell"), _sentences(content.limits)),
        _tag("footer", *(_tag("p", line) for line in content.footer)),
    ]


def _safety(content: ReportContent) -> Node:
    if not content.safety_why:
        return None
    why = _tag("p", _tag("strong", content.safety_why))
    return _tag("section", why, _tag("p", content.safety), {"class": "safety", "role": "alert"})


def _changes(content: ReportContent) -> list[Node]:
    if not (content.changes or content.advice):
        return []
    advice = _tag("p", _tag("strong", content.advice)) if content.advice else None
    return [_tag("h2", "What changed"), _sentences(content.changes), advice]


def _sentences(lines: tuple[str, ...]) -> Node:
    return _tag("ul", *(_tag("li", line) for line in lines)) if lines else None


def _figure(picture: Picture) -> ET.Element:
    svg = ET.fromstring(picture.svg.replace(_XMLNS, "", 1))
    return _tag("figure", svg, _tag("figcaption", picture.caption) if picture.caption else None)


def _table(table: TextTable) -> ET.Element:
    head = _tag("thead", _tag("tr", *(_tag("th", name, scope="col") for name in table.columns)))
    rows = (_tag("tr", *(_tag("td", cell) for cell in row)) for row in table.rows)
    columns = _tag("colgroup", *(_tag("col", style=f"width: {100 * share:g}%") for share in table.widths))
    whole = _tag("table", columns, head, _tag("tbody", *rows), {"class": "figures"} if table.figures else {})
    return _tag("div", whole, _tag("p", table.rest, {"class": "rest"}) if table.rest else None)


def _entries(title: str, entries: Entries) -> Node:
    if not (entries.shown or entries.more):
        return None
    rest = _tag("p", entries.rest, {"class": "rest"}) if entries.rest else None
    return _tag("section", _tag("h2", title), *map(_entry, entries.shown), rest)


def _entry(entry: Entry) -> ET.Element:
    number = _tag("b", entry.number + " ") if entry.number else None
    # bdi: a note from right to left does not turn the date before it.
    return _tag(
        "p",
        number,
        _tag("span", f"{entry.when}, {entry.kind}: "),
        _tag("bdi", entry.text),
        {"class": "entry"},
    )


def _section(section: Section) -> ET.Element:
    return _tag("section", _tag("h2", section.title), *map(_block, section.blocks), {"class": "part"})


def _block(block: str | Picture | TextTable) -> ET.Element:
    if isinstance(block, str):
        return _tag("p", block)
    if isinstance(block, Picture):
        return _figure(block)
    return _tag("div", _tag("h3", block.title) if block.title else None, _table(block))


def _tag(tag: str, /, *inside: Node | dict[str, str], **attributes: str) -> ET.Element:
    """Make an element: texts and elements go inside, mappings are further attributes, None is left out."""
    element = ET.Element(tag, attributes)
    for each in inside:
        if isinstance(each, dict):
            element.attrib |= each
        elif isinstance(each, ET.Element):
            element.append(each)
        elif each is not None and len(element):
            element[-1].tail = (element[-1].tail or "") + each
        elif each is not None:
            element.text = (element.text or "") + each
    return element


def estimated_height(content: ReportContent, room: Room) -> float:
    """Estimate how high a report is when it is printed, in points; rather too much than too little.

    Args:
        content: a shortened report.
        room: what it was shortened to.
    """
    page = [*content.remarks, *content.changes, *content.outcomes, *content.limits, *content.footer]
    page += [each for each in (content.safety_why, content.safety, content.advice, content.simulated) if each]
    lines: float = sum(_lines(text, 1.0, room) for text in page)
    lines += sum(len(each.rows) * 1.1 + 3 + bool(each.more) for each in content.tables)
    lines += 1 if content.outcomes else 0
    sides = [(content.marks, 0.4), (content.notes, 0.58)]
    filled = [(entries, share) for entries, share in sides if entries.shown or entries.more]
    columns = [_column(entries, share if len(filled) == 2 else 1.0, room) for entries, share in filled]
    drawn = [each for each in (content.picture, content.body) if each]
    picture = sum(each.height + 14 * _lines(each.caption, 1.0, room) for each in drawn)
    lines += 2 if content.body else 0
    fixed = 92 + 22 * bool(content.safety_why) + 16 * bool(content.simulated)
    return picture + room.scale * (fixed + _LINE_HEIGHT * (lines + max(columns, default=0)))


def _column(entries: Entries, share: float, room: Room) -> float:
    texts = [f"{each.number} {each.when}, {each.kind}: {each.text}" for each in entries.shown]
    return 3 + sum(_lines(text, share, room) + 0.2 for text in texts)


def _lines(text: str, share: float, room: Room) -> int:
    letters = sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)
    return math.ceil(letters * room.scale / (share * _LINE_LETTERS))
