"""What the API tells of a record: days and times are those of the server's clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.moments import parse_moment
from mien.record import scales
from mien.record.origin import is_simulated, origin_words, too_rarely
from mien.store.scales import SCALES as KNOWN
from mien.store.scales import known, near
from mien.store.validation import FIRST_YEAR, LAST_YEAR
from mien.web.api.record_models import (
    AnnotationOut,
    ConsentOut,
    CourseOut,
    DaysOut,
    EventOut,
    MeasureOut,
    RecordingOut,
    ScaleOut,
    SelfReportOut,
    SeriesOut,
    SubjectOut,
)

if TYPE_CHECKING:
    import pandas as pd

    from mien.mood.estimate import Measure
    from mien.mood.series import Series
    from mien.signals.types import Figure
    from mien.store.types import Annotation, Consent, Event, SelfReport, StoredRecording, Subject

DIGITS: Final = 5
"""Significant digits of what is drawn."""

_MOMENT: Final = timedelta(seconds=1)
_FEWEST_ROWS: Final = 3
"""Rows that a point of a thinned series stands for, so that a frame that comes late makes no gap."""


def local(at: datetime) -> str:
    """Return a moment as the server's clock shows it: "2026-05-01T09:30"."""
    return at.astimezone().strftime("%Y-%m-%dT%H:%M")


def moment(text: str) -> datetime:
    """Return the moment at which the server's clock shows a text; with a zone, that moment.

    Raises:
        ValueError: it is no time, or far away, or the clock never showed it, or twice.
        OverflowError: it is further away than a calendar reaches.
    """
    at = parse_moment(text).astimezone()
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}, received {at.year}")
    return at


def consent_view(consents: Sequence[Consent], now: datetime) -> ConsentOut:
    """Describe a subject's consent: valid, withdrawn, expired or none; and what was agreed."""
    valid = [each for each in consents if any(each.covers(signal, now) for signal in each.signals)]
    chosen = max(valid or consents, key=lambda each: each.given_at, default=None)
    if chosen is None:
        return ConsentOut(state="none")
    ended = "withdrawn" if chosen.withdrawn_at is not None and chosen.withdrawn_at <= now else "expired"
    return ConsentOut(
        state="valid" if valid else ended,
        given_by=chosen.given_by,
        purpose=chosen.purpose,
        signals=chosen.signals,
        given=local(chosen.given_at),
        last_day=local(chosen.valid_until - _MOMENT)[:10] if chosen.valid_until else None,
        withdrawn=local(chosen.withdrawn_at) if chosen.withdrawn_at else None,
    )


def subject_view(
    subject: Subject, consents: Sequence[Consent], recordings: Sequence[StoredRecording], now: datetime
) -> SubjectOut:
    """Describe who a subject is, and how much there is of it."""
    return SubjectOut(
        code=subject.code,
        birth_year=subject.birth_year,
        notes=subject.notes,
        retention_days=subject.retention_days,
        consent=consent_view(consents, now),
        recordings=len(recordings),
        days=len({each.day for each in recordings}),
        last_recording=max((each.day.isoformat() for each in recordings), default=None),
        simulated=is_simulated(recordings),
        recording_now=any(each.state == "open" for each in recordings),
    )


def recording_view(recording: StoredRecording) -> RecordingOut:
    """Describe a recording in short; its times are those of where it was made."""
    return RecordingOut(
        id=recording.id,
        kind=recording.kind,
        source=recording.source,
        origin=origin_words(recording),
        day=recording.day.isoformat(),
        time=recording.started_at.strftime("%H:%M"),
        length_s=recording.length_s,
        coverage=recording.coverage,
        state=recording.state,
        too_rarely=too_rarely(recording),
    )


def annotation_view(annotation: Annotation, recording: StoredRecording | None = None) -> AnnotationOut:
    """Describe a mark; beside its recording, also how many seconds after its start it stands."""

    def since_start_s(at: datetime | None) -> float | None:
        return (at - recording.started_at).total_seconds() if recording and at else None

    return AnnotationOut(
        id=annotation.id,
        kind=annotation.kind,
        at=local(annotation.at),
        day=local(annotation.at)[:10],
        until=local(annotation.until) if annotation.until else None,
        text=annotation.text,
        recording=annotation.recording_id,
        from_s=since_start_s(annotation.at),
        to_s=since_start_s(annotation.until),
    )


def self_report_view(report: SelfReport) -> SelfReportOut:
    """Describe a self-report, whether the safety text belongs beside it, and what a mistyped name meant."""
    mistyped = report.scale not in KNOWN and report.lowest is None
    meant = (known(report.scale) or near(report.scale)) if mistyped else None
    return SelfReportOut(
        id=report.id,
        at=local(report.at),
        day=local(report.at)[:10],
        scale=report.scale,
        title=scales.title_of(report.scale),
        total=report.total,
        prorated=scales.prorated(report),
        told=scales.told_total(report),
        items=report.items,
        difficulty=report.difficulty,
        note=report.note,
        safety=scales.needs_safety_text(report),
        ninth=scales.ninth_answer(report),
        ninth_text=scales.NINTH_UNKNOWN if scales.ninth_is_unknown(report) else None,
        meant=meant.name if meant else None,
    )


def scale_view(name: str) -> ScaleOut:
    """Describe a scale: what may be answered, and its words by language."""
    scale = scales.QUESTIONNAIRES[name]
    return ScaleOut(
        name=name,
        title=scale.title,
        lowest=scale.lowest,
        highest=scale.highest,
        recall_days=scale.recall_days,
        languages={each: scales.in_language(name, each) for each in scales.LANGUAGES},
    )


