"""Writes the sections of the long report: every day, every measure, where it all comes from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

import pandas as pd

from mien.mood.definitions import GROUPS, unit_words
from mien.mood.estimate import Measure
from mien.record.origin import STATE_WORDS, origin_words, source_words, too_rarely
from mien.record.scales import PRORATIONS, QUESTIONNAIRES, prorated, title_of, told_total
from mien.report.body import body_picture
from mien.report.content import Picture, Section, TextTable
from mien.report.first_page import MARK_WORDS, model_names
from mien.report.formatting import (
    NOTHING,
    clean,
    duration,
    moment,
    number,
    sentence,
    short_day,
    significant,
)
from mien.report.material import Material
from mien.report.pictures import draw_chart, draw_measure
from mien.report.strips import dates_of, measured
from mien.store.types import SelfReport, StoredRecording
from mien.wording import count

_MEASURES_A_TABLE: Final = 5
_LONGEST: Final = 2000


def sections(material: Material) -> tuple[Section, ...]:
    """Write the appendix; sections with nothing in them are left out."""
    written = (
        _said(material), _pictures(material), _bodies(material), _charts(material), _figures(material),
        _definitions(material), _recordings(material), _questions(material),
    )  # fmt: skip
    return tuple(section for section in written if section.blocks)


def _said(material: Material) -> Section:
    tables = []
    if material.found:
        kinds = {"not_ready": "not yet"}
        rows = tuple((kinds.get(each.kind, each.kind), sentence(each.text)) for each in material.found)
        tables.append(TextTable("Findings", ("About", "Finding"), rows, widths=(0.12, 0.88)))
    if material.reports:
        tables.append(_answers(material))
    if material.annotations:
        marks = tuple(
            (
                moment(each.at),
                moment(each.until) if each.until else "",
                MARK_WORDS.get(each.kind, each.kind),
                clean(each.text, _LONGEST),
            )
            for each in material.annotations
        )
        columns = ("From", "Until", "Kind", "Text")
        tables.append(TextTable("Marks and notes", columns, marks, widths=(0.17, 0.17, 0.1, 0.56)))
    return Section("Findings, self-reports, marks and notes", tuple(tables))


def _answers(material: Material) -> TextTable:
    rows = tuple(
        (
            moment(each.at), clean(title_of(each.scale), 60), told_total(each), _items(each),
            clean(each.note, _LONGEST),
        )
        for each in material.reports
    )  # fmt: skip
    guessed = sorted({each.scale for each in material.reports if prorated(each) is not None})
    return TextTable(
        "Self-reports",
        ("When", "Scale", "Total", "Answers", "Note"),
        rows,
        " ".join(
            f"{title_of(name)}: {PRORATIONS[name].words} ({PRORATIONS[name].source})." for name in guessed
        ),
        widths=(0.18, 0.16, 0.12, 0.18, 0.36),
    )


def _items(report: SelfReport) -> str:
    answers = [NOTHING if each is None else str(each) for each in report.items or ()]
    difficult = [] if report.difficulty is None else [f"difficulty {report.difficulty}"]
    return ", ".join([*answers, *difficult]) or NOTHING


def _pictures(material: Material) -> Section:
    blocks: list[str | Picture | TextTable] = []
    for measure in material.measures.values():
        values = measured(material.days, measure.name)
        if measure.independent and len(values):
            drawing = draw_measure(
                material.start, material.end, values,
                title=measure.title, unit=measure.unit, usual=material.usual.get(measure.name),
                apart=material.apart,
            )  # fmt: skip
            words = f"{_meaning(measure)}{measure.definition} Source: {measure.source}."
            blocks.append(Picture.of(drawing, words))
    lead = "Measures derived from others are only in the tables, so that nothing is shown twice."
    return Section("Measures over the days", (lead, *blocks) if blocks else ())


def _bodies(material: Material) -> Section:
    """Draw what sensors said in the newest recordings that have any; a single one is on the first page."""
    title = "The body in each recording"
    if len(material.recordings) == 1:
        return Section(title, ())
    drawn = [each for each in map(body_picture, material.bodies) if each]
    lead = f"Sensors on the body were read in {count(len(drawn) + material.more_bodies, 'recording')}."
    if material.more_bodies:
        lead += f" The newest {len(drawn)} are shown."
    return Section(title, (lead, *drawn) if drawn else ())


def _meaning(measure: Measure) -> str:
    known = next((each.meanings[measure.name] for each in GROUPS if measure.name in each.meanings), None)
    return f"{known} " if known else ""


def _charts(material: Material) -> Section:
    blocks: list[str | Picture | TextTable] = [
        Picture.of(draw_chart(material.start, material.end, chart), chart.words) for chart in material.charts
    ]
    lead = (
        "A chart adds up small differences from what is usual for the person. Beyond a dashed limit it raises"
        " an alarm. This means that the expressions differ from this person's own; it does not say why."
    )
    return Section("Charts with their limits", (lead, *blocks) if blocks else ())


def _figures(material: Material) -> Section:
    if not len(material.days):
        return Section("Figures of each day", ())
    days = material.days
    recorded = tuple(
        (
            short_day(when), number(row["minutes"], 1), number(row["usable_minutes"], 1),
            number(100 * row["usable_minutes"] / row["minutes"] if row["minutes"] else None, 0),
            f"{int(row['recordings'])}", clean(source_words(str(row.get("camera", ""))), 120),
        )
        for when, (_, row) in zip(dates_of(days.index), days.iterrows(), strict=True)
    )  # fmt: skip
    heads = ("Day", "Minutes", "Usable minutes", "Usable, %", "Recordings", "Camera")
    known = [each for each in material.measures.values() if len(measured(days, each.name))]
    groups = [known[index : index + _MEASURES_A_TABLE] for index in range(0, len(known), _MEASURES_A_TABLE)]
    lead = "Intervals are in brackets. A dash means that there were too few data."
    tables = [
        TextTable("Recorded", heads, recorded, figures=True),
        *(_of_measures(days, group) for group in groups),
    ]
    return Section("Figures of each day", (lead, *tables))


def _of_measures(days: pd.DataFrame, group: Sequence[Measure]) -> TextTable:
    columns = [[*map(_with_interval, *_columns(days, measure))] for measure in group]
    rows = tuple(zip([short_day(each) for each in dates_of(days.index)], *columns, strict=True))
    heads = tuple(each.title if each.unit == "1" else f"{each.title}, {each.unit}" for each in group)
    share = 0.9 / len(group)
    return TextTable(
        ", ".join(each.title for each in group),
        ("Day", *heads),
        rows,
        widths=(0.1, *[share] * len(group)),
        figures=True,
    )


def _columns(days: pd.DataFrame, measure: Measure) -> Iterable[list[float]]:
    wanted = days.reindex(columns=[measure.name, f"{measure.name}_low", f"{measure.name}_high"]).astype(float)
    value, low, high = (wanted[name].tolist() for name in wanted.columns)
    return value, low, high


def _with_interval(value: float, low: float, high: float) -> str:
    if pd.isna(low) or pd.isna(high) or low == high:
        return significant(value)
    return f"{significant(value)} [{significant(low)}, {significant(high)}]"


def _definitions(material: Material) -> Section:
    rows = tuple(
        (each.title, unit_words(each), each.definition, each.least, each.source)
        for each in material.measures.values()
    )
    columns = ("Measure", "Its numbers", "Definition", "Least data", "Source")
    table = TextTable("", columns, rows, widths=(0.15, 0.17, 0.36, 0.16, 0.16))
    return Section("Definitions", (table,) if rows else ())


def _recordings(material: Material) -> Section:
    if not material.recordings:
        return Section("Recordings", ())
    rows = tuple(
        (
            moment(each.started_at), duration(each.length_s / 60), clean(origin_words(each), 120),
            NOTHING if each.coverage is None else f"{100 * each.coverage:.0f} %", _state(each),
            clean(each.version, 30),
        )
        for each in material.recordings
    )  # fmt: skip
    columns = ("Start", "Length", "From", "Coverage", "State", "Mien")
    recordings = TextTable("Recordings", columns, rows, widths=(0.2, 0.12, 0.27, 0.1, 0.2, 0.11))
    return Section("Recordings, models and settings", (recordings, _models(material), _settings(material)))


def _state(recording: StoredRecording) -> str:
    words = STATE_WORDS.get(recording.state, recording.state)
    return f"{words}; read too rarely" if too_rarely(recording) else words


def _models(material: Material) -> TextTable:
    names = sorted({name for each in material.recordings for name in model_names(each.models, digits=64)})
    return TextTable("Models, by name and SHA-256", ("Model",), tuple((name,) for name in names))


def _settings(material: Material) -> TextTable:
    counted: dict[str, int] = {}
    for each in material.recordings:
        written = json.dumps(each.settings, sort_keys=True, ensure_ascii=False, default=str)
        counted[written] = counted.get(written, 0) + 1
    rows = tuple((f"{many:,}", clean(written, _LONGEST)) for written, many in counted.items())
    return TextTable("Settings", ("Recordings", "Settings"), rows, widths=(0.12, 0.88))


def _questions(material: Material) -> Section:
    used = [
        scale
        for name, scale in QUESTIONNAIRES.items()
        if any(each.scale == name for each in material.reports)
    ]
    tables = tuple(
        TextTable(
            f"{scale.title}: {scale.question}", ("", "Question"),
            tuple((str(index), item) for index, item in enumerate(scale.items, start=1)),
            f"Answers: {_numbered(scale.answers)}. {scale.source}",
            (0.05, 0.95),
        )
        for scale in used
        if scale.items
    )  # fmt: skip
    return Section("The questionnaires", tables)


def _numbered(answers: Iterable[str]) -> str:
    return ", ".join(f"{value} {words.lower()}" for value, words in enumerate(answers))
