"""The notice that hangs at a station, and the words that guests read."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import pytest

from mien.errors import ConfigError, OutputError
from mien.places import notice as notice_module
from mien.places.guest_words import NoticeWords, chosen_languages, guest_words, notice_languages
from mien.places.notice import LONGEST, Notice, notice_pdf
from mien.report.pdf import pages
from mien.store.venue_types import ANSWERS, Station, Zone

MAY_4 = date(2026, 5, 4)
TILL = Station("cafe", "till-1", "camera:0")
STAFF = Zone.parse("ignore 0,0 0.3,0 0.3,1 0,1")
CONTACT = "Café Sonne, Hauptstraße 1, 10115 Berlin, sonne@cafe.example"
HOSTILE = ('#panic("x")', '= heading #read("/etc/passwd") $ * _ ` <l>', "\u202egnirts \ud800 \x00\x1b[31m")


def made(**chosen: Any) -> Notice:
    return Notice(**({"station": TILL, "contact": CONTACT} | chosen))


def texts(notice: Notice, language: str) -> list[str]:
    """All that a page says, in order."""
    page = notice_module._page(guest_words()[language], notice)
    return [page["sign"], page["lead"], *(each["text"] for each in page["sections"]), page["law"]]


@pytest.mark.parametrize("code", guest_words())
def test_each_language_has_all_words_and_five_answers(code: str) -> None:
    words = guest_words()[code]
    said = [
        getattr(words, field.name) for field in fields(words) if isinstance(getattr(words, field.name), str)
    ]
    said += words.answers
    if words.notice is not None:
        said += [getattr(words.notice, field.name) for field in fields(NoticeWords)]
        assert "{least}" in words.notice.kept_text
        assert all(number in words.notice.law for number in ("50", "2024/1689", "13", "2016/679"))
    assert [each for each in said if not each.strip() or each != each.strip()] == []
    assert len(set(words.answers)) == len(ANSWERS)


def test_the_languages_that_are_most_spoken_here_are_there() -> None:
    assert {"en", "de", "fr", "es", "it", "pt", "nl", "pl"} <= set(notice_languages())
    assert guest_words()["ar"].right_to_left
    assert guest_words()["en"].answers == ("very bad", "bad", "neither good nor bad", "good", "very good")


def test_no_word_says_that_feelings_are_read() -> None:
    english = guest_words()["en"]
    assert english.notice is not None
    assert english.notice.how_text.count("feels") == 1
    assert "not what anyone feels" in english.notice.how_text


def test_a_page_for_each_language_tagged_for_screen_readers() -> None:
    languages = notice_languages()
    pdf = notice_pdf(made(languages=languages, place="Café Sonne"), MAY_4)
    assert pages(pdf) == len(languages)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"<pdfaid:part>2</pdfaid:part>" in pdf


def test_the_same_notice_gives_the_same_bytes() -> None:
    assert notice_pdf(made(), MAY_4) == notice_pdf(made(), MAY_4)


def test_it_says_what_the_station_does() -> None:
    said = " ".join(texts(made(station=Station("cafe", "till-1", "camera:0", least=25)), "en"))
    assert "at least 25 visits" in said
    assert CONTACT in said
    assert "masked" not in said
    hidden = " ".join(texts(made(station=Station("cafe", "till-1", "camera:0", zones=(STAFF,))), "en"))
    assert "such as the staff's side, are masked and never read" in hidden


def test_what_the_venue_says_stands_where_it_belongs() -> None:
    said = texts(made(purpose="To plan the menu.", basis="Article 6(1)(f) GDPR", elsewhere="till 2"), "de")
    assert said[3] == "To plan the menu."
    assert said[-4] == "Article 6(1)(f) GDPR"
    assert said[-2] == "till 2"
    assert len(said) == len(texts(made(), "de")) + 2


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_never_markup(text: str) -> None:
    pdf = notice_pdf(made(contact=text, place=text, purpose=text, elsewhere=text), MAY_4)
    assert pages(pdf) == 1


def test_long_texts_still_fit_on_a_page() -> None:
    long = ("word " * LONGEST)[:LONGEST]
    assert pages(notice_pdf(made(contact=long, purpose=long, languages=("de", "pl")), MAY_4)) == 2
    wide = "M" * LONGEST
    assert pages(notice_pdf(made(contact=wide, purpose=wide), MAY_4)) == 1


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"contact": "  "}, "contact: expected who is responsible"),
        ({"purpose": "a" * (LONGEST + 1)}, "purpose: expected at most 400 characters, received 401"),
        ({"languages": ("de", "xx")}, "received 'xx'"),
        ({"languages": ("zh",)}, "language: expected some of de, en"),
        ({"languages": ()}, "language: expected some of de, en"),
    ],
)
def test_what_no_notice_can_be_made_of_is_refused(chosen: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        made(**chosen)


def test_a_character_that_no_font_has_is_said() -> None:
    with pytest.raises(OutputError, match="in no font of this machine"):
        notice_pdf(made(contact=f"Caf{chr(0xF8FE)}"), MAY_4)


def test_languages_are_chosen_in_order_and_once() -> None:
    assert chosen_languages("DE, en,de", ("de", "en")) == ("de", "en")
