"""What the record's part of the API returns, as its description (OpenAPI) says it.

Days and times are those of the server's clock, as texts: "2026-05-01", "2026-05-01T09:30".
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from mien.record.scales import Questionnaire
from mien.store.types import AnnotationKind, EventKind, RecordingState, Role, SourceKind
from mien.web.api.models import Share


class ConsentOut(BaseModel):
    """How it stands with a subject's consent, and what was agreed; null where there never was one."""

    state: Literal["none", "valid", "withdrawn", "expired"]
    given_by: str | None = None
    purpose: str | None = None
    signals: tuple[str, ...] | None = None
    given: str | None = None
    last_day: str | None = None
    withdrawn: str | None = None


class SubjectOut(BaseModel):
    """Who a subject is, and how much there is of it."""

    code: str
    birth_year: int | None
    notes: str
    retention_days: int | None
    consent: ConsentOut
    recordings: int
    days: int = Field(description="How many days have a recording.")
    last_recording: str | None
    simulated: bool
    recording_now: bool


class SubjectList(BaseModel):
    """The subjects that are yours to see, and who you are."""

    store: str | None = Field(description="Where the record lies; null for the role self.")
    role: Literal["everyone", "admin", "clinician", "self"]
    name: str | None
    subjects: list[SubjectOut]


class AnnotationOut(BaseModel):
    """A mark; beside its recording also how many seconds after its start it stands."""

    id: int
    kind: AnnotationKind
    at: str
    day: str
    until: str | None
    text: str
    recording: int | None
    from_s: float | None = None
    to_s: float | None = None


class SelfReportOut(BaseModel):
    """A self-report, whether the safety text belongs beside it, and what a mistyped name meant."""

    id: int
    at: str
    day: str
    scale: str
    title: str
    total: float | None
    prorated: float | None
    told: str
    items: tuple[int | None, ...] | None
    difficulty: int | None
    note: str
    safety: bool
    ninth: int | None
    ninth_text: str | None
    meant: str | None


class AddedSelfReport(SelfReportOut):
    """The same, with the text that is due at once."""

    safety_text: str | None


class SubjectPage(SubjectOut):
    """A subject with marks, self-reports, and the texts and limits that are set."""

    marks: list[AnnotationOut]
    self_reports: list[SelfReportOut]
    safety_text: str
    crisis_text: str
    false_alarm_days: int | None
    may_choose_alarms: bool
    pulse: str


class Pulse(BaseModel):
    """A word that changes when there is something new."""

    pulse: str


class ScaleOut(BaseModel):
    """A scale: what may be answered, and its words by language."""

    name: str
    title: str
    lowest: int
    highest: int
    recall_days: int
    languages: dict[str, Questionnaire]


class RecordingOut(BaseModel):
    """A recording in short; its times are those of where it was made."""

    id: int
    kind: SourceKind
    source: str
    origin: str
    day: str
    time: str
    length_s: float
    coverage: float | None
    state: RecordingState
    too_rarely: str


class CourseOut(BaseModel):
    """One measure of one signal of the body, window by window; null where there is no reading."""

    signal: str
    measure: str
    unit: str
    start_s: list[float]
    end_s: list[float]
    value: list[float | None]
    quality: list[Share]


class SeriesOut(BaseModel):
    """Readings thinned for drawing: means over steps of equal length, null where nothing was read."""

    start_s: float
    end_s: float
    step_s: float
    labels: tuple[str, ...]
    time_s: list[float] = Field(description="The middle of each step.")
    probabilities: list[list[float | None] | None]
    valence: list[float | None]
    arousal: list[float | None]
    read: list[float | None] = Field(description="Share of the step's frames with a usable reading.")


class EventOut(BaseModel):
    """Something found in a recording."""

    kind: EventKind
    label: str
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float


class RecordingPage(RecordingOut):
    """A recording, or a part of it, for drawing; with all its episodes, smiles and marks."""

    frames: int
    version: str
    models: dict[str, Any]
    seldom_found: str
    series: SeriesOut
    events: list[EventOut]
    marks: list[AnnotationOut]


class MeasureOut(BaseModel):
    """A figure of each day, with its interval."""

    name: str
    title: str
    group: str
    meaning: str
    unit: str
    unit_words: str
    definition: str
    independent: bool
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


class DaysOut(BaseModel):
    """A subject's days with a recording: each column a list as long as `days`."""

    days: list[str]
    minutes: list[float | None] = []
    usable_minutes: list[float | None] = []
    recordings: list[float | None] = []
    apart: list[str | None] = Field(description="Why a day can't be compared with the others.")
    measures: list[MeasureOut]


class BaselineOut(BaseModel):
    """What is usual for a subject, in words; or why that can't be said yet."""

    taken: bool
    start: str | None
    end: str | None
    words: str


class FindingOut(BaseModel):
    """Something that has changed, or that stands in the way of saying so."""

    kind: str
    text: str
    advice: str
    over: bool


class AlarmOut(BaseModel):
    """A chart's alarm; `direction` is 1 for higher than usual, -1 for lower."""

    day: str
    since: str
    over: str | None
    direction: int


class ChartOut(BaseModel):
    """A chart of one measure."""

    kind: Literal["cusum", "ewma"]
    days: list[str]
    statistic: list[float | None]
    limit: float
    false_alarm_days: float
    doubt: str
    alarms: list[AlarmOut]


class ChangesOut(BaseModel):
    """What has changed, in words; the baseline; and the charts of one measure."""

    measure: str
    false_alarm_days: int | None
    findings: list[FindingOut]
    baseline: BaselineOut
    usual: list[float | None] | None
    charts: list[ChartOut]


class UserOut(BaseModel):
    """Somebody who may log in."""

    name: str
    role: Role
    subject: str | None


class WriterStatus(BaseModel):
    """How it goes with writing a recording; `record.writer` says what each means."""

    subject: str
    recording: int
    uuid: str
    source: str
    state: str
    track: int | None
    length_s: float
    frames: int
    with_subject: int
    others: int
    stored: int
    lost: int
    trouble: str | None
    stopped: str | None
    figures: dict[str, float | None]
    too_rarely: str
    signals: list[str]
    signals_refused: str


class RecordingNow(BaseModel):
    """That something is recorded; of whom and from where only to those who may see the subject."""

    active: bool
    source: str | None = None
    origin: str | None = None
    subject: str | None = None
    refused: str | None = None
    status: WriterStatus | None = None


class RecordingNowOut(BaseModel):
    """What is being recorded; null for nothing."""

    recording: RecordingNow | None
