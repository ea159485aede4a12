"""People for the report's tests: nobody, somebody usual, and the fullest there can be; no store is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd

from mien.report.material import Material, RecordedBody, Told
from mien.signals.types import Figure
from mien.store.types import Annotation, AnnotationKind, SelfReport, SourceKind, StoredRecording

START = date(2026, 5, 1)
NOW = datetime(2026, 7, 24, 14, 5, 0, 123456, tzinfo=UTC)
SHA256 = "3fa8b12c" * 8
MODELS = {
    "detector": {"name": "yunet", "sha256": {"yunet.onnx": "1b2c3d4e" * 8}},
    "network": {"name": "mien", "sha256": SHA256, "labels": []},
}
TEXTS = {
    "phq9_safety": "If you think of harming yourself, tell somebody now: your doctor, the emergency line.",
    "report_footer": "Ward 3, extension 1234.",
}
ALL_USUAL = {"valence_mean": (-0.02, 0.16), "expressivity": (0.31, 0.52)}


def empty_days() -> pd.DataFrame:
    """The days of a subject without recordings."""
    return pd.DataFrame({"minutes": [], "recordings": [], "usable_minutes": []}, dtype=float)


def days(many: int, seed: int = 1, missing: float = 0.15, flat_from: int | None = None) -> pd.DataFrame:
    """Days as `record.days` gives them, some of them missing."""
    random = np.random.default_rng(seed)
    dates = [START + timedelta(index) for index in range(many) if random.random() >= missing]
    here = np.array([(each - START).days for each in dates], dtype=float)
    frame = pd.DataFrame(index=dates)
    frame["minutes"] = random.uniform(8, 32, len(dates)).round(1)
    frame["recordings"] = 1
    frame["usable_minutes"] = frame["minutes"] * random.uniform(0.5, 0.95, len(dates))
    flat = 0.5 if flat_from is not None else 1.0
    level = np.where(here >= (flat_from if flat_from is not None else many), flat, 1.0)
    values = {
        "valence_mean": 0.08 * level + 0.07 * np.sin(here / 7) + random.normal(0, 0.05, len(dates)),
        "expressivity": 0.42 * level + random.normal(0, 0.05, len(dates)),
        "coverage": (frame["usable_minutes"] / frame["minutes"]).to_numpy(),
    }
    for name, value in values.items():
        wide = random.uniform(0.02, 0.06, len(dates))
        frame[name], frame[f"{name}_low"], frame[f"{name}_high"] = value, value - wide, value + wide
    return frame


def at(index: float) -> datetime:
    """A moment so many days after the start, at ten."""
    return datetime(START.year, START.month, START.day, 10, tzinfo=UTC) + timedelta(days=index)


def recordings(frame: pd.DataFrame, kind: SourceKind = "browser") -> list[StoredRecording]:
    return [
        StoredRecording(
            index + 1, 1, f"{index:032x}", kind, "camera", at((each - START).days),
            60.0 * minutes, round(600 * minutes), 0.8, "finished", MODELS, {"smoothing": 1.0}, "0.2.0",
        )
        for index, (each, minutes) in enumerate(frame["minutes"].items())
    ]  # fmt: skip


def mark(index: float, text: str, kind: AnnotationKind = "event", until: float | None = None) -> Annotation:
    return Annotation(1, 1, None, kind, at(index), None if until is None else at(until), text)


def report(
    index: float,
    scale: str,
    total: float | None,
    items: Sequence[int | None] | None = None,
    note: str = "",
) -> SelfReport:
    return SelfReport(1, 1, at(index), scale, tuple(items) if items is not None else None, total, note)


def phq9(index: float, ninth: int = 0, others: int = 1) -> SelfReport:
    return report(index, "phq9", 8 * others + ninth, [*[others] * 8, ninth])


def material(
    many: int = 84,
    frame: pd.DataFrame | None = None,
    *,
    kind: SourceKind = "browser",
    reports: Sequence[SelfReport] = (),
    annotations: Sequence[Annotation] = (),
    found: Sequence[Told] = (),
    texts: Mapping[str, str] = TEXTS,
    usual: Mapping[str, tuple[float, float]] | None = None,
    verdict: str = "",
) -> Material:
    frame = empty_days() if frame is None else frame
    return Material(
        "P-017", START, START + timedelta(many - 1), NOW, "0.2.0", frame, recordings(frame, kind), reports,
        annotations, found, usual if usual is not None else {}, texts, verdict=verdict,
    )  # fmt: skip


def body(index: float, minutes: float = 30, *, skin: bool = True) -> RecordedBody:
    """What a wristband said in a recording, in windows of a minute; three of them without a reading."""
    figures = []
    for place in range(int(6 * minutes) - 5):
        start, wave = 10.0 * place, float(np.sin(place / 9))
        lost = 10 <= start / 60 < 13
        rate, level = (None, None) if lost else (70 + 8 * wave, 2.5 + 0.5 * wave)
        quality = 0.1 if lost else 0.75 + 0.2 * wave
        figures.append(Figure(start, start + 60, "BVP", "heart_rate", "1/min", rate, quality))
        if skin:
            figures.append(Figure(start, start + 60, "EDA", "skin_level", "uS", level, quality))
    return RecordedBody(at(index), 60 * minutes, figures)


def person_with_body(many: int = 84) -> Material:
    """Somebody who wears a wristband, on all days but some."""
    person = usual_person() if many == 84 else material(many, days(many, missing=0))
    frame = person.days.copy()
    wave = np.sin(np.arange(len(frame)) / 5)
    for name, values, wide in (
        ("resting_heart_rate", 62 + 3 * wave, 1.5),
        ("body_arousal", 0.3 + 0.1 * wave, 0.05),
    ):
        known = np.where(np.arange(len(frame)) % 11 == 5, np.nan, values) if many > 1 else values
        frame[name], frame[f"{name}_low"], frame[f"{name}_high"] = known, known - wide, known + wide
    bodies = [body(many - 2), body(many - 1, 90, skin=False)] if many > 1 else [body(0)]
    return replace(person, days=frame, bodies=bodies, more_bodies=3 if many > 1 else 0)


@cache
def usual_person(kind: SourceKind = "browser") -> Material:
    """Twelve weeks, flatter from the seventh on, as most reports are."""
    told = [
        Told("light", "The light was 18 % lower than usual since 9 June; figures since then are less sure."),
        Told(
            "change",
            "The face has moved less than it usually does since about 12 June. Since 12 June (10 to 15 June):"
            " flatness +1.4 SD of own days, 90 % interval 0.8 to 2.0; coverage 71 %. A change of season"
            " would look the same: the baseline covers less than a year.",
        ),
    ]
    reports = [report(index, "mood", 6 - (index > 42) * 2 + index % 3) for index in range(0, 84, 3)]
    reports += [phq9(index, others=1 + (index > 40)) for index in range(5, 84, 14)]
    reports += [report(index, "gad7", 6 + index // 20, [1] * 6 + [index // 20]) for index in range(6, 84, 28)]
    annotations = [
        mark(3, "Sertraline 50 mg", "medication", 40),
        mark(41, "Sertraline 100 mg", "medication", 83),
        mark(37, "Quarrel at work"),
        mark(50, "Move to a new flat, another room and another lamp"),
        mark(20, "Slept badly for three nights.", "note"),
        mark(55, "Came late; said that talking was an effort. Agreed on a walk each morning.", "note"),
    ]
    return material(
        84, days(84, flat_from=42), kind=kind, reports=sorted(reports, key=lambda each: each.at),
        annotations=annotations, found=told, usual=ALL_USUAL,
        verdict="By chance alone, a change is reported about once in 365 days.",
    )  # fmt: skip


@cache
def fullest_person() -> Material:
    """A year, with more of everything than a page can hold."""
    texts = (
        "Die Patientin berichtet über Schlafstörungen, Appetitlosigkeit und Grübeln, besonders gegen Morgen. "
        * 6,
        "Пациентка сообщает о бессоннице, потере аппетита и постоянной тревоге по утрам. " * 6,
        "المريضة تشكو من الأرق وفقدان الشهية والقلق المستمر في الصباح. " * 6,
        "החולה מתלוננת על נדודי שינה וחוסר תיאבון. " * 6,
        "Wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww" * 8,
    )
    annotations = [mark(index * 9, texts[index % 5], "note") for index in range(40)]
    annotations += [mark(index * 1.2, f"Event {index}: {texts[index % 5]}") for index in range(300)]
    annotations += [mark(index * 7, f"Medicine {index}", "medication", index * 7 + 6) for index in range(52)]
    reports = [report(index, "mood", index % 11, note=texts[index % 5]) for index in range(365)]
    reports += [phq9(index, ninth=index % 4, others=index % 4) for index in range(0, 365, 7)]
    reports += [report(index, "gad7", index % 22) for index in range(0, 365, 7)]
    reports += [report(index, f"Another scale {index} " + "long" * 9, 12.5) for index in range(12)]
    told = [
        Told("light", f"Light finding {index}: the light was lower than usual. " * 3) for index in range(8)
    ]
    told += [
        Told("change", f"Change {index}: less expressive than usual since 3 May. " * 3) for index in range(12)
    ]
    told.append(Told("change", "Fewer smiles than usual", advice="Ward 3 is open day and night. " * 6))
    return material(
        365, days(365), reports=sorted(reports, key=lambda each: each.at),
        annotations=sorted(annotations, key=lambda each: each.at), found=told, usual=ALL_USUAL,
        texts=TEXTS | {"phq9_safety": "Tell somebody now. " * 60},
    )  # fmt: skip
