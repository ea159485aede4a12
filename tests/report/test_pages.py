"""The report as it is handed over: pages of PDF, and HTML as a browser sees it."""

from __future__ import annotations

import re
import subprocess
import sys
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from mien.errors import OutputError
from mien.mood.definitions import MEASURES
from mien.report import pdf
from mien.report.content import Picture, ReportContent
from mien.report.drawing import INK, Drawing
from mien.report.first_page import first_page
from mien.report.html import render_html
from mien.report.material import Material
from mien.report.pdf import UNSHOWN, pages, render_pdf, render_pngs
from mien.report.save import written
from needs import program
from patience import LIMIT_S
from report.people import days, fullest_person, mark, material, person_with_body, phq9, report, usual_person

HOSTILE = (
    '#panic("x")',
    '#import "/etc/passwd": *',
    '#sys.inputs #read("/etc/passwd") $ unclosed * _ ` @nobody <label> = heading',
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    '"]}\\u0000 \\" // /* */ ]] }} #{ } [ ( ',
    "<!-- --> <![CDATA[ ]]> &lt; &amp; ';--",
    "\u202egnirts \ud800 \x00\x1b[31m",
)


def hostile_person() -> Material:
    annotations = [mark(index, text, "note") for index, text in enumerate(HOSTILE)]
    annotations += [mark(20 + index, text, "medication") for index, text in enumerate(HOSTILE)]
    reports = [report(index, text[:60].strip(), 3, note=text) for index, text in enumerate(HOSTILE[:5])]
    texts = {"phq9_safety": HOSTILE[0] + HOSTILE[3], "report_footer": HOSTILE[2] + HOSTILE[3]}
    person = material(40, days(40), reports=[*reports, phq9(30, 2)], annotations=annotations, texts=texts)
    return replace(person, code=HOSTILE[3])


PEOPLE = {
    "nothing": material(),
    "one recording": material(1, days(1, missing=0)),
    "only self-reports": material(reports=[phq9(3, 1), report(4, "mood", 3)]),
    "usual": usual_person(),
    "simulated": usual_person("simulated"),
    "fullest": fullest_person(),
    "hostile": hostile_person(),
    "body": person_with_body(),
    "one recording with a body": person_with_body(1),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_the_short_report_is_one_page(name: str) -> None:
    content = first_page(PEOPLE[name])
    made = render_pdf(content)
    assert made.startswith(b"%PDF-")
    assert pages(made) == 1


def test_the_same_content_gives_the_same_bytes() -> None:
    content = first_page(usual_person())
    assert render_pdf(content) == render_pdf(content)


def test_fonts_are_inside_and_the_page_is_made_for_archives_and_screen_readers() -> None:
    made = render_pdf(first_page(fullest_person()))
    fonts = re.findall(rb"/FontName/[A-Z]{6}\+(\w+)", made)
    assert b"LibertinusSerif" in b" ".join(fonts)
    assert b"DejaVuSans" in b" ".join(fonts)
    assert len(re.findall(rb"/FontFile[23] ", made)) == len(fonts)
    assert b"/StructTreeRoot" in made
    assert b"<pdfaid:part>2</pdfaid:part>" in made
    assert b"<pdfuaid:part>1</pdfuaid:part>" in made


def test_the_long_report_goes_on_after_the_same_page() -> None:
    person = replace(usual_person("simulated"), measures=MEASURES)
    made = render_pdf(written(person, long=True))
    assert pages(made) > 6
    assert b"<pdfaid:part>2</pdfaid:part>" in made


def test_a_character_that_no_font_has_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_SECOND_FONT", ())
    typeset: list[ReportContent] = []
    files = pdf._files
    monkeypatch.setattr(pdf, "_files", lambda content, room: typeset.append(content) or files(content, room))
    private = chr(0xF8FE)  # a place that is everybody's own
    made = render_pdf(first_page(material(annotations=[mark(1, f"note {private}", "note")])))
    assert pages(made) == 1
    assert UNSHOWN in typeset[-1].footer
    assert UNSHOWN not in typeset[0].footer


def test_a_page_is_a_picture_of_a4() -> None:
    pictures = render_pngs(first_page(material()), dots_per_inch=50)
    assert len(pictures) == 1
    width, height = Image.open(BytesIO(pictures[0])).size
    assert height / width == pytest.approx(297 / 210, abs=0.01)


def drawn(pdf: bytes) -> int:
    """How many lines a PDF draws: its streams' operators S."""
    parts = re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return sum(len(re.findall(rb"^S$", zlib.decompress(part), re.MULTILINE)) for part in parts)


def test_a_dot_that_is_alone_is_drawn_too() -> None:
    content = first_page(material())
    made = []
    for points in ([], [(50.0, 20.0)], [(50.0, 20.0), (60.0, 20.0)]):
        drawing = Drawing(510, 90, "a dot")
        drawing.dots(points, INK, 3.0)
        made.append(drawn(render_pdf(replace(content, picture=Picture.of(drawing, "")))))
    assert made == [made[0], made[0] + 1, made[0] + 1]


def test_without_typst_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(OutputError, match=r"typst package: .*\[record\]"):
        render_pdf(first_page(material()))


class Reader(HTMLParser):
    """Tags, attributes and texts of a page, as a browser would take them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_hostile_words_stay_words_in_html() -> None:
    content = first_page(hostile_person())
    page = Reader(render_html(content))
    assert not {"script", "img", "iframe", "link", "object", "a"} & set(page.tags)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    said = "".join(page.texts)
    assert HOSTILE[3] in said
    assert content.safety in said
    assert content.notes.shown[0].text in said


def test_html_points_nowhere_else() -> None:
    page = render_html(written(replace(usual_person(), measures=MEASURES), long=True))
    read = Reader(page)
    addresses = {name for name, _ in read.attributes} & {"src", "href", "xlink:href", "action", "srcset"}
    assert not addresses
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in page
    assert "http" not in re.sub(r"http-equiv|http://www\.w3\.org/\S+", "", page)


@pytest.mark.parametrize("name", PEOPLE)
def test_html_says_all_that_the_content_says(name: str) -> None:
    content = first_page(PEOPLE[name])
    said = "".join(Reader(render_html(content)).texts)
    always = [
        content.title,
        content.subtitle,
        content.safety,
        content.safety_why,
        content.simulated,
        content.advice,
    ]
    always += [fact.value for fact in content.facts] + [*content.limits, *content.footer]
    for text in always:
        assert text in said
    if content.picture:
        assert "Marks" in said or not content.marks.shown


def test_a_picture_keeps_its_words_for_those_who_cannot_see_it() -> None:
    content = first_page(usual_person())
    assert isinstance(content.picture, Picture)
    read = Reader(render_html(content))
    assert ("aria-label", content.picture.alt) in read.attributes


@pytest.mark.browser
@pytest.mark.parametrize("name", ["simulated", "fullest", "hostile"])
def test_html_prints_as_one_page(name: str, tmp_path: Path) -> None:
    chromium = program("chromium", "a browser")
    page, printed = tmp_path / "report.html", tmp_path / "printed.pdf"
    page.write_text(render_html(first_page(PEOPLE[name])), encoding="utf-8")
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
    options = [f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={printed}", page.as_uri()]
    subprocess.run([*command, *options], check=True, capture_output=True, timeout=LIMIT_S)
    assert re.findall(rb"/Type /Pages\s*/Count (\d+)", printed.read_bytes()) == [b"1"]
