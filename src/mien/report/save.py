"""Writes a report to a file, and says so in the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.errors import OutputError, StoreError
from mien.files import write_text, written_whole
from mien.report.appendix import sections
from mien.report.content import ReportContent
from mien.report.first_page import first_page
from mien.report.html import render_html
from mien.report.material import Material, gather
from mien.report.pdf import render_pdf
from mien.store.types import Subject

if TYPE_CHECKING:
    from mien.store.store import Store

SUFFIXES: Final = (".pdf", ".html")
"""What a report can be written as."""


def content(
    store: Store,
    subject: Subject,
    *,
    long: bool = False,
    start: date | None = None,
    end: date | None = None,
    zone: tzinfo | None = None,
    starting_point: date | None = None,
) -> ReportContent:
    """Return everything that a report says.

    Args:
        store: the record.
        subject: whose report.
        long: with the appendix for research.
        start: the first day; by itself twelve weeks before the last, or the first with an entry.
        end: the last day; by itself the last with an entry.
        zone: whose days marks and self-reports are counted to; None is the machine's own.
        starting_point: the day that response is counted from; see `gather`.

    Raises:
        ConfigError: the period ends before it starts, or there is no total from the starting point on.
    """
    found = gather(
        store, subject, start=start, end=end, zone=zone, charts=long, starting_point=starting_point
    )
    return written(found, long=long)


def written(material: Material, *, long: bool = False) -> ReportContent:
    """Write the report from what was gathered."""
    page = first_page(material)
    if not long:
        return page
    return replace(page, kind="long", appendix=sections(material), elsewhere="the pages after this one")


def save_report(
    store: Store,
    subject: Subject,
    path: Path,
    *,
    long: bool = False,
    start: date | None = None,
    end: date | None = None,
    starting_point: date | None = None,
) -> Path:
    """Write a subject's report to a file; that the record was read stands in the audit log.

    Args:
        store: the record.
        subject: whose report.
        path: ends in .pdf or .html.
        long: with the appendix for research; else it is one page.
        start: the first day; see `content`.
        end: the last day; the same.
        starting_point: the day that response is counted from; see `gather`.

    Returns:
        The path.

    Raises:
        ConfigError: the period ends before it starts, or there is no total from the starting point on.
        StoreError: the period was chosen, and nothing is in it.
        OutputError: another suffix, or it can't be written.
    """
    check_suffix(path)
    material = gather(store, subject, start=start, end=end, charts=long, starting_point=starting_point)
    if start or end:
        _require_entries(material)
    said = written(material, long=long)
    if path.suffix.lower() == ".html":
        write_text(path, render_html(said))
    else:
        pdf = render_pdf(said)
        with written_whole(path) as temporary:
            temporary.write_bytes(pdf)
    store.audit.log("read", subject, by="report", kind=said.kind, form=path.suffix.lower().lstrip("."))
    return path


def _require_entries(material: Material) -> None:
    """Raise where a report of a chosen period is about nothing: it may take a good one's place."""
    if not (material.recordings or material.reports or material.annotations):
        raise StoreError(
            f"{material.code}: nothing is in the record from {material.start} to {material.end};"
            " no report was written"
        )


def check_suffix(path: Path) -> None:
    """Raise unless a report can be written under a name.

    Raises:
        OutputError: it ends in none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"cannot write {path}: expected a name in {' or '.join(SUFFIXES)}, received {path.suffix!r}"
        )
