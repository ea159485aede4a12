"""Writes the first page: coverage, what changed, answers, marks, notes, limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from mien.expression.seldom import seldom_words
from mien.mood.change.findings import nothing_told
from mien.mood.reading_rate import LEAST_RATE_HZ
from mien.record.origin import too_rarely
from mien.record.scales import safety_reports, title_of
from mien.report.body import body_picture
from mien.report.content import Entries, Entry, Fact, Picture, ReportContent
from mien.report.formatting import (
    clean,
    day,
    duration,
    listed,
    moment,
    period,
    sentence,
    short_day,
)
from mien.report.material import Material
from mien.report.pictures import Curve, draw_curve
from mien.report.self_reports import answers_tables, outcomes
from mien.report.strips import LEAST_DAYS_SMOOTHED, MOST_NUMBERED, Mark, dates_of, measured
from mien.store.types import Annotation, SelfReport, StoredRecording
from mien.wording import count

FIRST_KINDS: Final = ("network", "light", "camera", "coverage")
"""Findings that are told before any talk of mood."""

LIMITS: Final = (
    "Mien reads the expressions on a face. It does not know what a person feels, and it does not diagnose.",
    "A flat face is not a low mood: medicine, palsy and parkinsonism can flatten faces, too.",
    "Light, the camera and the hour of the day change what can be read."
    " Compare a person only with themselves.",
)
"""What stands on every report."""

BODY_LIMIT: Final = (
    "Body arousal says how far heart and skin are from this person's own rest. It does not say why, nor"
    " whether it is pleasant. Warm rooms, coffee, walking and talking raise it, too."
)
"""What stands on a report with body signals."""

MOST_TEXT: Final = 400
"""Characters of one mark or note, even where there is room."""

_LOW: Final = 0.6
_LEAST_USABLE: Final = 0.5
_MOST_DAYS_NAMED: Final = 4
_KINDS: Final = ("medication", "event")

MARK_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {"medication": "medicine", "speaking": "the person speaks"}
)
"""What a kind of mark is called where its own name is no plain word."""


def first_page(material: Material) -> ReportContent:
    """Write the short report, with all its entries; `fit` makes it one page."""
    marks = [each for each in material.annotations if each.kind in _KINDS]
    unsafe = safety_reports(material.reports)
    return ReportContent(
        kind="short",
        code=clean(material.code),
        period=period(material.start, material.end),
        days=(material.end - material.start).days + 1,
        made_at=material.made_at.isoformat(),
        made=moment(material.made_at),
        simulated=simulated(material),
        safety=clean(material.texts.get("phq9_safety", "")) if unsafe else "",
        safety_why=_why(unsafe),
        facts=_facts(material),
        remarks=_remarks(material),
        picture=_picture(material, marks, 1.0),
        low_picture=_picture(material, marks, _LOW),
        changes=_changes(material),
        advice=clean(next((each.advice for each in material.found if each.advice), "")),
        tables=answers_tables(material.reports),
        outcomes=outcomes(material),
        marks=_mark_entries(marks),
        notes=_notes(material),
        limits=(*LIMITS, *_of_body(material), *_seldom(material)),
        footer=_footer(material),
        body=body_picture(material.bodies[0])
        if len(material.recordings) == len(material.bodies) == 1
        else None,
        elsewhere="the long report",
    )


def _of_body(material: Material) -> tuple[str, ...]:
    names = ("resting_heart_rate", "body_arousal")
    measured_days = sum(len(measured(material.days, name)) for name in names)
    return (BODY_LIMIT,) if measured_days or material.bodies else ()


def _seldom(material: Material) -> tuple[str, ...]:
    """Return how seldom some expressions are found, by the newest recording that knows it."""
    known = [each for each in material.recordings if each.recall]
    newest = max(known, key=lambda each: each.started_at, default=None)
    return () if newest is None else (clean(seldom_words(newest.recall), MOST_TEXT),)


def simulated(material: Material) -> str:
    """Return whether recordings were made by a program."""
    many = sum(each.kind == "simulated" for each in material.recordings)
    if not many:
        return ""
    if many == len(material.recordings):
        return (
            "Simulated person: a program made these recordings, for teaching and demonstration."
            " They are not a real person's."
        )
    return f"{many:,} of {count(len(material.recordings), 'recording')} are simulated: a program made them."


def _why(unsafe: Sequence[SelfReport]) -> str:
    if not unsafe:
        return ""
    named = [day(each.at.date()) for each in unsafe[-_MOST_DAYS_NAMED:]]
    before = len(unsafe) - len(named)
    more = f" (and {count(before, 'time')} before)" if before else ""
    return f"The PHQ-9's ninth question was answered above \u201cnot at all\u201d on {listed(named)}{more}."


def _facts(material: Material) -> tuple[Fact, ...]:
    days = material.days
    many = (material.end - material.start).days + 1
    facts = [Fact(f"{len(days)} of {many}", f"{'day' if many == 1 else 'days'} with a recording")]
    minutes = float(days["minutes"].sum())
    if minutes <= 0:
        return tuple(facts)
    value, unit = duration(minutes).split(" ")
    facts.append(Fact(f"{value} {unit}", f"recorded, in {count(len(material.recordings), 'recording')}"))
    share = float(days["usable_minutes"].sum()) / minutes
    facts.append(Fact(f"{100 * share:.0f} %", "of that time the face could be read"))
    if many > 1:
        facts.append(Fact(count(_longest_gap(material), "day"), "longest gap between recordings"))
    return tuple(facts)


def _longest_gap(material: Material) -> int:
    seen = [each.toordinal() for each in dates_of(material.days.index)]
    edges = [material.start.toordinal() - 1, *seen, material.end.toordinal() + 1]
    return max(after - before - 1 for before, after in pairwise(edges))


def _remarks(material: Material) -> tuple[str, ...]:
    told = [sentence(each.text) for each in material.found if each.kind in FIRST_KINDS]
    if not len(material.days):
        return ("There is no recording in this period, so nothing is said about the face.", *told)
    share = float(material.days["usable_minutes"].sum()) / max(float(material.days["minutes"].sum()), 1e-9)
    if share < _LEAST_USABLE and not any(each.kind == "coverage" for each in material.found):
        told.insert(0, "The face could be read less than half of the time. Treat what follows with caution.")
    return (*told, *_rarely_read(material.recordings))


def _rarely_read(recordings: Sequence[StoredRecording]) -> tuple[str, ...]:
    rare = [each for each in recordings if too_rarely(each)]
    if not rare:
        return ()
    days = sorted({each.day for each in rare})
    named = [short_day(each) for each in days[-_MOST_DAYS_NAMED:]]
    when = f"{'on' if len(named) == len(days) else 'most recently on'} {listed(named)}"
    many = f"{len(rare):,} of {count(len(recordings), 'recording')} {'was' if len(rare) == 1 else 'were'}"
    return (
        f"{many} read too rarely ({when}): fewer than {LEAST_RATE_HZ:.0f} times per second, so that smiles"
        " and other episodes can't be counted, and pauses of more than 2 seconds count as not read.",
    )


def _picture(material: Material, marks: Sequence[Annotation], stretch: float) -> Picture | None:
    if not (len(material.days) or material.reports or marks):
        return None
    curve = Curve(
        material.start, material.end, material.days, material.usual, material.reports,
        [_mark(each) for each in marks], material.apart,
    )  # fmt: skip
    return Picture.of(draw_curve(curve, stretch), _how_to_read(material))


def _mark(each: Annotation) -> Mark:
    return Mark(each.at.date(), each.until.date() if each.until else None, each.kind == "medication")


def _how_to_read(material: Material) -> str:
    if not len(material.days):
        return ""
    words = "One dot is one day; its bar is the 90 % interval. Days without a recording stay empty."
    if len(material.days) >= LEAST_DAYS_SMOOTHED:
        words += " The line is the median of seven days."
    if material.apart:
        words += (
            " Grey dots are days that can't be compared: different light, another camera, or too few data."
        )
    return words + (
        " Nine of ten of this person's own usual days lie in the pale band." if material.usual else ""
    )


def _changes(material: Material) -> tuple[str, ...]:
    found = [each for each in material.found if each.kind not in FIRST_KINDS]
    told = [sentence(each.text) for each in found]
    change = next((place for place, each in enumerate(found) if each.kind == "change"), None)
    if material.verdict and change is not None:
        told[change] += f" {material.verdict}"  # which stays on a full page, where later entries give way
    elif material.verdict:
        told.append(material.verdict)
    if told:
        return tuple(told)
    if not len(material.days):
        return ()
    if not material.usual:
        return ("There are too few days yet to say what is usual for this person, so no change is reported.",)
    return (nothing_told(),)


def _mark_entries(marks: Sequence[Annotation]) -> Entries:
    numbered = len(marks) <= MOST_NUMBERED
    entries = [_entry(mark, str(index) if numbered else "") for index, mark in enumerate(marks, start=1)]
    return Entries(tuple(reversed(entries)))


def _entry(mark: Annotation, number_: str = "") -> Entry:
    when = short_day(mark.at.date())
    if mark.until and mark.until.date() != mark.at.date():
        when += f" to {short_day(mark.until.date())}"
    return Entry(when, MARK_WORDS.get(mark.kind, mark.kind), clean(mark.text, MOST_TEXT), number_)


def _notes(material: Material) -> Entries:
    dated = [(each.at, _entry(each)) for each in material.annotations if each.kind == "note"]
    dated += [
        (
            each.at,
            Entry(short_day(each.at.date()), f"with {title_of(each.scale)}", clean(each.note, MOST_TEXT)),
        )
        for each in material.reports
        if each.note.strip()
    ]
    return Entries(tuple(entry for _, entry in sorted(dated, key=lambda pair: pair[0], reverse=True)))


def _footer(material: Material) -> tuple[str, ...]:
    versions = sorted({each.version for each in material.recordings})
    made = f"Made on {moment(material.made_at)} by Mien {material.version}."
    if versions and versions != [material.version]:
        made += f" Recorded with Mien {listed([clean(each, 30) for each in versions[-4:]])}."
    models = sorted({model for each in material.recordings for model in model_names(each.models)})
    named = f" Models: {', '.join(models[:6])}{' and others' if len(models) > 6 else ''}." if models else ""
    own = clean(material.texts.get("report_footer", ""))
    return tuple(line for line in (made + named, own) if line)


def model_names(models: Any, *, digits: int = 8) -> list[str]:
    """Name each model of a recording by its name and the first digits of its SHA-256.

    Args:
        models: `StoredRecording.models`: parts with "name" and "sha256", a text or a mapping.
        digits: how many digits of the hash.
    """
    if not isinstance(models, dict):
        return []
    if "name" not in models:
        return [name for part in models.values() for name in model_names(part, digits=digits)]
    hashes = models.get("sha256")
    several: Iterable[Any] = hashes.values() if isinstance(hashes, dict) else [hashes]
    short = " ".join(str(each)[:digits] for each in several if each)
    return [clean(f"{models['name']} {short}".strip(), 40 + 8 * digits)]
