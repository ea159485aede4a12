"""What self-reports say: their table, and below it the ninth question over time, response and remission."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mien.record.scales import (
    OUTCOMES,
    PHQ9,
    PRORATIONS,
    QUESTIONNAIRES,
    Course,
    course,
    needs_safety_text,
    ninth_answer,
    ninth_is_unknown,
    prorated,
    title_of,
    told_total,
)
from mien.report.content import TextTable
from mien.report.formatting import MINUS, clean, day, listed, short_day, whole
from mien.report.material import Material
from mien.store.scales import SCALES, known
from mien.store.types import SelfReport
from mien.wording import count

_MOST_NINTH: Final = 8


def answers_tables(reports: Sequence[SelfReport]) -> tuple[TextTable, ...]:
    """Return the first page's table of self-reports; none without any."""
    names = sorted(
        {each.scale for each in reports}, key=lambda name: ([*QUESTIONNAIRES, name].index(name), name)
    )
    rows = tuple(_row(name, [each for each in reports if each.scale == name]) for name in names)
    columns = ("What the person said", "Times", "First", "Last", "Lowest to highest")
    table = TextTable("Self-reports", columns, rows, widths=(0.36, 0.08, 0.19, 0.19, 0.18), row_is="scale")
    return (table,) if rows else ()


def _row(name: str, reports: Sequence[SelfReport]) -> tuple[str, ...]:
    totals = [each.total for each in reports if each.total is not None]
    told = [each for each in reports if each.total is not None] or reports
    first, last = (
        f"{told_total(each).replace('-', MINUS)}  ({short_day(each.at.date())})"
        for each in (told[0], told[-1])
    )
    return (
        _title(name, reports[-1]),
        f"{len(reports):,}",
        first,
        last if len(told) > 1 else "",
        f"{whole(min(totals))} to {whole(max(totals))}" if len(totals) > 1 else "",
    )


def _title(name: str, report: SelfReport) -> str:
    if scale := QUESTIONNAIRES.get(name):
        return f"{scale.title}, {scale.lowest} to {scale.highest}, {scale.meaning}"
    if report.lowest is None or report.highest is None:
        return clean(name, 60)
    return f"{clean(name, 60)}, {whole(report.lowest)} to {whole(report.highest)}"


def outcomes(material: Material) -> tuple[str, ...]:
    """Write the sentences; those about the ninth question come first."""
    reports = material.reports
    return (
        *_ninth(reports),
        *_courses(material),
        *_difficulty(reports),
        *_prorated(reports),
        *_mistyped(reports),
    )


def _ninth(reports: Sequence[SelfReport]) -> Iterator[str]:
    asked = [
        each
        for each in reports
        if ninth_answer(each) is not None or needs_safety_text(each) or ninth_is_unknown(each)
    ]
    if not asked:
        return
    last = short_day(asked[-1].at.date())
    if len(asked) > 1 and all(ninth_answer(each) == 0 for each in asked):
        yield f"PHQ-9, ninth question, 0 to 3: 0 all {len(asked):,} times, last on {last}."
        return
    shown = asked[-_MOST_NINTH:]
    before = f" ({len(asked) - len(shown):,} before)" if len(shown) < len(asked) else ""
    told = listed([f"{_ninth_words(each)} on {short_day(each.at.date())}" for each in shown])
    yield f"PHQ-9, ninth question, 0 to 3: {told}{before}."
    if unknown := [each for each in asked if ninth_is_unknown(each)]:
        before = f" (and {count(len(unknown) - 1, 'time')} before)" if len(unknown) > 1 else ""
        yield (
            f"How the ninth question was answered on {day(unknown[-1].at.date())}{before} is not known: it"
            " was left open, or only the total was entered. Please ask."
        )


def _ninth_words(report: SelfReport) -> str:
    answer = ninth_answer(report)
    if answer is not None:
        return str(answer)
    return "not known" if ninth_is_unknown(report) else "above 0"


def _courses(material: Material) -> Iterator[str]:
    for name in OUTCOMES:
        chosen = material.starting_points.get(name)
        found = course([each for each in material.reports if each.scale == name], chosen)
        if found:
            yield _told(found, "as chosen" if chosen else "the first in this period")


def _told(found: Course, named: str) -> str:
    start, now = found.start.total or 0.0, found.last.total or 0.0
    outcome = found.outcome
    fall = start - now
    points = f"{whole(abs(fall))} point{'' if abs(fall) == 1 else 's'}"
    percent = f" or {100 * found.share:.0f} %" if found.share is not None and fall > 0 else ""
    went = "no change" if not fall else f"{points}{percent} {'less' if fall > 0 else 'more'}"
    answers = {True: "yes", False: "no", None: "can't be said from 0"}
    text = (
        f"{title_of(found.start.scale)} from its starting point, {whole(start)} on"
        f" {day(found.start.at.date())} ({named}), to {whole(now)} on {day(found.last.at.date())}: {went}."
        f" Response (a fall by half or more): {answers[found.response]}."
        f" Remission (below {outcome.remission_below}): {answers[found.remission]}."
    )
    if not found.as_published:
        text += f" Both are published for a start of {outcome.least_start} or more."
    return f"{text} {outcome.source}."


def _difficulty(reports: Sequence[SelfReport]) -> Iterator[str]:
    told = [each for each in reports if each.difficulty is not None]
    if told:
        last = told[-1]
        words = PHQ9.difficulty_answers[last.difficulty or 0].lower()
        yield f"PHQ-9, work, home and other people: {words} ({short_day(last.at.date())})."


def _prorated(reports: Sequence[SelfReport]) -> Iterator[str]:
    for name in sorted({each.scale for each in reports if prorated(each) is not None}):
        rule = PRORATIONS[name]
        yield f"Prorated totals of {title_of(name)}: {rule.words} ({rule.source})."


def _mistyped(reports: Sequence[SelfReport]) -> Iterator[str]:
    found = [each for each in reports if each.scale not in SCALES and known(each.scale)]
    if found:
        names = listed(sorted({clean(each.scale, 30) for each in found}))
        yield (
            f"{count(len(found), 'self-report')} under a mistyped name ({names}) must be put right before"
            " being compared with the others: mien self-report mistyped."
        )
