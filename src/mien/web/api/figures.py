"""The figures of a subject for the page: days, what has changed, charts; loaded when they are asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Response
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from mien.store.types import FALSE_ALARM_DAYS
from mien.web.answers import file_of
from mien.web.api import views
from mien.web.api.fields import Code, Day
from mien.web.api.record_models import AlarmOut, BaselineOut, ChangesOut, ChartOut, DaysOut, FindingOut
from mien.web.api.record_requests import FalseAlarms, Stretch
from mien.web.security.access import Clinician, Reader
from mien.wording import count

if TYPE_CHECKING:
    import pandas as pd

    from mien.mood.baseline import Baseline, NotReady
    from mien.mood.change.charts import Chart
    from mien.store.store import Store
    from mien.store.types import Subject


def add_figures(router: APIRouter) -> None:
    """Add the routes for days, changes and the baseline."""

    @router.get("/subjects/{code}/days")
    def subject_days(code: Code, who: Reader) -> DaysOut:
        """Return a subject's days for drawing: one row a day with a recording, with intervals."""
        from mien.mood.change.conditions import days_apart
        from mien.mood.definitions import MEASURES
        from mien.record.baseline import standing

        subject = who.subject(code)
        table = _days(who.store, subject)
        apart = days_apart(table, standing(who.store, subject))
        return views.days_view(table, MEASURES, apart)

    @router.get("/subjects/{code}/changes")
    def subject_changes(
        code: Code, who: Reader, measure: Annotated[str, Query(max_length=64)] = "valence_mean"
    ) -> ChangesOut:
        """Return in words what has changed, against which baseline; with the charts of a measure."""
        return changes_view(who.store, who.subject(code), measure)

    @router.post("/subjects/{code}/baseline", status_code=201)
    def take_baseline(code: Code, wanted: Stretch, who: Reader) -> BaselineOut:
        """Take some days as what is usual for the subject, from now on."""
        from mien.record import baseline

        return _baseline_view(baseline.take(who.store, who.subject(code), start=wanted.start, end=wanted.end))

    @router.post("/false-alarms")
    def choose(wanted: FalseAlarms, who: Clinician) -> FalseAlarms:
        """Choose how seldom a false alarm may come; without a choice there is no alarm at all."""
        from mien.record.changes import choose_false_alarms

        choose_false_alarms(who.store, wanted.days)
        return wanted


def add_downloads(router: APIRouter) -> None:
    """Add the routes for the report and for everything at once."""

    @router.get(
        "/subjects/{code}/report.{form}",
        response_class=Response,
        responses=file_of("application/pdf", "text/html"),
    )
    def report(
        code: Code,
        form: Literal["pdf", "html"],
        who: Reader,
        long: bool = False,
        starting_point: Day | None = None,
    ) -> Response:
        """Return the report to read together: one page, or a long one for research."""
        from mien.report import content, render_html, render_pdf

        subject = who.subject(code)
        said = content(who.store, subject, long=long, starting_point=starting_point)
        body: str | bytes = render_html(said) if form == "html" else render_pdf(said)
        who.store.audit.log("read", subject, by="report", kind=said.kind, form=form)
        kind = "text/html; charset=utf-8" if form == "html" else "application/pdf"
        return Response(body, media_type=kind, headers=_attachment(f"{code}-report.{form}"))

    @router.get("/subjects/{code}/export.zip", response_class=Response, responses=file_of("application/zip"))
    def export(code: Code, who: Reader) -> Response:
        """Return everything that the record holds of a subject, as one zip of open files."""
        from mien.exchange.exporting import export_record

        who.subject(code)
        folder = tempfile.TemporaryDirectory(prefix="mien-export-")
        try:
            made = export_record(who.store, code, Path(folder.name) / "export.zip")
        except BaseException:
            folder.cleanup()
            raise
        return FileResponse(
            made.path,
            media_type="application/zip",
            headers=_attachment(f"{code}.zip"),
            background=BackgroundTask(folder.cleanup),
        )


def _attachment(name: str) -> dict[str, str]:
    # A code holds nothing that a header could stumble over: the store sees to that.
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def changes_view(store: Store, subject: Subject, measure: str) -> ChangesOut:
    """Return what has changed: findings in words, the baseline, and the charts of one measure.

    Args:
        store: the record.
        subject: whose days.
        measure: whose usual values and charts are wanted; only those that are watched have charts.
    """
    from mien.mood.baseline import NotReady
    from mien.mood.change.monitoring import charts
    from mien.record.baseline import standing
    from mien.record.changes import findings_of

    usual, table = standing(store, subject), _days(store, subject)
    found = findings_of(store, table, usual)
    chosen = store.texts.setting(FALSE_ALARM_DAYS)
    drawn, own = [], None
    if not isinstance(usual, NotReady):
        own = usual.measures.get(measure)
        drawn = charts(table, usual, false_alarm_days=chosen, kinds=("ewma", "cusum"), of=[measure])
    return ChangesOut(
        measure=measure,
        false_alarm_days=chosen,
        findings=[
            FindingOut(kind=each.kind, text=each.text, advice=each.advice, over=each.until is not None)
            for each in found
        ],
        baseline=_baseline_view(usual),
        usual=None if own is None else views.numbers(own.range),
        charts=[_chart_view(each) for each in drawn],
    )


def _days(store: Store, subject: Subject) -> pd.DataFrame:
    from mien.record.baseline import taken
    from mien.record.days import days

    return days(store, subject, baseline=taken(store, subject))


def _chart_view(chart: Chart) -> ChartOut:
    return ChartOut(
        kind=chart.kind,
        days=[each.isoformat() for each in chart.dates],
        statistic=views.numbers(chart.statistic),
        limit=chart.upper,
        false_alarm_days=chart.false_alarm_days,
        doubt=chart.doubt,
        alarms=[
            AlarmOut(
                day=each.date.isoformat(),
                since=each.since.isoformat(),
                over=each.over.isoformat() if each.over else None,
                direction=each.direction,
            )
            for each in chart.alarms
        ],
    )


def _baseline_view(usual: Baseline | NotReady) -> BaselineOut:
    from mien.mood.baseline import NotReady

    if isinstance(usual, NotReady):
        return BaselineOut(taken=False, start=None, end=None, words=_sentence(usual.reason))
    start, end = f"{usual.start.day} {usual.start:%B %Y}", f"{usual.end.day} {usual.end:%B %Y}"
    words = f"Taken from {count(usual.days, 'usable day')} from {start} to {end}, {_long(usual.minutes)}."
    return BaselineOut(
        taken=True,
        start=usual.start.isoformat(),
        end=usual.end.isoformat(),
        words=" ".join(filter(None, [words, _sentence(usual.missing_for_alarms)])),
    )


def _long(minutes: float) -> str:
    return count(round(minutes), "minute") if minutes < 120 else f"{minutes / 60:.1f} hours"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""
