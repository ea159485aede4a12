"""The record's part of the API under `/api/v1`: subjects, their days, recordings, marks and self-reports."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response

from mien.errors import MissingError, StoreError
from mien.expression.seldom import seldom_words
from mien.moments import AmbiguousMomentError
from mien.mood.reading_rate import pauses_s, read_too_rarely
from mien.record import scales
from mien.record.origin import too_rarely
from mien.store.scales import SCALES
from mien.store.types import FALSE_ALARM_DAYS
from mien.store.validation import FIRST_YEAR, LAST_YEAR
from mien.web.answers import Answer
from mien.web.api import views
from mien.web.api.fields import Code, Number, Seconds
from mien.web.api.figures import add_downloads, add_figures
from mien.web.api.record_models import (
    AddedSelfReport,
    AnnotationOut,
    ConsentOut,
    CourseOut,
    Pulse,
    RecordingOut,
    RecordingPage,
    ScaleOut,
    SubjectList,
    SubjectOut,
    SubjectPage,
)
from mien.web.api.record_requests import MeantScale, NewAnnotation, NewConsent, NewSelfReport, NewSubject
from mien.web.api.users import add_admin
from mien.web.security.access import Clinician, Reader, Records, Visitor, visitor

if TYPE_CHECKING:
    from mien.mood.series import Series
    from mien.store.types import Consent, SelfReport, StoredRecording, Subject

MOST_POINTS: Final = 2000
"""Points of a recording that a screen has room for."""

SHORTEST_S: Final = 0.001
"""Of a part of a recording that is asked for; no camera is faster."""

SIMULATED: Final = "SIMULATED-1"
"""The code of the person that the page makes up, as `mien demo` does."""

SAFETY: Final = "phq9_safety"
CRISIS: Final = "crisis"


def add_to(api: FastAPI, records: Records) -> None:
    """Add the record's routes to the API.

    Args:
        api: of the page.
        records: the store; its owner closes it.
    """
    api.state.records = records
    api.add_exception_handler(StoreError, _explain)
    router = APIRouter(tags=["record"])
    _add_subjects(router)
    _add_consents(router)
    _add_marks(router)
    _add_self_reports(router)
    _add_recordings(router)
    add_figures(router)
    add_downloads(router)
    add_admin(router)
    api.include_router(router)


async def _explain(request: Request, error: Exception) -> Response:
    """Answer with what the store refused, in its own words."""
    return Answer({"detail": str(error)}, 404 if isinstance(error, MissingError) else 409)


def _add_subjects(router: APIRouter) -> None:
    @router.get("/subjects")
    def subjects(who: Annotated[Visitor, Depends(visitor)]) -> SubjectList:
        """List the subjects that are yours to see, with consent, last recording and number of days."""
        with who.store.reading():
            seen = [_about(who, subject) for subject in who.subjects()]
        return SubjectList(
            store=who.store.where if who.role != "self" else None,
            role=who.role,
            name=who.user.name if who.user else None,
            subjects=seen,
        )

    @router.post("/subjects", status_code=201)
    def add(wanted: NewSubject, who: Clinician) -> SubjectOut:
        """Add a subject, under a code that tells nobody who it is."""
        subject = who.store.subjects.add(wanted.code, birth_year=wanted.birth_year, notes=wanted.notes)
        return _about(who, subject)

    @router.post("/simulated", status_code=201)
    def simulate(who: Clinician) -> SubjectOut:
        """Make up a person of twelve weeks to look at; everything of theirs is marked as simulated."""
        from mien.record.simulated import write_demonstration

        return _about(who, write_demonstration(who.store, SIMULATED))

    @router.get("/subjects/{code}")
    def subject(code: Code, who: Reader) -> SubjectPage:
        """Describe a subject: consent, marks, self-reports, the texts and limits that are set."""
        found = who.subject(code)
        with who.store.reading():
            return SubjectPage(
                **dict(_about(who, found)),
                marks=[views.annotation_view(each) for each in who.store.annotations.of(found)],
                self_reports=[views.self_report_view(each) for each in who.store.self_reports.of(found)],
                safety_text=who.store.texts.get(SAFETY),
                crisis_text=who.store.texts.get(CRISIS),
                false_alarm_days=who.store.texts.setting(FALSE_ALARM_DAYS),
                may_choose_alarms=who.sees_all,
                pulse=_pulse(who, found),
            )

    @router.get("/subjects/{code}/pulse")
    def pulse(code: Code, who: Reader) -> Pulse:
        """Return a word that changes when there is something new; 404 once the subject is erased."""
        return Pulse(pulse=_pulse(who, who.subject(code)))


def _about(who: Visitor, subject: Subject) -> SubjectOut:
    store = who.store
    return views.subject_view(subject, store.consents.of(subject), store.recordings.of(subject), store.now())


def _pulse(who: Visitor, subject: Subject) -> str:
    recordings = who.store.recordings.of(subject)
    newest = recordings[-1] if recordings else None
    return f"{len(recordings)} {newest.id} {newest.state}" if newest else "0"


def _add_consents(router: APIRouter) -> None:
    @router.post("/subjects/{code}/consents", status_code=201)
    def give(code: Code, wanted: NewConsent, who: Reader) -> ConsentOut:
        """Record a consent: who agrees, what for, to what, until when."""
        subject = who.subject(code)
        until = None
        if wanted.last_day is not None:
            # The first moment of the day after, by the server's clock.
            until = datetime.combine(wanted.last_day + timedelta(days=1), time()).astimezone()
        given: Consent = who.store.consents.give(
            subject,
            given_by=wanted.given_by,
            purpose=wanted.purpose,
            signals=tuple(wanted.signals),
            valid_until=until,
        )
        return views.consent_view([given], who.store.now())

    @router.delete("/subjects/{code}/consents")
    def withdraw(code: Code, who: Reader) -> ConsentOut:
        """Withdraw all consent: nothing is recorded from now on; what was recorded stays."""
        subject = who.subject(code)
        who.store.consents.withdraw(subject)
        return views.consent_view(who.store.consents.of(subject), who.store.now())


def _add_marks(router: APIRouter) -> None:
    @router.post("/subjects/{code}/annotations", status_code=201)
    def add(code: Code, wanted: NewAnnotation, who: Reader) -> AnnotationOut:
        """Set a mark beside the record: an event, a medicine, a note; at a time, or within a recording."""
        subject = who.subject(code)
        recording = _recording_of(who, subject, wanted.recording) if wanted.recording is not None else None
        at, until = _span(wanted, recording, who.store.now())
        mark = who.store.annotations.add(
            subject,
            wanted.kind,
            wanted.text,
            at=at,
            until=until,
            recording_id=recording.id if recording else None,
        )
        return views.annotation_view(mark, recording)

    @router.delete("/subjects/{code}/annotations/{number}", status_code=204)
    def remove(code: Code, number: Number, who: Reader) -> None:
        """Take a mark away."""
        who.store.annotations.remove(who.subject(code), number)


def _span(
    wanted: NewAnnotation, recording: StoredRecording | None, now: datetime
) -> tuple[datetime, datetime | None]:
    """Return when a mark begins and ends."""
    if recording is not None and wanted.from_s is not None:
        start = recording.started_at
        until = None if wanted.to_s is None else start + timedelta(seconds=wanted.to_s)
        return start + timedelta(seconds=wanted.from_s), until
    return asked_moment(wanted.at) or now, asked_moment(wanted.until)


def asked_moment(text: str | None) -> datetime | None:
    """Return the moment that a request names; None where it names none.

    Raises:
        HTTPException: 422, it is none, or can't be.
    """
    try:
        return views.moment(text) if text else None
    except AmbiguousMomentError as error:
        raise HTTPException(422, str(error)) from None
    except (ValueError, OverflowError):
        detail = (
            f"expected a time as in 2026-05-01T09:30, from {FIRST_YEAR} to {LAST_YEAR}, received {text!r}"
        )
        raise HTTPException(422, detail) from None


def _add_self_reports(router: APIRouter) -> None:
    @router.get("/scales")
    def known_scales(who: Annotated[Visitor, Depends(visitor)]) -> list[ScaleOut]:
        """Return the scales that are known: what may be answered, and their words by language."""
        return [views.scale_view(name) for name in SCALES]

    @router.post("/subjects/{code}/self-reports", status_code=201)
    def add(code: Code, wanted: NewSelfReport, who: Reader) -> AddedSelfReport:
        """Keep what a subject says of themselves; with the safety text where it belongs beside it."""
        report = who.store.self_reports.add(
            who.subject(code),
            wanted.scale,
            items=None if wanted.items is None else tuple(wanted.items),
            total=wanted.total,
            at=asked_moment(wanted.at),
            note=wanted.note,
            difficulty=wanted.difficulty,
            limits=wanted.other_scale,
        )
        return _told(who, report, at_once=scales.may_be_the_ninth(report, wanted.items))

    @router.post("/subjects/{code}/self-reports/{number}/scale")
    def repair(code: Code, number: Number, wanted: MeantScale, who: Reader) -> AddedSelfReport:
        """Put a self-report whose scale's name was mistyped under the scale that was meant."""
        subject = who.subject(code)
        return _told(
            who, who.store.self_reports.repair(subject, number, wanted.scale, limits=wanted.other_scale)
        )

    @router.delete("/subjects/{code}/self-reports/{number}", status_code=204)
    def remove(code: Code, number: Number, who: Reader) -> None:
        """Take a self-report away."""
        who.store.self_reports.remove(who.subject(code), number)


