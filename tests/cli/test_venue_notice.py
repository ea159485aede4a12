"""`mien venue notice`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.helpers import Run
from mien.report.pdf import pages
from mien.store.store import Store
from mien.store.venue_types import Station

CONTACT = ("--contact", "Café Sonne, Hauptstr. 1, Berlin")


@pytest.fixture
def where(tmp_path: Path) -> Path:
    path = tmp_path / "record.sqlite"
    with Store(path, who="tester") as store:
        store.venues.add(Station("cafe", "till-1", "camera:0"))
    return path


def test_the_notice_lies_in_the_working_folder(run: Run, where: Path) -> None:
    ran = run("venue", "notice", "cafe", "till-1", *CONTACT, "--language", "de,en,pl", "--store", where)
    assert (ran.code, ran.out) == (0, "cafe-till-1-notice.pdf\n")
    assert "mien venue confirm-notice cafe till-1" in ran.err
    assert "not legal advice" in ran.err
    assert pages(Path("cafe-till-1-notice.pdf").read_bytes()) == 3


def test_making_it_confirms_nothing(run: Run, where: Path) -> None:
    assert run("venue", "notice", "cafe", "till-1", *CONTACT, "--store", where).code == 0
    with Store(where) as store:
        assert store.venues.station("cafe", "till-1").notice_at is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("cafe", "till-9", *CONTACT), "cafe has no station till-9"),
        (("bar", "till-1", *CONTACT), "there is no venue bar"),
        (("cafe", "till-1", *CONTACT, "--language", "de,xx"), "language: expected some of de, en"),
        (("cafe", "till-1", "--contact", " "), "contact: expected who is responsible"),
        (("cafe", "till-1", *CONTACT, "--out", "notice.docx"), "expected a name in .pdf, received '.docx'"),
        (("cafe", "till-1", *CONTACT, "--purpose", "x" * 401), "purpose: expected at most 400 characters"),
    ],
)
def test_what_no_notice_can_be_made_of_is_one_line(
    run: Run, where: Path, given: tuple[str, ...], words: str
) -> None:
    ran = run("venue", "notice", *given, "--store", where)
    assert ran.code != 0
    assert len(ran.errors) == 1
    assert words in ran.errors[0]
    assert list(Path().glob("*.pdf")) == []


def test_a_contact_has_to_be_given(run: Run, where: Path) -> None:
    ran = run("venue", "notice", "cafe", "till-1", "--store", where)
    assert ran.code == 2
    assert "--contact" in ran.err


def test_the_help_names_all_languages(run: Run) -> None:
    from mien.places.guest_words import notice_languages

    assert ", ".join(notice_languages()) in " ".join(run("venue", "notice", "--help").out.split())