def days_view(
    days: pd.DataFrame, measures: Mapping[str, Measure], apart: Mapping[date, str] | None = None
) -> DaysOut:
    """Return a subject's days for drawing: one row a day with a recording, each column a list.

    Args:
        days: as `record.days.days` gives them.
        measures: what each figure is; those without a single value are left out. They come in the order of
            their groups.
        apart: the days that can't be compared with the others, and why.
    """
    from mien.mood.definitions import GROUPS

    grouped = [(group, name, words) for group in GROUPS for name, words in group.meanings.items()]
    known = [each for each in grouped if each[1] in measures and _has_figures(days, each[1])]
    plain = [name for name in ("minutes", "usable_minutes", "recordings") if name in days.columns]
    return DaysOut(
        days=[str(each)[:10] for each in days.index],
        **{name: numbers(days[name]) for name in plain},
        apart=[(apart or {}).get(date.fromisoformat(str(each)[:10])) for each in days.index],
        measures=[_measure_view(days, measures[name], group.title, words) for group, name, words in known],
    )


def _measure_view(days: pd.DataFrame, measure: Measure, group: str, meaning: str) -> MeasureOut:
    from mien.mood.definitions import unit_words

    name = measure.name
    return MeasureOut(
        name=name,
        title=measure.title,
        group=group,
        meaning=meaning,
        unit=measure.unit,
        unit_words=unit_words(measure),
        definition=measure.definition,
        independent=measure.independent,
        value=numbers(days[name]),
        low=numbers(days.get(f"{name}_low", days[name])),
        high=numbers(days.get(f"{name}_high", days[name])),
    )


def _has_figures(days: pd.DataFrame, name: str) -> bool:
    return name in days.columns and bool(days[name].notna().any())


def numbers(values: Iterable[Any]) -> list[float | None]:
    """Return numbers for JSON: None for what isn't known."""
    return [_number(float(value)) if value is not None else None for value in values]


def _number(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def series_view(series: Series, start_s: float, end_s: float, points: int) -> SeriesOut:
    """Thin a recording's readings for drawing: means over steps of equal length, None where nothing was read.

    Args:
        series: of the whole recording, or at least of the asked part.
        start_s: where the part begins, in seconds from the recording's start.
        end_s: where it ends.
        points: how many steps at most; fewer where there are few readings.

    Returns:
        `time_s` the middle of each step; `probabilities` n rows of 8, `valence`, `arousal`, `read` the share
        of the step's frames with a usable reading, 0 to 1.
    """
    count = _steps(series, start_s, end_s, points)
    step_s = (end_s - start_s) / count
    place = np.floor((series.time_s - start_s) / step_s).astype(np.int64)
    last = (place == count) & (series.time_s <= end_s)
    place = np.where(last, count - 1, place)
    within = (place >= 0) & (place < count)
    seen = within & ~np.isnan(series.probabilities[:, 0])
    frames = np.bincount(place[within], minlength=count)
    usable = np.bincount(place[within & series.usable], minlength=count)
    shares = np.column_stack([_means(place, seen, column, count) for column in series.probabilities.T])
    return SeriesOut(
        start_s=start_s,
        end_s=end_s,
        step_s=step_s,
        labels=EMOTIONS,
        time_s=np.round(start_s + (np.arange(count) + 0.5) * step_s, 3).tolist(),
        probabilities=[row if row[0] is not None else None for row in map(_short, shares)],
        valence=_short(_means(place, seen, series.valence, count)),
        arousal=_short(_means(place, seen, series.arousal, count)),
        read=_short(np.divide(usable, frames, out=np.full(count, np.nan), where=frames > 0)),
    )


def _steps(series: Series, start_s: float, end_s: float, points: int) -> int:
    rows = int(((series.time_s >= start_s) & (series.time_s <= end_s)).sum())
    return max(1, min(points, rows // _FEWEST_ROWS))


def _means(
    place: NDArray[np.int64], chosen: NDArray[np.bool_], values: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    known = chosen & ~np.isnan(values)
    total = np.bincount(place[known], weights=values[known], minlength=count)
    rows = np.bincount(place[known], minlength=count)
    means: NDArray[np.float64] = np.divide(total, rows, out=np.full(count, np.nan), where=rows > 0)
    return means


def _short(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else value for value in np.round(values, 4).tolist()]


def course_views(figures: Sequence[Figure]) -> list[CourseOut]:
    """Arrange figures of a body as courses, one for each measure of each signal; with arousal if known."""
    courses: dict[tuple[str, str, str], list[Figure]] = {}
    for each in (*figures, *_aroused(figures)):
        courses.setdefault((each.signal, each.measure, each.unit), []).append(each)
    return [
        CourseOut(
            signal=signal,
            measure=measure,
            unit=unit,
            start_s=[round(each.start_s, 3) for each in those],
            end_s=[round(each.end_s, 3) for each in those],
            value=numbers(each.value for each in those),
            quality=[round(each.quality, 3) for each in those],
        )
        for (signal, measure, unit), those in courses.items()
    ]


def _aroused(figures: Sequence[Figure]) -> list[Figure]:
    """Return the index of arousal as figures; it needs pulse and skin."""
    if not {"heart_rate", "skin_level"} <= {each.measure for each in figures}:
        return []
    # They load SciPy, for which a recording without sensors does not wait.
    from mien.signals.arousal import since_opening
    from mien.signals.types import Figure

    return [
        Figure(start, end, "body", "arousal", "", index.value, 1 - index.high + index.low)
        for (start, end), index in since_opening(figures).items()
    ]


def event_view(event: Event) -> EventOut:
    """Describe something found in a recording."""
    return EventOut(
        kind=event.kind,
        label=event.label,
        onset_s=round(event.onset_s, 3),
        apex_s=round(event.apex_s, 3),
        offset_s=round(event.offset_s, 3),
        peak=round(event.peak, 4),
    )