def _told(who: Visitor, report: SelfReport, *, at_once: bool = False) -> AddedSelfReport:
    """Describe a self-report, with the safety text where it is due; `at_once` also where it may be."""
    view = views.self_report_view(report)
    text = who.store.texts.get(SAFETY) if view.safety or at_once else None
    return AddedSelfReport(**dict(view), safety_text=text)


def _add_recordings(router: APIRouter) -> None:
    @router.get("/subjects/{code}/recordings")
    def recordings(code: Code, who: Reader) -> dict[str, list[RecordingOut]]:
        """List a subject's recordings by their days."""
        kept = who.store.recordings.of(who.subject(code))
        by_day = groupby(sorted(kept, key=lambda each: each.day), key=lambda each: each.day.isoformat())
        return {day: [views.recording_view(each) for each in those] for day, those in by_day}

    @router.get("/subjects/{code}/recordings/{number}")
    def recording(
        code: Code,
        number: Number,
        who: Reader,
        start_s: Seconds = 0.0,
        end_s: Seconds | None = None,
        points: Annotated[int, Query(ge=10, le=MOST_POINTS)] = 1000,
    ) -> RecordingPage:
        """Return a recording, or a part of it, thinned for drawing; with its episodes, smiles and marks."""
        from mien.record.finalize import load_series

        subject = who.subject(code)
        found = _recording_of(who, subject, number)
        series = load_series(who.store, found.id)
        last_s = max(found.length_s, float(series.time_s[-1]) if len(series) else 0.0, 1.0)
        end_s = min(last_s if end_s is None else end_s, last_s)
        if start_s + SHORTEST_S > end_s:
            raise HTTPException(
                422, f"expected a part of 0 to {last_s:g} s, received one from {start_s:g} to {end_s:g} s"
            )
        marks = [each for each in who.store.annotations.of(subject) if each.recording_id == found.id]
        about = {"length_s": last_s, "too_rarely": _too_rarely(found, series)}
        return RecordingPage(
            **dict(views.recording_view(found)) | about,
            frames=found.frames,
            version=found.version,
            models=found.models,
            seldom_found=seldom_words(found.recall),
            series=views.series_view(series, start_s, end_s, points),
            events=[views.event_view(each) for each in who.store.readings.events(found.id)],
            marks=[views.annotation_view(each, found) for each in marks],
        )

    @router.get("/subjects/{code}/recordings/{number}/signals")
    def signals(code: Code, number: Number, who: Reader) -> list[CourseOut]:
        """Return what the body's sensors said beside a recording, by its clock: figures, never waves."""
        found = _recording_of(who, who.subject(code), number)
        return views.course_views(who.store.signals.of(found.id))

    @router.delete("/subjects/{code}/recordings/{number}", status_code=204)
    def remove(code: Code, number: Number, who: Reader) -> None:
        """Erase one recording with its readings and the marks on it; nothing brings it back."""
        who.store.remove_recording(who.subject(code), number)


def _too_rarely(recording: StoredRecording, series: Series) -> str:
    """Return that a recording was read too rarely; its readings tell of the pauses too."""
    if recording.state == "open" or recording.kind == "photograph" or not len(series):
        return too_rarely(recording)
    length_s = float(series.time_s[-1] - series.time_s[0])
    return read_too_rarely(len(series), length_s, pauses_s(series.time_s))


def _recording_of(who: Visitor, subject: Subject, number: int) -> StoredRecording:
    try:
        found = who.store.recordings.get(number)
    except StoreError:
        found = None
    if found is None or found.subject_id != subject.id:
        raise HTTPException(404, "there is no such recording")
    return found
