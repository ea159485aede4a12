"""What self-reports say in numbers, below their table: the ninth question over time, response, remission."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mien.record.scales import (
    OUTCOMES,
    PHQ9,
    PRORATIONS,
    Course,
    course,
    needs_safety_text,
    ninth_answer,
    ninth_is_unknown,
    prorated,
    title_of,
)
from mien.report.material import Material
from mien.report.plain import clean, day, listed, short_day, whole
from mien.store.scales import SCALES, known
from mien.store.types import SelfReport
from mien.wording import count

_MOST_NINTH: Final = 8


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
