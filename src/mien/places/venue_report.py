"""A venue's report of a day or of a week, as PDF and HTML: coverage first, nothing finer than an hour."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import mien
from mien.files import write_text, written_whole
from mien.mood.congruence import LEAST_PAIRS
from mien.places.effects import USUAL_DAYS
from mien.places.venue_figures import VisitFigures, length_names
from mien.places.venue_pictures import Column, draw_course, draw_week
from mien.places.venue_summary import VenueSummary, last_day, read_summary
from mien.places.venue_words import (
    DAYS,
    agreement_words,
    comparison_words,
    level_words,
    mark_words,
    shown,
    with_interval,
)
from mien.report.content import Entries, Entry, Fact, Headings, Picture, ReportContent, Section, TextTable
from mien.report.formatting import clean, day, moment, number, period, sentence
from mien.report.html import render_html
from mien.report.pdf import render_pdf
from mien.report.save import check_suffix
from mien.store.venue_types import ANSWERS
from mien.wording import count

if TYPE_CHECKING:
    from mien.store.store import Store

Span = Literal["day", "week"]

LIMITS: Final = (
    "Mien reads the expressions on faces. It does not know what guests think of a venue. It says nothing of"
    " one guest: each figure is of at least ten visits.",
    "A mild smile may be taken for a neutral face. Compare a venue with itself, not with another one.",
    "Weather, holidays and the crowd of the day change faces too. A difference is told from chance, not from"
    " everything else that changed.",
)
"""What stands on every report."""

_LOW: Final = 0.7
_LEAST_SEEN: Final = 0.75
_HEADINGS: Final = Headings("Visits to", "What was changed", "Notes")


def save_venue_report(
    store: Store,
    venue: str,
    path: Path,
    *,
    span: Span = "week",
    last: date | None = None,
    station: str | None = None,
) -> Path:
    """Write the report of a day, or of the seven days up to it.

    Args:
        store: where the venue is kept.
        venue: its name.
        path: ends in .pdf or .html.
        span: "day" or "week".
        last: the day, or the last of them; by itself the last with visits.
        station: only this one; None for all together.

    Returns:
        The path.

    Raises:
        MissingError: there is no such venue or station.
        OutputError: another suffix, or it can't be written.
    """
    check_suffix(path)
    content = read_report(store, venue, span=span, last=last, station=station)
    if path.suffix.lower() == ".html":
        write_text(path, render_html(content))
    else:
        pdf = render_pdf(content)
        with written_whole(path) as temporary:
            temporary.write_bytes(pdf)
    return path


def read_report(
    store: Store, venue: str, *, span: Span = "week", last: date | None = None, station: str | None = None
) -> ReportContent:
    """Return what the report of a day or a week says; see `save_venue_report`."""
    with store.reading():
        if last is None:
            last = last_day(store, venue, station)
        first = last if span == "day" else last - timedelta(6)
        marks_from = last - timedelta(USUAL_DAYS)
        summary = read_summary(store, venue, first=first, last=last, marks_from=marks_from, station=station)
        simulated = any(each.simulated for each in store.venues.stations(venue))
        return report_content(summary, store.now().astimezone(), simulated=simulated)


def report_content(summary: VenueSummary, made_at: datetime, *, simulated: bool = False) -> ReportContent:
    """Write the report of what a summary says: of its day, or of its days together.

    Args:
        summary: of one day or several.
        made_at: when, aware.
        simulated: whether nobody was ever there.
    """
    is_day = summary.first == summary.last
    name = summary.venue if summary.station is None else f"{summary.venue}, {summary.station}"
    return ReportContent(
        kind="short",
        code=clean(name),
        period=f"{DAYS[summary.last.weekday()]}, {day(summary.last)}"
        if is_day
        else period(summary.first, summary.last),
        days=(summary.last - summary.first).days + 1,
        made_at=made_at.isoformat(),
        made=moment(made_at),
        simulated="Simulated venue: a program made these visits up. Nobody was there." if simulated else "",
        safety="",
        safety_why="",
        facts=_facts(summary),
        remarks=_coverage(summary),
        picture=_picture(summary, 1.0),
        low_picture=_picture(summary, _LOW),
        changes=_changes(summary, is_day=is_day),
        advice="",
        tables=_answers(summary),
        outcomes=_outcomes(summary),
        marks=Entries(
            tuple(_entry(each.mark.at, each.mark.until, each.mark.text) for each in reversed(summary.marks))
        ),
        notes=Entries(),
        limits=LIMITS,
        footer=(
            f"Made by Mien {mien.__version__} on {moment(made_at)}."
            " Nine of ten intervals hold the true figure.",
        ),
        appendix=(_tables(summary),) if summary.whole else (),
        headings=_HEADINGS,
    )


def _facts(summary: VenueSummary) -> tuple[Fact, ...]:
    whole = summary.whole
    if whole is None:
        return (Fact("none", "visits that may be told of"),)
    facts = [
        Fact(f"{whole.visits:,}", "visits"),
        Fact(shown("smiling", whole.smiling.value), f"with a smile {_ends('smiling', whole)}"),
        Fact(shown("valence", whole.valence.value), f"valence {_ends('valence', whole)}"),
        Fact(shown("length_s", whole.length_s), "a visit, on average"),
    ]
    if whole.seen is not None:
        facts.insert(0, Fact(f"{100 * whole.seen:.0f} %", "of the time with a usable view"))
    if summary.answers is not None:
        facts.append(
            Fact(
                number(summary.answers.mean.value, 1), f"mean of {summary.answers.answers:,} answers, 1 to 5"
            )
        )
    return tuple(facts)


def _ends(measure: Literal["smiling", "valence"], figures: VisitFigures) -> str:
    return with_interval(measure, getattr(figures, measure)).partition(" (")[2].join("()").replace("))", ")")


def _coverage(summary: VenueSummary) -> tuple[str, ...]:
    """Say on which days too little was seen, before any talk of mood."""
    many = len(summary.days)
    lines = []
    if summary.days_counted < many:
        lines.append(
            f"{summary.days_counted} of {count(many, 'day')} have figures; on the others it was closed, or"
            " fewer than ten visits were counted."
        )
    lines += [
        f"On {DAYS[each.day.weekday()]}, {day(each.day)}, there was a usable view for only"
        f" {100 * each.figures.seen:.0f} % of the time."
        for each in summary.days
        if each.figures is not None and each.figures.seen is not None and each.figures.seen < _LEAST_SEEN
    ]
    return tuple(lines)


def _picture(summary: VenueSummary, stretch: float) -> Picture | None:
    if summary.whole is None:
        return None
    if summary.first == summary.last:
        columns = [Column(f"{each.first}\N{EN DASH}{each.end}", each.figures) for each in summary.hours]
        return Picture.of(draw_course(columns, "Hours", stretch=stretch), "By hour, with 90 % intervals.")
    columns = [
        Column(f"{DAYS[each.day.weekday()][:3]} {each.day.day}", each.figures) for each in summary.days
    ]
    return Picture.of(draw_course(columns, "Days", stretch=stretch), "By day, with 90 % intervals.")


def _changes(summary: VenueSummary, *, is_day: bool) -> tuple[str, ...]:
    lines = [mark_words(each) for each in summary.marks]
    if is_day:
        lines = [*(comparison_words(each) for each in summary.usual), *lines]
    elif summary.whole is not None:
        lines = [*level_words(summary.levels), *lines]
    return tuple(sentence(each) for each in lines)


def _answers(summary: VenueSummary) -> tuple[TextTable, ...]:
    if summary.answers is None:
        return ()
    counts = summary.answers.counts
    shares = tuple(f"{many:,} ({100 * many / sum(counts):.0f} %)" for many in counts)
    return (TextTable("Answers at the kiosk", ANSWERS, (shares,)),)


def _outcomes(summary: VenueSummary) -> tuple[str, ...]:
    lines = []
    if summary.answers is not None and summary.first < summary.last:
        lines.append(sentence(agreement_words(summary.agreement, summary.agreement_days, LEAST_PAIRS)))
    if summary.whole is not None and summary.whole.shares:
        leading = sorted(summary.whole.shares.items(), key=lambda item: -item[1].value)
        mix = ", ".join(f"{label} {with_interval('smiling', share)}" for label, share in leading)
        lines.append(f"Mix of expressions: {mix}.")
    return tuple(lines)


def _entry(at: datetime, until: datetime | None, text: str) -> Entry:
    when = day(at.astimezone().date())
    return Entry(
        when if until is None else period(at.astimezone().date(), until.astimezone().date()),
        "change",
        clean(text),
    )


def _tables(summary: VenueSummary) -> Section:
    whole = summary.whole
    assert whole is not None  # asked for only then
    lengths = zip(length_names(), whole.lengths, strict=True)
    rows = [(f"{each.day.day}. {each.first}:00 to {each.end}:00", each.figures) for each in summary.hours]
    if summary.first < summary.last:
        rows = [
            (f"{DAYS[each.day.weekday()]}, {day(each.day)}", each.figures)
            for each in summary.days
            if each.figures
        ]
    heads = ("", "visits", "view", "with a smile", "valence", "valence, arrival to leaving", "length")
    week = None if summary.first == summary.last else draw_week(summary.week)
    blocks: list[str | Picture | TextTable] = [
        TextTable(
            "By day" if len(summary.days) > 1 else "By hour", heads, tuple(map(_row, rows)), figures=True
        ),
        TextTable("Visits by length", tuple(length_names()), (tuple(f"{many:,}" for _, many in lengths),)),
    ]
    if week is not None:
        blocks.append(Picture.of(week, "Share of visits with a smile by weekday and hour, in percent."))
    return Section("Figures", tuple(blocks))


def _row(row: tuple[str, VisitFigures]) -> tuple[str, ...]:
    name, figures = row
    return (
        name,
        f"{figures.visits:,}",
        "" if figures.seen is None else f"{100 * figures.seen:.0f} %",
        *(with_interval(each, getattr(figures, each)) for each in ("smiling", "valence", "change")),
        shown("length_s", figures.length_s),
    )
